//! Reading.

use super::effort::Effort;
use super::lent::Fate;
use super::{Pool, Wait};
use crate::db::inside::Inside;
use crate::db::{ReadTx, Seat};
use crate::driver::{Access, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::Verb;

impl Pool {
    pub(super) fn wait_for(&self, seat: Seat) -> Wait {
        Wait { beyond: seat == Seat::AtOnce, ..self.wait() }
    }

    /// Does `f` in a transaction that reads. It is done once, for it may not be done twice.
    pub(in crate::db) fn read<T>(
        &self,
        seat: Seat,
        f: impl FnOnce(&mut ReadTx<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut lent = self.acquire(self.wait_for(seat))?;
        self.count.read();
        let _inside = Inside::enter(self.id, Access::Read);
        lent.transact(Access::Read, |connection| f(&mut ReadTx::new(connection)))
    }

    /// Does `f`, which runs the one statement `sql`. When the connection broke under it, it is done again in a transaction in
    /// which the server itself refuses to write.
    pub(in crate::db) fn straight<T>(
        &self,
        sql: &str,
        mut f: impl FnMut(&mut ReadTx<'_>) -> Result<T>,
    ) -> Result<T> {
        let plain = only_reads(sql, self.driver.dialect());
        let mut effort = Effort::new(self);
        // A connection broke under it. It may call a function that writes, and that may have happened.
        let mut doubtful = false;
        loop {
            let mut lent = self.acquire(self.wait())?;
            self.count.read();
            let result = if plain && !doubtful || self.access == Access::Read {
                lent.run(|connection| f(&mut ReadTx::new(connection)))
            } else {
                lent.transact(Access::Read, |connection| f(&mut ReadTx::new(connection)))
            };
            let fate = lent.fate();
            drop(lent);
            match result {
                Ok(value) => return Ok(value),
                Err(error) if doubtful && error.kind() == ErrorKind::ReadOnly => return Err(unknown(error)),
                Err(error) => {
                    doubtful |= plain && fate == Fate::Lost;
                    effort.again(error, fate)?;
                }
            }
        }
    }
}

/// The second time it was only let read, and it wanted to write.
fn unknown(error: Error) -> Error {
    let message = "the connection broke while a query called a function that writes, which may have happened";
    Error::new(ErrorKind::UnknownOutcome, message)
        .with_help("look what was written before you ask again; what writes belongs into `write`")
        .with_cause(error)
}

/// True for a statement that by its form does nothing but read. Any other goes into a transaction in which the engine itself
/// refuses to write: that is two round trips more.
fn only_reads(sql: &str, dialect: Dialect) -> bool {
    matches!(Verb::of(sql, dialect), Verb::Select | Verb::Values) && !has_word_into(sql)
}

/// `SELECT … INTO` makes a table. The word may stand elsewhere too; that does no harm.
fn has_word_into(sql: &str) -> bool {
    sql.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"into"))
}
