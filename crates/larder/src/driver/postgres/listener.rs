//! Hearing what other sessions tell with `NOTIFY`.

use super::link::Link;
use super::open::Postgres;
use crate::driver;
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, SimpleQueryMessage};

/// A connection of its own that listens to one channel. A pooler in transaction mode does not pass on what is told.
pub struct Listener {
    client: Client,
    link: Link,
}

impl Listener {
    /// Connects and begins to listen.
    ///
    /// # Errors
    /// As [`Driver::connect`](crate::driver::Driver::connect).
    pub fn open(postgres: &Postgres, channel: &str) -> Result<Self> {
        let (client, mut link) = Link::open(&postgres.place)?;
        let listen = format!("LISTEN \"{}\"", channel.replace('"', "\"\""));
        link.wait(client.batch_execute(&listen))
            .map_err(|error| Error::new(ErrorKind::Unavailable, "the server went away").with_cause(error))?
            .map_err(super::fault::of)?;
        Ok(Self { client, link })
    }

    /// Waits until something was told, no longer than `timeout`; true when it was. All that had been told by then counts as
    /// one.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] when the server went away: open another, and take it that something was told meanwhile.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool> {
        if self.client.is_closed() {
            return Err(Error::new(ErrorKind::Unavailable, "the server went away"));
        }
        let told = self
            .link
            .wait_for_notification(Instant::now() + timeout)
            .map_err(|error| Error::new(ErrorKind::Unavailable, "the server went away").with_cause(error))?;
        self.link.notifications.clear();
        Ok(told)
    }
}

impl driver::Listener for Listener {
    fn wait(&mut self, timeout: Duration) -> Result<bool> {
        Self::wait(self, timeout)
    }

    /// The transactions that are over, as a snapshot shows them.
    fn state(&mut self) -> Result<Option<String>> {
        let asked = self.client.simple_query("SELECT pg_current_snapshot()");
        let answer = self
            .link
            .wait(asked)
            .map_err(|error| Error::new(ErrorKind::Unavailable, "the server went away").with_cause(error))?;
        let messages = match answer.map_err(super::fault::of) {
            Ok(messages) => messages,
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            // A server that only speaks the protocol may not have the function.
            Err(_) => return Ok(None),
        };
        Ok(messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}
