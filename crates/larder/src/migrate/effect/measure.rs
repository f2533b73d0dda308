//! From what the engine reported of a migration to its effects.
//!
//! A migration that only makes new things, or only adds rows, can't lose anything, and is not measured. What was touched
//! otherwise, and was committed before, is compared with what it was: the schema, the rows, the values.

use super::baseline::{Baseline, count, is_measured, sequences, works};
use super::copied::Copied;
use super::image::{Image, View};
use super::reference::Unchecked;
use super::{additive, compare};
use crate::driver::{Action, Connection, Object};
use crate::error::Result;
use crate::migrate::history::{TABLES, one};
use crate::migrate::loss::{Loss, LossKind};
use crate::migrate::report::Effects;
use crate::params;
use crate::schema::{Catalogue, Table};
use crate::sql::text::{Dialect, mentions_word};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was seen of a migration while it ran.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) actions: Vec<Action>,
    /// How many rows INSERT statements added, by table, where that is known.
    pub(crate) added: BTreeMap<String, u64>,
    /// Tables that its text renames, from and to.
    pub(crate) renamed: Vec<(String, String)>,
    /// Columns that its text renames: the table, from and to.
    pub(crate) renamed_columns: Vec<(String, String, String)>,
    /// Tables that its text copies whole.
    pub(crate) copied: Vec<Copied>,
    /// PostgreSQL: indexes, triggers and views that its text drops by name, in lower case and without their schema.
    pub(super) named: BTreeSet<(Object, String)>,
}

impl Seen {
    /// Notes what an engine does not tell of a statement, and its text does.
    pub(crate) fn note(&mut self, statement: &str, dialect: Dialect) {
        if dialect == Dialect::Postgres {
            self.named.extend(super::postgres::dropped(statement));
        }
    }
}

/// The tables of the actions, by what was done to them; names in lower case.
#[derive(Default)]
struct Touched {
    /// Rows removed or values changed.
    rows: BTreeSet<String>,
    dropped: BTreeSet<String>,
    /// Renamed, or their columns changed.
    altered: BTreeSet<String>,
    inserted: BTreeSet<String>,
    /// Tables were made or dropped, so that a name may stand for another table than before.
    moved: bool,
    /// Indexes, triggers and views that a statement dropped by name.
    named: BTreeSet<(Object, String)>,
}

impl Touched {
    fn of(actions: &[Action]) -> Self {
        let mut touched = Self::default();
        let lower = |name: &str| name.to_ascii_lowercase();
        for action in actions {
            match action {
                Action::Drop { object: Object::Table, name, .. } => touched.dropped.insert(lower(name)),
                Action::Drop { object, name, .. } => touched.named.insert((*object, lower(name))),
                Action::Alter { table } => touched.altered.insert(lower(table)),
                // Values are gone, whatever the table looks like in the end.
                Action::DropColumn { table, .. } => touched.rows.insert(lower(table)),
                Action::Insert { table } => touched.inserted.insert(lower(table)),
                Action::Update { table, .. } | Action::Delete { table } => touched.rows.insert(lower(table)),
                _ => false,
            };
        }
        let is_table = |action: &Action| {
            matches!(
                action,
                Action::Create { object: Object::Table, .. } | Action::Drop { object: Object::Table, .. }
            )
        };
        touched.moved = actions.iter().any(is_table);
        for own in TABLES {
            touched.rows.remove(own);
            touched.inserted.remove(own);
        }
        touched
    }

    /// True where ALTER TABLE is all that happened to a table, and it is the same table: nothing else was made, dropped or
    /// altered that could have taken its name.
    fn only_altered(&self, name: &String) -> bool {
        let untouched =
            [&self.rows, &self.inserted, &self.dropped].iter().all(|tables| !tables.contains(name));
        untouched && !self.moved && self.altered.iter().all(|other| other == name)
    }
}

