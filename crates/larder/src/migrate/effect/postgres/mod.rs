//! The effects of a migration on PostgreSQL.
//!
//! The server tells nobody what a statement does, but it can't hide it either: whatever takes something away that is
//! committed holds a lock on it until the transaction ends. ACCESS EXCLUSIVE: dropped, truncated, rewritten or altered.
//! ROW EXCLUSIVE: rows written, of which the transaction's own counters tell whether any were changed or removed. So after a
//! migration ran, its locks and the counters say which tables may have lost something, in whichever way it was done: by a
//! statement, a DO block, a trigger, a cascade, a function.
//!
//! What they lost is measured against what they held before. That can't be read any more then, by no connection. So what the
//! text names is looked at before it runs ([`predict`]); and where that was not enough, the migration is rolled back to its
//! savepoint, all that it touched is looked at, and it runs a second time ([`Server::lacks`], [`Server::look`]). What is
//! looked at is locked first, so that nobody writes into it in between.
//!
//! To look is to count where that is enough (a dropped table, a dropped column), and else to copy what the table holds into a
//! temporary table of texts, long ones as two hashes. The server then compares, by primary key where there is one: exactly,
//! with room on its disk for the copy, and nothing that grows with the table in this process.

mod compare;
mod fact;
mod look;
mod need;
mod object;
mod predict;
mod told;

use super::measure::Seen;
use crate::driver::Connection;
use crate::error::Result;
use crate::migrate::history::one;
use crate::migrate::report::Effects;
use crate::schema::Catalogue;
use crate::sql::text::Statement;
use fact::{Facts, Locks};
use look::Looked;
use need::Needs;
pub(super) use object::dropped;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the committed state, and what was looked at.
pub(super) struct Server {
    before: Facts,
    /// The transaction's own number.
    start: i64,
    /// What tables and views the transaction has made so far, by oid.
    made: told::Made,
    wanted: Needs,
    looked: BTreeMap<i64, Looked>,
    /// What the transaction held exclusively before: a rehearsal holds what earlier migrations of it made or altered.
    held: BTreeSet<i64>,
    /// The server does not count what a transaction does.
    blind: bool,
}

const START: &str = "SELECT pg_catalog.pg_current_xact_id()::text::bigint";
const COUNTS: &str = "SELECT pg_catalog.current_setting('track_counts') = 'off'";

impl Server {
    /// Looks at what is committed. `connection` is in its transaction, and has changed nothing but Larder's own tables.
    pub(super) fn take(connection: &mut dyn Connection) -> Result<Self> {
        let start = one(connection, START)?.unwrap_or(0);
        let before = Facts::read(connection)?;
        Ok(Self {
            held: Locks::read(connection, &before)?.altered,
            before,
            // A transaction that rehearses holds several runs.
            made: told::read(connection, start)?,
            start,
            wanted: Needs::default(),
            looked: BTreeMap::new(),
            blind: one(connection, COUNTS)?.unwrap_or(false),
        })
    }

