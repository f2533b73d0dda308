//! Reading.

use super::effort::Effort;
use super::{Pool, Wait};
use crate::db::inside::Inside;
use crate::db::{ReadTx, Seat};
use crate::driver::{Access, Dialect};
use crate::error::Result;
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

    /// Does `f`, which runs the one statement `sql`.
    pub(in crate::db) fn straight<T>(
        &self,
        sql: &str,
        mut f: impl FnMut(&mut ReadTx<'_>) -> Result<T>,
    ) -> Result<T> {
        let plain = only_reads(sql, self.driver.dialect());
        let mut effort = Effort::new(self);
        loop {
            let mut lent = self.acquire(self.wait())?;
            self.count.read();
            let result = if plain || self.access == Access::Read {
                lent.run(|connection| f(&mut ReadTx::new(connection)))
            } else {
                lent.transact(Access::Read, |connection| f(&mut ReadTx::new(connection)))
            };
            let fate = lent.fate();
            drop(lent);
            match result {
                Ok(value) => return Ok(value),
                Err(error) => effort.again(error, fate)?,
            }
        }
    }
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
