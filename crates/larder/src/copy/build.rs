//! The schema in the target: by the sets' own texts for its engine.

use crate::db::WriteTx;
use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::{Applied, LoadedSet, Migration, MigrationSet, Script, State};
use crate::sql::text::{Dialect, Statement, Verb, mentions_word, split, tokens};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The sets that can make their tables in the target.
#[derive(Default)]
pub(super) struct Sets {
    loaded: BTreeMap<String, Arc<LoadedSet>>,
    /// The same for the engine of the source.
    source: BTreeMap<String, Arc<LoadedSet>>,
    /// Why a set's tables are translated instead.
    pub(super) not: BTreeMap<String, String>,
}

impl Sets {
    /// Finds out which of the sets in the history of the source have all of its migrations for the target.
    pub(super) fn find(
        sets: &[&MigrationSet],
        history: &[Applied],
        from: Dialect,
        to: Dialect,
    ) -> Result<Self> {
        let mut found = Self::default();
        let names: BTreeSet<&str> = history.iter().map(|row| row.set.as_str()).collect();
        for name in names {
            let Some(set) = sets.iter().find(|set| set.name() == name) else {
                found.not.insert(name.to_owned(), "its migrations are not known here".to_owned());
                continue;
            };
            if let Ok(loaded) = set.load(from) {
                check_unedited(&loaded, history)?;
                found.source.insert(name.to_owned(), loaded);
            }
            let loaded = match set.load(to) {
                Ok(loaded) => loaded,
                Err(error) => {
                    found.not.insert(
                        name.to_owned(),
                        error.message().lines().next().unwrap_or_default().to_owned(),
                    );
                    continue;
                }
            };
            let missing = history.iter().find(|row| row.set == name && migration(&loaded, row).is_none());
            match missing {
                Some(row) => drop(found.not.insert(name.to_owned(), format!("{} is not known here", row.id))),
                None => drop(found.loaded.insert(name.to_owned(), loaded)),
            }
        }
        Ok(found)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<LoadedSet>> {
        self.loaded.get(name)
    }

    /// True for something of the source's schema that the text of a set which has run in the target speaks of: what that set
    /// has in its place there is that set's own affair.
    pub(super) fn speak_of(&self, name: &str) -> bool {
        let of_set = |set: &Arc<LoadedSet>| {
            set.migrations().iter().any(|migration| match migration.up() {
                Script::Sql(sql) => mentions_word(sql.text(), name, set.dialect()),
                Script::Code(_) => false,
            })
        };
        self.source.iter().any(|(set, loaded)| self.loaded.contains_key(set) && of_set(loaded))
    }

    /// Runs, in the order in which the source has applied them, the migrations of all sets that can. Of a set whose text the
    /// target refuses nothing stays, and what it would have made is translated.
    pub(super) fn run(&mut self, connection: &mut dyn Connection, history: &[Applied]) -> Result<()> {
        loop {
            connection.begin(crate::driver::Access::Write)?;
            match self.attempt(connection, history) {
                Ok(()) => return connection.commit(),
                Err((row, error)) => {
                    connection.rollback()?;
                    let of_text = matches!(
                        error.kind(),
                        ErrorKind::Statement
                            | ErrorKind::Constraint
                            | ErrorKind::Unsupported
                            | ErrorKind::InvalidMigration
                    );
                    if !of_text {
                        return Err(error);
                    }
                    self.loaded.remove(&row.set);
                    self.not.insert(
                        row.set.clone(),
                        format!("{} does not run there: {}", row.id, error.message()),
                    );
                }
            }
        }
    }

    fn attempt<'h>(
        &self,
        connection: &mut dyn Connection,
        history: &'h [Applied],
    ) -> std::result::Result<(), (&'h Applied, Error)> {
        for row in history {
            let Some(migration) = self.loaded.get(&row.set).and_then(|set| migration(set, row)) else {
                continue;
            };
            run(connection, migration).map_err(|error| (row, error))?;
        }
        Ok(())
    }
}

/// The migration of a row of the history.
pub(super) fn migration<'s>(set: &'s LoadedSet, row: &Applied) -> Option<&'s Migration> {
    set.migrations().iter().find(|one| set.history_id(one) == row.id)
}

/// What the source's history says must be so: nothing half done.
pub(super) fn check_finished(history: &[Applied]) -> Result<()> {
    match history.iter().find(|row| row.state != State::Applied) {
        None => Ok(()),
        Some(row) => {
            let message = format!("{} was begun at the source and did not come to its end", row.id);
            Err(Error::new(ErrorKind::MigrationUnfinished, message)
                .with_help("bring it to its end first: `larder repair`"))
        }
    }
}

/// A text that was edited after it was applied makes another schema than the source has.
fn check_unedited(set: &LoadedSet, history: &[Applied]) -> Result<()> {
    for row in history.iter().filter(|row| row.set == set.name()) {
        if migration(set, row).is_some_and(|one| one.checksum() != row.checksum) {
            let message = format!("{} was edited after it was applied at the source", row.id);
            return Err(Error::new(ErrorKind::MigrationEdited, message)
                .with_help("undo the edit, or settle it at the source first: `larder repair`"));
        }
    }
    Ok(())
}

fn run(connection: &mut dyn Connection, migration: &Migration) -> Result<()> {
    let sql = match migration.up() {
        Script::Code(code) => return code.run(&mut WriteTx::new(connection)),
        Script::Sql(sql) => sql,
    };
    let dialect = connection.dialect();
    let statements = split(sql.text(), dialect)
        .map_err(|error| error.into_error(ErrorKind::InvalidMigration, sql.file(), sql.text()))?;
    for statement in statements {
        if let Some(text) = in_transaction(&statement, dialect) {
            connection.execute(&text, &[])?;
        }
    }
    Ok(())
}

/// A statement as it can run in a transaction: on tables without rows nobody has to be spared, and there is nothing to tidy.
fn in_transaction(statement: &Statement<'_>, dialect: Dialect) -> Option<String> {
    if statement.verb == Verb::Vacuum {
        return None;
    }
    let mut text = statement.text.to_owned();
    let mut after_index = false;
    for token in tokens(statement.text, dialect) {
        if after_index && token.is("CONCURRENTLY") {
            text.replace_range(token.offset..token.end(), "");
            break;
        }
        after_index = token.is("INDEX") || (after_index && token.text.trim().is_empty());
    }
    Some(text)
}
