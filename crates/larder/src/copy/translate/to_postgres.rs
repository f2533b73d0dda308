//! SQLite's tables for PostgreSQL.

use super::expression::{Scope, expression};
use super::index::index;
use super::{Translation, default};
use crate::copy::kind::Affinity;
use crate::copy::live::{Live, LiveColumn, LiveTable, all};
use crate::driver::Connection;
use crate::driver::load::quoted;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Column, Generated, Table};
use crate::sql::text::{Dialect, Token, TokenKind, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// A table on its way.
struct Way<'a> {
    table: &'a Table,
    live: &'a LiveTable,
    /// The name in the target.
    name: String,
    columns: Vec<(String, String)>,
    types: BTreeMap<String, String>,
    booleans: Vec<String>,
    no_case: Vec<String>,
    /// Compared in a way that is not byte by byte.
    folded: Vec<String>,
    exact: Vec<String>,
}

impl Way<'_> {
    fn scope(&self) -> Scope<'_> {
        Scope {
            columns: &self.columns,
            booleans: &self.booleans,
            folded: &self.folded,
            exact: &self.exact,
            from: Dialect::Sqlite,
        }
    }

    fn there(&self, column: &str) -> String {
        quoted(&column.to_ascii_lowercase())
    }

    fn list(&self, columns: &[String]) -> String {
        columns.iter().map(|name| self.there(name)).collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn tables(
    source: &mut dyn Connection,
    from: &Live,
    target: &mut dyn Connection,
    missing: &BTreeSet<String>,
    translation: &mut Translation,
) -> Result<()> {
    let mut ways = Vec::new();
    for key in missing {
        let (Some(table), Some(live)) = (from.catalogue.tables.get(key), from.tables.get(key)) else {
            continue;
        };
        ways.push(way(source, table, live, translation)?);
    }
    for way in &ways {
        create(target, way, translation)?;
        checks(target, way, translation)?;
        uniques(target, way, translation)?;
    }
    for way in &ways {
        foreign_keys(target, from, way, translation)?;
        let of_table = |one: &&crate::schema::Entry| one.table.eq_ignore_ascii_case(&way.table.name);
        for entry in from.catalogue.indexes.values().filter(of_table) {
            let object = format!("index {}", entry.name);
            let name = entry.name.to_ascii_lowercase();
            match index(&entry.sql, &name, &way.name, &way.no_case, &way.scope()) {
                Ok(sql) => drop(translation.attempt(target, &object, &sql)?),
                Err(why) => translation.leave_out(object, why),
            }
        }
    }
    Ok(())
}

fn way<'a>(
    source: &mut dyn Connection,
    table: &'a Table,
    live: &'a LiveTable,
    translation: &mut Translation,
) -> Result<Way<'a>> {
    let mut way = Way {
        table,
        live,
        name: table.name.to_ascii_lowercase(),
        columns: Vec::new(),
        types: BTreeMap::new(),
        booleans: Vec::new(),
        no_case: Vec::new(),
        folded: Vec::new(),
        exact: Vec::new(),
    };
    for column in &live.columns {
        let there = column.name.to_ascii_lowercase();
        for name in [&way.name, &there] {
            if name.len() > 63 {
                let message = format!("the name {name} is longer than the 63 bytes that PostgreSQL takes");
                return Err(
                    Error::new(ErrorKind::Unsupported, message).with_help("rename it before it is copied")
                );
            }
        }
        let kind = type_of(source, live, column)?;
        if kind == "boolean" {
            way.booleans.push(column.name.clone());
        }
        if kind == "numeric" {
            way.exact.push(column.name.clone());
        }
        way.columns.push((column.name.clone(), there));
        way.types.insert(column.name.clone(), kind);
        let definition =
            table.column(&column.name).map(|column| column.definition.as_str()).unwrap_or_default();
        if collation(definition).is_some_and(|name| !name.eq_ignore_ascii_case("BINARY")) {
            way.folded.push(column.name.clone());
        }
        if collation(definition).is_some_and(|name| name.eq_ignore_ascii_case("NOCASE")) {
            way.no_case.push(column.name.clone());
            translation.leave_out(
                format!("COLLATE NOCASE of {}.{}", table.name, column.name),
                "compare lower(…) of both there; its unique and other indexes are on lower(…)",
            );
        }
    }
    Ok(way)
}

