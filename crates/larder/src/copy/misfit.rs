//! What does not fit, and where it is: never the value itself.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// A value, or a row, that the target can't hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Misfit {
    /// The table.
    pub table: String,
    /// The row: its rowid on SQLite, its `ctid` on PostgreSQL, its place counted from 1 where a table has neither.
    pub row: String,
    /// The column, where it is about one.
    pub column: Option<String>,
    /// Why it does not fit.
    pub reason: Reason,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why something does not fit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// A value of another type than its column's.
    Type {
        /// What was found.
        found: &'static str,
        /// The column's type.
        column: String,
    },
    /// A number that is out of the range of the column's type, or that it would round.
    Range {
        /// The column's type.
        column: String,
    },
    /// Infinity or NaN where the column takes none.
    NotANumber,
    /// Text with a NUL character.
    Nul,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Text that is no date or time, or no instant.
    NotADate {
        /// The column's type.
        column: String,
    },
    /// A time that is more precise than microseconds.
    Precise,
    /// Text that is longer than the column allows.
    TooLong {
        /// The column's type.
        column: String,
    },
    /// Text that is not JSON, or JSON that the engine can't hold.
    NotJson,
    /// Text that is no UUID.
    NotAUuid,
    /// Text that the target would turn into a number.
    BecomesNumber,
    /// NULL where the target wants a value.
    Null,
    /// It points at a row that is not there.
    Orphan {
        /// The table that it points at.
        table: String,
    },
    /// It breaks a CHECK.
    Check {
        /// The constraint's expression.
        expression: String,
    },
    /// Another row has the same values where the target allows one.
    Duplicate {
        /// The columns.
        columns: Vec<String>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { found, column } => write!(f, "{found} where the column is {column}"),
            Self::Range { column } => write!(f, "a number that {column} can't hold exactly"),
            Self::NotANumber => f.write_str("infinity or NaN"),
            Self::Nul => f.write_str("text with a NUL character"),
            Self::NotUtf8 => f.write_str("text that is not UTF-8"),
            Self::NotADate { column } => write!(f, "text that is no {column}"),
            Self::Precise => f.write_str("a time that is more precise than microseconds"),
            Self::TooLong { column } => write!(f, "text that is too long for {column}"),
            Self::NotJson => f.write_str("text that is not JSON"),
            Self::NotAUuid => f.write_str("text that is no UUID"),
            Self::BecomesNumber => f.write_str("text that would become a number"),
            Self::Null => f.write_str("NULL where a value must be"),
            Self::Orphan { table } => write!(f, "points at a row of {table} that is not there"),
            Self::Check { expression } => write!(f, "breaks CHECK ({expression})"),
            Self::Duplicate { columns } => write!(f, "is there more than once in {}", columns.join(", ")),
        }
    }
}

/// All that does not fit: the first of them one by one, the rest as counts. It is in the chain of the copy's error:
/// `error.find::<larder::copy::Misfits>()`.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Misfits {
    /// The first of them, in the order of the tables and their rows.
    pub found: Vec<Misfit>,
    /// How many there are.
    pub total: u64,
    /// How many there are in each table.
    pub tables: BTreeMap<String, u64>,
    #[serde(skip)]
    limit: usize,
}

impl Misfits {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Counts one; `make` is asked only for those that are listed.
    pub(super) fn add(&mut self, table: &str, make: impl FnOnce() -> Misfit) {
        self.total += 1;
        match self.tables.get_mut(table) {
            Some(count) => *count += 1,
            None => drop(self.tables.insert(table.to_owned(), 1)),
        }
        if self.found.len() < self.limit {
            self.found.push(make());
        }
    }
}

impl fmt::Display for Misfits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what does not fit:")?;
        self.found.iter().try_for_each(|misfit| write!(f, "\n  - {misfit}"))?;
        let more = self.total.saturating_sub(u64::try_from(self.found.len()).unwrap_or(u64::MAX));
        if more > 0 { write!(f, "\n  and {more} more") } else { Ok(()) }
    }
}

impl std::error::Error for Misfits {}
