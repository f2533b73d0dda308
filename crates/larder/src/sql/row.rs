//! What comes out of a statement: rows, by position, by name, or into a type of the application's.

use super::de::{CellDeserializer, RowDeserializer};
use super::{Value, ValueRef};
use crate::error::{Error, ErrorKind, Result};
use serde::Deserialize;

/// What a driver gives for the row that a statement stands on.
pub trait Cells {
    /// The names of the columns, in order.
    fn columns(&self) -> &[Box<str>];
    /// The value at `index`, which is below the number of columns.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] for text that is not UTF-8.
    fn value(&self, index: usize) -> Result<ValueRef<'_>>;
    /// The bytes of a text or a blob at `index`, also of a text that is not UTF-8; none for anything else.
    fn bytes(&self, index: usize) -> &[u8];
}

/// A row that a statement stands on. It lives until the statement moves on; take out of it what you need.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    cells: &'r dyn Cells,
}

impl<'r> Row<'r> {
    /// A view of what a driver stands on.
    pub fn new(cells: &'r dyn Cells) -> Self {
        Self { cells }
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> &'r [Box<str>] {
        self.cells.columns()
    }

    /// The value of a column, by position (from 0) or by name.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] when there is no such column, or when its value does not fit `T`.
    pub fn get<T: Deserialize<'r>>(&self, column: impl ColumnIndex) -> Result<T> {
        let index = column.index_in(self.columns())?;
        T::deserialize(CellDeserializer { value: self.cells.value(index)? })
            .map_err(|e| e.in_column::<T>(*self, index).into_error())
    }

    /// The value of a column as the database holds it.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] when there is no such column, or for text that is not UTF-8.
    pub fn value(&self, column: impl ColumnIndex) -> Result<ValueRef<'r>> {
        self.cells.value(column.index_in(self.columns())?)
    }

    /// All values, in order.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] for text that is not UTF-8.
    pub fn values(&self) -> Result<Vec<Value>> {
        (0..self.columns().len()).map(|index| Ok(self.cells.value(index)?.to_owned())).collect()
    }

    /// The whole row as a `T`: a struct takes its fields by the names of the columns, a tuple by position, and any other
    /// type is the value of the only column.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] when it does not fit.
    pub fn to<T: Deserialize<'r>>(&self) -> Result<T> {
        T::deserialize(RowDeserializer::new(*self)).map_err(|e| e.in_row::<T>(*self).into_error())
    }

    /// The bytes of a text or a blob, also of a text that is not UTF-8.
    pub(crate) fn bytes(&self, index: usize) -> &'r [u8] {
        self.cells.bytes(index)
    }

    pub(super) fn cell(&self, index: usize) -> Result<ValueRef<'r>> {
        self.cells.value(index)
    }
}

/// A way to name a column: its position from 0, or its name.
pub trait ColumnIndex {
    /// The position among `columns`.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] when there is no such column.
    fn index_in(&self, columns: &[Box<str>]) -> Result<usize>;
}

impl ColumnIndex for usize {
    fn index_in(&self, columns: &[Box<str>]) -> Result<usize> {
        if *self < columns.len() {
            return Ok(*self);
        }
        Err(Error::new(
            ErrorKind::Conversion,
            format!("there is no column {self}: the row has {}, counted from 0", columns.len()),
        ))
    }
}

impl ColumnIndex for &str {
    fn index_in(&self, columns: &[Box<str>]) -> Result<usize> {
        columns.iter().position(|name| **name == **self).ok_or_else(|| {
            Error::new(
                ErrorKind::Conversion,
                format!("there is no column `{self}`: the row has `{}`", columns.join("`, `")),
            )
        })
    }
}