/// The type of a column. Where the declared one says little, what is stored in it decides.
fn type_of(source: &mut dyn Connection, table: &LiveTable, column: &LiveColumn) -> Result<String> {
    let upper = column.declared.to_ascii_uppercase();
    let base = upper.split('(').next().unwrap_or_default().trim();
    let known = match (base, Affinity::of(&upper)) {
        ("BOOLEAN" | "BOOL", _) => "boolean",
        ("JSON", _) => "json",
        ("JSONB", Affinity::Numeric) => "json",
        ("UUID", Affinity::Numeric) => "text",
        ("NUMERIC" | "DECIMAL", _) => "numeric",
        ("BLOB", _) => "bytea",
        (_, Affinity::Integer) => "bigint",
        (_, Affinity::Text) => "text",
        (_, Affinity::Real) => "double precision",
        _ => "",
    };
    if !known.is_empty() {
        return Ok(known.to_owned());
    }
    let sql = format!("SELECT DISTINCT typeof({}) FROM {}", quoted(&column.name), quoted(&table.name));
    let found: BTreeSet<String> =
        all::<String>(source, &sql)?.into_iter().filter(|kind| kind != "null").collect();
    let has = |kind: &str| found.contains(kind);
    Ok(match () {
        () if has("text") => "text",
        () if has("blob") => "bytea",
        () if has("real") && base != "NUMBER" => "double precision",
        () if has("real") => "numeric",
        () if has("integer") => "bigint",
        () if base.contains("DATE") || base.contains("TIME") => "text",
        () if base.is_empty() || base == "ANY" => "text",
        () => "numeric",
    }
    .to_owned())
}

/// Makes a table, bare of what the server might refuse; that is added bit by bit, so that one default of another type than
/// its column's does not cost the table.
fn create(target: &mut dyn Connection, way: &Way<'_>, translation: &mut Translation) -> Result<()> {
    let mut computed = BTreeMap::new();
    for column in &way.live.columns {
        let Some(text) = way.table.column(&column.name).and_then(self::computed) else { continue };
        let object = format!("computed column {}.{}", way.table.name, column.name);
        let plain = |text: String| {
            let of_other = tokens(&text, Dialect::Sqlite).find(|token| {
                let name = token.name();
                way.live.columns.iter().any(|one| one.generated && one.name.eq_ignore_ascii_case(&name))
            });
            match of_other {
                Some(token) => Err(format!("{} is computed itself", token.name())),
                None => expression(&text, &way.scope()),
            }
            .map_err(|why| format!("{why}; it has the values of now, and stays so"))
        };
        match text.and_then(plain) {
            Ok(text) => {
                let only = BTreeMap::from([(column.name.as_str(), text.clone())]);
                if translation.would_take(target, &object, &statement(way, &only))? {
                    computed.insert(column.name.as_str(), text);
                }
            }
            Err(why) => translation.leave_out(object, why),
        }
    }
    target.execute(&statement(way, &computed), &[])?;
    for column in way.live.columns.iter().filter(|column| !column.counts && !column.generated) {
        let Some(sql) = &column.default else { continue };
        let object = format!("default of {}.{}", way.table.name, column.name);
        let kind = way.types.get(&column.name).map_or("text", String::as_str);
        match default::to_postgres(sql, kind) {
            Ok(text) => {
                let (table, column) = (quoted(&way.name), way.there(&column.name));
                let sql = format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {text}");
                translation.attempt(target, &object, &sql)?;
            }
            Err(why) => translation.leave_out(object, why),
        }
    }
    Ok(())
}

fn statement(way: &Way<'_>, computed: &BTreeMap<&str, String>) -> String {
    let mut lines = Vec::new();
    for column in &way.live.columns {
        let kind = way.types.get(&column.name).map_or("text", String::as_str);
        // The order of SQLite's own comparison: byte by byte.
        let collate = if kind == "text" { " COLLATE \"C\"" } else { "" };
        let mut line = format!("{} {kind}{collate}", way.there(&column.name));
        if let Some(text) = computed.get(column.name.as_str()) {
            line.push_str(&format!(" GENERATED ALWAYS AS ({text}) STORED"));
        } else if column.counts {
            line.push_str(" GENERATED BY DEFAULT AS IDENTITY");
        }
        if column.not_null && !column.generated {
            line.push_str(" NOT NULL");
        }
        lines.push(line);
    }
    if !way.live.primary_key.is_empty() {
        lines.push(format!("PRIMARY KEY ({})", way.list(&way.live.primary_key)));
    }
    format!("CREATE TABLE {} ({})", quoted(&way.name), lines.join(", "))
}

