//! When SQLite waits for the disk.

use super::pragma;
use crate::driver::Durability;
use crate::error::{Error, ErrorKind, Result};
use rusqlite::Connection;

/// The setting of that name, 0 to 3 for `OFF`, `NORMAL`, `FULL` and `EXTRA`.
#[derive(Default)]
pub(super) struct Synchronous {
    /// As the connection was opened; it is asked for only once somebody wants another.
    opened: Option<u8>,
    /// It was raised to `FULL`, for it was less.
    raised: bool,
}

impl Synchronous {
    const FULL: u8 = 2;

    /// True when nothing is to be done for it.
    pub(super) fn is(&self, durability: Durability) -> bool {
        match durability {
            Durability::Normal => !self.raised,
            Durability::Full => self.raised || self.opened >= Some(Self::FULL),
        }
    }

    /// Only outside a transaction: inside one SQLite refuses.
    pub(super) fn change(&mut self, connection: &Connection, durability: Durability) -> Result<()> {
        let opened = match self.opened {
            Some(opened) => opened,
            None => *self.opened.insert(now(connection)?),
        };
        if self.is(durability) {
            return Ok(());
        }
        let wanted = if durability == Durability::Full { Self::FULL } else { opened };
        pragma::set(connection, "synchronous", &wanted.to_string())?;
        self.raised = durability == Durability::Full;
        Ok(())
    }
}

fn now(connection: &Connection) -> Result<u8> {
    let found = pragma::get(connection, "synchronous")?.and_then(|found| found.parse().ok());
    found.ok_or_else(|| Error::new(ErrorKind::Internal, "SQLite does not say how it syncs"))
}
