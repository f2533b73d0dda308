//! Opening a file that is up to date, and applying a set to a new one.

use std::path::Path;
use std::time::Instant;

use larder_bench_protocol::set::Kind;
use larder_bench_protocol::{Outcome, Round, Sample, Task};
use refinery::Runner;
use rusqlite::Connection;

mod texts {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/refinery.rs"));
}

/// Who migrates, and which set.
#[derive(Clone, Copy)]
pub enum Subject {
    /// All in one transaction, a savepoint and a row in a history table each; up to date is what user_version says.
    Bare(&'static [&'static str]),
    /// The runner that `embed_migrations!` makes.
    Refinery(fn() -> Runner),
}

impl Subject {
    pub fn named(subject: &str, task: &Task) -> Outcome<Self> {
        let bare = subject == "rusqlite";
        let (texts, runner): (&'static [&'static str], fn() -> Runner) = match task.text("set")? {
            "TABLES_10" => (&texts::TABLES_10, embedded::tables_10::migrations::runner),
            "TABLES_1000" => (&texts::TABLES_1000, embedded::tables_1000::migrations::runner),
            "ROWS_10" => (&texts::ROWS_10, embedded::rows_10::migrations::runner),
            "ROWS_1000" => (&texts::ROWS_1000, embedded::rows_1000::migrations::runner),
            _ => return task.unknown(),
        };
        match subject {
            "rusqlite" | "refinery" => Ok(if bare { Self::Bare(texts) } else { Self::Refinery(runner) }),
            _ => task.unknown(),
        }
    }

    /// Opens the file with whatever is pending applied.
    #[inline(never)]
    fn open(self, file: &Path) -> Outcome<Connection> {
        let mut connection = crate::open(file)?;
        match self {
            Self::Bare(texts) => migrate(&mut connection, texts)?,
            Self::Refinery(runner) => {
                runner().run(&mut connection)?;
            }
        }
        Ok(connection)
    }
}

fn migrate(connection: &mut Connection, texts: &[&str]) -> Outcome {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == texts.len() as i64 {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch("CREATE TABLE history(id INTEGER PRIMARY KEY, sql TEXT NOT NULL)")?;
    for (number, text) in texts.iter().enumerate() {
        transaction.execute_batch("SAVEPOINT step")?;
        transaction.execute_batch(text)?;
        transaction
            .prepare_cached("INSERT INTO history(id, sql) VALUES (?1, ?2)")?
            .execute((number as i64 + 1, text))?;
        transaction.execute_batch("RELEASE step")?;
    }
    transaction.pragma_update(None, "user_version", texts.len() as i64)?;
    Ok(transaction.commit()?)
}

/// Opens and closes a file whose migrations are all applied.
pub fn open(task: &Task, subject: Subject) -> Outcome<Round> {
    let file = task.file("open.db")?;
    if !file.exists() {
        crate::close(subject.open(&file)?)?;
    }
    // A neighbour keeps the WAL and its index alive, as another process would.
    let neighbour = if task.has("beside") { Some(subject.open(&file)?) } else { None };
    let clock = task.clock();
    Ok(Box::new(move || {
        let mut meter = clock.start(1);
        while meter.more() {
            crate::close(subject.open(&file)?)?;
        }
        if let Some(neighbour) = &neighbour {
            neighbour.query_row("SELECT 1", [], |_| Ok(()))?;
        }
        Ok(meter.finish())
    }))
}

/// Opens and closes the file that another subject made.
pub fn open_same(task: &Task) -> Outcome<Round> {
    let file = Path::new(task.text("file")?).join("open.db");
    let look = move || -> Outcome<Connection> {
        let connection = crate::open(&file)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 { Err("the file is not migrated".into()) } else { Ok(connection) }
    };
    let neighbour = if task.has("beside") { Some(look()?) } else { None };
    let clock = task.clock();
    Ok(Box::new(move || {
        let mut meter = clock.start(1);
        while meter.more() {
            crate::close(look()?)?;
        }
        if let Some(neighbour) = &neighbour {
            neighbour.query_row("SELECT 1", [], |_| Ok(()))?;
        }
        Ok(meter.finish())
    }))
}

/// Applies a set to a file that is not there yet.
pub fn apply(task: &Task, subject: Subject) -> Outcome<Round> {
    let file = task.file("apply.db")?;
    let (query, expected) = Kind::of(task.text("set")?)?;
    Ok(Box::new(move || {
        let _ = std::fs::remove_file(&file);
        let start = Instant::now();
        crate::close(subject.open(&file)?)?;
        let sample = Sample::once(start.elapsed());
        let found: i64 = crate::open(&file)?.query_row(query, [], |row| row.get(0))?;
        if found == expected { Ok(sample) } else { Err(format!("{found} instead of {expected}").into()) }
    }))
}
