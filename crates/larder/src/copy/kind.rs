//! What a column holds, as far as the comparison of both sides goes.

use crate::sql::text::Dialect;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whatever it is: both sides are SQLite.
    Any,
    Bool,
    /// Of that many bits.
    Int(u32),
    Float4,
    Float8,
    /// With at most that many digits, and that many of them behind the point.
    Numeric(Option<(i32, i32)>),
    /// Of at most that many characters.
    Text(Option<usize>),
    Bytes,
    Timestamptz,
    Timestamp,
    Date,
    Time,
    Uuid,
    /// Kept as text.
    Json,
    Jsonb,
}

impl Kind {
    /// The kind of a type as PostgreSQL names it. What is not known is compared as text.
    pub(super) fn of_postgres(name: &str) -> Self {
        let (base, arguments) = match name.split_once('(') {
            Some((base, rest)) => (base.trim_end(), rest),
            None => (name, ""),
        };
        let numbers: Vec<i32> = arguments
            .split(')')
            .next()
            .unwrap_or_default()
            .split(',')
            .filter_map(|number| number.trim().parse().ok())
            .collect();
        let is_array = name.ends_with(']');
        match base {
            _ if is_array => Self::Text(None),
            "boolean" => Self::Bool,
            "smallint" => Self::Int(16),
            "integer" => Self::Int(32),
            "bigint" => Self::Int(64),
            "real" => Self::Float4,
            "double precision" => Self::Float8,
            "numeric" => {
                Self::Numeric(numbers.first().map(|digits| (*digits, numbers.get(1).copied().unwrap_or(0))))
            }
            "character varying" | "character" => {
                Self::Text(numbers.first().and_then(|n| usize::try_from(*n).ok()))
            }
            "bytea" => Self::Bytes,
            "date" => Self::Date,
            "uuid" => Self::Uuid,
            "json" => Self::Json,
            "jsonb" => Self::Jsonb,
            _ if name.starts_with("timestamp") && name.ends_with("with time zone") => Self::Timestamptz,
            _ if name.starts_with("timestamp") => Self::Timestamp,
            _ if name.starts_with("time") && !name.ends_with("with time zone") => Self::Time,
            _ => Self::Text(None),
        }
    }
}

/// Which values a column of SQLite changes when they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    /// By the rules of SQLite, which look for words in the declared type.
    pub(super) fn of(declared: &str) -> Self {
        let upper = declared.to_ascii_uppercase();
        let has = |word: &str| upper.contains(word);
        if has("INT") {
            Self::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") || upper.is_empty() || upper == "ANY" {
            Self::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}

/// What people call an engine.
pub(super) fn engine(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    }
}
