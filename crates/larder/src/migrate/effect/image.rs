//! The contents of a table in numbers: how many values of each type a column holds, and a digest of them.
//!
//! A digest is the sum, modulo 2^64, of a hash of every value that is not NULL, so the order of rows does not matter.
//! Where the table has a key, each value's hash is mixed with the hash of its row's key, so that values that moved from
//! row to row show. A table that was copied whole has the same image; one that lost or changed anything has another, but
//! for a chance of one in 2^64 a column.

use crate::driver::Connection;
use crate::error::{ErrorKind, Result};
use crate::schema::Table;
use crate::sql::{Row, ValueRef};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::ops::ControlFlow;

/// Rows times columns that are kept for comparing row by row: at 8 bytes each some 160 MB.
const KEEP: u64 = 20_000_000;

/// NULL, integer, real, text, blob.
pub(super) type Types = [u64; 5];
pub(super) const NULL: u8 = 0;

/// A column's contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnImage {
    pub(super) name: String,
    pub(super) types: Types,
    pub(super) digest: u64,
    /// The hash of the first value that is not NULL.
    pub(super) first: Option<u64>,
    /// It holds more than one value: only then does having the same values tell one column from another.
    pub(super) varied: bool,
}

impl ColumnImage {
    pub(super) fn values(&self) -> u64 {
        self.types.iter().skip(1).sum()
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.types == other.types && self.digest == other.digest
    }
}

/// A table's contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) rows: u64,
    pub(super) columns: Vec<ColumnImage>,
    pub(super) kept: Option<Kept>,
}

/// The hashes of every row, for comparing row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// Of each row's key.
    pub(super) keys: Vec<u64>,
    /// Of each row's values, all columns of a row after each other: the type in the lowest three bits.
    pub(super) values: Vec<u64>,
    /// How many values a row has.
    pub(super) width: usize,
}

/// What is looked at, and how.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) table: &'a Table,
    /// The columns that tell one row from another; empty where there are none that both sides have.
    pub(super) key: Vec<&'a str>,
    /// Keep the rows, as far as they are not too many.
    pub(super) keep: bool,
}

impl Image {
    pub(super) fn column(&self, name: &str) -> Option<(usize, &ColumnImage)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name.eq_ignore_ascii_case(name))
    }

    /// Reads a table from end to end.
    pub(super) fn take(connection: &mut dyn Connection, view: &View<'_>) -> Result<Self> {
        let columns: Vec<&str> = view
            .table
            .columns
            .iter()
            .filter(|column| column.generated.is_none() && !column.hidden)
            .map(|column| column.name.as_str())
            .collect();
        let keys: Vec<usize> = view
            .key
            .iter()
            .filter_map(|key| columns.iter().position(|name| name.eq_ignore_ascii_case(key)))
            .collect();
        let list: Vec<String> = columns.iter().map(|name| quote(name)).collect();
        let sql = format!("SELECT {} FROM {}", list.join(", "), main(&view.table.name));
        let mut image = Self {
            rows: 0,
            columns: columns
                .iter()
                .map(|name| ColumnImage { name: (*name).to_owned(), ..ColumnImage::default() })
                .collect(),
            kept: view.keep.then(|| Kept { width: columns.len().max(1), ..Kept::default() }),
        };
        let state = FixedState::with_seed(0x1a4d_e700);
        let mut hashes = vec![0; columns.len()];
        let read = connection.query(&sql, &[], &mut |row| {
            image.add(&row, &keys, &mut hashes, &state)?;
            Ok(ControlFlow::Continue(()))
        });
        match read {
            // What a virtual table stands on may be gone, or its module not be here: then nobody can read it.
            Err(error)
                if view.table.virtual_
                    && matches!(error.kind(), ErrorKind::Statement | ErrorKind::Corrupt) =>
            {
                Ok(Self::default())
            }
            read => read.map(|()| image),
        }
    }

    /// The same as if it had been taken without a key. Only what has kept its rows can tell.
    pub(super) fn without_key(mut self) -> Self {
        if let Some(kept) = &self.kept {
            for (at, column) in self.columns.iter_mut().enumerate() {
                let values = kept.values.iter().skip(at).step_by(kept.width);
                let digests = values.filter(|hash| *hash & 7 != u64::from(NULL)).map(|hash| mix(*hash));
                column.digest = digests.fold(0, u64::wrapping_add);
            }
        }
        self
    }

    fn add(&mut self, row: &Row<'_>, keys: &[usize], hashes: &mut [u64], state: &FixedState) -> Result<()> {
        for (index, (hash, column)) in hashes.iter_mut().zip(&mut self.columns).enumerate() {
            let (class, value) = match row.value(index) {
                Ok(value) => hash_of(value, state),
                // Text that is not UTF-8 is still text, and may still be lost.
                Err(_) => (3, state.hash_one(row.bytes(index))),
            };
            *hash = (value << 3) | u64::from(class);
            if let Some(count) = column.types.get_mut(usize::from(class)) {
                *count += 1;
            }
        }
        let mut key = 0_u64;
        for index in keys {
            key = mix(key ^ hashes.get(*index).copied().unwrap_or_default());
        }
        for (hash, column) in hashes.iter().zip(&mut self.columns) {
            if hash & 7 != u64::from(NULL) {
                column.varied |= *column.first.get_or_insert(*hash) != *hash;
                column.digest = column.digest.wrapping_add(mix(hash ^ key));
            }
        }
        self.rows += 1;
        if let Some(kept) = &mut self.kept {
            kept.keys.push(key);
            kept.values.extend_from_slice(hashes);
            if kept.values.len() as u64 > KEEP {
                self.kept = None;
            }
        }
        Ok(())
    }
}

fn hash_of(value: ValueRef<'_>, state: &FixedState) -> (u8, u64) {
    match value {
        ValueRef::Null => (NULL, 0),
        ValueRef::Integer(n) => (1, mix(n.cast_unsigned())),
        ValueRef::Real(x) => (2, mix(x.to_bits())),
        ValueRef::Text(text) => (3, state.hash_one(text.as_bytes())),
        ValueRef::Blob(bytes) => (4, state.hash_one(bytes)),
    }
}

/// The finaliser of MurmurHash3 (Austin Appleby, public domain): every bit of the result depends on every bit given.
fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// A table of the database itself, and not a temporary one of the same name.
pub(super) fn main(table: &str) -> String {
    format!("main.{}", quote(table))
}

/// A name as it stands in SQL, whatever characters it has.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
