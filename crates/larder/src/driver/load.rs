//! Whole tables in and out: rows added as an engine does it fastest, and read so.

use super::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::{Row, ValueRef};
use std::ops::Range;

/// Some columns of a table.
#[derive(Clone, Copy, Debug)]
pub struct TableColumns<'a> {
    /// The table's name, without quotes.
    pub table: &'a str,
    /// The names of the columns, without quotes.
    pub columns: &'a [&'a str],
    /// The table was made or emptied in this very transaction, so that nobody else can have rows in it. The engine may
    /// then spare itself what is for others.
    pub is_new: bool,
}

impl TableColumns<'_> {
    /// The columns as SQL lists them.
    pub(crate) fn list(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|name| quoted(name)).collect();
        names.join(", ")
    }
}

/// A name as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Takes the rows of [`Connection::load`].
pub trait RowTarget {
    /// Adds a row, whose values come in the order of the columns. It may be kept for a while and sent with others.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] for a value that does not fit its column, or what the engine says of this row or of one
    /// before it.
    fn row(&mut self, row: Row<'_>) -> Result<()>;
}

/// Gives the rows of [`Connection::load`], all of them, one call.
pub type Fill<'a> = dyn FnMut(&mut dyn RowTarget) -> Result<()> + 'a;

/// The most values in one statement: preparing takes time that grows with the square of them.
const VALUES: usize = 512;

/// [`Connection::load`] by statements of many rows, for an engine that has nothing faster.
pub(super) fn by_statements<C: Connection + ?Sized>(
    connection: &mut C,
    into: &TableColumns<'_>,
    fill: &mut Fill<'_>,
) -> Result<u64> {
    if into.columns.is_empty() {
        return Err(Error::new(ErrorKind::Statement, "rows without columns can't be loaded"));
    }
    let rows = (VALUES / into.columns.len()).clamp(1, 64);
    let full = insert(into, rows);
    let mut batch =
        Batch { connection, into, full, rows, held: 0, cells: Vec::new(), bytes: Vec::new(), done: 0 };
    fill(&mut batch)?;
    batch.send()?;
    Ok(batch.done)
}

fn insert(into: &TableColumns<'_>, rows: usize) -> String {
    let width = into.columns.len();
    let tuple = |row: usize| {
        let names: Vec<String> = (0..width).map(|column| format!(":v{}", row * width + column)).collect();
        format!("({})", names.join(","))
    };
    let tuples: Vec<String> = (0..rows).map(tuple).collect();
    format!("INSERT INTO {} ({}) VALUES {}", quoted(into.table), into.list(), tuples.join(","))
}

enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
}

/// Rows that wait for a statement's worth of them.
struct Batch<'a, C: ?Sized> {
    connection: &'a mut C,
    into: &'a TableColumns<'a>,
    full: String,
    rows: usize,
    held: usize,
    cells: Vec<Cell>,
    bytes: Vec<u8>,
    done: u64,
}

impl<C: Connection + ?Sized> Batch<'_, C> {
    fn send(&mut self) -> Result<()> {
        if self.held == 0 {
            return Ok(());
        }
        let bytes = &self.bytes;
        let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        let mut values = Vec::with_capacity(self.cells.len());
        for cell in &self.cells {
            values.push(match cell {
                Cell::Null => ValueRef::Null,
                Cell::Integer(number) => ValueRef::Integer(*number),
                Cell::Real(number) => ValueRef::Real(*number),
                // It was text when it came.
                Cell::Text(range) => ValueRef::Text(std::str::from_utf8(part(range)).unwrap_or_default()),
                Cell::Blob(range) => ValueRef::Blob(part(range)),
            });
        }
        let last;
        let sql = if self.held == self.rows {
            &self.full
        } else {
            last = insert(self.into, self.held);
            &last
        };
        self.done += self.connection.execute_list(sql, &values)?;
        drop(values);
        self.held = 0;
        self.cells.clear();
        self.bytes.clear();
        Ok(())
    }
}

impl<C: Connection + ?Sized> RowTarget for Batch<'_, C> {
    fn row(&mut self, row: Row<'_>) -> Result<()> {
        for index in 0..self.into.columns.len() {
            let mut keep = |bytes: &[u8]| {
                let from = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                from..self.bytes.len()
            };
            let cell = match row.value(index)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Integer(number),
                ValueRef::Real(number) => Cell::Real(number),
                ValueRef::Text(text) => Cell::Text(keep(text.as_bytes())),
                ValueRef::Blob(bytes) => Cell::Blob(keep(bytes)),
            };
            self.cells.push(cell);
        }
        self.held += 1;
        // A row may hold a blob of hundreds of megabytes: what waits is bounded in bytes too.
        if self.held == self.rows || self.bytes.len() > 1 << 20 { self.send() } else { Ok(()) }
    }
}
