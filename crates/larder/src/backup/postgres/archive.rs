//! Is this file a whole archive of `pg_dump`?

use super::program::Program;
use crate::backup::check::Verified;
use crate::error::{Error, ErrorKind, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// How an archive of the custom format begins.
const MAGIC: &[u8] = b"PGDMP";

/// True for a file that begins as an archive does.
pub(in crate::backup) fn is_archive(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *MAGIC
}

/// Reads the whole archive, down to the last row, without a database.
///
/// # Errors
/// [`ErrorKind::Backup`] when it is damaged, [`ErrorKind::Unsupported`] when `pg_restore` is missing or too old for it.
pub(in crate::backup) fn verify(path: &Path) -> Result<Verified> {
    let program = reader(path)?;
    let what = format!("{} could not be checked", path.display());
    let bytes = path.metadata().map_or(0, |found| found.len());
    let mut whole = program.alone();
    whole.arg("--file").arg(if cfg!(windows) { "NUL" } else { "/dev/null" }).arg(path);
    program.run(&mut whole, &format!("{} is damaged", path.display()))?;
    let mut meta = program.alone();
    meta.args(["--data-only", "--table", "meta", "--file", "-"]).arg(path);
    let said = program.run(&mut meta, &what)?;
    Ok(Verified {
        bytes,
        schema_version: version(&String::from_utf8_lossy(&said)),
        foreign_key_violations: 0,
    })
}

/// The newest `pg_restore` that is here: it must not be older than the `pg_dump` that wrote the archive.
pub(super) fn reader(path: &Path) -> Result<Program> {
    let mut best = Program::find("pg_restore", 0)?;
    while let Ok(newer) = Program::find("pg_restore", best.version + 1) {
        best = newer;
    }
    let mut list = best.alone();
    list.arg("--list").arg(path);
    best.run(&mut list, &format!("{} can't be read", path.display())).map_err(|error| {
        let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        if said.contains("unsupported version") {
            return Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{} was written by a newer pg_dump than the pg_restore here, {}",
                    path.display(),
                    best.version
                ),
            )
            .with_help("install the client programs of the server's version")
            .with_cause(error);
        }
        error
    })?;
    Ok(best)
}

/// The version of the schema, from the rows of `meta` as `COPY` writes them.
fn version(script: &str) -> Option<i64> {
    let mut lines = script.lines().skip_while(|line| !line.starts_with("COPY "));
    let (_, columns) = lines.next()?.split_once('(')?;
    let (columns, _) = columns.split_once(')')?;
    let at = columns.split(',').position(|column| column.trim() == "schema_version")?;
    let row = lines.next().filter(|row| *row != "\\.")?;
    row.split('\t').nth(at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_rows_of_meta() {
        let script =
            "SET x = 1;\n\nCOPY public.meta (app_version, schema_version) FROM stdin;\nlarder 1\t7\n\\.\n";
        assert_eq!(version(script), Some(7));
        assert_eq!(version("COPY public.meta (schema_version) FROM stdin;\n\\.\n"), None);
        assert_eq!(version(""), None);
    }
}
