//! Statements that were run, kept for the next time: what their text says, what the server told of them, and by which name
//! it keeps them prepared.

use super::decode::Columns;
use super::rule;
use crate::error::Result;
use crate::sql::text::{Dialect, Mapped, TokenKind, Verb, tokens};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::Arc;

/// How many statements a connection keeps. A program with more of them in turn prepares some of them again.
const CAPACITY: usize = 256;

/// What a statement's text says.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) mapped: Mapped<'static>,
    pub(super) verb: Verb,
    /// It asks to be told.
    pub(super) listens: bool,
    /// It may leave something in the session that the transaction's end does not take away.
    leaves_traces: bool,
}

impl Reading {
    /// Reads a text; refuses what may not run here.
    fn of(sql: &str, watching: bool) -> Result<Self> {
        let verb = Verb::of(sql, Dialect::Postgres);
        rule::check(verb, sql, watching)?;
        let mapped = match Mapped::none(sql) {
            Some(mapped) => mapped,
            None => Mapped::new(sql, Dialect::Postgres)?,
        };
        let listens = verb == Verb::Other
            && tokens(sql, Dialect::Postgres)
                .find(|token| token.kind != TokenKind::Comment)
                .is_some_and(|token| token.is("LISTEN"));
        Ok(Self { mapped: mapped.into_owned(), verb, listens, leaves_traces: rule::leaves_traces(sql) })
    }

    /// False where it can only read, unless it calls a function that writes.
    pub(super) fn may_write(&self) -> bool {
        !matches!(self.verb, Verb::Select | Verb::Values)
    }

    /// True where it is worth being prepared when it comes again. What `rule` refuses in some moments and allows in others
    /// is never kept.
    fn comes_again(&self) -> bool {
        !self.mapped.names().is_empty()
            || matches!(self.verb, Verb::Select | Verb::Values | Verb::With)
            || self.verb.writes_rows()
    }
}

/// What the server told of a statement.
#[derive(Clone, Debug)]
pub(super) struct Described {
    /// The types of its parameters.
    pub(super) parameters: Arc<[u32]>,
    pub(super) columns: Arc<Columns>,
}

/// What is known of a statement now.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) reading: Arc<Reading>,
    /// From an earlier run.
    pub(super) described: Option<Described>,
    /// The server keeps it prepared.
    pub(super) name: Option<Arc<str>>,
}

struct Entry {
    known: Known,
    /// When it was last asked for.
    used: u64,
}

/// The statements of one connection. The one that was not used for longest gives way.
pub(super) struct Statements {
    entries: HashMap<Box<str>, Entry, RandomState>,
    clock: u64,
    /// Makes names that no other session has, for a pooler may lend this one's server to others.
    mark: u64,
    named: u64,
    traces: bool,
    /// Prepared, and not needed any more.
    pub(super) to_close: Vec<Arc<str>>,
}

impl Statements {
    pub(super) fn new() -> Self {
        Self {
            entries: HashMap::default(),
            clock: 0,
            mark: fastrand::u64(..),
            named: 0,
            traces: false,
            to_close: Vec::new(),
        }
    }

    /// What is known of the statement of that text.
    pub(super) fn get(&mut self, sql: &str, watching: bool) -> Result<Known> {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(sql) {
            entry.used = self.clock;
            self.traces |= entry.known.reading.leaves_traces;
            return Ok(entry.known.clone());
        }
        let reading = Reading::of(sql, watching)?;
        self.traces |= reading.leaves_traces;
        Ok(Known { reading: Arc::new(reading), described: None, name: None })
    }

    pub(super) fn is_prepared(&self, sql: &str) -> bool {
        self.entries.get(sql).is_some_and(|entry| entry.known.name.is_some())
    }

    /// Keeps what the server told of a statement.
    pub(super) fn keep(&mut self, sql: &str, known: Known) {
        if !known.reading.comes_again() {
            return;
        }
        if let Some(entry) = self.entries.get_mut(sql) {
            entry.known = known;
            return;
        }
        if self.entries.len() >= CAPACITY {
            self.make_room();
        }
        self.entries.insert(sql.into(), Entry { known, used: self.clock });
    }

    /// Forgets what the server knew of a statement.
    pub(super) fn forget(&mut self, sql: &str) {
        self.entries.remove(sql);
    }

    /// Forgets what the server knew of all.
    pub(super) fn forget_all(&mut self) {
        self.entries.clear();
        self.to_close.clear();
    }

    /// A statement was asked for that may have left something in the session.
    pub(super) fn left_traces(&self) -> bool {
        self.traces
    }

    /// A name for a statement that is to be prepared.
    pub(super) fn new_name(&mut self) -> Arc<str> {
        self.named += 1;
        format!("larder_{:016x}_{}", self.mark, self.named).into()
    }

    fn make_room(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(text, _)| text.clone());
        if let Some(entry) = oldest.and_then(|text| self.entries.remove(&text)) {
            self.to_close.extend(entry.known.name);
        }
    }
}
