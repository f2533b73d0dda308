//! The schema that a contract points at: read from its file and hashed, before any transaction begins.

use crate::canonical::hexadecimal;
use crate::canonical_hash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A schema's file may have at most so many bytes.
pub const MAX_SCHEMA_BYTES: u64 = 64 << 20;

/// What was found at the path of a contract's schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reading {
    /// The path, as it stands in the contract.
    pub schema_path: String,
    /// The hash, or why there is none.
    pub found: Result<String, Unreadable>,
    /// The commit that is checked out where the file lies, or would.
    #[serde(default)]
    pub git_commit: Option<String>,
}

/// Why a schema has no hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unreadable {
    /// There is no such file.
    Missing,
    /// A folder or a device is there.
    NoFile,
    /// A file named `.json` does not hold JSON; where that shows, counted from 1.
    NoJson {
        /// The line.
        line: usize,
        /// The column, in bytes.
        column: usize,
    },
    /// It has more bytes than [`MAX_SCHEMA_BYTES`].
    TooLarge,
    /// The operating system would not let it be read, in its words.
    Denied(String),
}

impl Unreadable {
    /// There is nothing that could be the schema: the contract is broken. Otherwise nobody can tell.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Missing | Self::NoFile | Self::NoJson { .. })
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::NoFile => f.write_str("it is not a file"),
            Self::NoJson { line, column } => {
                write!(f, "it is not valid JSON, at its line {line} column {column}")
            }
            Self::TooLarge => write!(f, "it is larger than {} MB", MAX_SCHEMA_BYTES >> 20),
            Self::Denied(why) => write!(f, "it can't be read: {why}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads and hashes the schema at `schema_path`, which starts at `base` where it is relative. Never fails: what is wrong with the
/// file is a finding.
///
/// The hash is SHA-256. A file whose name ends in `.json` is hashed in its canonical form (RFC 8785), so that neither layout nor
/// the order of keys is drift; any other file by its bytes, each CR LF taken as LF. A byte order mark does not count.
///
/// It is for outside of transactions: a slow disk must hold no lock.
pub fn read_schema(base: &Path, schema_path: &str) -> Reading {
    let path = base.join(schema_path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Reading {
        schema_path: schema_path.to_owned(),
        found: hash_file(&path),
        git_commit: crate::git_commit(folder),
    }
}

fn hash_file(path: &Path) -> Result<String, Unreadable> {
    let denied = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unreadable::Missing,
        _ => Unreadable::Denied(error.to_string()),
    };
    // Before it is opened: to open a pipe waits for somebody who writes.
    if !std::fs::metadata(path).map_err(denied)?.is_file() {
        return Err(Unreadable::NoFile);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(denied)?;
    // What it says of its length may be wrong by now.
    file.take(MAX_SCHEMA_BYTES + 1).read_to_end(&mut bytes).map_err(denied)?;
    if bytes.len() as u64 > MAX_SCHEMA_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json")) {
        let value = serde_json::from_slice(bytes)
            .map_err(|error| Unreadable::NoJson { line: error.line(), column: error.column().max(1) })?;
        return Ok(canonical_hash(&value));
    }
    Ok(hash_lines(bytes))
}

/// SHA-256 over the bytes with each CR LF as LF, in hexadecimal.
fn hash_lines(bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
        let (before, after) = rest.split_at(at);
        hash.update(before);
        rest = after.get(1..).unwrap_or_default();
    }
    hash.update(rest);
    hexadecimal(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn found(name: &str, bytes: &[u8]) -> Result<String, Unreadable> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        read_schema(folder.path(), name).found
    }

    #[test]
    fn the_layout_of_json_is_no_drift_and_its_values_are() {
        let one = found("a.json", b"{\"b\": 1.0,\r\n \"a\": []}").unwrap();
        assert_eq!(found("b.JSON", b"\xef\xbb\xbf{\"a\":[],\"b\":1}").unwrap(), one);
        assert_ne!(found("a.json", b"{\"a\":[],\"b\":2}").unwrap(), one);
    }

    #[test]
    fn line_ends_of_other_files_are_no_drift() {
        let unix = found("a.graphql", b"type A\n\n{ }\n").unwrap();
        assert_eq!(found("a.graphql", b"type A\r\n\r\n{ }\r\n").unwrap(), unix);
        assert_ne!(found("a.graphql", b"type A\n{ }\n").unwrap(), unix);
        assert_ne!(found("a", b"a\rb").unwrap(), found("a", b"a\nb").unwrap());
        // What `printf abc | sha256sum` gives.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(found("a.txt", b"abc").unwrap(), abc);
    }

    #[test]
    fn what_can_not_be_hashed_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let read = |path: &str| read_schema(folder.path(), path).found.unwrap_err();
        assert_eq!(read("missing.json"), Unreadable::Missing);
        assert_eq!(read(""), Unreadable::NoFile);
        fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(read("file/below"), Unreadable::Missing);
        assert_eq!(found("a.json", b"").unwrap_err(), Unreadable::NoJson { line: 1, column: 1 });
        let bad = found("a.json", b"{\"a\": 1,\n oops}").unwrap_err();
        assert_eq!(bad, Unreadable::NoJson { line: 2, column: 2 });
        assert_eq!(bad.to_string(), "it is not valid JSON, at its line 2 column 2");
        // It has no blocks on the disk.
        let huge = File::create(folder.path().join("huge")).unwrap();
        huge.set_len(MAX_SCHEMA_BYTES + 1).unwrap();
        assert_eq!(read("huge").to_string(), "it is larger than 64 MB");
        // No file system has such a name, so the answer is an error of its own and not that nothing is there.
        let denied = read(&"x".repeat(5_000));
        assert!(matches!(denied, Unreadable::Denied(_)) && !denied.is_broken(), "{denied}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.json")).status();
        if made.is_ok_and(|status| status.success()) {
            assert_eq!(read_schema(folder.path(), "pipe.json").found, Err(Unreadable::NoFile));
        }
    }
}
