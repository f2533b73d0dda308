//! Tables, views, their columns and constraints.

use super::read::each;
use super::{asked, ident, path, shown};
use crate::driver::Connection;
use crate::error::Result;
use crate::schema::{Column, Entry, ForeignKey, Generated, Table, Unique};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A table or a view, with what its text is composed of.
pub(super) struct Relation {
    pub(super) kind: String,
    pub(super) table: Table,
    pub(super) path: String,
    /// The tables that it inherits from, or the one that it is a partition of.
    pub(super) parents: Vec<i64>,
    parent_paths: Vec<String>,
    unlogged: bool,
    /// `FOR VALUES …` of a partition.
    bound: Option<String>,
    /// `PARTITION BY …`, `WITH (…)`, `SERVER …`.
    behind: String,
    view: Option<String>,
    pub(super) constraints: Vec<Constraint>,
    /// By column: it stands in this table's own text.
    local: Vec<bool>,
}

pub(super) struct Constraint {
    pub(super) kind: String,
    text: String,
    /// It stands in this table's own text, and does not come from a parent.
    local: bool,
}

impl Constraint {
    pub(super) fn is_reference(&self) -> bool {
        self.kind == "f"
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

const RELATIONS: &str = "SELECT c.oid::bigint AS oid, {schema} AS schema, c.relname::text AS name, c.relkind::text AS kind, \
    c.relpersistence = 'u' AS unlogged, \
    CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partition_key, \
    CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS bound, \
    (SELECT pg_catalog.json_agg(ARRAY[h.inhparent::text, h.inhparent::regclass::text] ORDER BY h.inhseqno)::text \
     FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid) AS parents, \
    (SELECT pg_catalog.string_agg(pg_catalog.format('%s=%s', o.option_name, o.option_value), ', ' ORDER BY 1) \
     FROM pg_catalog.pg_options_to_table(c.reloptions) o) AS options, \
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END AS view, \
    (SELECT pg_catalog.format('SERVER %I', s.srvname) || coalesce((SELECT pg_catalog.format(' OPTIONS (%s)', \
     pg_catalog.string_agg(pg_catalog.format('%I %L', o.option_name, o.option_value), ', ')) \
     FROM pg_catalog.pg_options_to_table(f.ftoptions) o), '') FROM pg_catalog.pg_foreign_table f \
     JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) AS server \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {mine} ORDER BY c.oid";

#[derive(Deserialize)]
struct RelationRow {
    oid: i64,
    schema: Option<String>,
    name: String,
    kind: String,
    unlogged: bool,
    partition_key: Option<String>,
    bound: Option<String>,
    parents: Option<String>,
    options: Option<String>,
    view: Option<String>,
    server: Option<String>,
}

const COLUMNS: &str = "SELECT a.attrelid::bigint AS oid, a.attname::text AS name, \
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null, \
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS value, a.attidentity::text AS identity, a.attgenerated::text AS generated, \
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END AS collation, \
    a.attislocal AS local, \
    (SELECT pg_catalog.array_position(k.conkey, a.attnum) FROM pg_catalog.pg_constraint k \
     WHERE k.conrelid = a.attrelid AND k.contype = 'p') AS key \
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND {mine} ORDER BY a.attrelid, a.attnum";

#[derive(Deserialize)]
struct ColumnRow {
    oid: i64,
    name: String,
    r#type: String,
    not_null: bool,
    value: Option<String>,
    identity: String,
    generated: String,
    collation: Option<String>,
    local: bool,
    key: Option<u32>,
}

const CONSTRAINTS: &str = "SELECT k.conrelid::bigint AS oid, k.conname::text AS name, k.contype::text AS kind, \
    pg_catalog.pg_get_constraintdef(k.oid, true) AS text, \
    (SELECT pg_catalog.json_agg(a.attname ORDER BY u.place)::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (n, place) \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n) AS columns, \
    (SELECT pg_catalog.json_agg(a.attname ORDER BY u.place)::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u (n, place) \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n) AS to_columns, \
    k.confrelid::bigint AS to_oid, k.confupdtype::text AS on_update, k.confdeltype::text AS on_delete, \
    k.conislocal AND k.conparentid = 0 AS local \
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND {mine} ORDER BY k.conrelid, k.oid";

#[derive(Deserialize)]
struct ConstraintRow {
    oid: i64,
    name: String,
    kind: String,
    text: String,
    columns: Option<String>,
    to_columns: Option<String>,
    to_oid: i64,
    on_update: String,
    on_delete: String,
    local: bool,
}

/// True for Larder's bookkeeping, which lies in the current schema.
pub(super) fn is_own(table: &str) -> bool {
    table == "schema_migrations" || table == "meta"
}

/// All tables and views with their columns and constraints, by oid.
pub(super) fn read(connection: &mut dyn Connection) -> Result<BTreeMap<i64, Relation>> {
    let mut relations = BTreeMap::new();
    each(connection, &asked(RELATIONS, "pg_class", "c.oid"), |row: RelationRow| {
        if !is_own(&shown(row.schema.as_deref(), &row.name)) {
            relations.insert(row.oid, row.into_relation());
        }
    })?;
    each(connection, &asked(COLUMNS, "pg_class", "c.oid"), |row: ColumnRow| {
        if let Some(relation) = relations.get_mut(&row.oid) {
            relation.local.push(row.local);
            relation.table.columns.push(row.into_column());
        }
    })?;
    let mut constraints: Vec<ConstraintRow> = Vec::new();
    each(connection, &asked(CONSTRAINTS, "pg_class", "c.oid"), |row| constraints.push(row))?;
    let names: BTreeMap<i64, String> =
        relations.iter().map(|(oid, relation)| (*oid, relation.table.name.clone())).collect();
    for row in constraints {
        let to_table = names.get(&row.to_oid).cloned().unwrap_or_default();
        if let Some(relation) = relations.get_mut(&row.oid) {
            relation.add(row, to_table);
        }
    }
    Ok(relations)
}

fn list(json: Option<&str>) -> Vec<String> {
    json.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

impl RelationRow {
    fn into_relation(self) -> Relation {
        let schema = self.schema.as_deref();
        let pairs: Vec<(String, String)> =
            self.parents.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let (parents, parent_paths): (Vec<_>, Vec<_>) =
            pairs.into_iter().map(|(oid, path)| (oid.parse().unwrap_or(0), path)).unzip();
        let mut behind = Vec::new();
        behind.extend(self.partition_key.map(|key| format!("PARTITION BY {key}")));
        behind.extend(self.options.map(|options| format!("WITH ({options})")));
        behind.extend(self.server);
        let mut table = Table::new(shown(schema, &self.name), String::new());
        table.virtual_ = self.kind == "f";
        let mut options: Vec<String> = Vec::new();
        if self.unlogged {
            options.push("UNLOGGED".into());
        }
        match (&self.bound, parent_paths.is_empty()) {
            (Some(bound), _) => options.push(format!("PARTITION OF {} {bound}", parent_paths.join(", "))),
            (None, false) => options.push(format!("INHERITS ({})", parent_paths.join(", "))),
            (None, true) => {}
        }
        options.extend(behind.iter().cloned());
        table.options = options.join(" ");
        Relation {
            path: path(schema, &self.name),
            kind: self.kind,
            table: Table { schema: self.schema, ..table },
            parents,
            parent_paths,
            unlogged: self.unlogged,
            bound: self.bound,
            behind: behind.join(" "),
            view: self.view,
            constraints: Vec::new(),
            local: Vec::new(),
        }
    }
}

impl ColumnRow {
    fn into_column(self) -> Column {
        let mut definition = self.r#type.clone();
        let mut add = |text: &str| {
            definition.push(' ');
            definition.push_str(text);
        };
        if let Some(collation) = &self.collation {
            add(&format!("COLLATE {collation}"));
        }
        let value = self.value.as_deref().unwrap_or_default();
        let generated = match self.generated.as_str() {
            "s" => Some(Generated::Stored),
            "v" => Some(Generated::Virtual),
            _ => None,
        };
        match (self.identity.as_str(), generated) {
            ("a", _) => add("GENERATED ALWAYS AS IDENTITY"),
            ("d", _) => add("GENERATED BY DEFAULT AS IDENTITY"),
            (_, Some(Generated::Stored)) => add(&format!("GENERATED ALWAYS AS ({value}) STORED")),
            (_, Some(Generated::Virtual)) => add(&format!("GENERATED ALWAYS AS ({value}) VIRTUAL")),
            _ if self.value.is_some() => add(&format!("DEFAULT {value}")),
            _ => {}
        }
        // A primary key implies it, and says so itself.
        if self.not_null && self.key.is_none() {
            add("NOT NULL");
        }
        Column {
            name: self.name,
            declared_type: self.r#type,
            not_null: self.not_null,
            default: self.value.filter(|_| generated.is_none()),
            primary_key: self.key,
            generated,
            hidden: false,
            definition,
        }
    }
}

impl Relation {
    fn add(&mut self, row: ConstraintRow, to_table: String) {
        let columns = list(row.columns.as_deref());
        match row.kind.as_str() {
            "p" | "u" => {
                self.table.uniques.push(Unique { columns, primary_key: row.kind == "p" });
            }
            "f" => self.table.foreign_keys.push(ForeignKey {
                columns,
                to_table,
                to_columns: list(row.to_columns.as_deref()),
                on_update: action(&row.on_update).into(),
                on_delete: action(&row.on_delete).into(),
            }),
            _ => {}
        }
        let text = format!("CONSTRAINT {} {}", ident(&row.name), row.text);
        self.table.constraints.push(text.clone());
        self.constraints.push(Constraint { kind: row.kind, text, local: row.local });
    }

    /// The statement that makes the table, with those of its constraints that `with` takes.
    pub(super) fn create(&self, with: impl Fn(&Constraint) -> bool) -> String {
        let mut items = Vec::new();
        // The columns of a partition are those of the whole.
        for (column, local) in self.table.columns.iter().zip(&self.local) {
            if self.bound.is_none() && *local {
                items.push(format!("{} {}", ident(&column.name), column.definition));
            }
        }
        items.extend(self.constraints.iter().filter(|it| it.local && with(it)).map(|it| it.text.clone()));
        let mut text = String::from(match (self.unlogged, self.kind.as_str()) {
            (_, "f") => "CREATE FOREIGN TABLE ",
            (true, _) => "CREATE UNLOGGED TABLE ",
            (false, _) => "CREATE TABLE ",
        });
        text.push_str(&self.path);
        if self.bound.is_some() {
            text.push_str(&format!(" PARTITION OF {}", self.parent_paths.join(", ")));
        }
        if !items.is_empty() {
            text.push_str(&format!(" (\n    {}\n)", items.join(",\n    ")));
        } else if self.bound.is_none() {
            text.push_str(" ()");
        }
        match &self.bound {
            Some(bound) => text.push_str(&format!(" {bound}")),
            None if !self.parent_paths.is_empty() => {
                text.push_str(&format!(" INHERITS ({})", self.parent_paths.join(", ")));
            }
            None => {}
        }
        if !self.behind.is_empty() {
            text.push_str(&format!(" {}", self.behind));
        }
        text
    }

    /// The statement that makes the view; `None` for a table.
    pub(super) fn view(&self) -> Option<Entry> {
        let body = self.view.as_deref()?.trim().trim_end_matches(';');
        let word = if self.kind == "m" { "MATERIALIZED VIEW" } else { "VIEW" };
        let with = if self.behind.is_empty() { String::new() } else { format!(" {}", self.behind) };
        let name = self.table.name.clone();
        let sql = format!("CREATE {word} {}{with} AS\n {body}", self.path);
        Some(Entry { table: name.clone(), name, sql })
    }
}

fn action(letter: &str) -> &'static str {
    match letter {
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        "r" => "RESTRICT",
        _ => "NO ACTION",
    }
}
