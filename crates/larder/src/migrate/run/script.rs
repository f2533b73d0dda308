//! Running what a migration holds: statement by statement, or as one function.

use super::Running;
use super::refusal::{
    ATTACH, OWN, adds_a_value, claims, refusal, refused_pragma, takes_no_transaction, touches_own,
};
use crate::db::WriteTx;
use crate::driver::{Access, Action, Connection, Object};
use crate::error::{ConstraintKind, Error, ErrorKind, Location, Result};
use crate::migrate::effect::{Seen, copies, quote};
use crate::migrate::history::one;
use crate::migrate::loaded::LoadedSet;
use crate::migrate::migration::{Code, Migration, Script, SqlText};
use crate::migrate::plan::Step;
use crate::migrate::report::Phase;
use crate::sql::text::{
    Dialect, Statement, TableEvent, TokenKind, Verb, pragma, split, tables_claimed, tokens,
};
use std::collections::BTreeSet;

/// The statements of a migration's text, every one of them allowed.
pub(super) struct Parsed<'a> {
    source: &'a SqlText,
    dialect: Dialect,
    in_transaction: bool,
    pub(super) statements: Vec<Statement<'a>>,
}

impl<'a> Parsed<'a> {
    /// Splits the text and refuses what can't stand in a migration, before anything runs.
    pub(super) fn new(source: &'a SqlText, dialect: Dialect, in_transaction: bool) -> Result<Self> {
        let statements = split(source.text(), dialect)
            .map_err(|error| error.into_error(ErrorKind::InvalidMigration, source.file(), source.text()))?;
        let parsed = Self { source, dialect, in_transaction, statements };
        for statement in &parsed.statements {
            if let Some((message, help)) =
                refusal(statement, dialect, in_transaction).or_else(|| claims(statement, dialect))
            {
                return Err(Error::new(ErrorKind::InvalidMigration, message)
                    .with_help(help)
                    .with_location(parsed.place(statement, 0, first_word(statement.text))));
            }
        }
        Ok(parsed)
    }

    /// True where it may make something temporary.
    pub(super) fn mentions_temp(&self) -> bool {
        self.mentions("temp")
    }

    /// True where these letters stand in it, in any case.
    pub(super) fn mentions(&self, word: &str) -> bool {
        let text = self.source.text().as_bytes();
        text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    }

    fn place(&self, statement: &Statement<'_>, offset: usize, length: usize) -> Location {
        Location::new(self.source.file(), self.source.text(), statement.offset + offset, length)
    }

    /// Runs the statement at `index` and adds what it did to `seen`.
    pub(super) fn run_watched(
        &self,
        connection: &mut dyn Connection,
        index: usize,
        seen: &mut Seen,
    ) -> Result<()> {
        let added = self.run(connection, index)?;
        if let Some(statement) = self.statements.get(index) {
            seen.note(statement.text, self.dialect);
        }
        let actions = connection.watch(true)?;
        if let (true, Some(statement)) = (touches_own(&actions), self.statements.get(index)) {
            let (message, help) = OWN;
            return Err(Error::new(ErrorKind::InvalidMigration, message)
                .with_help(help)
                .with_location(self.place(statement, 0, first_word(statement.text))));
        }
        seen.actions.extend(actions);
        if let Some((table, rows)) = added {
            *seen.added.entry(table).or_default() += rows;
        }
        Ok(())
    }

    /// Runs the statement at `index`; gives how many rows it added, and to which table.
    pub(super) fn run(&self, connection: &mut dyn Connection, index: usize) -> Result<Option<(String, u64)>> {
        let Some(statement) = self.statements.get(index) else { return Ok(None) };
        // A server's transaction can't be asked anything after an error, so that this one gets a savepoint.
        let asks_after = self.dialect == Dialect::Postgres
            && self.in_transaction
            && may_break(statement.verb, statement.text);
        if asks_after {
            connection.begin(Access::Write)?;
        }
        let result = match connection.execute(statement.text, &[]) {
            Err(error) if self.renames_into_a_dropped_one(index, &error) => {
                rename(connection, statement.text)
            }
            result => result,
        };
        match (asks_after, &result) {
            (true, Ok(_)) => connection.commit()?,
            // Without a connection there is nothing to ask, and the first error is the one to tell.
            (true, Err(_)) => connection.rollback().unwrap_or_default(),
            (false, _) => {}
        }
        let changed = match result {
            Ok(changed) => changed,
            Err(error) => {
                let breaking = breaking_values(connection, statement.verb, &error);
                return Err(self.failed(statement, error, breaking));
            }
        };
        let adds = matches!(statement.verb, Verb::Insert | Verb::Replace);
        Ok(if adds { target(statement.text, self.dialect).map(|table| (table, changed)) } else { None })
    }

