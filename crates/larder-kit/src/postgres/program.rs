//! Where the programs of PostgreSQL and of PgBouncer are on this machine.

use crate::Result;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with `initdb`, `pg_ctl` and `postgres`, of the newest version where there are several: what `LARDER_PG_BIN` says, else
/// what is on the path, else what `pg_config` says, else where Debian, Red Hat and Homebrew put it.
///
/// # Errors
/// None is there; the message says what to install.
pub fn programs() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("LARDER_PG_BIN").map(PathBuf::from) {
        let message = || format!("LARDER_PG_BIN: there is no initdb in {}", folder.display());
        return serving(&folder).ok_or_else(message);
    }
    let on_path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let usual = USUAL.iter().flat_map(|(parent, below)| versions(Path::new(parent), below));
    on_path.into_iter().chain(told).chain(usual).find_map(|folder| serving(&folder)).ok_or_else(missing)
}

/// Folders of versions, and where in each the programs are.
const USUAL: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    ("/usr", "bin"),
    ("/usr/local", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
];

/// What to say where there is no PostgreSQL.
pub fn missing() -> String {
    "PostgreSQL's programs (initdb, pg_ctl, postgres) are not on this machine, and the tests need a server.\n\
     Install them: `apt-get install postgresql pgbouncer` (Debian, Ubuntu), `dnf install postgresql-server pgbouncer` (Fedora), \
     `brew install postgresql pgbouncer` (macOS).\n\
     Or set LARDER_PG_BIN to the folder that holds them, or LARDER_TEST_POSTGRES to the URL of a server on which databases may be made"
        .to_owned()
}

/// The program pgbouncer.
///
/// # Errors
/// It is not there; the message says what to install.
pub fn bouncer_program() -> Result<PathBuf> {
    let on_path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/bin", "/opt/homebrew/bin", "/usr/local/bin", "/usr/local/sbin"]
        .map(PathBuf::from);
    let places = on_path.into_iter().chain(usual).map(|folder| folder.join("pgbouncer"));
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| {
        "the program pgbouncer is not on this machine: install it (`apt-get install pgbouncer`, `dnf install pgbouncer`, `brew install pgbouncer`)"
            .to_owned()
    })
}

/// The folder, when the programs are there; where they are links, the one to which they lead, for there are the others too.
fn serving(folder: &Path) -> Option<PathBuf> {
    let place = |name| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let all = ["initdb", "pg_ctl", "postgres"].map(place);
    let real = all.iter().all(|place| place.is_file()).then(|| all.first()?.canonicalize().ok())??;
    real.parent().map(Path::to_path_buf)
}

/// The folders `below` each folder in `parent`, the newest version first, and the one `below` itself.
fn versions(parent: &Path, below: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = match name.strip_prefix("postgresql@").or_else(|| name.strip_prefix("pgsql-")) {
                Some(version) => version.parse().ok()?,
                None if name == "postgresql" => 0,
                None => name.parse().ok()?,
            };
            Some((version, entry.path().join(below)))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, place)| place).chain([parent.join(below)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_newest_version_comes_first() {
        let place = tempfile::tempdir().unwrap();
        for name in ["9", "15", "postgresql@17", "postgresql", "other"] {
            fs::create_dir_all(place.path().join(name).join("bin")).unwrap();
        }
        let found = versions(place.path(), "bin");
        let names = ["postgresql@17/bin", "15/bin", "9/bin", "postgresql/bin", "bin"];
        assert_eq!(found, names.map(|name| place.path().join(name)));
    }

    #[test]
    fn a_folder_serves_when_all_are_there_and_a_link_leads_to_them() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().canonicalize().unwrap();
        let file = |name: &str| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
        for name in ["initdb", "pg_ctl"] {
            fs::write(file(name), "").unwrap();
        }
        assert_eq!(serving(&folder), None);
        fs::write(file("postgres"), "").unwrap();
        assert_eq!(serving(&folder), Some(folder.clone()));
        #[cfg(unix)]
        {
            let links = tempfile::tempdir().unwrap();
            for name in ["initdb", "pg_ctl", "postgres"] {
                std::os::unix::fs::symlink(file(name), links.path().join(name)).unwrap();
            }
            assert_eq!(serving(links.path()), Some(folder.clone()));
        }
    }
}
