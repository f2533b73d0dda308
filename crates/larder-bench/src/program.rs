//! Where the workers are, how they are built, and which versions they link.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use larder_bench_protocol::Outcome;

use crate::node;
use crate::work::Program;

/// Why a worker cannot be measured.
#[derive(Debug)]
pub(crate) struct Absence {
    /// In words.
    pub why: String,
    /// Whether something is wrong. Otherwise this machine lacks what nobody has to have.
    pub failed: bool,
}

impl Program {
    fn folder(self) -> Option<&'static str> {
        match self {
            Self::Larder | Self::Cli | Self::BetterSqlite3 | Self::NodeSqlite => None,
            Self::Rusqlite => Some("rusqlite"),
            Self::Pool => Some("pool"),
            Self::Sqlx => Some("sqlx"),
            Self::Toasty => Some("toasty"),
            Self::Postgres => Some("postgres"),
            Self::Libpq => Some("libpq"),
        }
    }

    /// Whether valgrind can count its instructions: not where a runtime compiles while the program runs, nor what other
    /// processes do.
    pub(crate) fn is_native(self) -> bool {
        !matches!(self, Self::Cli | Self::BetterSqlite3 | Self::NodeSqlite)
    }

    /// Builds the worker with the release profile, unless it is this program.
    pub(crate) fn build(self) -> Result<(), Absence> {
        let not_here = |why| Absence { why, failed: false };
        match self {
            Self::BetterSqlite3 => return node::prepare_better_sqlite3().map_err(not_here),
            Self::NodeSqlite => return node::prepare_own().map_err(not_here),
            _ => {}
        }
        let mut command = Command::new(cargo());
        command.args(["build", "--release", "--locked", "--quiet", "--manifest-path"]);
        let what = match (self, self.folder()) {
            (Self::Cli, _) => {
                command.arg(root().join("Cargo.toml")).args(["--package", "larder-cli", "--target-dir"]);
                command.arg(target());
                "larder-cli".to_owned()
            }
            (_, None) => return Ok(()),
            (_, Some(folder)) => {
                command.arg(package().join("peers").join(folder).join("Cargo.toml"));
                command.arg("--target-dir").arg(build_folder());
                format!("peers/{folder}")
            }
        };
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) if self == Self::Libpq => Err(not_here(
                "libpq does not build here: it needs a C compiler (`apt-get install gcc`)".to_owned(),
            )),
            Ok(_) => Err(Absence { why: format!("{what} does not build"), failed: true }),
            Err(error) => Err(Absence { why: format!("cargo does not start: {error}"), failed: true }),
        }
    }

    /// The command that starts the worker.
    pub(crate) fn command(self) -> Outcome<Vec<PathBuf>> {
        Ok(match self.folder() {
            None if matches!(self, Self::BetterSqlite3 | Self::NodeSqlite) => node::command(),
            None => vec![std::env::current_exe()?, "worker".into()],
            Some(folder) => {
                let name = format!("larder-bench-{folder}{}", std::env::consts::EXE_SUFFIX);
                vec![build_folder().join("release").join(name)]
            }
        })
    }

    /// The version of a package that the worker links, from its Cargo.lock.
    pub(crate) fn version_of(self, package_name: &str) -> Outcome<String> {
        match self {
            Self::BetterSqlite3 => return node::version_of_better_sqlite3(),
            Self::NodeSqlite => return Ok(node::version().unwrap_or_default()),
            _ => {}
        }
        let lock = match self.folder() {
            None => root().join("Cargo.lock"),
            Some(folder) => package().join("peers").join(folder).join("Cargo.lock"),
        };
        let text = std::fs::read_to_string(&lock)?;
        version_in(&text, package_name)
            .ok_or_else(|| format!("{package_name} is not in {}", lock.display()).into())
    }
}

fn version_in(lock: &str, package_name: &str) -> Option<String> {
    let name = format!("name = \"{package_name}\"");
    let mut lines = lock.lines();
    lines.find(|line| *line == name)?;
    let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

/// The cargo that runs this, or the one in the path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The folder of this package.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    package().ancestors().nth(2).unwrap_or_else(package).to_path_buf()
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where the report and the peers' builds go.
pub(crate) fn output() -> PathBuf {
    target().join("bench")
}

/// The program `larder`, where [`Program::Cli`] builds it.
pub(crate) fn larder() -> PathBuf {
    target().join("release").join(format!("larder{}", std::env::consts::EXE_SUFFIX))
}

/// Where the workers are built.
pub(crate) fn build_folder() -> PathBuf {
    output().join("build")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_gives_the_version_of_a_package() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"ab\"\nversion = \"2.1.0\"\n";
        assert_eq!(version_in(lock, "ab").as_deref(), Some("2.1.0"));
        assert_eq!(version_in(lock, "b"), None);
    }

    #[test]
    fn every_subject_has_a_version() {
        for work in crate::work::ALL {
            for subject in work.subjects {
                subject.program.version_of(subject.package).unwrap();
            }
        }
    }
}