/// Measures what a migration did, on the connection that it ran on, before anything is committed. The second value tells
/// whether it touched something that was committed before.
///
/// Orphans are looked for at once where it is `careful` or where something committed was touched; else the tables are left
/// in `unchecked`, for one look before the commit of many migrations.
pub(crate) fn assess(
    connection: &mut dyn Connection,
    baseline: &mut Baseline,
    seen: &Seen,
    careful: bool,
    unchecked: &mut Unchecked,
) -> Result<(Effects, bool)> {
    if let Some(server) = &mut baseline.server {
        return server.assess(connection, &baseline.catalogue, seen);
    }
    let touched = Touched::of(&seen.actions);
    let mut effects = Effects::default();
    let before = Arc::clone(&baseline.catalogue);
    let committed = |name: &String| before.tables.contains_key(name);
    // An INSERT can remove rows only where the table itself says ON CONFLICT REPLACE, or a trigger does: whichever, for one
    // may fire another, and of a temporary one the engine does not tell.
    let by_trigger = touched.inserted.iter().any(committed) && triggers_replace(connection)?;
    // What a temporary trigger does the engine reports as the temporary trigger's own: then every table is looked at.
    let by_temporary = by_trigger && one::<i64>(connection, TEMPORARY_TRIGGERS)?.unwrap_or(0) > 0;
    let replaces = |name: &&String| {
        let says = |table: &Table| mentions_word(&table.sql, "REPLACE", Dialect::Sqlite);
        by_trigger || before.tables.get(*name).is_some_and(says)
    };
    let measured: BTreeSet<&String> = touched
        .rows
        .iter()
        .chain(&touched.dropped)
        .chain(&touched.altered)
        .chain(touched.inserted.iter().filter(replaces))
        .chain(before.tables.keys().filter(|_| by_temporary))
        .filter(|name| committed(name))
        .collect();
    let objects_gone = touched.named.iter().any(|(_, name)| {
        before.indexes.contains_key(name)
            || before.triggers.contains_key(name)
            || before.views.contains_key(name)
    });
    let looks = !measured.is_empty() || objects_gone;
    if looks {
        let after = Catalogue::read(connection)?;
        effects.changes = before.diff(&after).iter().map(ToString::to_string).collect();
        let mut comparison =
            Comparison { connection, baseline, before: &before, after: &after, seen, renamed: Vec::new() };
        comparison.tables(&measured, &touched, &mut effects)?;
        let renamed = std::mem::take(&mut comparison.renamed);
        objects(&before, &after, &touched, &renamed, &mut effects);
        broken_views(connection, baseline, &after, &mut effects)?;
        keep_sequences(connection, baseline, &after, &renamed)?;
        names(&before, &after, &mut effects);
    } else {
        additive::describe(seen, &mut effects);
    }
    let Touched { rows, dropped, altered, inserted, .. } = touched;
    unchecked.changed.extend(rows.into_iter().chain(dropped).chain(altered));
    unchecked.inserted.extend(inserted);
    if looks || careful {
        effects.losses.extend(unchecked.check(connection, baseline)?);
    }
    Ok((effects, looks))
}

const TEMPORARY_TRIGGERS: &str = "SELECT count(*) FROM sqlite_temp_schema WHERE type = 'trigger'";

/// True where any trigger of the database as it is now, or of the connection, says REPLACE.
fn triggers_replace(connection: &mut dyn Connection) -> Result<bool> {
    const COUNT: &str = "SELECT count(*) FROM (SELECT type, sql FROM sqlite_schema UNION ALL SELECT type, sql \
                         FROM sqlite_temp_schema) WHERE type = 'trigger' AND sql LIKE '%replace%'";
    Ok(one::<i64>(connection, COUNT)?.unwrap_or(0) > 0)
}

/// The tables that came and went, by name.
pub(crate) fn names(before: &Catalogue, after: &Catalogue, effects: &mut Effects) {
    let missing = |from: &Catalogue, of: &Catalogue| -> Vec<String> {
        of.tables
            .iter()
            .filter(|(key, _)| !from.tables.contains_key(*key))
            .map(|(_, table)| table.name.clone())
            .collect()
    };
    effects.tables_created = missing(before, after);
    effects.tables_dropped = missing(after, before);
}

struct Comparison<'a> {
    connection: &'a mut dyn Connection,
    baseline: &'a mut Baseline,
    before: &'a Catalogue,
    after: &'a Catalogue,
    seen: &'a Seen,
    /// Tables by their old and their new name.
    renamed: Vec<(String, String)>,
}

