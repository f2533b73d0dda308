//! What a run finds around it: variables and the current folder. Tests inject their own.

use larder::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The environment of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// The current folder; empty where the system does not tell it.
    pub(crate) folder: PathBuf,
    /// The arguments of the program, without its name.
    pub(crate) arguments: Vec<String>,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            folder: std::env::current_dir().unwrap_or_default(),
            arguments: std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect(),
        }
    }

    /// The value of a variable. An empty one counts as not set.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>> {
        match self.variables.get(std::ffi::OsStr::new(name)) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(value) => value.to_str().map(|value| Some(value.to_owned())).ok_or_else(|| {
                Error::new(ErrorKind::Config, format!("the value of {name} is not UTF-8"))
                    .with_help("set it to UTF-8 text, or give the flag instead")
            }),
        }
    }

    /// One of a test's own.
    #[cfg(test)]
    pub(crate) fn new(folder: impl Into<PathBuf>, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, folder: folder.into(), arguments: Vec::new() }
    }
}
