//! Prepared statements, kept for the next use.

use super::action::Seen;
use super::planner::Planner;
use super::prepared::Prepared;
use super::rule;
use crate::driver::{Action, Object, Tally};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::{Dialect, Mapped, Verb, mentions_word, split};
use crate::sql::{Given, Param, ValueRef};
use foldhash::fast::RandomState;
use rusqlite::Connection;
use std::collections::HashMap;
use std::ffi::c_int;

/// How many statements a connection keeps. A program with more of them in turn prepares some of them again.
const CAPACITY: usize = 512;
/// Many more than statements, so that few share one; a power of two.
const HINTS: usize = 4096;
/// A hint may be wrong, so it may as well name the first; and a list of zeros costs nothing to make.
const NO_HINT: u16 = 0;

/// A prepared statement and what is known of its text.
pub(super) struct Entry<'c> {
    pub(super) prepared: Prepared<'c>,
    pub(super) columns: Box<[Box<str>]>,
    pub(super) verb: Verb,
    pub(super) readonly: bool,
    text: Box<str>,
    mapped: Mapped<'static>,
    /// How often SQLite had prepared it anew when its columns were read.
    again: i32,
    /// How often SQLite has prepared it anew, not yet counted.
    pub(super) new_plans: u64,
    /// It holds parameters that are more than numbers.
    holds: bool,
    /// What SQLite said the statement does, when it was prepared under watch.
    pub(super) actions: Vec<Action>,
    /// The watch that has been told of these actions; see `Sqlite::watch`.
    pub(super) told: u64,
    recent: bool,
}

/// The values of a statement's parameters.
#[derive(Clone, Copy)]
pub(super) enum Values<'v> {
    /// By name, in any order.
    Named(&'v [Param<'v>]),
    /// In the order of the statement's parameters.
    List(&'v [ValueRef<'v>]),
}

/// The statements of one connection: found by the address of their text first, which a program's literals keep, then by
/// the text itself. The one that was not used for longest gives way (second chance).
pub(super) struct Statements<'c> {
    entries: Vec<Entry<'c>>,
    by_text: HashMap<Box<str>, usize, RandomState>,
    by_address: Box<[u16]>,
    hand: usize,
    watching: bool,
    planner: Planner,
    /// A migration's statement, which will hardly come a second time.
    passing: Option<Entry<'c>>,
}

impl<'c> Statements<'c> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            by_text: HashMap::default(),
            by_address: vec![NO_HINT; HINTS].into_boxed_slice(),
            hand: 0,
            watching: false,
            planner: Planner::default(),
            passing: None,
        }
    }

    /// Forgets all, and takes note of whether what comes is watched.
    pub(super) fn clear(&mut self, watching: bool) {
        let planner = std::mem::take(&mut self.planner);
        *self = Self { watching, planner, ..Self::new() };
    }

    /// The statement of that text, prepared now if it is not at hand.
    pub(super) fn get(
        &mut self,
        connection: &'c Connection,
        seen: &Seen,
        sql: &str,
        tally: &Tally,
    ) -> Result<&mut Entry<'c>> {
        let hint = hint(sql);
        let hinted = self.by_address.get(hint).map_or(usize::MAX, |index| usize::from(*index));
        let known = self.entries.get(hinted).is_some_and(|entry| *entry.text == *sql);
        let index = if known {
            hinted
        } else {
            let index = match self.by_text.get(sql) {
                Some(index) => *index,
                None => {
                    let planner = &mut self.planner;
                    let entry = Entry::prepare(connection, seen, sql, self.watching, planner)?;
                    if !entry.verb.is_transaction_control() {
                        tally.note_prepared();
                    }
                    if self.watching && entry.is_passing() {
                        return Ok(self.passing.insert(entry));
                    }
                    self.insert(entry)
                }
            };
            if let Some(slot) = self.by_address.get_mut(hint) {
                *slot = u16::try_from(index).unwrap_or(NO_HINT);
            }
            index
        };
        let entry = self.entries.get_mut(index).ok_or_else(|| {
            Error::new(ErrorKind::Internal, "the statement cache lost a statement that it had just found")
        })?;
        entry.recent = true;
        Ok(entry)
    }

    /// Whether a statement of that text is kept.
    pub(super) fn has(&self, sql: &str) -> bool {
        self.by_text.contains_key(sql)
    }

    /// SQLite has prepared a statement anew.
    pub(super) fn prepared_again(&mut self, connection: &Connection) -> Result<()> {
        if self.watching { Ok(()) } else { self.planner.prepared_again(connection) }
    }

    fn insert(&mut self, entry: Entry<'c>) -> usize {
        let text = entry.text.clone();
        let index = if self.entries.len() < CAPACITY {
            self.entries.push(entry);
            self.entries.len() - 1
        } else {
            let index = self.victim();
            if let Some(old) = self.entries.get_mut(index) {
                self.by_text.remove(&old.text);
                *old = entry;
            }
            index
        };
        self.by_text.insert(text, index);
        index
    }

    fn victim(&mut self) -> usize {
        loop {
            let index = self.hand;
            self.hand = (self.hand + 1) % self.entries.len();
            match self.entries.get_mut(index) {
                Some(entry) if entry.recent => entry.recent = false,
                _ => return index,
            }
        }
    }
}

