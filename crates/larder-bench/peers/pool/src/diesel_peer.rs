//! diesel and diesel_migrations.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use larder_bench_protocol::set::Kind;
use larder_bench_protocol::{Outcome, Round, Sample, Task, data};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/diesel.rs"));
}

mod table {
    diesel::table! {
        users(id) {
            id -> BigInt,
            name -> Text,
            email -> Text,
            age -> BigInt,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = table::users)]
struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

fn named(task: &Task) -> Outcome<&'static EmbeddedMigrations> {
    Ok(match task.text("set")? {
        "TABLES_10" => &embedded::TABLES_10,
        "TABLES_1000" => &embedded::TABLES_1000,
        "ROWS_10" => &embedded::ROWS_10,
        "ROWS_1000" => &embedded::ROWS_1000,
        _ => return task.unknown(),
    })
}

fn connect(file: &Path) -> Outcome<SqliteConnection> {
    let file = file.to_str().ok_or("a path that is not text")?;
    let mut connection = SqliteConnection::establish(file)?;
    connection.batch_execute(data::PRAGMAS)?;
    Ok(connection)
}

fn open_file(file: &Path, set: &'static EmbeddedMigrations) -> Outcome<SqliteConnection> {
    let mut connection = connect(file)?;
    connection.run_pending_migrations(Set(set))?;
    Ok(connection)
}

/// `EmbeddedMigrations` cannot be copied out of a static; a reference serves as well.
struct Set(&'static EmbeddedMigrations);

impl diesel::migration::MigrationSource<diesel::sqlite::Sqlite> for Set {
    fn migrations(
        &self,
    ) -> diesel::migration::Result<Vec<Box<dyn diesel::migration::Migration<diesel::sqlite::Sqlite>>>> {
        self.0.migrations()
    }
}

/// Opens and closes a file whose migrations are all applied.
pub fn open(task: &Task) -> Outcome<Round> {
    let (file, set) = (task.file("open.db")?, named(task)?);
    if !file.exists() {
        drop(open_file(&file, set)?);
    }
    let mut neighbour = if task.has("beside") { Some(open_file(&file, set)?) } else { None };
    let clock = task.clock();
    Ok(Box::new(move || {
        let mut meter = clock.start(1);
        while meter.more() {
            drop(open_file(&file, set)?);
        }
        if let Some(neighbour) = &mut neighbour {
            neighbour.batch_execute("SELECT 1")?;
        }
        Ok(meter.finish())
    }))
}

/// Applies a set to a file that is not there yet.
pub fn apply(task: &Task) -> Outcome<Round> {
    let (file, set) = (task.file("apply.db")?, named(task)?);
    let (query, expected) = Kind::of(task.text("set")?)?;
    let query = format!("SELECT ({query}) AS found");
    Ok(Box::new(move || {
        let _ = std::fs::remove_file(&file);
        let start = Instant::now();
        drop(open_file(&file, set)?);
        let sample = Sample::once(start.elapsed());
        let Count { found } = diesel::sql_query(&query).get_result(&mut connect(&file)?)?;
        if found == expected { Ok(sample) } else { Err(format!("{found} instead of {expected}").into()) }
    }))
}

/// One row by its primary key through the query builder, whose statement diesel caches.
pub fn read(task: &Task) -> Outcome<Round> {
    let (file, rows) = (task.file("read.db")?, task.number("rows")?);
    let mut connection = connect(&file)?;
    connection.batch_execute(data::USERS)?;
    connection.batch_execute(&data::fill_users(rows))?;
    drop(connection);
    let mut connection = connect(&file)?;
    connection.batch_execute(data::TOUCH_USERS)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|key| {
            let query = table::users::table.find(key).select(User::as_select());
            let user = black_box(query.first(&mut connection)?);
            data::check_user(key, (user.id, &user.name, &user.email, user.age))
        })
    }))
}
