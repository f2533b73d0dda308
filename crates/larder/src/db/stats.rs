//! What a handle has done so far.

use super::checkpoint::LogStats;
use super::{Database, Way};
use serde::Serialize;
use std::time::Duration;

/// What a database was used for since its handle was opened, as [`Database::stats`] found it. Counts are taken one after the
/// other while others go on, so they need not fit each other to the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Reads: closures of `read` and single statements, with those that are going on.
    pub reads: u64,
    /// Writes that were committed: closures of `write` and single statements.
    pub writes: u64,
    /// Commits that these took. Fewer than writes where threads wrote at the same time and shared commits.
    pub commits: u64,
    /// The most writes that shared one commit.
    pub largest_batch: u64,
    /// How long all commits took together.
    pub committing: Duration,
    /// Writes that wait for their turn at this moment.
    pub waiting: u64,
    /// Statements that were run, without those that open and end transactions.
    pub statements: u64,
    /// Of these, the ones whose statement was at hand and needed no preparing.
    pub cache_hits: u64,
    /// Statements that were prepared, because they were not at hand.
    pub prepared: u64,
    /// Statements at hand that the engine prepared anew: the schema had changed, or it planned for another value.
    pub prepared_again: u64,
    /// How often a lock of another process was asked for again before it was had.
    pub busy_retries: u64,
    /// How often a write was run again, because transactions of others came in between or the server went away. Always 0 on
    /// SQLite.
    pub reruns: u64,
    /// The connections to a server that are open. 0 on SQLite, whose connections are no server's.
    pub connections: u64,
    /// The write-ahead log and its checkpoints. All zero where there is none, and on a handle that only reads.
    pub log: LogStats,
}

impl Database {
    /// What the database was used for since this handle, or the one it was cloned from, was opened.
    ///
    /// ```
    /// # fn main() -> larder::Result<()> {
    /// let db = larder::Database::open(":memory:")?;
    /// db.execute("CREATE TABLE agents (id INTEGER PRIMARY KEY)", &[])?;
    /// assert_eq!(db.stats().writes, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stats(&self) -> Stats {
        let counts;
        let mut stats = match &self.inner.way {
            Way::Line { writer, readers } => {
                let written = writer.count().now();
                counts = writer.counts() + readers.counts();
                Stats {
                    reads: readers.reads(),
                    writes: written.writes,
                    commits: written.commits,
                    largest_batch: written.largest,
                    committing: written.committing,
                    waiting: writer.waiting() as u64,
                    log: writer.log_stats(),
                    ..Stats::default()
                }
            }
            Way::Pool { pool, replicas } => {
                let done = pool.count();
                counts = pool.counts() + replicas.counts();
                let writes = done.writes();
                Stats {
                    reads: done.reads() + replicas.reads(),
                    writes,
                    commits: writes,
                    largest_batch: writes.min(1),
                    committing: done.committing(),
                    waiting: pool.waiting() as u64,
                    reruns: done.reruns(),
                    connections: (pool.open() + replicas.open()) as u64,
                    ..Stats::default()
                }
            }
        };
        stats.statements = counts.statements;
        stats.cache_hits = counts.statements.saturating_sub(counts.prepared);
        stats.prepared = counts.prepared;
        stats.prepared_again = counts.prepared_again;
        stats.busy_retries = counts.busy_retries;
        stats
    }
}
