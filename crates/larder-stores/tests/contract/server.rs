//! What a database on a server really has, in the words of the documents, which are those of SQLite: the types are mapped here,
//! and `docs/stores/README.md` says the same.

use crate::live::Live;
use crate::row::{Column, What};
use larder_kit::Place;
use larder_kit::postgres::Client;
use std::collections::BTreeMap;

/// The type that a column of the documents has on the server. What is text there is a time or JSON here where it holds one; a
/// trail's JSON is `json`, whose text stays as it was hashed.
fn kind(table: &str, column: &str, documented: &str) -> &'static str {
    let is_time = column.ends_with("_at") || matches!(column, "ts" | "last_verified");
    let is_json = column.ends_with("_json")
        || matches!((table, column), ("runs", "owner") | ("verifications", "details"));
    match documented {
        "TEXT" if is_time => "timestamp with time zone",
        "TEXT" if column == "data_json" => "json",
        "TEXT" if is_json || column == "cycle" => "jsonb",
        "TEXT" => "text",
        "INTEGER" if matches!(column, "stub" | "optional" | "resolved") => "boolean",
        "INTEGER" => "bigint",
        "REAL" => "double precision",
        _ => "nothing",
    }
}

const COLUMNS: &str =
    "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attidentity <> '', pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname, a.attnum";

/// Constraints: table, kind, columns, the table referred to, ON DELETE, text.
const RULES: &str = "SELECT c.conrelid::regclass::text, c.contype::text, (SELECT array_agg(a.attname::text ORDER BY k.n)
        FROM unnest(c.conkey) WITH ORDINALITY AS k (num, n) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num),
        c.confrelid::regclass::text, c.confdeltype::text, pg_get_constraintdef(c.oid)
    FROM pg_constraint c WHERE c.connamespace = 'public'::regnamespace";

/// Indexes that no constraint made: table, whether unique, columns as text.
const INDEXES: &str = "SELECT i.indrelid::regclass::text, i.indisunique, (SELECT array_agg(pg_get_indexdef(i.indexrelid, n, true)
        ORDER BY n) FROM generate_series(1, i.indnkeyatts) AS n)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)";

/// Whether the key of a table is a number.
fn is_numbered(table: &str) -> bool {
    matches!(table, "audit_log" | "audit_entries" | "verifications")
}

/// Larder's own tables are no store's.
fn is_own(table: &str) -> bool {
    matches!(table, "schema_migrations" | "meta")
}

/// Everything that the database has. `documented` gives the type that the documents have for a column, which says what the
/// server's type is to be.
pub(crate) fn read(place: &Place, documented: &BTreeMap<(String, String), String>) -> (Live, Vec<String>) {
    let mut client = place.client();
    let mut live = Live::default();
    let mut wrong = Vec::new();
    let mut columns: Vec<(String, Column)> = Vec::new();
    for row in client.query(COLUMNS, &[]).unwrap() {
        let (table, name): (String, String) = (row.get(0), row.get(1));
        if is_own(&table) {
            continue;
        }
        let is: String = row.get(2);
        let said = documented.get(&(table.clone(), name.clone())).cloned().unwrap_or_default();
        if kind(&table, &name, &said) != is {
            wrong.push(format!("{table}.{name} is {is}, and {said} in the documents"));
        }
        if is == "boolean" {
            let values = ["0", "1"].map(str::to_owned).into();
            live.rows.push((table.clone(), What::Check { column: name.clone(), values }));
        }
        let default: Option<String> = row.get(5);
        let column = Column {
            name,
            kind: said,
            autoincrement: row.get(4),
            not_null: row.get(3),
            default: default.as_deref().map(plain),
            ..Column::default()
        };
        live.tables.entry(table.clone()).or_default();
        columns.push((table, column));
    }
    rules(&mut client, &mut live, &mut columns);
    live.rows.extend(columns.into_iter().map(|(table, column)| (table, What::Column(column))));
    for row in client.query(INDEXES, &[]).unwrap() {
        let (table, unique, columns): (String, bool, Vec<String>) = (row.get(0), row.get(1), row.get(2));
        // Of what may be longer than an entry of an index, a shorter name is held to be the only one.
        let columns: Vec<String> = columns
            .iter()
            .map(|of| of.trim_start_matches("md5(").trim_end_matches("::text)").to_owned())
            .collect();
        // A row's number at the end of an index, which SQLite has there by itself.
        let numbered = !unique
            && columns.len() > 1
            && live.tables.get(&table).is_some_and(|key| key.as_slice() == &columns[columns.len() - 1..]);
        let of = columns.len() - usize::from(numbered && is_numbered(&table));
        let columns: Vec<String> = columns[..of].to_vec();
        live.rows.push((table, if unique { What::Unique(columns) } else { What::Index(columns) }));
    }
    live.rows.retain(|(table, _)| !is_own(table));
    (live, wrong)
}

fn rules(client: &mut Client, live: &mut Live, columns: &mut [(String, Column)]) {
    for row in client.query(RULES, &[]).unwrap() {
        let (table, kind, of): (String, String, Option<Vec<String>>) = (row.get(0), row.get(1), row.get(2));
        let of = of.unwrap_or_default();
        let mut own =
            columns.iter_mut().filter(|(name, column)| *name == table && of == [column.name.clone()]);
        match kind.as_str() {
            "p" => {
                live.tables.insert(table.clone(), of.clone());
                match own.next() {
                    Some((_, column)) => column.primary_key = true,
                    None => live.rows.push((table, What::Unique(of))),
                }
            }
            "u" => live.rows.push((table, What::Unique(of))),
            "f" => {
                let policy = match row.get::<_, &str>(4) {
                    "c" => "CASCADE",
                    "r" => "RESTRICT",
                    "n" => "SET NULL",
                    _ => "NO ACTION",
                };
                let (_, column) = own.next().unwrap();
                column.reference = Some((row.get(3), policy.to_owned()));
            }
            "c" => live.rows.extend(list(row.get(5), &of).map(|check| (table, check))),
            other => panic!("a constraint of the kind {other} on {table}"),
        }
    }
}

/// The list of allowed values: `CHECK ((kind = ANY (ARRAY['a'::text, 'b'::text])))`.
fn list(text: &str, columns: &[String]) -> Option<What> {
    let (_, list) = text.split_once(" = ANY (ARRAY[")?;
    let (list, _) = list.split_once(']')?;
    let [column] = columns else { return None };
    let value = |value: &str| value.trim().trim_end_matches("::text").trim_matches('\'').to_owned();
    Some(What::Check { column: column.clone(), values: list.split(',').map(value).collect() })
}

/// A default as the documents write it.
fn plain(default: &str) -> String {
    match default {
        "statement_timestamp()" => "now".to_owned(),
        "false" => "0".to_owned(),
        "true" => "1".to_owned(),
        text => text.trim_end_matches("::text").trim_matches('\'').to_owned(),
    }
}
