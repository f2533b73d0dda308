//! Opening a connection: the place, and the settings.

use super::connection::PostgresConnection;
use super::fault;
use super::link::Link;
use super::place::Place;
use crate::driver::{self, Access, Connection, Dialect, Driver, Isolation};
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::time::Duration;

/// How connections are opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long to wait for a connection, and for a lock.
    pub busy_timeout: Duration,
    /// What a transaction that writes may see of others.
    pub isolation: Isolation,
}

impl Default for Settings {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), isolation: Isolation::default() }
    }
}

/// PostgreSQL as a [`Driver`].
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Where the database is.
    pub place: Place,
    /// How it is opened.
    pub settings: Settings,
}

impl fmt::Display for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl Postgres {
    /// The statement that bounds the waiting for locks, unless the URL does. Behind a pooler, whose servers change hands, the
    /// session's settings are not ours.
    fn lock_timeout(&self) -> Option<String> {
        let said = self.place.options.as_deref().is_some_and(|options| options.contains("lock_timeout"));
        // 0 would mean for ever, and the server counts up to this.
        let wait = self.settings.busy_timeout.as_millis().clamp(1, 2_147_483_647);
        (!said && self.place.prepared_statements).then(|| format!("SET lock_timeout = {wait}"))
    }
}

impl Driver for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn is_concurrent(&self) -> bool {
        true
    }

    fn patience(&self) -> Duration {
        self.settings.busy_timeout
    }

    fn connect(&self, access: Access) -> Result<Box<dyn Connection>> {
        let (client, mut link) = Link::open(&self.place)?;
        if let Some(set) = self.lock_timeout() {
            link.wait(client.batch_execute(&set))
                .map_err(|error| {
                    Error::new(ErrorKind::Unavailable, "the server went away").with_cause(error)
                })?
                .map_err(fault::of)?;
        }
        Ok(Box::new(PostgresConnection::new(client, link, &self.settings, access)))
    }

    fn listen(&self) -> Result<Option<Box<dyn driver::Listener>>> {
        Ok(Some(Box::new(super::Listener::open(self, "larder")?)))
    }
}
