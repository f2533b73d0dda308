//! What a migration did that touched nothing committed, in sentences: what there is that was not before.

use super::Server;
use crate::driver::Connection;
use crate::error::Result;
use crate::migrate::effect::measure::Seen;
use crate::migrate::history::TABLES;
use crate::migrate::report::Effects;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What the transaction has made so far, by the catalogue that it stands in and its oid.
pub(super) type Made = BTreeMap<(String, i64), Thing>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thing {
    sort: String,
    name: String,
    table: Option<String>,
}

// Only what this transaction has written, by the age of the rows of the catalogue. What belongs to a constraint or to an
// identity column is told with that.
const MADE: &str = "SELECT 'pg_class' AS catalogue, c.oid::bigint AS oid, CASE WHEN c.relkind IN ('v', 'm') THEN 'view' \
     WHEN c.relkind = 'S' THEN 'sequence' WHEN c.relkind IN ('i', 'I') THEN 'index' ELSE 'table' END AS sort, \
     n.nspname::text AS space, c.relname::text AS name, t.relname::text AS of \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid LEFT JOIN pg_catalog.pg_class t ON t.oid = x.indrelid \
    WHERE {new c} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I') AND {mine} \
    AND NOT (c.relkind IN ('i', 'I') AND c.relispartition) \
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) \
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid \
    AND c.relkind = 'S' AND d.deptype IN ('a', 'i')) \
    UNION ALL SELECT 'pg_trigger', g.oid::bigint, 'trigger', n.nspname::text, g.tgname::text, t.relname::text \
    FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace WHERE {new g} AND NOT g.tgisinternal AND g.tgparentid = 0 AND {mine} \
    UNION ALL SELECT 'pg_type', y.oid::bigint, 'type', n.nspname::text, y.typname::text, NULL \
    FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace \
    LEFT JOIN pg_catalog.pg_class c ON c.oid = y.typrelid \
    WHERE {new y} AND (y.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND {mine} \
    UNION ALL SELECT 'pg_proc', p.oid::bigint, 'function', n.nspname::text, \
    pg_catalog.format('%s(%s)', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)), NULL \
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE {new p} AND {mine}";

#[derive(Deserialize)]
struct Row {
    catalogue: String,
    oid: i64,
    sort: String,
    space: String,
    name: String,
    of: Option<String>,
}

/// What there is that the transaction has written.
pub(super) fn read(connection: &mut dyn Connection, start: i64) -> Result<Made> {
    let low = start.rem_euclid(1 << 32);
    let mut sql = MADE.replace("{mine}", "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'");
    for alias in ["c", "g", "y", "p"] {
        let new = format!("pg_catalog.age({alias}.xmin) <= pg_catalog.age('{low}'::xid)");
        sql = sql.replace(&format!("{{new {alias}}}"), &new);
    }
    let mut current = String::new();
    connection.query("SELECT pg_catalog.current_schema()::text", &[], &mut |row| {
        current = row.to::<Option<String>>()?.unwrap_or_default();
        Ok(ControlFlow::Break(()))
    })?;
    let mut found = Made::new();
    connection.query(&sql, &[], &mut |row| {
        let Row { catalogue, oid, sort, space, name, of } = row.to()?;
        let own = space == current && TABLES.contains(&of.as_deref().unwrap_or(&name));
        let shown = |name: String| {
            if space == current { name } else { crate::schema::qualified(&space, &name) }
        };
        if !own {
            let table = of.map(shown);
            let name = if sort == "trigger" { name } else { shown(name) };
            found.insert((catalogue, oid), Thing { sort, name, table });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Fills in the sentences, and which tables came and went.
pub(super) fn describe(
    connection: &mut dyn Connection,
    server: &mut Server,
    seen: &Seen,
    effects: &mut Effects,
) -> Result<()> {
    let mut made = read(connection, server.start)?;
    // A row of the catalogue is written anew when a table gets its first index, say.
    made.retain(|(catalogue, oid), _| {
        catalogue != "pg_class"
            || !(server.before.tables.contains_key(oid) || server.before.others.contains(oid))
    });
    for (key, was) in &server.made {
        let table = was.sort == "table";
        match made.get(key) {
            Some(is) if is.name != was.name => {
                effects.changes.push(format!("renames {} {} to {}", was.sort, was.name, is.name));
                if table {
                    effects.tables_dropped.push(was.name.clone());
                    effects.tables_created.push(is.name.clone());
                }
            }
            Some(_) => {}
            None => {
                effects.changes.push(format!("drops {} {}", was.sort, was.name));
                if table {
                    effects.tables_dropped.push(was.name.clone());
                }
            }
        }
    }
    for (_, thing) in made.iter().filter(|(key, _)| !server.made.contains_key(*key)) {
        effects.changes.push(match &thing.table {
            Some(table) => format!("creates {} {} on {table}", thing.sort, thing.name),
            None => format!("creates {} {}", thing.sort, thing.name),
        });
        if thing.sort == "table" {
            effects.tables_created.push(thing.name.clone());
        }
    }
    server.made = made;
    for (table, count) in &seen.added {
        effects.changes.push(match count {
            1 => format!("adds 1 row to {table}"),
            _ => format!("adds {count} rows to {table}"),
        });
    }
    Ok(())
}
