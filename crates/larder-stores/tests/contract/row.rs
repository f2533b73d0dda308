//! One thing of a schema, as the documents write it.

use std::collections::BTreeSet;
use std::fmt;

/// A column, or a rule about columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// `name TYPE [PRIMARY KEY] [AUTOINCREMENT] [NOT NULL] [DEFAULT …] [→ table ON DELETE …]`
    Column(Column),
    /// `CHECK name: a|b|c`
    Check { column: String, values: BTreeSet<String> },
    /// `UNIQUE (a, b)`, also for a primary key of several columns, which may be written `PRIMARY KEY (a, b)`
    Unique(Vec<String>),
    /// `INDEX (a, b)`
    Index(Vec<String>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Empty only in a promise that names none.
    pub(crate) kind: String,
    pub(crate) primary_key: bool,
    pub(crate) autoincrement: bool,
    pub(crate) not_null: bool,
    /// Without quotes and parentheses; `now` for the time of the insertion.
    pub(crate) default: Option<String>,
    /// The table, and what happens when the row there goes.
    pub(crate) reference: Option<(String, String)>,
}

impl What {
    /// Reads a row of the documents, which says everything.
    pub(crate) fn parse_whole(text: &str) -> Result<Self, String> {
        match Self::parse(text)? {
            Self::Column(column) if column.kind.is_empty() => {
                Err(format!("`{text}`: the column has no type"))
            }
            what => Ok(what),
        }
    }

    /// Reads a promise, which may leave the type out.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("CHECK ") {
            let (column, values) =
                rest.split_once(": ").ok_or(format!("`{text}`: no `: ` after the column"))?;
            let values = values.split('|').map(|value| value.trim().to_owned()).collect();
            return Ok(Self::Check { column: column.to_owned(), values });
        }
        let unique = Self::Unique as fn(Vec<String>) -> Self;
        for (word, make) in [("UNIQUE", unique), ("PRIMARY KEY", unique), ("INDEX", Self::Index)] {
            if let Some(rest) = text.strip_prefix(word) {
                let list = rest.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
                let list = list.ok_or(format!("`{text}`: no columns in parentheses"))?;
                return Ok(make(list.split(',').map(|name| name.trim().to_owned()).collect()));
            }
        }
        column(text).map(Self::Column)
    }

    /// True where both say the same. That a primary key is never null need not be said, and an index is one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Column(one), Self::Column(other)) => one.settled() == other.settled(),
            _ => self == other,
        }
    }

    /// True where this keeps what `promise` says, and perhaps more.
    pub(crate) fn covers(&self, promise: &Self) -> bool {
        match (self, promise) {
            (Self::Column(one), Self::Column(promise)) => one.covers(promise),
            // An index on more columns serves the first of them too.
            (Self::Index(one) | Self::Unique(one), Self::Index(promise)) => one.starts_with(promise),
            _ => self == promise,
        }
    }
}

impl Column {
    fn settled(&self) -> Self {
        Self { not_null: self.not_null || self.primary_key, ..self.clone() }
    }

    pub(crate) fn covers(&self, promise: &Self) -> bool {
        let own = self.settled();
        let keeps = |promised: bool, kept: bool| !promised || kept;
        own.name == promise.name
            && (promise.kind.is_empty() || own.kind == promise.kind)
            && keeps(promise.primary_key, own.primary_key)
            && keeps(promise.autoincrement, own.autoincrement)
            && keeps(promise.not_null, own.not_null)
            && (promise.default.is_none() || own.default == promise.default)
            && (promise.reference.is_none() || own.reference == promise.reference)
    }
}

fn column(text: &str) -> Result<Column, String> {
    let wrong = |why: &str| format!("`{text}`: {why}");
    let (head, reference) = match text.split_once(" → ") {
        None => (text, None),
        Some((head, rest)) => {
            let (table, policy) =
                rest.split_once(" ON DELETE ").ok_or(wrong("no ON DELETE after the table"))?;
            (head, Some((table.to_owned(), policy.to_owned())))
        }
    };
    let (head, default) = match head.split_once(" DEFAULT ") {
        None => (head, None),
        Some((head, default)) => (head, Some(plain(default))),
    };
    let mut words = head.split(' ');
    let name = words.next().unwrap_or_default().to_owned();
    let kind = words.next().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(wrong("no name"));
    }
    let mut column = Column { name, kind, default, reference, ..Column::default() };
    let mut rest = words.collect::<Vec<_>>().join(" ");
    for (word, flag) in [
        ("PRIMARY KEY", &mut column.primary_key),
        ("AUTOINCREMENT", &mut column.autoincrement),
        ("NOT NULL", &mut column.not_null),
    ] {
        if let Some(less) = rest.strip_prefix(word) {
            *flag = true;
            rest = less.trim_start().to_owned();
        }
    }
    if rest.is_empty() { Ok(column) } else { Err(wrong(&format!("`{rest}` is not understood there"))) }
}

/// A default without what only SQL needs.
pub(crate) fn plain(default: &str) -> String {
    let text = default.trim().trim_start_matches('(').trim_end_matches(')');
    if text.contains("'now'") { "now".to_owned() } else { text.trim_matches('\'').to_owned() }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => column.fmt(f),
            Self::Check { column, values } => {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                write!(f, "`CHECK {column}: {}`", values.join("|"))
            }
            Self::Unique(columns) => write!(f, "`UNIQUE ({})`", columns.join(", ")),
            Self::Index(columns) => write!(f, "`INDEX ({})`", columns.join(", ")),
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}", self.name, self.kind)?;
        for (word, said) in [
            (" PRIMARY KEY", self.primary_key),
            (" AUTOINCREMENT", self.autoincrement),
            (" NOT NULL", self.not_null && !self.primary_key),
        ] {
            if said {
                f.write_str(word)?;
            }
        }
        if let Some(default) = &self.default {
            write!(f, " DEFAULT {default}")?;
        }
        if let Some((table, policy)) = &self.reference {
            write!(f, " → {table} ON DELETE {policy}")?;
        }
        f.write_str("`")
    }
}
