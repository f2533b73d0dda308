//! Statements that can't be one text for both engines.

use larder::ReadTx;
use larder::sql::text::Dialect;

/// A statement in the words of each engine. The reason why one text won't do stands where it is written. Among the queries of
/// a store each of the two has the name of its engine behind its own: `check::EXISTS (sqlite)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerEngine {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl PerEngine {
    /// The text for the engine of that transaction.
    pub(crate) fn on(self, tx: &ReadTx<'_>) -> &'static str {
        match tx.dialect() {
            Dialect::Postgres => self.postgres,
            _ => self.sqlite,
        }
    }
}
