//! Reading what others wrote.

use larder::{Error, ErrorKind, Location, Result};
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};

/// A line that is longer is not shown with an error: some write the whole file in one.
const MOST_SHOWN: usize = 400;

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String> {
    let shown = path.display();
    std::fs::read_to_string(path).map_err(|error| {
        let (kind, message, help) = match error.kind() {
            io::ErrorKind::NotFound => {
                (ErrorKind::Config, format!("there is no file {shown}"), "check the path")
            }
            io::ErrorKind::InvalidData => (
                ErrorKind::Config,
                format!("{shown} is not text in UTF-8"),
                "check that it is the right file",
            ),
            _ => (ErrorKind::Io, format!("{shown} can't be read"), "check its permissions"),
        };
        Error::new(kind, message).with_help(help).with_cause(error)
    })
}

/// The JSON in `text`, the text of `file`, as what `what` holds.
pub(super) fn parse<T: DeserializeOwned>(file: &str, text: &str, what: &str) -> Result<T> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| {
        // Of an empty text it says column 0.
        let (line, column) = (error.line(), error.column().max(1));
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        let offset = offset(text, line, column);
        let is_short = text.lines().nth(line.saturating_sub(1)).is_some_and(|line| line.len() <= MOST_SHOWN);
        let help = "nothing was imported; check that it is the right file, or have it written anew";
        let refused = |message| Error::new(ErrorKind::Config, message).with_help(help);
        if is_short {
            refused(format!("this is not {what}: {said}")).with_location(Location::new(file, text, offset, 0))
        } else {
            refused(format!("{file}:{line}:{column}: this is not {what}: {said}"))
        }
    })
}

/// Where a line and a column of serde_json's begin, in bytes. Both are counted from 1, the column in bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column.saturating_sub(1)
}

/// An input that is JSON, and says something that can't be taken.
pub(super) fn refused(file: &str, message: impl std::fmt::Display, help: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{file}: {message}")).with_help(help)
}

/// The path from the root on.
pub(super) fn rooted(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| {
        Error::new(ErrorKind::Config, format!("the path {} can't be made absolute", path.display()))
            .with_help("give the path from the root on")
            .with_cause(error)
    })
}
