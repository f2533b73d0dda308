//! Reaching a server: which host, with TLS or without, as whom, and what is said when it does not work.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod cut;
mod host;
mod listen;
mod password;
mod tls;

use larder::{Database, Error, ErrorKind};

fn open(url: &str) -> larder::Result<Database> {
    Database::options(url).open()
}

/// Whether the session is encrypted.
fn is_encrypted(url: &str) -> bool {
    let db = open(url).unwrap_or_else(|error| panic!("{url}: {error:?}"));
    let sql = "SELECT CAST(CAST(ssl AS integer) AS bigint) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    db.query_one::<i64>(sql, &[]).unwrap() == 1
}

fn refusal(url: &str) -> Error {
    match open(url) {
        Ok(_) => panic!("{url} could be opened"),
        Err(error) => error,
    }
}

/// The refusal's text, of which the kind is known and which holds no password.
fn told(url: &str, kind: ErrorKind) -> String {
    let error = refusal(url);
    assert_eq!(error.kind(), kind, "{url}: {error:?}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    error.to_string()
}
