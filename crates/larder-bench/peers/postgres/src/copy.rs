//! Many rows into a new table that has its primary key.

use std::time::{Duration, Instant};

use larder_bench_protocol::bulk::User;
use larder_bench_protocol::{Outcome, Round, Sample, Task, data, server};
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::Type;
use postgres::{Client, GenericClient, Statement};
use rusqlite::Connection;

/// Reads a file of SQLite into memory, and sends that.
pub fn read_and_copy(task: &Task, mut client: Client) -> Outcome<Round> {
    let (file, rows) = (task.file("copy.db")?, task.number("rows")?);
    let connection = Connection::open(file)?;
    connection.execute_batch(data::PRAGMAS)?;
    connection.execute_batch(data::USERS)?;
    connection.execute_batch(&data::fill_users(rows))?;
    Ok(Box::new(move || {
        fresh(&mut client)?;
        let start = Instant::now();
        let users = read(&connection)?;
        send(&mut client, &users)?;
        finish(&mut client, rows, start.elapsed())
    }))
}

fn read(connection: &Connection) -> Outcome<Vec<User>> {
    let mut statement = connection.prepare_cached("SELECT id, name, email, age FROM users")?;
    let users = statement.query_map([], |row| {
        Ok(User { id: row.get(0)?, name: row.get(1)?, email: row.get(2)?, age: row.get(3)? })
    })?;
    Ok(users.collect::<Result<_, _>>()?)
}

/// Sends what is in memory.
pub fn copy(task: &Task, mut client: Client) -> Outcome<Round> {
    let rows = task.number("rows")?;
    let users = users(rows)?;
    Ok(Box::new(move || {
        fresh(&mut client)?;
        let start = Instant::now();
        send(&mut client, &users)?;
        finish(&mut client, rows, start.elapsed())
    }))
}

fn send(client: &mut Client, users: &[User]) -> Outcome {
    let mut transaction = client.transaction()?;
    let types = [Type::INT8, Type::TEXT, Type::TEXT, Type::INT8];
    let mut writer = BinaryCopyInWriter::new(transaction.copy_in(server::COPY_USERS)?, &types);
    for User { id, name, email, age } in users {
        writer.write(&[id, name, email, age])?;
    }
    writer.finish()?;
    Ok(transaction.commit()?)
}

/// Row by row, in one transaction.
pub fn inserts(task: &Task, mut client: Client) -> Outcome<Round> {
    let rows = task.number("inserts")?;
    let users = users(rows)?;
    Ok(Box::new(move || {
        fresh(&mut client)?;
        let insert = client.prepare(server::INSERT_USER)?;
        let start = Instant::now();
        let mut transaction = client.transaction()?;
        insert_all(&mut transaction, &insert, &users)?;
        transaction.commit()?;
        finish(&mut client, rows, start.elapsed())
    }))
}

/// Row by row, in a transaction each: a tenth of them, for each waits for the disk.
pub fn inserts_each(task: &Task, mut client: Client) -> Outcome<Round> {
    let rows = task.number("inserts")? / 10;
    let users = users(rows)?;
    Ok(Box::new(move || {
        fresh(&mut client)?;
        let insert = client.prepare(server::INSERT_USER)?;
        let start = Instant::now();
        insert_all(&mut client, &insert, &users)?;
        finish(&mut client, rows, start.elapsed())
    }))
}

fn insert_all(client: &mut impl GenericClient, insert: &Statement, users: &[User]) -> Outcome {
    for User { id, name, email, age } in users {
        client.execute(insert, &[id, name, email, age])?;
    }
    Ok(())
}

/// An empty table.
fn fresh(client: &mut Client) -> Outcome {
    client.batch_execute(server::DROP_USERS)?;
    Ok(client.batch_execute(server::USERS)?)
}

fn finish(client: &mut Client, rows: u64, elapsed: Duration) -> Outcome<Sample> {
    let row = client.query_one(server::SUM_USERS, &[])?;
    server::sample(rows, elapsed, (row.try_get(0)?, row.try_get(1)?))
}

fn users(rows: u64) -> Outcome<Vec<User>> {
    let user = |id: i64| User {
        id,
        name: format!("name {id}"),
        email: format!("user{id}@example.org"),
        age: id % 90,
    };
    Ok((1..=i64::try_from(rows)?).map(user).collect())
}