impl<'c> Entry<'c> {
    fn prepare(
        connection: &'c Connection,
        seen: &Seen,
        sql: &str,
        watching: bool,
        planner: &mut Planner,
    ) -> Result<Self> {
        let mapped = match Mapped::none(sql) {
            Some(mapped) => mapped,
            None => Mapped::new(sql, Dialect::Sqlite)?,
        };
        let mapped = mapped.into_owned();
        let verb = single(sql)?;
        // Many a PRAGMA does its work while it is prepared. Larder's own BEGIN and COMMIT pass here.
        if !verb.is_transaction_control() {
            rule::check(verb, sql, watching)?;
        }
        // A migration's statement hardly comes again, and what it reads must not be seen as part of it.
        if !mapped.names().is_empty() && !watching {
            planner.meet(connection, sql)?;
        }
        let prepared = Prepared::new(connection, sql)?;
        let columns = prepared.columns();
        let readonly = rule::only_reads(verb, sql, prepared.readonly());
        let actions = what_it_does(seen.take(), verb, sql);
        Ok(Self {
            columns,
            verb,
            readonly,
            text: sql.into(),
            mapped,
            again: 0,
            new_plans: 0,
            holds: false,
            actions,
            told: 0,
            recent: true,
            prepared,
        })
    }

    /// True for a statement without parameters that is not Larder's own.
    fn is_passing(&self) -> bool {
        self.mapped.names().is_empty() && !self.verb.is_transaction_control()
    }

    /// Gives the statement its parameters, runs `with`, and lets go of those that may be large or secret.
    pub(super) fn with_values<T>(
        &mut self,
        values: Values<'_>,
        with: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let bound = match values {
            Values::Named(params) => self.bind(params),
            Values::List(values) => self.bind_list(values),
        };
        let result = bound.and_then(|()| with(self));
        if std::mem::take(&mut self.holds) {
            self.prepared.clear();
        }
        result
    }