impl Comparison<'_> {
    fn tables(
        &mut self,
        measured: &BTreeSet<&String>,
        touched: &Touched,
        effects: &mut Effects,
    ) -> Result<()> {
        for name in measured {
            let Some(was) = self.before.tables.get(*name) else { continue };
            match self.after.tables.get(*name) {
                Some(is) if touched.only_altered(name) && keeps_columns(was, is) => {}
                Some(is) if is_measured(was) && is_measured(is) => {
                    let found = match self.by_copy(was, is)? {
                        Some(found) => found,
                        None => self.compare(was, is)?,
                    };
                    effects.losses.extend(found);
                }
                // A table of the user's own gave way to one that only a module reads.
                Some(_) if is_measured(was) => {
                    let rows = self.rows_of(was)?;
                    effects.losses.push(Loss::new(LossKind::Table, &was.name, rows));
                }
                Some(_) => {}
                None => match self.find_renamed(was)? {
                    Some(new) => {
                        effects.changes.push(format!("keeps the rows of {} as {new}", was.name));
                        self.renamed.push((was.name.clone(), new));
                    }
                    None if was.shadow => {}
                    None => {
                        let rows = self.rows_of(was)?;
                        effects.losses.push(Loss::new(LossKind::Table, &was.name, rows));
                    }
                },
            }
        }
        Ok(())
    }

    fn rows_of(&mut self, table: &Table) -> Result<u64> {
        Ok(self.baseline.image(&View { table, key: Vec::new(), keep: false })?.rows)
    }

    /// What a table lost that the text of the migration copies whole: the columns that were left out. `None` where the
    /// values have to be compared.
    fn by_copy(&mut self, was: &Table, is: &Table) -> Result<Option<Vec<Loss>>> {
        let name = was.name.to_ascii_lowercase();
        let Some(copied) = self.seen.copied.iter().find(|copied| copied.table == name) else {
            return Ok(None);
        };
        if !self.baseline.has_snapshot() || !copied.keeps_values(was, is, &self.seen.actions) {
            return Ok(None);
        }
        // A temporary table or view of the same name stands before the one that is meant.
        if one::<i64>(self.connection, "SELECT count(*) FROM sqlite_temp_schema")?.unwrap_or(0) > 0 {
            return Ok(None);
        }
        let left_out: Vec<&str> = was
            .columns
            .iter()
            .filter(|column| column.generated.is_none() && is.column(&column.name).is_none())
            .map(|column| column.name.as_str())
            .collect();
        // It may have been renamed, which only its values tell.
        if !left_out.is_empty() && is.columns.iter().any(|column| was.column(&column.name).is_none()) {
            return Ok(None);
        }
        let before = self.baseline.count(&was.name, &left_out)?;
        if count(self.connection, &is.name, &[])? != before.get(..1).unwrap_or_default() {
            return Ok(None);
        }
        let losses = left_out.iter().zip(before.iter().skip(1));
        Ok(Some(
            losses
                .map(|(column, values)| {
                    Loss::new(LossKind::Column, format!("{}.{column}", was.name), *values)
                })
                .collect(),
        ))
    }

    /// Compares by the numbers first, and row by row only where they differ.
    fn compare(&mut self, was: &Table, is: &Table) -> Result<Vec<Loss>> {
        let key = common_key(was, is);
        let renames: Vec<(String, String)> = self
            .seen
            .renamed_columns
            .iter()
            .filter(|(table, ..)| table.eq_ignore_ascii_case(&was.name))
            .map(|(_, from, to)| (from.clone(), to.clone()))
            .collect();
        if !self.baseline.has_snapshot() {
            let mut before = self.baseline.image(&View { table: was, key: key.clone(), keep: true })?;
            // Taken beforehand with the table's own key, which is not on both sides.
            if key.is_empty() {
                before = before.without_key();
            }
            let after = Image::take(self.connection, &View { table: is, key: key.clone(), keep: true })?;
            return Ok(compare::losses(&was.name, &before, &after, &renames, !key.is_empty(), true)
                .unwrap_or_default());
        }
        for keep in [false, true] {
            let (before, after) = self.both(was, is, &key, keep)?;
            if let Some(found) = compare::losses(&was.name, &before, &after, &renames, !key.is_empty(), keep)
            {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Reads both sides at once: what is committed through the second connection, on a thread of its own.
    fn both(&mut self, was: &Table, is: &Table, key: &[&str], keep: bool) -> Result<(Image, Image)> {
        let (baseline, connection) = (&mut *self.baseline, &mut *self.connection);
        std::thread::scope(|scope| {
            let before = scope.spawn(|| baseline.image(&View { table: was, key: key.to_vec(), keep }));
            let after = Image::take(connection, &View { table: is, key: key.to_vec(), keep });
            match before.join() {
                Ok(before) => Ok((before?, after?)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// The new table that has all columns of one that is gone, with the same contents.
    fn find_renamed(&mut self, was: &Table) -> Result<Option<String>> {
        if !is_measured(was) {
            return Ok(None);
        }
        let candidates: Vec<&Table> = self
            .after
            .tables
            .iter()
            .filter(|(key, table)| {
                !self.before.tables.contains_key(*key)
                    && is_measured(table)
                    && was.columns.iter().all(|column| table.column(&column.name).is_some())
                    && !self.renamed.iter().any(|(_, new)| *new == table.name)
            })
            .map(|(_, table)| table)
            .collect();
        for candidate in candidates {
            if self.compare(was, candidate)?.is_empty() {
                return Ok(Some(candidate.name.clone()));
            }
        }
        Ok(None)
    }
}

/// The key by which both sides tell their rows apart: the primary key of before, if its columns are still there.
fn common_key<'a>(was: &'a Table, is: &Table) -> Vec<&'a str> {
    let key = was.primary_key();
    if key.iter().all(|name| is.column(name).is_some()) { key } else { Vec::new() }
}

/// ALTER TABLE alone never changes a row: a table that it left all its columns has lost nothing.
fn keeps_columns(was: &Table, is: &Table) -> bool {
    was.columns.iter().all(|column| is.column(&column.name).is_some())
}

/// Indexes, triggers and views that are gone though no statement dropped them by name and their table is still there: what
/// a rebuild forgot.
fn objects(
    before: &Catalogue,
    after: &Catalogue,
    touched: &Touched,
    renamed: &[(String, String)],
    effects: &mut Effects,
) {
    let table_lives = |table: &str| {
        after.table(table).is_some() || renamed.iter().any(|(old, _)| old.eq_ignore_ascii_case(table))
    };
    let all = [
        (Object::Index, LossKind::Index, &before.indexes, &after.indexes),
        (Object::Trigger, LossKind::Trigger, &before.triggers, &after.triggers),
    ];
    for (object, kind, was, is) in all {
        for (key, entry) in was {
            let by_name = touched.named.contains(&(object, key.clone()));
            // One of its name on another table is another one.
            let there = is.get(key).is_some_and(|now| {
                let now = &now.table;
                now.eq_ignore_ascii_case(&entry.table)
                    || renamed.iter().any(|(old, new)| old.eq_ignore_ascii_case(&entry.table) && new == now)
            });
            if !there && !by_name && table_lives(&entry.table) {
                effects.losses.push(Loss::new(kind, format!("{} of {}", entry.name, entry.table), 0));
            }
        }
    }
    for (key, entry) in &before.views {
        if !after.views.contains_key(key) && !touched.named.contains(&(Object::View, key.clone())) {
            effects.losses.push(Loss::new(LossKind::View, &entry.name, 0));
        }
    }
}

/// Views that name what is not there any more: they fail only when somebody uses them.
fn broken_views(
    connection: &mut dyn Connection,
    baseline: &mut Baseline,
    after: &Catalogue,
    effects: &mut Effects,
) -> Result<()> {
    for (name, view) in &after.views {
        if works(connection, &view.name)? {
            continue;
        }
        if !baseline.catalogue.views.contains_key(name) || !baseline.was_broken(&view.name)? {
            effects.losses.push(Loss::new(LossKind::View, &view.name, 0));
        }
    }
    Ok(())
}

/// A rebuilt AUTOINCREMENT table starts again after its greatest row, and would give the numbers of removed rows a second
/// time: it goes on where the old one was.
fn keep_sequences(
    connection: &mut dyn Connection,
    baseline: &Baseline,
    after: &Catalogue,
    renamed: &[(String, String)],
) -> Result<()> {
    if baseline.sequences.is_empty() {
        return Ok(());
    }
    let now = sequences(connection)?;
    for (old, last) in &baseline.sequences {
        let name = renamed.iter().find(|(was, _)| was == old).map_or(old, |(_, new)| new);
        let params = params! { last: *last, name: name };
        match now.get(name) {
            Some(at) if at < last => {
                connection
                    .execute("UPDATE main.sqlite_sequence SET seq = :last WHERE name = :name", params)?;
            }
            // A new table without rows has not begun to count.
            None if after.table(name).is_some_and(counts) => {
                connection
                    .execute("INSERT INTO main.sqlite_sequence (seq, name) VALUES (:last, :name)", params)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn counts(table: &Table) -> bool {
    mentions_word(&table.sql, "AUTOINCREMENT", Dialect::Sqlite)
}
