//! Workers on the crate postgres and on sqlx, with PostgreSQL.

mod copy;
mod read;
mod sqlx_peer;
mod write;

use std::process::ExitCode;

use larder_bench_protocol::{Hello, Outcome, Round, Task, serve, server};
use postgres::{Client, NoTls};

fn main() -> ExitCode {
    serve(std::env::args().skip(1), pick)
}

fn pick(task: &Task) -> Outcome<(Hello, Round)> {
    let mut client = connect(task)?;
    let hello = Hello::server(client.query_one(server::VERSION, &[])?.try_get(0)?);
    let round = match (task.work.as_str(), task.subject.as_str()) {
        ("pg-read", "postgres") => read::held(task, client)?,
        ("pg-read", "sqlx") => sqlx_peer::pooled_read(task, client)?,
        ("pg-read", "sqlx-held") => sqlx_peer::held_read(task, client)?,
        ("pg-write", "pool") => write::rows(task, client, write::insert)?,
        ("pg-write", "pool-transaction") => write::rows(task, client, write::insert_in_transaction)?,
        ("pg-write", "sqlx") => sqlx_peer::rows(task, client)?,
        ("pg-copy", "read-copy") => copy::read_and_copy(task, client)?,
        ("pg-copy", "copy") => copy::copy(task, client)?,
        ("pg-copy", "inserts") => copy::inserts(task, client)?,
        ("pg-copy", "inserts-each") => copy::inserts_each(task, client)?,
        _ => return task.unknown(),
    };
    Ok((hello, round))
}

fn connect(task: &Task) -> Outcome<Client> {
    Ok(Client::connect(task.text("url")?, NoTls)?)
}

/// Makes the users that single rows are read from.
fn fill(task: &Task, client: &mut Client) -> Outcome {
    for statement in server::set_up_users(task)? {
        client.batch_execute(&statement)?;
    }
    Ok(())
}
