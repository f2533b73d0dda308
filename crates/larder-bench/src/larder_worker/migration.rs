//! Migrations: opening what is up to date, applying to a new file, rebuilding a large table.

use std::path::Path;
use std::time::Instant;

use larder::{Database, Migration, MigrationSet};
use larder_bench_protocol::set::Kind;
use larder_bench_protocol::{Outcome, Round, Sample, Task, data};

static TABLES_10: MigrationSet = larder::migrations!("$OUT_DIR/Numbered-TABLES_10");
static TABLES_1000: MigrationSet = larder::migrations!("$OUT_DIR/Numbered-TABLES_1000");
static ROWS_10: MigrationSet = larder::migrations!("$OUT_DIR/Numbered-ROWS_10");
static ROWS_1000: MigrationSet = larder::migrations!("$OUT_DIR/Numbered-ROWS_1000");

fn named(task: &Task) -> Outcome<&'static MigrationSet> {
    Ok(match task.text("set")? {
        "TABLES_10" => &TABLES_10,
        "TABLES_1000" => &TABLES_1000,
        "ROWS_10" => &ROWS_10,
        "ROWS_1000" => &ROWS_1000,
        _ => return task.unknown(),
    })
}

fn open_file(file: &Path, set: &'static MigrationSet) -> Outcome<Database> {
    Ok(Database::options(file.display().to_string()).migrations(set).open()?)
}

/// Opens and closes a file whose migrations are all applied.
pub(crate) fn open(task: &Task) -> Outcome<Round> {
    let (file, set) = (task.file("open.db")?, named(task)?);
    if !file.exists() {
        open_file(&file, set)?.close()?;
    }
    let neighbour = if task.has("beside") { Some(open_file(&file, set)?) } else { None };
    let clock = task.clock();
    Ok(Box::new(move || {
        let mut meter = clock.start(1);
        while meter.more() {
            open_file(&file, set)?.close()?;
        }
        if let Some(neighbour) = &neighbour {
            neighbour.query_one::<i64>("SELECT 1", &[])?;
        }
        Ok(meter.finish())
    }))
}

/// Applies a set to a file that is not there yet.
pub(crate) fn apply(task: &Task) -> Outcome<Round> {
    let (file, set) = (task.file("apply.db")?, named(task)?);
    let (query, expected) = Kind::of(task.text("set")?)?;
    Ok(Box::new(move || {
        let _ = std::fs::remove_file(&file);
        let start = Instant::now();
        open_file(&file, set)?.close()?;
        let sample = Sample::once(start.elapsed());
        let found: i64 = Database::open(&file)?.query_one(query, &[])?;
        if found == expected { Ok(sample) } else { Err(format!("{found} instead of {expected}").into()) }
    }))
}

/// Rebuilds a large table under the gate, on a fresh copy of the file each round; the migration is timed and
/// the closing, for either may move the log into the file.
pub(crate) fn rebuild(task: &Task) -> Outcome<Round> {
    let (template, file) = (task.file("template.db")?, task.file("copy.db")?);
    let index = task.has("index");
    let rows = task.number("rows")?;
    let first = || Migration::sql("0001_orders", data::orders(index));
    if !template.exists() {
        let database = Database::open(&template)?;
        database.migrate(&[&MigrationSet::list("app", vec![first()])])?;
        database.execute(&data::fill_orders(rows), &[])?;
        database.close()?;
    }
    let rebuild = Migration::sql("0002_shipped", data::rebuild_orders(index, task.has("expression")));
    let set = MigrationSet::list("app", vec![first(), rebuild]);
    Ok(Box::new(move || {
        let _ = std::fs::remove_file(&file);
        std::fs::copy(&template, &file)?;
        let database = Database::open(&file)?;
        let start = Instant::now();
        let report = database.migrate(&[&set])?;
        database.close()?;
        let sample = Sample::once(start.elapsed());
        let database = Database::open(&file)?;
        let found: u64 = database.query_one("SELECT count(shipped_at IS NULL) FROM orders", &[])?;
        if found == rows && report.done.len() == 1 {
            Ok(sample)
        } else {
            Err(format!("{found} rows instead of {rows}").into())
        }
    }))
}
