//! Which set owns which table, and the refusal where two claim the same one.

use super::plan::Obstacles;
use super::report::Effects;
use super::{Applied, LoadedSet, Script, State};
use crate::error::{ErrorKind, Result};
use crate::sql::text::{TableEvent, tables_claimed};
use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

/// The tables of a set that the history knows and the program may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The set's name.
    pub set: String,
    /// Its tables, in small letters.
    pub tables: Vec<String>,
}

/// Refuses where two sets claim one table. `owners` says which tables sets that are not given have in the database.
///
/// It reads every text, so it is for when something is pending. What migrations in Rust make is not seen.
///
/// ```
/// use larder::{ErrorKind, Migration, migrate::{LoadedSet, check_claims}, sql::text::Dialect};
///
/// let set = |name| {
///     let init = Migration::sql("0001_init", "CREATE TABLE runs(id TEXT)");
///     LoadedSet::new(name, vec![], Dialect::Sqlite, vec![init])
/// };
/// let error = check_claims(&[set("journal")?, set("workflow")?], &[]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::SetConflict);
/// assert_eq!(error.message(), r#"the sets "journal" and "workflow" both have a table "runs""#);
/// # Ok::<(), larder::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::SetConflict`] with every such table, and [`ErrorKind::InvalidMigration`] where a text can't be read.
pub fn check_claims<S: Borrow<LoadedSet>>(sets: &[S], owners: &[Owner]) -> Result<()> {
    let mut obstacles = Obstacles::default();
    let mut claimed: BTreeMap<String, String> = BTreeMap::new();
    let mut claim = |set: &str, table: String| match claimed.get(&table) {
        Some(other) if other != set => obstacles.add(
            ErrorKind::SetConflict,
            format!("the sets {other:?} and {set:?} both have a table {table:?}"),
            "keep each set in a database file of its own",
        ),
        Some(_) => {}
        None => {
            claimed.insert(table, set.to_owned());
        }
    };
    let given = |name: &str| sets.iter().any(|set| set.borrow().name() == name);
    for owner in owners.iter().filter(|owner| !given(&owner.set)) {
        for table in &owner.tables {
            claim(&owner.set, table.to_lowercase());
        }
    }
    for set in sets {
        let set = set.borrow();
        for table in set.tables()? {
            claim(set.name(), table);
        }
    }
    obstacles.into_result()
}

impl LoadedSet {
    /// The tables that are there after all of the set's migrations in SQL, in small letters, as far as their texts
    /// tell.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMigration`] where a text can't be read, with the place.
    pub fn tables(&self) -> Result<BTreeSet<String>> {
        let mut tables = BTreeSet::new();
        for migration in self.migrations() {
            let Script::Sql(sql) = migration.up() else { continue };
            let events = tables_claimed(sql.text(), self.dialect())
                .map_err(|error| error.into_error(ErrorKind::InvalidMigration, sql.file(), sql.text()))?;
            for event in events {
                match event {
                    TableEvent::Create { temp: true, .. } => {}
                    TableEvent::Create { name, .. } => {
                        tables.insert(name);
                    }
                    TableEvent::Drop { name } => {
                        tables.remove(&name);
                    }
                    TableEvent::Rename { from, to } => {
                        tables.remove(&from);
                        tables.insert(to);
                    }
                }
            }
        }
        Ok(tables)
    }
}

/// The tables of the sets that are in the history and not among `sets`, as their effects tell.
pub(super) fn owners<S: Borrow<LoadedSet>>(sets: &[S], history: &[Applied]) -> Vec<Owner> {
    let mut tables: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let others = history.iter().filter(|row| sets.iter().all(|set| set.borrow().name() != row.set));
    for row in others.filter(|row| row.state == State::Applied) {
        // A row without readable effects owns nothing that is known of.
        let Ok(effects) = serde_json::from_value::<Effects>(row.effects.clone()) else { continue };
        let own = tables.entry(&row.set).or_default();
        for dropped in &effects.tables_dropped {
            own.remove(&dropped.to_lowercase());
        }
        own.extend(effects.tables_created.iter().map(|name| name.to_lowercase()));
    }
    tables
        .into_iter()
        .map(|(set, tables)| Owner { set: set.to_owned(), tables: tables.into_iter().collect() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::Migration;
    use crate::sql::text::Dialect;

    fn set(name: &str, texts: &[&'static str]) -> LoadedSet {
        let migrations = texts
            .iter()
            .enumerate()
            .map(|(at, text)| Migration::sql(format!("{}_m", at + 1), *text))
            .collect();
        LoadedSet::new(name, Vec::new(), Dialect::Sqlite, migrations).unwrap()
    }

    #[test]
    fn creates_drops_and_renames_are_followed() {
        let one = set(
            "app",
            &[
                "CREATE TABLE Users(x); CREATE TABLE old(x); CREATE TEMP TABLE t(x)",
                "CREATE TABLE users_new(x); DROP TABLE users; ALTER TABLE users_new RENAME TO users; DROP TABLE old",
            ],
        );
        assert_eq!(one.tables().unwrap().into_iter().collect::<Vec<_>>(), ["users"]);
        let other = set("notes", &["CREATE TABLE old(x); CREATE TABLE t(x); CREATE TABLE users_new(x)"]);
        check_claims(&[one, other], &[]).unwrap();
    }

    #[test]
    fn every_table_that_two_sets_claim_is_told() {
        let sets = [
            set("a", &["CREATE TABLE x(i); CREATE TABLE y(i)"]),
            set("b", &["CREATE TABLE \"X\"(i); CREATE TABLE y(i)"]),
        ];
        let error = check_claims(&sets, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SetConflict);
        for found in ["2 things", "\"a\" and \"b\" both have a table \"x\"", "table \"y\""] {
            assert!(error.message().contains(found), "{error}");
        }
    }

    #[test]
    fn a_set_that_only_the_history_knows_keeps_its_tables() {
        let owner = |set: &str| [Owner { set: set.to_owned(), tables: vec!["Runs".to_owned()] }];
        let sets = [set("app", &["CREATE TABLE runs(i)"])];
        let error = check_claims(&sets, &owner("journal")).unwrap_err();
        assert!(error.message().contains("\"journal\" and \"app\" both have a table \"runs\""), "{error}");
        check_claims(&sets, &owner("app")).unwrap();
    }

    #[test]
    fn a_text_that_does_not_end_is_refused_with_its_place() {
        let error = check_claims(&[set("app", &["CREATE TABLE t(x);\nSELECT 'no end"])], &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMigration);
        assert_eq!(error.location().map(|at| at.line()), Some(2));
    }
}
