//! Indexes, triggers and views that are gone though no statement dropped them by name.

use crate::driver::Object;
use crate::migrate::effect::measure::Seen;
use crate::migrate::loss::{Loss, LossKind};
use crate::migrate::report::Effects;
use crate::schema::{Catalogue, Entry};
use crate::sql::text::{Dialect, Token, TokenKind, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// Notes what was forgotten. An index that goes with its column is not: the column is told of.
pub(super) fn objects(
    before: &Catalogue,
    after: &Catalogue,
    seen: &Seen,
    moved: &BTreeMap<String, String>,
    effects: &mut Effects,
) {
    let now = |table: &str| moved.get(table).map_or(table, String::as_str).to_owned();
    let named = |object, name: &str| seen.named.contains(&(object, last(name)));
    let all = [
        (Object::Index, LossKind::Index, &before.indexes, &after.indexes),
        (Object::Trigger, LossKind::Trigger, &before.triggers, &after.triggers),
    ];
    for (object, kind, was, is) in all {
        for entry in was.values() {
            let Some(table) = after.tables.get(&now(&entry.table)) else { continue };
            let there = is.values().any(|other| other.name == entry.name && other.table == table.name);
            let renamed =
                || is.values().any(|other| other.table == table.name && same_but_name(entry, other));
            let column_gone = || {
                let columns = before.tables.get(&entry.table).into_iter().flat_map(|table| &table.columns);
                let gone: Vec<&str> =
                    columns.map(|c| c.name.as_str()).filter(|name| table.column(name).is_none()).collect();
                object == Object::Index
                    && tokens(&entry.sql, Dialect::Postgres).any(|t| gone.contains(&&*t.name()))
            };
            if !there && !named(object, &entry.name) && !renamed() && !column_gone() {
                effects.losses.push(Loss::new(kind, format!("{} of {}", entry.name, entry.table), 0));
            }
        }
    }
    for (key, entry) in &before.views {
        let renamed = || {
            let new = after.views.iter().filter(|(key, _)| !before.views.contains_key(*key));
            let mut new = new.map(|(_, other)| other);
            new.any(|other| body(entry) == body(other))
        };
        if !after.views.contains_key(key) && !named(Object::View, &entry.name) && !renamed() {
            effects.losses.push(Loss::new(LossKind::View, &entry.name, 0));
        }
    }
}

/// What stands behind the name of a view.
fn body(entry: &Entry) -> Option<&str> {
    entry.sql.split_once(" AS\n").map(|(_, body)| body)
}

fn same_but_name(one: &Entry, other: &Entry) -> bool {
    let rest = |entry: &Entry| entry.sql.replacen(&last(&entry.name), "", 1);
    rest(one) == rest(other)
}

/// The name without its schema, in lower case.
fn last(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).trim_matches('"').to_lowercase()
}

/// The indexes, views and triggers that a statement drops by name.
pub(in crate::migrate::effect) fn dropped(text: &str) -> BTreeSet<(Object, String)> {
    let mut found = BTreeSet::new();
    let list: Vec<Token<'_>> =
        tokens(text, Dialect::Postgres).filter(|token| token.kind != TokenKind::Comment).collect();
    let skipped = |token: &&Token<'_>| {
        !["MATERIALIZED", "CONCURRENTLY", "IF", "EXISTS"].iter().any(|word| token.is(word))
    };
    let mut words = list.iter().filter(skipped);
    if !words.next().is_some_and(|word| word.is("DROP")) {
        return found;
    }
    let object = match words.next() {
        Some(word) if word.is("INDEX") => Object::Index,
        Some(word) if word.is("VIEW") => Object::View,
        Some(word) if word.is("TRIGGER") => Object::Trigger,
        _ => return found,
    };
    let words: Vec<&Token<'_>> = words.collect();
    for (at, word) in words.iter().enumerate() {
        let is_name = matches!(word.kind, TokenKind::Word | TokenKind::Quoted);
        let before_dot = words.get(at + 1).is_some_and(|next| next.is_punct("."));
        if is_name && !before_dot {
            found.insert((object, word.name().to_lowercase()));
        }
        // Behind the name of a trigger stands its table.
        if object == Object::Trigger {
            break;
        }
    }
    found
}
