//! Folders of generated migrations, written by the build scripts of the workers: each library embeds its own.
//!
//! Two kinds, because they cost differently: `tables` makes a table a migration, which makes the schema large
//! for whoever opens the file; `rows` makes one table and then inserts a row a migration.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use crate::Outcome;

/// The sets that exist: their name, their kind and how many migrations they have.
pub const SETS: [(&str, Kind, usize); 4] = [
    ("TABLES_10", Kind::Tables, 10),
    ("TABLES_1000", Kind::Tables, 1000),
    ("ROWS_10", Kind::Rows, 10),
    ("ROWS_1000", Kind::Rows, 1000),
];

/// What the migrations of a set do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each makes a table.
    Tables,
    /// The first makes a table, each other inserts a row.
    Rows,
}

impl Kind {
    /// The statement of the migration with this number, from 1.
    pub fn sql(self, number: usize) -> String {
        match self {
            Self::Tables => format!("CREATE TABLE t{number}(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"),
            Self::Rows if number == 1 => {
                "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n".to_owned()
            }
            Self::Rows => format!("INSERT INTO t(name) VALUES ('row {number}');\n"),
        }
    }

    /// For the set with this name: a query of one number, and what it must return after all migrations.
    pub fn of(set: &str) -> Outcome<(&'static str, i64)> {
        let found = SETS.iter().find(|(name, ..)| *name == set);
        let (_, kind, count) = found.ok_or_else(|| format!("no such set: {set}"))?;
        Ok(kind.check(*count))
    }

    fn check(self, count: usize) -> (&'static str, i64) {
        match self {
            Self::Tables => (
                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name GLOB 't[0-9]*'",
                count as i64,
            ),
            Self::Rows => ("SELECT count(*) FROM t", count as i64 - 1),
        }
    }
}

/// How a library wants its files to be named.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// `0001_step.sql`
    Numbered,
    /// `V1__step.sql`
    Refinery,
    /// `0001_step/up.sql`
    Diesel,
}

impl Layout {
    fn path(self, number: usize) -> String {
        match self {
            Self::Numbered => format!("{number:04}_step.sql"),
            Self::Refinery => format!("V{number}__step.sql"),
            Self::Diesel => format!("{number:04}_step/up.sql"),
        }
    }
}

/// For a build script: writes every set as files below `OUT_DIR`, and returns the names of the sets with the
/// path of each folder relative to the package, which is what macros that embed a folder take.
pub fn write_folders(layout: Layout) -> Outcome<Vec<(&'static str, String)>> {
    rerun_only_for_itself()?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let package = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut folders = Vec::new();
    for (name, kind, count) in SETS {
        let folder = out.join(format!("{layout:?}-{name}"));
        for number in 1..=count {
            let file = folder.join(layout.path(number));
            if let Some(parent) = file.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(file, kind.sql(number))?;
        }
        folders.push((name, relative(&package, &folder)));
    }
    Ok(folders)
}

/// For a build script: the sets as Rust text, an array of string literals each.
pub fn write_texts(file: &str) -> Outcome {
    rerun_only_for_itself()?;
    let mut text = String::new();
    for (name, kind, count) in SETS {
        let _ = writeln!(text, "pub static {name}: [&str; {count}] = [");
        for number in 1..=count {
            let _ = writeln!(text, "    {:?},", kind.sql(number));
        }
        text.push_str("];\n");
    }
    write_source(file, &text)
}

/// For a build script: writes Rust source into `OUT_DIR`, for `include!`.
pub fn write_source(file: &str, text: &str) -> Outcome {
    Ok(std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join(file), text)?)
}

/// The sets depend on nothing but the build script and this crate.
fn rerun_only_for_itself() -> Outcome {
    Ok(writeln!(std::io::stdout(), "cargo::rerun-if-changed=build.rs")?)
}

fn relative(from: &Path, to: &Path) -> String {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(shared)).collect();
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_goes_up_to_what_is_shared() {
        assert_eq!(relative(Path::new("/a/b/c"), Path::new("/a/x/y")), "../../x/y");
    }
}