    fn bind(&mut self, params: &[Param<'_>]) -> Result<()> {
        let names = self.mapped.names();
        if names.len() != params.len() {
            return Err(mismatch(&self.mapped, params));
        }
        for ((index, name), own) in (1..).zip(names).zip(params) {
            // Most callers give them in the order of the statement.
            let given =
                if *own.0 == **name { Some(own) } else { params.iter().find(|param| *param.0 == **name) };
            let Some((_, value)) = given else {
                return Err(mismatch(&self.mapped, params));
            };
            match value.to_value()? {
                Given::Borrowed(value) => lend(&mut self.prepared, &mut self.holds, index, name, value)?,
                Given::Owned(value) => {
                    let value = value.as_ref();
                    refuse_nan(name, value)?;
                    self.holds = true;
                    self.prepared.bind_copy(index, value)?;
                }
            }
        }
        Ok(())
    }

    fn bind_list(&mut self, values: &[ValueRef<'_>]) -> Result<()> {
        let names = self.mapped.names();
        if names.len() != values.len() {
            return Err(Error::new(
                ErrorKind::Parameter,
                format!(
                    "the statement has {} parameters and {} values were given",
                    names.len(),
                    values.len()
                ),
            ));
        }
        for ((index, name), value) in (1..).zip(names).zip(values) {
            lend(&mut self.prepared, &mut self.holds, index, name, *value)?;
        }
        Ok(())
    }

    /// What SQLite reported while the statement ran: it prepares one anew when the schema has changed, and then there may
    /// be triggers that were not there before; and a virtual table writes to its own tables.
    pub(super) fn note_late(&mut self, seen: &Seen) -> Vec<Action> {
        let mut late = what_it_does(seen.take(), self.verb, &self.text);
        late.retain(|action| {
            let rows =
                matches!(action, Action::Insert { .. } | Action::Update { .. } | Action::Delete { .. });
            rows && !self.actions.contains(action)
        });
        self.actions.extend(late.iter().cloned());
        late
    }

    /// To be called once it has run a step. SQLite prepares a statement anew when the schema has changed, and then `SELECT *`
    /// may have other columns.
    pub(super) fn note_plans(&mut self) {
        let now = self.prepared.prepared_again();
        if now != self.again {
            self.columns = self.prepared.columns();
            let more = now - std::mem::replace(&mut self.again, now);
            self.new_plans += u64::try_from(more).unwrap_or(0);
        }
    }
}

/// Where to look for a statement by the address of its text.
fn hint(sql: &str) -> usize {
    // Texts in one place of a program lie at a distance of each other that is like a pattern; the product breaks it.
    let mixed = (sql.as_ptr().addr() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    usize::try_from(mixed).unwrap_or(0) % HINTS
}

/// Lends a statement one of its parameters.
#[allow(unsafe_code, reason = "the value is bound without a copy")]
fn lend(
    prepared: &mut Prepared<'_>,
    holds: &mut bool,
    index: c_int,
    name: &str,
    value: ValueRef<'_>,
) -> Result<()> {
    refuse_nan(name, value)?;
    *holds |= matches!(value, ValueRef::Text(_) | ValueRef::Blob(_));
    // SAFETY: the values live as long as `Entry::with_values` runs, which alone comes here, and which clears the parameters;
    // should a panic keep it from that, nothing runs the statement before all its parameters were bound again, for their
    // number is checked.
    unsafe { prepared.bind_lent(index, value) }
}

/// SQLite would store NULL in its place, without a word.
fn refuse_nan(name: &str, value: ValueRef<'_>) -> Result<()> {
    if !matches!(value, ValueRef::Real(x) if x.is_nan()) {
        return Ok(());
    }
    let message = format!("the parameter :{name} is not a number (NaN), which SQLite can't store");
    Err(Error::new(ErrorKind::Parameter, message).with_help("give None where there is no value"))
}

/// What SQLite reported, made plainer: that REPLACE removes rows it does not say, and what goes with a table it reports as
/// if each had been dropped by name.
fn what_it_does(mut actions: Vec<Action>, verb: Verb, sql: &str) -> Vec<Action> {
    let dropped: Vec<String> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Drop { object: Object::Table, name, .. } => Some(name.clone()),
            _ => None,
        })
        .collect();
    if !dropped.is_empty() {
        actions.retain(|action| match action {
            Action::Drop { object: Object::Trigger | Object::Index, .. } => false,
            Action::Delete { table } => !dropped.contains(table),
            _ => true,
        });
    }
    let may_replace = || sql.as_bytes().windows(7).any(|word| word.eq_ignore_ascii_case(b"REPLACE"));
    if verb.writes_rows() && may_replace() && mentions_word(sql, "REPLACE", Dialect::Sqlite) {
        let removed: Vec<Action> = actions
            .iter()
            .filter_map(|action| match action {
                Action::Insert { table } | Action::Update { table, .. } => {
                    Some(Action::Delete { table: table.clone() })
                }
                _ => None,
            })
            .collect();
        actions.extend(removed);
    }
    actions
}

/// The error of parameters that are not those of the statement.
fn mismatch(mapped: &Mapped<'_>, params: &[Param<'_>]) -> Error {
    match mapped.resolve(params.iter().map(|param| param.0)) {
        Err(error) => error,
        Ok(_) => Error::new(ErrorKind::Internal, "the parameters fit and were held not to"),
    }
}

/// The verb of the one statement that `sql` holds.
fn single(sql: &str) -> Result<Verb> {
    // Without a semicolon there can be no second one.
    let verb = Verb::of(sql, Dialect::Sqlite);
    if verb != Verb::Other && !sql.contains(';') {
        return Ok(verb);
    }
    let statements =
        split(sql, Dialect::Sqlite).map_err(|error| error.into_error(ErrorKind::Statement, "<sql>", sql))?;
    match statements.as_slice() {
        [one] => Ok(one.verb),
        [] => Err(Error::new(ErrorKind::Statement, "there is no statement in the text")),
        [_, second, ..] => Err(Error::new(
            ErrorKind::Statement,
            format!("the text holds {} statements and one was expected", statements.len()),
        )
        .with_location(crate::error::Location::new("<sql>", sql, second.offset, 1))
        .with_help("run each by itself")),
    }
}
