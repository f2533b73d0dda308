//! Where an application's own database lies: in the user's data or configuration folder, unless an environment variable
//! says otherwise.
//!
//! ```
//! # fn main() -> larder::Result<()> {
//! let file = larder::path::data_file("notebook")?; // ~/.local/share/notebook/notebook.db, or $NOTEBOOK_DB
//! # assert!(file.is_absolute());
//! # Ok(())
//! # }
//! ```
//!
//! Nothing is created here; opening a database makes the folders above it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf, absolute};

use etcetera::{BaseStrategy, choose_base_strategy};

use crate::error::{Error, ErrorKind, Result};

/// `path` with `end` behind its name.
pub(crate) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// The database of `app` among the user's data: `<data folder>/<app>/<app>.db`. The same as
/// `AppFile::data(app).path()`; see [`AppFile`] for the folder, the variable that overrides it, and the errors.
pub fn data_file(app: &str) -> Result<PathBuf> {
    AppFile::data(app).path()
}

/// The database of `app` beside its configuration: `<configuration folder>/<app>/<app>.db`. The same as
/// `AppFile::config(app).path()`; see [`AppFile`] for the folder, the variable that overrides it, and the errors.
pub fn config_file(app: &str) -> Result<PathBuf> {
    AppFile::config(app).path()
}

/// An application's own database file, by the application's name.
///
/// The folders are those of the XDG Base Directory Specification, on macOS too, as command-line tools have it:
/// `$XDG_DATA_HOME` (`~/.local/share`) and `$XDG_CONFIG_HOME` (`~/.config`). On Windows both are `%APPDATA%`.
///
/// An environment variable overrides the whole path: `NOTEBOOK_DB` for the application `notebook`, `MY_TOOL_DB` for
/// `my-tool`, or the one given to [`AppFile::variable`]. Its value is a path; a relative one starts at the current
/// folder, `:memory:` is passed on as it is, and an empty value counts as not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppFile {
    app: String,
    folder: Folder,
    variable: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Folder {
    Data,
    Config,
}

impl AppFile {
    /// The file in the user's data folder: for what the application collects.
    pub fn data(app: impl Into<String>) -> Self {
        Self { app: app.into(), folder: Folder::Data, variable: None }
    }

    /// The file in the user's configuration folder: for what the user sets, and would copy to a new machine.
    pub fn config(app: impl Into<String>) -> Self {
        Self { app: app.into(), folder: Folder::Config, variable: None }
    }

    /// Names the environment variable that overrides the path, in place of the one made from the application's name.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>) -> Self {
        self.variable = Some(name.into());
        self
    }

    /// The path, absolute unless it is `:memory:`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the application's name cannot be the name of a folder, when the variable's name
    /// cannot be one or its value is a URL, and when no home folder is known and no variable overrides it.
    pub fn path(&self) -> Result<PathBuf> {
        self.path_in(|name| std::env::var_os(name), standard_folder)
    }

    /// [`AppFile::path`] in a given environment. The override is looked up first, so that it also helps where there is
    /// no home folder.
    fn path_in(
        &self,
        lookup: impl FnOnce(&str) -> Option<OsString>,
        standard: impl FnOnce(Folder) -> Result<PathBuf>,
    ) -> Result<PathBuf> {
        check_app(&self.app)?;
        let variable = match &self.variable {
            Some(name) => check_variable(name)?.to_owned(),
            None => variable_of(&self.app),
        };
        if let Some(value) = lookup(&variable).filter(|value| !value.is_empty()) {
            return overridden(&variable, &value);
        }
        let folder = standard(self.folder).map_err(|error| with_way_out(error, &variable))?;
        // A relative HOME would put the file wherever the program happens to be started.
        if !folder.is_absolute() {
            let found = format!("the user's folder {} is not an absolute path", folder.display());
            return Err(with_way_out(Error::new(ErrorKind::Config, found), &variable));
        }
        Ok(folder.join(&self.app).join(format!("{}.db", self.app)))
    }
}

/// `my-tool` → `MY_TOOL_DB`.
fn variable_of(app: &str) -> String {
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    app.chars().map(upper).chain("_DB".chars()).collect()
}

fn check_app(app: &str) -> Result<()> {
    let found = if app.is_empty() {
        "the application's name is empty".to_owned()
    } else if app == "." || app == ".." || app.contains(['/', '\\', '\0']) {
        format!("the application's name {app:?} cannot be the name of a folder")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Config, found).with_help("give one plain name, such as `notebook`"))
}

fn check_variable(name: &str) -> Result<&str> {
    if name.is_empty() || name.contains(['=', '\0']) {
        let found = format!("{name:?} cannot be the name of an environment variable");
        return Err(Error::new(ErrorKind::Config, found)
            .with_help("use letters, digits and `_`, such as NOTEBOOK_DB"));
    }
    Ok(name)
}