    /// A rebuild (create, copy, drop, rename) trips over views and triggers that name the table: at the moment of the
    /// rename it is not there. That is what SQLite's own procedure for a rebuild has `legacy_alter_table` for. For any
    /// other rename it would be wrong, for then nobody rewrites the references to the table.
    fn renames_into_a_dropped_one(&self, index: usize, error: &Error) -> bool {
        let message = error.message();
        if self.dialect != Dialect::Sqlite
            || error.kind() != ErrorKind::Statement
            || !(message.contains("error in view") || message.contains("error in trigger"))
        {
            return false;
        }
        let events =
            |statement: &Statement<'_>| tables_claimed(statement.text, self.dialect).unwrap_or_default();
        let mut dropped = BTreeSet::new();
        for statement in self.statements.iter().take(index) {
            for event in events(statement) {
                if let TableEvent::Drop { name } = event {
                    dropped.insert(name);
                }
            }
        }
        let now = self.statements.get(index).map(events).unwrap_or_default();
        now.iter().any(|event| matches!(event, TableEvent::Rename { to, .. } if dropped.contains(to)))
    }

    /// The tables that the text renames, from and to.
    fn renames(&self) -> Vec<(String, String)> {
        let events = self.statements.iter().filter(|statement| statement.verb == Verb::Alter);
        let events =
            events.flat_map(|statement| tables_claimed(statement.text, self.dialect).unwrap_or_default());
        let rename = |event| match event {
            TableEvent::Rename { from, to } => Some((from, to)),
            _ => None,
        };
        events.filter_map(rename).collect()
    }

    /// Notes what the text renames.
    pub(super) fn tell_renames(&self, seen: &mut Seen) {
        seen.renamed = self.renames();
        seen.renamed_columns = self.column_renames();
    }

    /// True where a value is added to a type, which nobody may use before it is committed.
    pub(super) fn adds_a_value(&self) -> bool {
        self.dialect == Dialect::Postgres && self.statements.iter().any(|one| adds_a_value(one.text))
    }

    /// Does in a transaction what the statement at `index` does to the schema, where it is one that takes none.
    pub(super) fn run_in_transaction(&self, connection: &mut dyn Connection, index: usize) -> Result<()> {
        let Some(statement) = self.statements.get(index) else { return Ok(()) };
        if !takes_no_transaction(statement.text) {
            return self.run(connection, index).map(|_| ());
        }
        let mut words = tokens(statement.text, self.dialect);
        let word = words.find(|token| token.is("CONCURRENTLY"));
        let Some((word, false)) = word.map(|word| (word, first_word_is(statement.text, "REINDEX"))) else {
            return Ok(());
        };
        let mut text = statement.text.to_owned();
        text.replace_range(word.offset..word.end(), "");
        connection.execute(&text, &[]).map(|_| ()).map_err(|error| self.failed(statement, error, None))
    }

    /// The columns that the text renames: the table, from and to.
    fn column_renames(&self) -> Vec<(String, String, String)> {
        let alters = self.statements.iter().filter(|statement| statement.verb == Verb::Alter);
        alters.filter_map(|statement| column_rename(statement.text, self.dialect)).collect()
    }

    /// The engine's error with its place in the migration's file.
    fn failed(&self, statement: &Statement<'_>, error: Error, breaking: Option<u64>) -> Error {
        let location = match error.location() {
            Some(place) => self.place(statement, place.offset, place.length.max(1)),
            None => self.place(statement, 0, first_word(statement.text)),
        };
        if error.kind() == ErrorKind::Interrupted || error.is_transient() {
            return error;
        }
        let message = match breaking {
            Some(1) => format!("{}: 1 value is there more than once", error.message()),
            Some(count) => format!("{}: {count} values are there more than once", error.message()),
            None => error.message().to_owned(),
        };
        let mapped = error.restated(error.kind(), message).with_location(location);
        match error.kind() {
            ErrorKind::Constraint => mapped.with_help(
                "the data that is there breaks this constraint: change the data first, in this migration",
            ),
            _ => mapped,
        }
        .with_cause(error)
    }
}

/// How many values keep a unique index from being made: those that are there more than once.
fn breaking_values(connection: &mut dyn Connection, verb: Verb, error: &Error) -> Option<u64> {
    let constraint = error.constraint().filter(|_| matches!(verb, Verb::Create | Verb::Alter))?;
    if !matches!(constraint.kind, ConstraintKind::Unique | ConstraintKind::PrimaryKey)
        || constraint.columns.is_empty()
    {
        return None;
    }
    let table = quote(constraint.table.as_ref()?);
    let columns: Vec<String> = constraint.columns.iter().map(|column| quote(column)).collect();
    // NULL is never the same as NULL, so a row with one breaks nothing.
    let present: Vec<String> = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
    let (columns, present) = (columns.join(", "), present.join(" AND "));
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {present} GROUP BY {columns} HAVING count(*) > 1) AS twice"
    );
    one(connection, &sql).ok().flatten()
}