/// The expression of a computed column.
fn computed(column: &Column) -> Option<Result<String, String>> {
    let _: Generated = column.generated?;
    let text = column.definition.as_str();
    let at = tokens(text, Dialect::Sqlite).find(|token| token.is("AS"));
    Some(at.and_then(|at| bracket(text.get(at.end()..)?)).ok_or_else(|| "is not translated".to_owned()))
}

/// What stands inside the first pair of brackets.
fn bracket(text: &str) -> Option<String> {
    let mut depth = 0_u32;
    let mut from = None;
    for token in tokens(text, Dialect::Sqlite) {
        if token.is_punct("(") {
            depth += 1;
            from = from.or(Some(token.end()));
        } else if token.is_punct(")") {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return text.get(from?..token.offset).map(str::to_owned);
            }
        }
    }
    None
}

fn collation(definition: &str) -> Option<String> {
    let mut all =
        tokens(definition, Dialect::Sqlite).filter(|token: &Token<'_>| token.kind != TokenKind::Comment);
    all.find(|token| token.is("COLLATE"))?;
    all.next().map(|token| token.name().into_owned())
}

/// Every CHECK of the table, beside its columns and in them, as its expression.
fn all_checks(table: &Table) -> Vec<String> {
    let texts = table.columns.iter().map(|column| column.definition.as_str());
    let mut found = Vec::new();
    for text in texts.chain(table.constraints.iter().map(String::as_str)) {
        for token in tokens(text, Dialect::Sqlite).filter(|token| token.is("CHECK")) {
            found.extend(text.get(token.end()..).and_then(bracket));
        }
    }
    found
}

fn checks(target: &mut dyn Connection, way: &Way<'_>, translation: &mut Translation) -> Result<()> {
    for check in all_checks(way.table) {
        let object = format!("CHECK ({check}) of {}", way.table.name);
        // What a boolean can be it can't help being.
        let implied = way.booleans.iter().any(|name| {
            let plain: String =
                check.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
            plain == format!("{}in(0,1)", name.to_ascii_lowercase())
        });
        if implied {
            continue;
        }
        match expression(&check, &way.scope()) {
            Ok(text) => {
                let sql = format!("ALTER TABLE {} ADD CHECK ({text})", quoted(&way.name));
                if translation.attempt(target, &object, &sql)? {
                    translation.checks.push((way.table.name.clone(), check));
                }
            }
            Err(why) => translation.leave_out(object, why),
        }
    }
    Ok(())
}

fn uniques(target: &mut dyn Connection, way: &Way<'_>, translation: &mut Translation) -> Result<()> {
    for columns in &way.live.uniques {
        let object = format!("UNIQUE ({}) of {}", columns.join(", "), way.table.name);
        let folds = |name: &String| way.no_case.contains(name);
        let sql = if columns.iter().any(folds) {
            let items: Vec<String> = columns
                .iter()
                .map(|name| if folds(name) { format!("lower({})", way.there(name)) } else { way.there(name) })
                .collect();
            format!("CREATE UNIQUE INDEX ON {} ({})", quoted(&way.name), items.join(", "))
        } else {
            format!("ALTER TABLE {} ADD UNIQUE ({})", quoted(&way.name), way.list(columns))
        };
        translation.attempt(target, &object, &sql)?;
    }
    Ok(())
}

fn foreign_keys(
    target: &mut dyn Connection,
    from: &Live,
    way: &Way<'_>,
    translation: &mut Translation,
) -> Result<()> {
    for key in &way.live.foreign_keys {
        let object = format!("foreign key ({}) of {}", key.columns.join(", "), way.table.name);
        let Some(to) = from.table(&key.to_table) else {
            translation.leave_out(object, format!("there is no table {}", key.to_table));
            continue;
        };
        let columns = if key.to_columns.is_empty() { &to.primary_key } else { &key.to_columns };
        let deferred = way.table.sql.to_ascii_uppercase().contains("INITIALLY DEFERRED");
        let sql = format!(
            "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE {} ON DELETE {}{}",
            quoted(&way.name),
            way.list(&key.columns),
            quoted(&to.name.to_ascii_lowercase()),
            way.list(columns),
            key.on_update,
            key.on_delete,
            if deferred { " DEFERRABLE INITIALLY DEFERRED" } else { "" },
        );
        translation.attempt(target, &object, &sql)?;
    }
    Ok(())
}
