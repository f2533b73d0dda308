//! Types and functions.

use super::read::each;
use super::{asked, ident, path, shown};
use crate::driver::Connection;
use crate::error::Result;
use crate::schema::Entry;

/// A type, and what it is made of besides types that the engine has.
pub(super) struct Type {
    pub(super) entry: Entry,
    /// Made of the rows of tables, or of functions.
    pub(super) domain: bool,
}

/// What is neither a table nor a sequence.
pub(super) struct Objects {
    pub(super) types: Vec<Type>,
    pub(super) functions: Vec<Entry>,
    /// Schemas beside the current one.
    pub(super) schemas: Vec<String>,
    pub(super) extensions: Vec<String>,
}

const TYPES: &str = "SELECT {schema}, t.typname::text, t.typtype::text, CASE t.typtype \
    WHEN 'e' THEN (SELECT pg_catalog.format('AS ENUM (%s)', pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' \
     ORDER BY e.enumsortorder)) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) \
    WHEN 'c' THEN (SELECT pg_catalog.format('AS (%s)', pg_catalog.string_agg(pg_catalog.format('%I %s', a.attname, \
     pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)) FROM pg_catalog.pg_attribute a \
     WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) \
    WHEN 'r' THEN (SELECT pg_catalog.format('AS RANGE (SUBTYPE = %s)', pg_catalog.format_type(r.rngsubtype, NULL)) \
     FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid) \
    ELSE pg_catalog.format('AS %s', pg_catalog.format_type(t.typbasetype, t.typtypmod)) \
     || CASE WHEN t.typcollation <> b.typcollation THEN ' COLLATE ' || t.typcollation::regcollation ELSE '' END \
     || coalesce(' DEFAULT ' || t.typdefault, '') || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END \
     || coalesce((SELECT pg_catalog.string_agg(pg_catalog.format(' CONSTRAINT %I %s', k.conname, \
     pg_catalog.pg_get_constraintdef(k.oid)), '' ORDER BY k.oid) FROM pg_catalog.pg_constraint k \
     WHERE k.contypid = t.oid AND k.contype = 'c'), '') END \
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
    LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid \
    WHERE t.typtype IN ('e', 'd', 'c', 'r') AND (t.typtype <> 'c' OR c.relkind = 'c') AND {mine} ORDER BY t.oid";

const FUNCTIONS: &str = "SELECT {schema}, p.proname::text, pg_catalog.pg_get_function_identity_arguments(p.oid), \
    pg_catalog.pg_get_functiondef(p.oid), n.nspname::text FROM pg_catalog.pg_proc p \
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p') AND {mine} \
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend i WHERE i.classid = 'pg_catalog.pg_proc'::regclass AND i.objid = p.oid \
    AND i.deptype = 'i') ORDER BY p.oid";

const SCHEMAS: &str = "SELECT n.nspname::text FROM pg_catalog.pg_namespace n WHERE n.nspname IS DISTINCT FROM \
    pg_catalog.current_schema() AND n.nspname <> 'public' AND {mine} ORDER BY 1";

const EXTENSIONS: &str =
    "SELECT extname::text FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' ORDER BY oid";

impl Objects {
    pub(super) fn read(connection: &mut dyn Connection) -> Result<Self> {
        let mut types = Vec::new();
        type Row = (Option<String>, String, String, Option<String>);
        each(connection, &asked(TYPES, "pg_type", "t.oid"), |(schema, name, sort, body): Row| {
            let schema = schema.as_deref();
            let word = if sort == "d" { "DOMAIN" } else { "TYPE" };
            let sql = format!("CREATE {word} {} {}", path(schema, &name), body.unwrap_or_default());
            let name = shown(schema, &name);
            types.push(Type { entry: Entry { table: name.clone(), name, sql }, domain: sort == "d" });
        })?;
        let mut functions = Vec::new();
        type Made = (Option<String>, String, String, String, String);
        each(
            connection,
            &asked(FUNCTIONS, "pg_proc", "p.oid"),
            |(schema, name, arguments, sql, space): Made| {
                // The server puts the schema before the name whichever it is.
                let sql = match schema {
                    None => sql.replacen(&format!(" {}.", ident(&space)), " ", 1),
                    Some(_) => sql,
                };
                let name = format!("{}({arguments})", shown(schema.as_deref(), &name));
                functions.push(Entry { table: name.clone(), name, sql: sql.trim_end().to_owned() });
            },
        )?;
        let mut schemas = Vec::new();
        each(connection, &asked(SCHEMAS, "pg_namespace", "n.oid"), |name: String| schemas.push(name))?;
        let mut extensions = Vec::new();
        each(connection, EXTENSIONS, |name: String| extensions.push(name))?;
        Ok(Self { types, functions, schemas, extensions })
    }
}