/// True for what makes a unique index, or a constraint that has one.
fn may_break(verb: Verb, sql: &str) -> bool {
    let has = |word| tokens(sql, Dialect::Postgres).any(|token| token.is(word));
    match verb {
        Verb::Create => has("UNIQUE") && has("INDEX"),
        Verb::Alter => has("UNIQUE") || has("PRIMARY"),
        _ => false,
    }
}

fn rename(connection: &mut dyn Connection, statement: &str) -> Result<u64> {
    connection.execute("PRAGMA legacy_alter_table = ON", &[])?;
    let result = connection.execute(statement, &[]);
    connection.execute("PRAGMA legacy_alter_table = OFF", &[])?;
    result
}

/// Runs a migration that is a function, and refuses what it may not do, of which only the engine tells.
pub(super) fn run_code(connection: &mut dyn Connection, code: &Code, seen: &mut Seen) -> Result<()> {
    code.run(&mut WriteTx::guarded(connection))?;
    seen.actions = connection.watch(true)?;
    let refused = seen.actions.iter().find_map(|action| match action {
        Action::Pragma { name, value } => {
            let pragma = pragma(&format!("PRAGMA {name}{}", if value.is_some() { "(x)" } else { "" }));
            pragma.as_ref().and_then(|pragma| refused_pragma(pragma, true))
        }
        Action::Attach => Some(ATTACH),
        _ => None,
    });
    match refused.or_else(|| touches_own(&seen.actions).then_some(OWN)) {
        Some((message, help)) => Err(Error::new(ErrorKind::InvalidMigration, message).with_help(help)),
        None => Ok(()),
    }
}

/// Of `ALTER TABLE t RENAME [COLUMN] a TO b`: t, a and b.
fn column_rename(sql: &str, dialect: Dialect) -> Option<(String, String, String)> {
    let list: Vec<_> = tokens(sql, dialect).filter(|token| token.kind != TokenKind::Comment).collect();
    let at = list.iter().position(|token| token.is("RENAME"))?;
    let table = list.get(at.checked_sub(1)?)?;
    let mut rest = list.get(at + 1..)?;
    // A column may be called `column`: `RENAME column TO x`.
    if let [first, second, ..] = rest
        && first.is("COLUMN")
        && !second.is("TO")
    {
        rest = rest.get(1..)?;
    }
    match rest {
        [from, to, into] if to.is("TO") => {
            Some((table.name().into_owned(), from.name().into_owned(), into.name().into_owned()))
        }
        _ => None,
    }
}

/// The table that an INSERT adds to.
fn target(statement: &str, dialect: Dialect) -> Option<String> {
    let mut tokens = tokens(statement, dialect).filter(|token| token.kind != TokenKind::Comment);
    tokens.find(|token| token.is("INTO"))?;
    let first = tokens.next()?;
    match tokens.next() {
        Some(dot) if dot.is_punct(".") => tokens.next().map(|name| name.name().into_owned()),
        _ => Some(first.name().into_owned()),
    }
}

fn first_word_is(text: &str, word: &str) -> bool {
    text.get(..first_word(text)).is_some_and(|first| first.eq_ignore_ascii_case(word))
}

fn first_word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()).max(1)
}

/// Runs the statements of a migration that are not done yet, each by itself, on a database where nothing matters: a copy.
pub(in crate::migrate) fn each_by_itself(
    connection: &mut dyn Connection,
    set: &LoadedSet,
    migration: &Migration,
    step: &Step,
) -> Result<Seen> {
    let mut seen = Seen::default();
    if let Some(Script::Sql(sql)) = migration.script(step.way) {
        let parsed = Parsed::new(sql, set.dialect(), false)?;
        let first = usize::try_from(step.statements_done).unwrap_or(usize::MAX);
        connection.watch(true)?;
        for index in first..parsed.statements.len() {
            parsed.run_watched(connection, index, &mut seen)?;
        }
    }
    Ok(seen)
}

impl Running<'_, '_> {
    /// Runs all statements of a text in the transaction that is open.
    pub(super) fn run_all(
        &mut self,
        connection: &mut dyn Connection,
        parsed: &Parsed<'_>,
        seen: &mut Seen,
    ) -> Result<()> {
        let count = parsed.statements.len();
        for index in 0..count {
            self.at_statement(index + 1, count);
            self.tell(Phase::Running);
            self.check_stop()?;
            parsed.run_watched(connection, index, seen)?;
        }
        // An engine that does not tell what it does leaves the text.
        let silent = parsed.dialect == Dialect::Postgres;
        if silent || seen.actions.iter().any(|action| matches!(action, Action::Alter { .. })) {
            parsed.tell_renames(seen);
        }
        // Only a rebuild has a copy, and only a rebuild drops.
        if seen.actions.iter().any(|action| matches!(action, Action::Drop { object: Object::Table, .. })) {
            seen.copied = copies(&parsed.statements, parsed.dialect);
        }
        Ok(())
    }
}
