//! The schema in the target where no set makes it: translated from what is in the source. What has no plain counterpart is
//! listed, never guessed; whether the target takes what was translated, the target itself says.

mod default;
mod expression;
mod index;
mod to_postgres;
mod to_sqlite;

use super::build::Sets;
use super::kind::engine;
use super::live::Live;
use super::report::{LeftOut, Origin};
use crate::driver::{Access, Connection};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::Dialect;
use std::collections::{BTreeMap, BTreeSet};

/// What a translation gave, beside the tables in the target.
#[derive(Debug, Default)]
pub(super) struct Translation {
    pub(super) origins: BTreeMap<String, Origin>,
    pub(super) left_out: Vec<LeftOut>,
    /// CHECKs that the target has now too: the table, and the expression in the words of the source.
    pub(super) checks: Vec<(String, String)>,
}

impl Translation {
    fn leave_out(&mut self, object: impl Into<String>, reason: impl Into<String>) {
        self.left_out.push(LeftOut { object: object.into(), reason: reason.into() });
    }

    /// Runs a statement that adds to what is there; where the target refuses it, `object` is left out.
    fn attempt(&mut self, connection: &mut dyn Connection, object: &str, sql: &str) -> Result<bool> {
        self.tried(connection, object, sql, true)
    }

    /// Whether the target takes a statement, of which nothing is kept; where it refuses it, `object` is left out.
    fn would_take(&mut self, connection: &mut dyn Connection, object: &str, sql: &str) -> Result<bool> {
        self.tried(connection, object, sql, false)
    }

    fn tried(
        &mut self,
        connection: &mut dyn Connection,
        object: &str,
        sql: &str,
        keep: bool,
    ) -> Result<bool> {
        connection.begin(Access::Write)?;
        match connection.execute(sql, &[]) {
            Ok(_) if keep => connection.commit().map(|()| true),
            Ok(_) => connection.rollback().map(|()| true),
            Err(error) => {
                connection.rollback()?;
                const REFUSED: [ErrorKind; 3] =
                    [ErrorKind::Statement, ErrorKind::Unsupported, ErrorKind::Conversion];
                if !REFUSED.contains(&error.kind()) {
                    return Err(error);
                }
                let message = error.message().lines().next().unwrap_or_default().to_owned();
                self.leave_out(object, format!("{} refuses it: {message}", engine(connection.dialect())));
                Ok(false)
            }
        }
    }
}

/// Makes those tables of the source that the target does not have yet.
pub(super) fn translate(
    source: &mut dyn Connection,
    from: &Live,
    target: &mut dyn Connection,
    there: &Live,
    sets: &Sets,
) -> Result<Translation> {
    let mut translation = Translation::default();
    let missing: BTreeSet<String> =
        from.tables.keys().filter(|key| !there.tables.contains_key(*key)).cloned().collect();
    let origin = if from.dialect == there.dialect { Origin::Same } else { Origin::Translated };
    translation.origins.extend(missing.iter().map(|key| (key.clone(), origin)));
    match (from.dialect, there.dialect) {
        (Dialect::Sqlite, Dialect::Sqlite) => as_it_was(from, target, &missing)?,
        (Dialect::Sqlite, Dialect::Postgres) => {
            to_postgres::tables(source, from, target, &missing, &mut translation)?;
        }
        (Dialect::Postgres, _) if missing.is_empty() => {}
        (Dialect::Postgres, Dialect::Sqlite) => to_sqlite::tables(from, target, &missing, &mut translation)?,
        (Dialect::Postgres, Dialect::Postgres) => {
            let tables: Vec<&str> = missing.iter().map(String::as_str).collect();
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("no set of migrations known here makes {}", tables.join(", ")),
            )
            .with_help("from one server to another `pg_dump` and `pg_restore` take such tables along"));
        }
    }
    if from.dialect != there.dialect {
        others(from, there, sets, &mut translation);
    }
    Ok(translation)
}

/// What is no table, and is not in the target by a set's own text.
fn others(from: &Live, there: &Live, sets: &Sets, translation: &mut Translation) {
    let known = |name: &str| there.others.iter().any(|(other, _)| other == name);
    let is_view = |name: &str| there.catalogue.views.contains_key(&name.to_ascii_lowercase());
    for (name, why) in &from.others {
        let plain = name.rsplit(' ').next().unwrap_or_default();
        let of_set = name.starts_with("trigger ")
            && name
                .split(" of ")
                .nth(1)
                .is_some_and(|table| !translation.origins.contains_key(&table.to_ascii_lowercase()));
        if !known(name) && !is_view(plain) && !of_set && !sets.speak_of(plain) {
            translation.leave_out(name, why);
        }
    }
    for (name, why) in &from.beside {
        let plain = name.split(' ').nth(1).unwrap_or_default();
        if !sets.speak_of(plain) {
            translation.leave_out(name, why);
        }
    }
    for view in from.catalogue.views.values() {
        if !known(&format!("view {}", view.name)) && !sets.speak_of(&view.name) {
            translation.leave_out(format!("view {}", view.name), "is not translated");
        }
    }
    for trigger in from.catalogue.triggers.values() {
        // A table of a set has the triggers of that set's text.
        if translation.origins.contains_key(&trigger.table.to_ascii_lowercase()) {
            let object = format!("trigger {} of {}", trigger.name, trigger.table);
            translation.leave_out(object, "is not translated");
        }
    }
}

/// From SQLite to SQLite: the statements themselves. What a virtual table keeps its data in comes with it.
fn as_it_was(from: &Live, target: &mut dyn Connection, missing: &BTreeSet<String>) -> Result<()> {
    let catalogue = &from.catalogue;
    for table in catalogue.tables.values() {
        if table.virtual_ || missing.contains(&table.name.to_ascii_lowercase()) {
            target.execute(&table.sql, &[])?;
        }
    }
    let of_missing = |table: &str| missing.contains(&table.to_ascii_lowercase());
    for index in catalogue.indexes.values().filter(|index| of_missing(&index.table)) {
        target.execute(&index.sql, &[])?;
    }
    for view in catalogue.views.values() {
        target.execute(&view.sql, &[])?;
    }
    let is_view = |table: &str| catalogue.views.contains_key(&table.to_ascii_lowercase());
    for trigger in catalogue.triggers.values().filter(|one| of_missing(&one.table) || is_view(&one.table)) {
        target.execute(&trigger.sql, &[])?;
    }
    Ok(())
}
