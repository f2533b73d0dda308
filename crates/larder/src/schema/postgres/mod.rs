//! PostgreSQL's schema, from `pg_catalog`: a statement for each sort of thing, however many there are of it.

mod dump;
mod object;
mod read;
mod sequence;
mod table;

pub(super) use dump::dump;
pub(super) use read::within;

/// What one statement of the catalogue asks for: the schemas that are the user's, and what no extension owns. `{oid}` and
/// `{class}` stand for the thing, `n` for its `pg_namespace`.
fn asked(sql: &str, class: &str, oid: &str) -> String {
    let mine = format!(
        "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS own \
         WHERE own.classid = 'pg_catalog.{class}'::regclass AND own.objid = {oid} AND own.deptype = 'e')"
    );
    sql.replace("{mine}", &mine).replace("{schema}", SCHEMA)
}

/// The schema of `n`, or NULL where it is the current one.
const SCHEMA: &str =
    "CASE WHEN n.nspname IS DISTINCT FROM pg_catalog.current_schema() THEN n.nspname::text END";

/// The name that people are shown.
pub(super) fn shown(schema: Option<&str>, name: &str) -> String {
    match schema {
        None => name.to_owned(),
        Some(schema) => format!("{}.{}", ident(schema), ident(name)),
    }
}

/// The name as it stands in a statement.
fn path(schema: Option<&str>, name: &str) -> String {
    match schema {
        None => ident(name),
        Some(_) => shown(schema, name),
    }
}

/// A name in quotes where it is not plain. A keyword gets them too, of which this knows those that can't stand alone.
fn ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { super::quote(name) }
}

/// The words that `quote_ident` puts in quotes: all keywords that can't be the name of a table, a column or a type alike.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];
