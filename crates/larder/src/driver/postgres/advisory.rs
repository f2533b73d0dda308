//! Locks by name, on the server.

use super::connection::Ended;
use super::link;
use super::message;
use super::open::Postgres;
use super::session::Session;
use crate::driver::{Access, Lock};
use crate::error::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

/// Takes the lock in a transaction that stays open on a connection of its own. So it works through a pooler that lends a
/// server for a transaction, and the server lets go when the process dies, or the connection to it.
pub(super) fn lock(driver: &Postgres, name: &str) -> Result<Lock> {
    let mut session = link::open(driver, Access::Write)?;
    let sql = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = 0; \
         SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_catalog.pg_advisory_xact_lock({})",
        link::lock_timeout(driver),
        key(name)
    );
    ask(&mut session, &sql).map_err(|ended| match Error::from(ended) {
        error if error.kind() == ErrorKind::Busy => {
            Error::new(ErrorKind::Busy, format!("another process holds the lock `{name}` of {driver}"))
                .with_help("wait until it is done, then try again")
        }
        error => error,
    })?;
    Ok(Lock::watched(Held(session), |held| held.0.look().is_ok()))
}

/// The number that stands for a name among the server's locks, which are of one database.
fn key(name: &str) -> i64 {
    let hash = Sha256::new().chain_update("larder:").chain_update(name).finalize();
    i64::from_be_bytes(hash.first_chunk().copied().unwrap_or_default())
}

fn ask(session: &mut Session, sql: &str) -> Result<(), Ended> {
    message::query(&mut session.out, sql);
    session.send()?;
    session.finish().map(|_| ())
}

struct Held(Session);

impl Drop for Held {
    fn drop(&mut self) {
        // Waited for, so that whoever comes next finds the lock free.
        let _ = ask(&mut self.0, "ROLLBACK");
    }
}
