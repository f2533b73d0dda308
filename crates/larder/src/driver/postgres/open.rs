//! Opening a connection: the place, and the settings.

use super::connection::PostgresConnection;
use super::link;
use super::listen::Ear;
use super::place::Place;
use crate::driver::{Access, Connection, Dialect, Driver, Isolation, Listener};
use crate::error::Result;
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
        let session = link::open(self, access)?;
        Ok(Box::new(PostgresConnection::new(session, self, access)))
    }

    fn listen(&self) -> Result<Option<Box<dyn Listener>>> {
        Ok(Some(Box::new(Ear::open(self)?)))
    }
}
