//! rusqlite_migration, and r2d2_sqlite as the pool.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use larder_bench_protocol::set::Kind;
use larder_bench_protocol::{Outcome, Random, Round, Sample, Task, data};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use rusqlite_migration::Migrations;

mod embedded {
    use rusqlite_migration::{M, Migrations};
    include!(concat!(env!("OUT_DIR"), "/rusqlite_migration.rs"));
}

fn named(task: &Task) -> Outcome<&'static Migrations<'static>> {
    Ok(match task.text("set")? {
        "TABLES_10" => &embedded::TABLES_10,
        "TABLES_1000" => &embedded::TABLES_1000,
        "ROWS_10" => &embedded::ROWS_10,
        "ROWS_1000" => &embedded::ROWS_1000,
        _ => return task.unknown(),
    })
}

fn open_file(file: &Path, set: &Migrations<'_>) -> Outcome<Connection> {
    let mut connection = Connection::open(file)?;
    connection.execute_batch(data::PRAGMAS)?;
    set.to_latest(&mut connection)?;
    Ok(connection)
}

fn close(connection: Connection) -> Outcome {
    Ok(connection.close().map_err(|(_, error)| error)?)
}

/// Opens and closes a file whose migrations are all applied.
pub fn open(task: &Task) -> Outcome<Round> {
    let (file, set) = (task.file("open.db")?, named(task)?);
    if !file.exists() {
        close(open_file(&file, set)?)?;
    }
    let neighbour = if task.has("beside") { Some(open_file(&file, set)?) } else { None };
    let clock = task.clock();
    Ok(Box::new(move || {
        let mut meter = clock.start(1);
        while meter.more() {
            close(open_file(&file, set)?)?;
        }
        if let Some(neighbour) = &neighbour {
            neighbour.query_row("SELECT 1", [], |_| Ok(()))?;
        }
        Ok(meter.finish())
    }))
}

/// Applies a set to a file that is not there yet.
pub fn apply(task: &Task) -> Outcome<Round> {
    let (file, set) = (task.file("apply.db")?, named(task)?);
    let (query, expected) = Kind::of(task.text("set")?)?;
    Ok(Box::new(move || {
        let _ = std::fs::remove_file(&file);
        let start = Instant::now();
        close(open_file(&file, set)?)?;
        let sample = Sample::once(start.elapsed());
        let found: i64 = Connection::open(&file)?.query_row(query, [], |row| row.get(0))?;
        if found == expected { Ok(sample) } else { Err(format!("{found} instead of {expected}").into()) }
    }))
}

struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

/// A pool of 10 on a file of users.
fn pool(task: &Task) -> Outcome<r2d2::Pool<SqliteConnectionManager>> {
    let (file, rows) = (task.file("read.db")?, task.number("rows")?);
    let connection = Connection::open(&file)?;
    connection.execute_batch(data::PRAGMAS)?;
    connection.execute_batch(data::USERS)?;
    connection.execute_batch(&data::fill_users(rows))?;
    close(connection)?;
    let manager = SqliteConnectionManager::file(&file).with_init(|connection| {
        connection.execute_batch(data::PRAGMAS)?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(())
    });
    let pool = r2d2::Pool::builder().max_size(10).build(manager)?;
    pool.get()?.execute_batch(data::TOUCH_USERS)?;
    Ok(pool)
}

fn read(pool: &r2d2::Pool<SqliteConnectionManager>, key: i64) -> Outcome {
    let connection = pool.get()?;
    let mut statement = connection.prepare_cached(data::READ_USER)?;
    let user = black_box(statement.query_row([key], |row| {
        Ok(User { id: row.get(0)?, name: row.get(1)?, email: row.get(2)?, age: row.get(3)? })
    })?);
    data::check_user(key, (user.id, &user.name, &user.email, user.age))
}

/// A connection from the pool and `prepare_cached`, each time.
pub fn pooled_read(task: &Task) -> Outcome<Round> {
    let (pool, mut keys) = (pool(task)?, task.keys()?);
    Ok(Box::new(move || keys.round(|key| read(&pool, key))))
}

/// The same by several threads.
pub fn pooled_readers(task: &Task) -> Outcome<Round> {
    let (pool, rows) = (pool(task)?, task.number("rows")?);
    let crowd = task.crowd()?.batch(64);
    Ok(Box::new(move || {
        crowd.run(|thread| {
            let (pool, mut random) = (&pool, Random::new(7 + thread));
            Ok(move || read(pool, random.key(rows)))
        })
    }))
}
