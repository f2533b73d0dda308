//! Prepared statements, kept for the next use.

use super::action::Seen;
use super::direct::Direct;
use super::planner::Planner;
use super::{fault, rule};
use crate::driver::{Action, Object, Tally};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::{Dialect, Mapped, Verb, mentions_word, split};
use crate::sql::{Param, ValueRef};
use foldhash::fast::RandomState;
use rusqlite::types::{ToSqlOutput, ValueRef as Raw};
use rusqlite::{Connection, Statement, ffi};
use std::collections::HashMap;

/// How many statements a connection keeps. A program with more of them in turn prepares some of them again.
const CAPACITY: usize = 512;
const HINTS: usize = 512;

/// A prepared statement and what is known of its text.
pub(super) struct Entry<'c> {
    pub(super) statement: Statement<'c>,
    pub(super) columns: Box<[Box<str>]>,
    pub(super) verb: Verb,
    pub(super) readonly: bool,
    text: Box<str>,
    mapped: Mapped<'static>,
    /// How often SQLite had prepared it anew when its columns were read, and when that was last counted.
    pub(super) columns_of: i32,
    counted: i32,
    /// What SQLite said the statement does, when it was prepared under watch.
    pub(super) actions: Vec<Action>,
    /// The watch that has been told of these actions; see `Sqlite::watch`.
    pub(super) told: u64,
    recent: bool,
    /// Looked for when it is first needed.
    direct: Option<Option<Direct>>,
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
    by_address: Box<[u32]>,
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
            by_address: vec![u32::MAX; HINTS].into_boxed_slice(),
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
        let hint = (sql.as_ptr().addr() / 8) % HINTS;
        let hinted = self.by_address.get(hint).map_or(usize::MAX, |index| *index as usize);
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
                *slot = u32::try_from(index).unwrap_or(u32::MAX);
            }
            index
        };
        let entry = self.entries.get_mut(index).ok_or_else(|| {
            Error::new(ErrorKind::Internal, "the statement cache lost a statement that it had just found")
        })?;
        entry.recent = true;
        Ok(entry)
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
        let statement = connection.prepare(sql).map_err(|error| fault::statement(error, sql))?;
        let columns = columns(&statement);
        let readonly = rule::only_reads(verb, sql, statement.readonly());
        let actions = what_it_does(seen.take(), verb, sql);
        Ok(Self {
            columns,
            verb,
            readonly,
            text: sql.into(),
            mapped,
            columns_of: 0,
            counted: 0,
            actions,
            told: 0,
            recent: true,
            direct: None,
            statement,
        })
    }

    /// True for a statement without parameters that is not Larder's own.
    fn is_passing(&self) -> bool {
        self.mapped.names().is_empty() && !self.verb.is_transaction_control()
    }

    /// Gives the statement its parameters, runs `with`, and lets go of them: they may be large or secret.
    pub(super) fn with_values<T>(
        &mut self,
        connection: &Connection,
        values: Values<'_>,
        with: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let bound = match values {
            Values::Named(params) => self.bind(params),
            Values::List(values) => self.lend(connection, values),
        };
        let result = bound.and_then(|()| with(self));
        self.unbind();
        result
    }

    /// Gives the statement its parameters.
    fn bind(&mut self, params: &[Param<'_>]) -> Result<()> {
        let names = self.mapped.names();
        if names.len() != params.len() {
            return Err(mismatch(&self.mapped, params));
        }
        for (slot, name) in names.iter().enumerate() {
            // Most callers give them in the order of the statement.
            let given = match params.get(slot) {
                Some(param) if *param.0 == **name => Some(param),
                _ => params.iter().find(|param| *param.0 == **name),
            };
            let Some((_, value)) = given else {
                return Err(mismatch(&self.mapped, params));
            };
            let value = value.to_value()?;
            if matches!(value.as_ref(), ValueRef::Real(x) if x.is_nan()) {
                return Err(nan(name));
            }
            self.statement
                .raw_bind_parameter(slot + 1, ToSqlOutput::Borrowed(raw(value.as_ref())))
                .map_err(fault::general)?;
        }
        Ok(())
    }

    /// Lends the statement its parameters; where that can't be, it gets copies.
    #[allow(unsafe_code, reason = "the values are bound without a copy")]
    fn lend(&mut self, connection: &Connection, values: &[ValueRef<'_>]) -> Result<()> {
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
        for (name, value) in names.iter().zip(values) {
            if matches!(value, ValueRef::Real(x) if x.is_nan()) {
                return Err(nan(name));
            }
        }
        let find = || Direct::of(connection, &self.statement, &self.text);
        let Some(direct) = *self.direct.get_or_insert_with(find) else {
            for (index, value) in (1..).zip(values) {
                let bound = self.statement.raw_bind_parameter(index, ToSqlOutput::Borrowed(raw(*value)));
                bound.map_err(fault::general)?;
            }
            return Ok(());
        };
        // SAFETY: the statement is that of `self`, and not running: `run` steps it to its end or resets it. The only
        // caller is `with_values`, which clears the parameters before the values are gone; should a panic keep it from
        // that, nothing runs the statement before all its parameters were bound again, for their number is checked.
        match unsafe { direct.bind(values) } {
            ffi::SQLITE_OK => Ok(()),
            code => Err(fault::general(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))),
        }
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

    /// How often SQLite has prepared the statement anew since this was last asked.
    pub(super) fn prepared_again(&mut self) -> u64 {
        let now = self.statement.get_status(rusqlite::StatementStatus::RePrepare);
        let more = now - std::mem::replace(&mut self.counted, now);
        u64::try_from(more).unwrap_or(0)
    }

    fn unbind(&mut self) {
        if !self.mapped.names().is_empty() {
            self.statement.clear_bindings();
        }
    }
}

/// SQLite would store NULL in its place, without a word.
fn nan(name: &str) -> Error {
    Error::new(
        ErrorKind::Parameter,
        format!("the parameter :{name} is not a number (NaN), which SQLite can't store"),
    )
    .with_help("give None where there is no value")
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

pub(super) fn columns(statement: &Statement<'_>) -> Box<[Box<str>]> {
    (0..statement.column_count())
        .map(|index| statement.column_name(index).unwrap_or_default().into())
        .collect()
}

fn raw(value: ValueRef<'_>) -> Raw<'_> {
    use ValueRef as V;
    match value {
        V::Null => Raw::Null,
        V::Integer(n) => Raw::Integer(n),
        V::Real(x) => Raw::Real(x),
        V::Text(text) => Raw::Text(text.as_bytes()),
        V::Blob(bytes) => Raw::Blob(bytes),
    }
}
