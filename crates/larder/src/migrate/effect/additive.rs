//! What a migration did that touched nothing committed, in sentences: from the engine's report alone, without a look at
//! the schema, which with a thousand migrations on a new database would cost more than they do.

use super::measure::Seen;
use crate::driver::{Action, Object};
use crate::migrate::history::TABLES;
use crate::migrate::report::Effects;
use std::collections::BTreeSet;

/// The endings of the tables in which SQLite's own virtual tables (FTS3, FTS4, FTS5, R*Tree) keep their data.
const SHADOWS: [&str; 11] = [
    "_config",
    "_content",
    "_data",
    "_docsize",
    "_idx",
    "_node",
    "_parent",
    "_rowid",
    "_segdir",
    "_segments",
    "_stat",
];

/// Fills in the sentences, and which tables came and went.
pub(super) fn describe(seen: &Seen, effects: &mut Effects) {
    let story = Story::of(seen);
    story.made(effects);
    story.gone(effects);
    story.touched(effects);
    for (table, count) in &seen.added {
        if story.rebuilt(table).is_none() && !story.is_temporary(table) {
            effects.changes.push(match count {
                1 => format!("adds 1 row to {table}"),
                _ => format!("adds {count} rows to {table}"),
            });
        }
    }
}

/// The actions of a migration, each once and in order, without those that only follow from others.
struct Story<'a> {
    seen: &'a Seen,
    created: Vec<(Object, &'a str, &'a str)>,
    dropped: Vec<(Object, &'a str)>,
}

impl<'a> Story<'a> {
    fn of(seen: &'a Seen) -> Self {
        let (mut created, mut dropped) = (Vec::new(), Vec::new());
        for action in &seen.actions {
            match action {
                Action::Create { object, name, table } => {
                    let entry = (*object, name.as_str(), table.as_str());
                    // An index that belongs to a constraint has a name of SQLite's own.
                    let own = name.starts_with("sqlite_") || TABLES.contains(&name.as_str());
                    if !own && !created.contains(&entry) && !is_shadow(&created, name) {
                        created.push(entry);
                    }
                }
                Action::Drop { object, name, .. } => dropped.push((*object, name.as_str())),
                _ => {}
            }
        }
        Self { seen, created, dropped }
    }

    fn is_created(&self, object: Object, name: &str) -> bool {
        self.created.iter().any(|(other, made, _)| *other == object && made.eq_ignore_ascii_case(name))
    }

    fn is_dropped(&self, object: Object, name: &str) -> bool {
        self.dropped.iter().any(|(other, gone)| *other == object && gone.eq_ignore_ascii_case(name))
    }

    fn is_altered(&self, table: &str) -> bool {
        self.seen
            .actions
            .iter()
            .any(|action| matches!(action, Action::Alter { table: other } if other == table))
    }

    /// The name that a table has in the end.
    fn now<'n>(&'n self, table: &'n str) -> &'n str {
        let renamed = self.seen.renamed.iter().find(|(from, _)| from.eq_ignore_ascii_case(table));
        renamed.map_or(table, |(_, to)| to)
    }

    /// The table that a new one took the place of.
    fn rebuilt<'n>(&'n self, new: &'n str) -> Option<&'n str> {
        let now = self.now(new);
        (now != new && self.is_created(Object::Table, new) && self.is_dropped(Object::Table, now))
            .then_some(now)
    }

    /// Made and dropped by the same migration.
    fn is_temporary(&self, table: &str) -> bool {
        self.is_created(Object::Table, table)
            && self.now(table) == table
            && self.is_dropped(Object::Table, table)
    }

    fn made(&self, effects: &mut Effects) {
        for (object, name, table) in &self.created {
            match object {
                Object::Table if self.is_temporary(name) => {}
                Object::Table => match self.rebuilt(name) {
                    Some(old) => effects.changes.push(format!("rebuilds table {old}")),
                    None => {
                        let now = self.now(name);
                        effects.changes.push(format!("creates table {now}"));
                        effects.tables_created.push(now.to_owned());
                    }
                },
                // What a rebuild dropped and made again is as it was.
                _ if self.is_dropped(*object, name) => {}
                Object::View => effects.changes.push(format!("creates view {name}")),
                other => {
                    effects.changes.push(format!("creates {} {name} on {}", other.word(), self.now(table)))
                }
            }
        }
        for (from, to) in &self.seen.renamed {
            if !self.is_created(Object::Table, from) {
                effects.changes.push(format!("renames table {from} to {to}"));
                effects.tables_dropped.push(from.clone());
                effects.tables_created.push(to.clone());
            }
        }
    }