    /// Looks at what the statements of a migration name as what they take away from.
    pub(super) fn expect(
        &mut self,
        connection: &mut dyn Connection,
        statements: &[Statement<'_>],
    ) -> Result<()> {
        self.wanted = predict::needs(&self.before, statements);
        self.look(connection)
    }

    /// True where the migration that ran touched something that was not looked at before: it has to be rolled back, what it
    /// touched [looked at](Self::look), and run again.
    pub(super) fn lacks(&mut self, connection: &mut dyn Connection) -> Result<bool> {
        let locks = Locks::read(connection, &self.before)?;
        if !self.touches(&locks) && !self.held_here(&locks) {
            return Ok(false);
        }
        let mut after = Facts::read(connection)?;
        after.look_for_rows(connection, &self.before)?;
        let needs = need::needs(&self.before, &after, &locks, self.blind);
        let lacking = needs.iter().any(|(oid, need)| match self.looked.get(oid) {
            Some(looked) => !looked.serves(need),
            None => true,
        });
        if lacking {
            for (oid, need) in needs {
                self.wanted.entry(oid).and_modify(|known| known.add(&need)).or_insert(need);
            }
        }
        Ok(lacking)
    }

    /// Locks and looks at what is wanted. The migration comes after.
    pub(super) fn look(&mut self, connection: &mut dyn Connection) -> Result<()> {
        self.looked.clear();
        // An application that locks the same tables in another order would meet each attempt with a deadlock.
        let mut order: Vec<_> = self.wanted.iter().collect();
        fastrand::shuffle(&mut order);
        for (oid, need) in order {
            if let Some(table) = self.before.tables.get(oid) {
                look::lock(connection, table, need.exclusive)?;
            }
        }
        if self.wanted.is_empty() {
            return Ok(());
        }
        look::see_all(connection, true)?;
        // Rows that an earlier migration of this transaction added are nobody's yet.
        let now = Facts::read(connection)?;
        for (oid, need) in &self.wanted {
            let Some(table) = self.before.tables.get(oid) else { continue };
            let added = now.added(&self.before, *oid);
            let start = added.then_some(self.start);
            self.looked.insert(*oid, look::look(connection, *oid, table, need, start)?);
        }
        // From here on counts what the migration does.
        self.before.count_from(&now);
        look::see_all(connection, false)
    }

    fn touches(&self, locks: &Locks) -> bool {
        locks.altered.iter().any(|oid| !self.held.contains(oid) && self.before.has(*oid))
            || locks.written.iter().any(|oid| {
                self.before.tables.get(oid).is_some_and(|was| {
                    self.blind || locks.tallies.get(oid).is_some_and(|now| now.changed > was.tally.changed)
                })
            })
    }

    /// True where it may have touched what the transaction held already: the locks don't tell.
    fn held_here(&self, locks: &Locks) -> bool {
        locks.altered.iter().any(|oid| self.held.contains(oid) && self.before.has(*oid))
    }

    /// Measures what a migration did. The second value tells whether it touched something that was committed before.
    pub(super) fn assess(
        &mut self,
        connection: &mut dyn Connection,
        before: &Catalogue,
        seen: &Seen,
    ) -> Result<(Effects, bool)> {
        let mut effects = Effects::default();
        let locks = Locks::read(connection, &self.before)?;
        let mut looks = self.touches(&locks);
        if !looks && self.held_here(&locks) {
            looks = !is_within(before, &Catalogue::read(connection)?)
                || !need::needs(&self.before, &Facts::read(connection)?, &locks, self.blind).is_empty();
        }
        if looks {
            let mut facts = Facts::read(connection)?;
            facts.look_for_rows(connection, &self.before)?;
            let after = Catalogue::read(connection)?;
            effects.changes = before.diff(&after).iter().map(ToString::to_string).collect();
            let needs = need::needs(&self.before, &facts, &locks, self.blind);
            let mut comparison = compare::Comparison {
                connection,
                before: &self.before,
                after: &facts,
                looked: &self.looked,
                seen,
                moved: BTreeMap::new(),
            };
            look::see_all(comparison.connection, true)?;
            comparison.tables_with_room(&needs, &mut effects)?;
            look::see_all(comparison.connection, false)?;
            let moved = std::mem::take(&mut comparison.moved);
            object::objects(before, &after, seen, &moved, &mut effects);
            super::measure::names(before, &after, &mut effects);
        } else {
            told::describe(connection, self, seen, &mut effects)?;
        }
        self.forget(connection)?;
        Ok((effects, looks))
    }

    /// Lets go of the copies, and of what was wanted for this migration.
    fn forget(&mut self, connection: &mut dyn Connection) -> Result<()> {
        for looked in std::mem::take(&mut self.looked).into_values() {
            looked.drop(connection)?;
        }
        self.wanted.clear();
        Ok(())
    }
}

/// True where all that there was is as it was.
fn is_within(before: &Catalogue, after: &Catalogue) -> bool {
    fn kept<T: PartialEq>(was: &BTreeMap<String, T>, is: &BTreeMap<String, T>) -> bool {
        was.iter().all(|(name, was)| is.get(name) == Some(was))
    }
    kept(&before.tables, &after.tables)
        && kept(&before.indexes, &after.indexes)
        && kept(&before.triggers, &after.triggers)
        && kept(&before.views, &after.views)
        && kept(&before.sequences, &after.sequences)
        && kept(&before.types, &after.types)
        && kept(&before.functions, &after.functions)
}

/// A name in quotes.
fn quote(name: &str) -> String {
    crate::schema::quote(name)
}
