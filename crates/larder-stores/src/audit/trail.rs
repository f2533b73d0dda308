//! What is known of an audit table before it is looked at.

use super::check::{COLUMNS, EXISTS};

/// An audit table: its name, the columns that its chain covers, and the statements on it.
///
/// The table has, besides those columns, `seq INTEGER PRIMARY KEY` and `hash TEXT`, and the triggers of
/// `docs/stores/audit.md`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Trail {
    /// The table's name.
    pub table: &'static str,
    /// The columns that the chain covers, in the order in which they are hashed.
    pub columns: &'static [Column],
    /// The number and the hash of the last entry.
    pub(crate) head: &'static str,
    /// A new entry.
    pub(crate) insert: &'static str,
    /// All entries, from the first on: number, hash, columns.
    pub(crate) walk: &'static str,
    /// The last `:count` entries, from the last on: number, hash, columns.
    pub(crate) last: &'static str,
    /// Waits until nobody else appends, and keeps others from it until the commit. Only for PostgreSQL.
    pub(crate) turn: &'static str,
}

/// A column that the chain covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a covered column holds, where it is not null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Whole numbers.
    Integer,
    /// Text.
    Text,
}

/// A table has at most so many covered columns, so that an entry is put together without allocating.
pub(super) const MOST_COLUMNS: usize = 14;

impl Column {
    /// A column of text.
    pub(crate) const fn text(name: &'static str) -> Self {
        Self { name, kind: Kind::Text }
    }

    /// A column of whole numbers.
    #[allow(dead_code, reason = "the word for it in `trail!`, though no trail has one yet")]
    pub(crate) const fn integer(name: &'static str) -> Self {
        Self { name, kind: Kind::Integer }
    }
}

impl Kind {
    /// In words, for messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Integer => "an integer",
            Self::Text => "text",
        }
    }
}

impl Trail {
    /// The statements on the table, each with a name; one for a single engine has that behind it.
    #[doc(hidden)]
    pub fn queries(&self) -> [(&'static str, &'static str); 9] {
        [
            ("head", self.head),
            ("insert", self.insert),
            ("walk", self.walk),
            ("last", self.last),
            ("turn (postgres)", self.turn),
            ("check::EXISTS (sqlite)", EXISTS.sqlite),
            ("check::EXISTS (postgres)", EXISTS.postgres),
            ("check::COLUMNS (sqlite)", COLUMNS.sqlite),
            ("check::COLUMNS (postgres)", COLUMNS.postgres),
        ]
    }

    #[doc(hidden)]
    pub const fn checked(self) -> Self {
        assert!(self.columns.len() <= MOST_COLUMNS, "a trail has at most 14 covered columns");
        self
    }
}

/// A [`Trail`] by its table and covered columns: `trail!(audit_log: ts text, level text)`. A column is of `text` or of
/// `integer`.
macro_rules! trail {
    ($table:ident: $($column:ident $kind:ident),+ $(,)?) => {
        $crate::audit::Trail {
            table: stringify!($table),
            columns: &[$($crate::audit::Column::$kind(stringify!($column))),+],
            head: concat!("SELECT seq, hash FROM ", stringify!($table), " ORDER BY seq DESC LIMIT 1"),
            insert: concat!(
                "INSERT INTO ", stringify!($table), " (seq, ", $(stringify!($column), ", ",)+ "hash) VALUES (:seq, ",
                $(":", stringify!($column), ", ",)+ ":hash)"
            ),
            walk: concat!(
                "SELECT seq, hash", $(", ", stringify!($column),)+ " FROM ", stringify!($table), " ORDER BY seq"
            ),
            last: concat!(
                "SELECT seq, hash", $(", ", stringify!($column),)+ " FROM ", stringify!($table),
                " ORDER BY seq DESC LIMIT :count"
            ),
            turn: concat!("LOCK TABLE ", stringify!($table), "_turn IN EXCLUSIVE MODE"),
        }
        .checked()
    };
}
pub(crate) use trail;