    fn gone(&self, effects: &mut Effects) {
        for (object, name) in &self.dropped {
            if self.is_created(*object, name) {
                continue;
            }
            let replaced = self.seen.renamed.iter().any(|(_, to)| to.eq_ignore_ascii_case(name));
            if *object != Object::Table {
                effects.changes.push(format!("drops {} {name}", object.word()));
            } else if !replaced {
                effects.changes.push(format!("drops table {name}"));
                effects.tables_dropped.push((*name).to_owned());
            }
        }
    }

    fn touched(&self, effects: &mut Effects) {
        let mut told = BTreeSet::new();
        for action in &self.seen.actions {
            let (verb, table) = match action {
                Action::Alter { table } => ("alters table", table),
                Action::Update { table, .. } => ("changes values of", table),
                // SQLite reports removals of its own for ALTER TABLE and DROP VIEW.
                Action::Delete { table }
                    if !self.is_dropped(Object::View, table) && !self.is_altered(table) =>
                {
                    ("removes rows of", table)
                }
                _ => continue,
            };
            let renames = self.seen.renamed.iter().any(|(from, _)| from.eq_ignore_ascii_case(table));
            let new = self.is_created(Object::Table, table) || is_shadow(&self.created, table);
            if !new && !renames && !TABLES.contains(&table.as_str()) && told.insert((verb, table)) {
                effects.changes.push(format!("{verb} {table}"));
            }
        }
    }
}

/// True for a table in which a virtual table keeps its data, that was made right before.
fn is_shadow(created: &[(Object, &str, &str)], name: &str) -> bool {
    created.iter().any(|(object, table, _)| {
        *object == Object::Table && name.strip_prefix(table).is_some_and(|ending| SHADOWS.contains(&ending))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(object: Object, name: &str, table: &str) -> Action {
        Action::Create { object, name: name.into(), table: table.into() }
    }

    fn told(seen: &Seen) -> (Vec<String>, Vec<String>, Vec<String>) {
        let mut effects = Effects::default();
        describe(seen, &mut effects);
        (effects.changes, effects.tables_created, effects.tables_dropped)
    }

    #[test]
    fn a_rebuild_is_one_and_its_indexes_are_as_they_were() {
        let seen = Seen {
            actions: vec![
                create(Object::Table, "new_t", "new_t"),
                Action::Insert { table: "new_t".into() },
                Action::Drop { object: Object::Table, name: "t".into(), table: "t".into() },
                Action::Alter { table: "new_t".into() },
                create(Object::Index, "i", "t"),
            ],
            added: [("new_t".to_owned(), 9)].into(),
            renamed: vec![("new_t".into(), "t".into())],
            ..Seen::default()
        };
        let (changes, created, dropped) = told(&seen);
        assert_eq!(changes, ["rebuilds table t", "creates index i on t"]);
        assert!(created.is_empty() && dropped.is_empty());
    }

    #[test]
    fn renames_and_drops_move_the_ownership() {
        let seen = Seen {
            actions: vec![
                Action::Alter { table: "a".into() },
                Action::Drop { object: Object::Table, name: "c".into(), table: "c".into() },
                create(Object::Table, "x", "x"),
                Action::Drop { object: Object::Table, name: "x".into(), table: "x".into() },
            ],
            renamed: vec![("a".into(), "b".into())],
            ..Seen::default()
        };
        let (changes, created, dropped) = told(&seen);
        assert_eq!(changes, ["renames table a to b", "drops table c"]);
        assert_eq!((created, dropped), (vec!["b".to_owned()], vec!["a".to_owned(), "c".to_owned()]));
    }
}
