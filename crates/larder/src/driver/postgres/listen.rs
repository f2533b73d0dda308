//! Hearing of the commits of others, on a connection of its own.

use super::connection::Ended;
use super::fault;
use super::link;
use super::message;
use super::open::Postgres;
use super::session::Session;
use crate::driver::{Access, Listener};
use crate::error::{Error, ErrorKind, Result};
use std::time::{Duration, Instant};

/// A session that listens.
pub(super) struct Ear {
    session: Session,
    /// A pooler stands in between, which lends its servers for a transaction: no announcement gets through.
    deaf: bool,
}

impl Ear {
    pub(super) fn open(driver: &Postgres) -> Result<Self> {
        let mut session = link::open(driver, Access::Write)?;
        // A replica takes no LISTEN.
        let deaf = !session.settled || session.parameter("in_hot_standby") == Some("on");
        if !deaf {
            ask(&mut session, "LISTEN larder")?;
        }
        Ok(Self { session, deaf })
    }
}

fn ask(session: &mut Session, sql: &str) -> Result<Option<String>> {
    message::query(&mut session.out, sql);
    session.send().map_err(Ended::from)?;
    session.value().map_err(Error::from)
}

impl Listener for Ear {
    fn wait(&mut self, timeout: Duration) -> Result<bool> {
        let until = Instant::now() + timeout;
        loop {
            if std::mem::take(&mut self.session.notifications) > 0 {
                return Ok(true);
            }
            let left = until.saturating_duration_since(Instant::now());
            // Other things arrive as well.
            if !self.session.look_for(left).map_err(fault::gone)? {
                return Ok(false);
            }
        }
    }

    /// The transactions that are over, as a snapshot shows them.
    fn state(&mut self) -> Result<Option<String>> {
        match ask(&mut self.session, "SELECT pg_catalog.pg_current_snapshot()") {
            // A server that only speaks the protocol may not have the function.
            Err(error) if error.kind() != ErrorKind::Unavailable => Ok(None),
            answer => answer,
        }
    }

    fn is_deaf(&self) -> bool {
        self.deaf
    }
}
