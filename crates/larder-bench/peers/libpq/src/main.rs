//! Workers on diesel with PostgreSQL, above a libpq that is built with it.

mod read;
mod write;

use std::process::ExitCode;

use diesel::prelude::*;
use diesel::sql_types::Text;
use larder_bench_protocol::{Hello, Outcome, Round, Task, serve, server};
// Linked in a way of its own, which only the build of this crate chooses.
use pq_sys as _;

diesel::table! {
    users(id) {
        id -> BigInt,
        name -> Text,
        email -> Text,
        age -> BigInt,
    }
}

diesel::table! {
    events(id) {
        id -> BigInt,
        thread -> BigInt,
        body -> Text,
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

fn main() -> ExitCode {
    serve(std::env::args().skip(1), pick)
}

fn pick(task: &Task) -> Outcome<(Hello, Round)> {
    let mut connection = PgConnection::establish(task.text("url")?)?;
    let query = format!("SELECT ({}) AS version", server::VERSION);
    let Version { version } = diesel::sql_query(query).get_result(&mut connection)?;
    let round = match (task.work.as_str(), task.subject.as_str()) {
        ("pg-read", "diesel") => read::held(task, connection)?,
        ("pg-write", "diesel") => write::rows(task, connection)?,
        _ => return task.unknown(),
    };
    Ok((Hello::server(version), round))
}
