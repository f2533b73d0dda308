//! A lock file of npm into a new registry: by the program, and the part of it that is the database's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use larder::{Database, params};
use larder_bench_protocol::{Outcome, Round, Task};
use larder_stores::registry;

use super::lockfile;
use crate::program;

const COUNT: &str = "SELECT count(*) FROM tools";

/// What is imported, and where to.
struct Import {
    lock: PathBuf,
    file: PathBuf,
    packages: u64,
}

impl Import {
    fn of(task: &Task) -> Outcome<Self> {
        let (lock, file) = (task.file("package-lock.json")?, task.file("registry.db")?);
        let packages = task.number("packages")?;
        std::fs::write(&lock, lockfile::text(usize::try_from(packages)?))?;
        Ok(Self { lock, file, packages })
    }

    /// The file of the registry, not there yet.
    fn fresh(&self) -> Outcome<&Path> {
        for end in ["", "-wal", "-shm"] {
            let mut path = self.file.as_os_str().to_owned();
            path.push(end);
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(&self.file)
    }

    /// Rounds of imports, each into a new file.
    fn rounds(self, task: &Task, import: impl Fn(&Self) -> Outcome + 'static) -> Outcome<Round> {
        let clock = task.clock();
        Ok(Box::new(move || {
            let mut meter = clock.start(1);
            while meter.more() {
                self.fresh()?;
                meter.forget();
                import(&self)?;
            }
            // The packages, and the project itself.
            let found: u64 = Database::open(&self.file)?.query_one(COUNT, params! {})?;
            if found == self.packages + 1 {
                Ok(meter.finish())
            } else {
                Err(format!("{found} tools of {} packages", self.packages).into())
            }
        }))
    }
}

/// The whole program, from its start to its end.
pub(crate) fn program(task: &Task) -> Outcome<Round> {
    let larder = program::larder();
    Import::of(task)?.rounds(task, move |import| {
        let status = Command::new(&larder)
            .args(["tool", "import", "npm"])
            .arg(&import.lock)
            .arg("--url")
            .arg(&import.file)
            .stdout(Stdio::null())
            .status()?;
        if status.success() { Ok(()) } else { Err(format!("larder tool import: {status}").into()) }
    })
}

/// What of it is the database's: a file is made, migrated, written and closed.
pub(crate) fn database(task: &Task) -> Outcome<Round> {
    let import = Import::of(task)?;
    let inventory = registry::read_npm_lock(&import.lock)?;
    import.rounds(task, move |import| {
        let options = Database::options(import.file.display().to_string());
        let database = options.migrations(&registry::MIGRATIONS).open()?;
        database.write(|tx| registry::import(tx, &inventory))?;
        Ok(database.close()?)
    })
}

/// What of it is reading the lock file.
pub(crate) fn reading(task: &Task) -> Outcome<Round> {
    let (import, clock) = (Import::of(task)?, task.clock());
    Ok(Box::new(move || {
        let mut meter = clock.start(1);
        while meter.more() {
            let inventory = registry::read_npm_lock(&import.lock)?;
            if inventory.tools.len() as u64 != import.packages + 1 {
                return Err(format!("{} tools", inventory.tools.len()).into());
            }
        }
        Ok(meter.finish())
    }))
}
