//! The files beside the environment: passwords (`~/.pgpass`) and services (`~/.pg_service.conf`).

use super::parameter::Parameters;
use crate::error::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Where this user's files of PostgreSQL are: the name is as libpq has it on this system.
pub(in crate::driver::postgres) fn own(home: Option<&Path>, unix: &str, windows: &str) -> Option<PathBuf> {
    if cfg!(windows) {
        return std::env::var_os("APPDATA")
            .map(|folder| PathBuf::from(folder).join("postgresql").join(windows));
    }
    home.map(|home| home.join(unix))
}

/// Passwords by server, from the file of `passfile`.
pub(super) struct Passwords {
    text: String,
}

impl Passwords {
    /// Reads the file; one that is missing, or that others may read, holds nothing.
    pub(super) fn read(file: Option<&Path>) -> Self {
        Self {
            text: file
                .filter(|file| is_private(file))
                .and_then(|file| std::fs::read_to_string(file).ok())
                .unwrap_or_default(),
        }
    }

    /// The password of the first line that fits.
    pub(super) fn find(&self, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
        let port = port.to_string();
        self.text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
            let mut fields = fields(line).into_iter();
            for wanted in [host, &port, database, user] {
                let field = fields.next()?;
                if !(field.wild || field.text == wanted) {
                    return None;
                }
            }
            fields.next().map(|field| field.text).filter(|password| !password.is_empty())
        })
    }
}

struct Field {
    text: String,
    /// A `*` alone.
    wild: bool,
}

/// The fields of a line, which a `:` parts; `\` takes the next character as it is. The fifth is the rest but for another `:`.
fn fields(line: &str) -> Vec<Field> {
    let mut all = Vec::new();
    let mut text = String::new();
    let mut escaped = false;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                escaped = true;
                text.extend(rest.next());
            }
            ':' => {
                all.push(Field { wild: text == "*" && !escaped, text: std::mem::take(&mut text) });
                escaped = false;
            }
            c => text.push(c),
        }
    }
    all.push(Field { wild: text == "*" && !escaped, text });
    all
}

/// libpq does not use a file of passwords that others may read.
#[cfg(unix)]
fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    match std::fs::metadata(file) {
        Ok(found) if !found.is_file() => {
            tracing::warn!(file = %file.display(), "the file of passwords is no plain file and is not used");
            false
        }
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            tracing::warn!(
                file = %file.display(),
                "the file of passwords can be read by others and is not used: run `chmod 0600` on it"
            );
            false
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

#[cfg(not(unix))]
fn is_private(file: &Path) -> bool {
    file.is_file()
}

/// Takes from the service `name` what is not set yet. It is looked for in `file`, or in the user's file and then in the
/// system's.
pub(super) fn service(
    found: &mut Parameters,
    name: &str,
    file: Option<&Path>,
    home: Option<&Path>,
    system: Option<&Path>,
) -> Result<()> {
    let own = own(home, ".pg_service.conf", ".pg_service.conf");
    let files: Vec<PathBuf> = match file {
        Some(file) => vec![file.to_owned()],
        None => own.into_iter().chain(system.map(|folder| folder.join("pg_service.conf"))).collect(),
    };
    for file in &files {
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        let mut inside = false;
        let mut seen = false;
        let mut said = Parameters::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                inside = section == name;
                seen |= inside;
            } else if inside {
                let (key, value) = line.split_once('=').ok_or_else(|| {
                    Error::new(
                        ErrorKind::Config,
                        format!("a line of the service `{name}` in {} has no `=`", file.display()),
                    )
                })?;
                said.set(key.trim(), value.trim().to_owned())?;
            }
        }
        if seen {
            found.fill_with(said);
            return Ok(());
        }
    }
    let places: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    Err(Error::new(ErrorKind::Config, format!("there is no service `{name}`"))
        .with_help(format!("define it in {}, or leave PGSERVICE and `service` out", places.join(" or "))))
}