/// The path that the value of `variable` stands for. The value is not repeated in an error: a URL may hold a password.
fn overridden(variable: &str, value: &OsStr) -> Result<PathBuf> {
    if value == ":memory:" {
        return Ok(PathBuf::from(value));
    }
    let is_url =
        |text: &str| text.contains("://") || text.starts_with("sqlite:") || text.starts_with("file:");
    if value.to_str().is_some_and(is_url) {
        let error =
            Error::new(ErrorKind::Config, format!("{variable} holds a URL, where a path is expected"));
        return Err(error.with_help("set it to the path alone, such as /var/lib/notebook/notebook.db"));
    }
    absolute(Path::new(value)).map_err(|cause| {
        Error::new(
            ErrorKind::Config,
            format!("{variable} holds a relative path and the current folder is not known"),
        )
        .with_help("set it to an absolute path")
        .with_cause(cause)
    })
}

fn standard_folder(folder: Folder) -> Result<PathBuf> {
    let user = choose_base_strategy()
        .map_err(|cause| Error::new(ErrorKind::Config, "the user has no home folder").with_cause(cause))?;
    Ok(match folder {
        Folder::Data => user.data_dir(),
        Folder::Config => user.config_dir(),
    })
}

fn with_way_out(error: Error, variable: &str) -> Error {
    error.with_help(format!("set HOME, or set {variable} to the path of the database"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(folder: Folder) -> Result<PathBuf> {
        Ok(PathBuf::from(match (folder, cfg!(windows)) {
            (Folder::Data, false) => "/home/ines/.local/share",
            (Folder::Config, false) => "/home/ines/.config",
            (Folder::Data, true) => r"C:\Users\ines\data",
            (Folder::Config, true) => r"C:\Users\ines\config",
        }))
    }

    fn homeless(_: Folder) -> Result<PathBuf> {
        Err(Error::new(ErrorKind::Config, "the user has no home folder"))
    }

    /// The path of `file` where `variable` is the only one that is set.
    fn with(file: &AppFile, variable: &str, value: &str) -> Result<PathBuf> {
        file.path_in(|name| (name == variable).then(|| value.into()), user)
    }

    #[test]
    fn without_a_variable_the_file_lies_in_the_users_folder_under_the_name_of_the_application() {
        let data = AppFile::data("my-tool").path_in(|_| None, user).unwrap();
        assert_eq!(data, user(Folder::Data).unwrap().join("my-tool").join("my-tool.db"));
        let config = AppFile::config("my-tool").path_in(|_| None, user).unwrap();
        assert_eq!(config, user(Folder::Config).unwrap().join("my-tool").join("my-tool.db"));
    }

    #[test]
    fn the_variables_name_is_made_from_the_applications() {
        assert_eq!(variable_of("notebook"), "NOTEBOOK_DB");
        assert_eq!(variable_of("my-tool.2 é"), "MY_TOOL_2___DB");
    }

    #[test]
    fn the_variable_overrides_and_a_relative_value_starts_at_the_current_folder() {
        let file = AppFile::config("my-tool");
        let there = std::env::temp_dir().join("other.db");
        assert_eq!(with(&file, "MY_TOOL_DB", there.to_str().unwrap()).unwrap(), there);
        let here = std::env::current_dir().unwrap().join("data").join("other.db");
        assert_eq!(with(&file, "MY_TOOL_DB", "data/other.db").unwrap(), here);
        assert_eq!(with(&file, "MY_TOOL_DB", "./data/other.db").unwrap(), here);
        assert_eq!(with(&file, "MY_TOOL_DB", ":memory:").unwrap(), Path::new(":memory:"));
    }

    #[test]
    fn an_empty_value_is_not_set() {
        let file = AppFile::data("tool");
        assert_eq!(with(&file, "TOOL_DB", "").unwrap(), file.path_in(|_| None, user).unwrap());
    }

    #[test]
    fn a_named_variable_stands_in_place_of_the_made_one() {
        let file = AppFile::data("tool").variable("TOOL_STORE");
        assert_eq!(with(&file, "TOOL_STORE", ":memory:").unwrap(), Path::new(":memory:"));
        assert_eq!(with(&file, "TOOL_DB", ":memory:").unwrap(), file.path_in(|_| None, user).unwrap());
        for name in ["", "A=B", "A\0"] {
            let error = with(&file.clone().variable(name), name, "x").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{name:?}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_a_folder_is_refused_before_the_variable_is_looked_at() {
        for app in ["", ".", "..", "a/b", "a\\b", "/", "a\0b"] {
            let error = AppFile::data(app).path_in(|_| Some(":memory:".into()), user).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{app:?}");
        }
        let error = AppFile::data("../etc").path_in(|_| None, user).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the application's name \"../etc\" cannot be the name of a folder; \
             give one plain name, such as `notebook`"
        );
    }

    #[test]
    fn a_url_is_refused_without_repeating_it() {
        for value in ["postgres://me:hunter2@host/db", "sqlite:hunter2.db", "file:hunter2.db"] {
            let error = with(&AppFile::data("tool"), "TOOL_DB", value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn without_a_home_the_variable_still_helps_and_its_absence_is_told() {
        let file = AppFile::data("tool");
        assert_eq!(file.path_in(|_| Some(":memory:".into()), homeless).unwrap(), Path::new(":memory:"));
        let error = file.path_in(|_| None, homeless).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the user has no home folder; set HOME, or set TOOL_DB to the path of the database"
        );
    }

    #[test]
    fn a_folder_that_is_not_absolute_is_refused() {
        let error = AppFile::data("tool").path_in(|_| None, |_| Ok(".local/share".into())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}
