//! A whole table out, by COPY in its binary form.

use super::SIGNATURE;
use super::encode::{Decoded, Form};
use crate::driver::load::quoted;
use crate::driver::postgres::connection::PostgresConnection;
use crate::driver::{Connection, RowSink, TableColumns};
use crate::error::{Error, ErrorKind, Result};
use crate::params;
use crate::sql::{Cells, Row, ValueRef};
use std::ops::{ControlFlow, Range};

/// Hands each row of a table to `each`, until that says stop.
pub(in crate::driver::postgres) fn unload(
    connection: &mut PostgresConnection,
    of: &TableColumns<'_>,
    each: &mut RowSink<'_>,
) -> Result<()> {
    let forms = super::forms(connection, of)?;
    let mut list = Vec::new();
    for (name, form) in of.columns.iter().zip(&forms) {
        list.push(if form.is_some() { quoted(name) } else { format!("{}::text", quoted(name)) });
    }
    let only = only(connection, of.table)?;
    let sql = format!(
        "COPY (SELECT {} FROM {only}{}) TO STDOUT (FORMAT binary)",
        list.join(", "),
        quoted(of.table)
    );
    let mut tuple = Tuple {
        names: of.columns.iter().map(|name| (*name).into()).collect(),
        forms: forms.into_iter().map(|form| form.unwrap_or(Form::Text)).collect(),
        cells: Vec::new(),
        fetched: Vec::new(),
        written: String::new(),
    };
    let mut head = SIGNATURE.len();
    connection.copy_out(&sql, &mut |message| {
        let row = message.get(std::mem::take(&mut head)..).unwrap_or_default();
        if row.is_empty() {
            return Ok(true);
        }
        match tuple.read(row) {
            Some(true) => Ok(each(Row::new(&tuple))?.is_continue()),
            Some(false) => Ok(true),
            None => Err(Error::new(ErrorKind::Internal, "the server sent a row that can't be read")),
        }
    })
}

/// The rows of tables that inherit from this one are theirs. Those of one that is divided into parts lie in the parts.
fn only(connection: &mut PostgresConnection, table: &str) -> Result<&'static str> {
    let table = quoted(table);
    let sql = "SELECT relkind = 'r' FROM pg_catalog.pg_class WHERE oid = to_regclass(:table)";
    let mut plain = false;
    connection.query(sql, params! { table }, &mut |row| {
        plain = row.get(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(if plain { "ONLY " } else { "" })
}

enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
    Written(Range<usize>),
}

/// A row as it was fetched.
struct Tuple {
    names: Vec<Box<str>>,
    forms: Vec<Form>,
    cells: Vec<Cell>,
    fetched: Vec<u8>,
    /// The texts of values that are no text on the way.
    written: String,
}

impl Tuple {
    /// False for the end of all rows.
    fn read(&mut self, bytes: &[u8]) -> Option<bool> {
        self.cells.clear();
        self.written.clear();
        self.fetched.clear();
        self.fetched.extend_from_slice(bytes);
        let (width, _) = bytes.split_first_chunk::<2>()?;
        let width = i16::from_be_bytes(*width);
        if width == -1 {
            return Some(false);
        }
        if usize::try_from(width).ok()? != self.forms.len() {
            return None;
        }
        let mut at = 2;
        for form in &self.forms {
            let length = i32::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
            at += 4;
            let Ok(length) = usize::try_from(length) else {
                self.cells.push(Cell::Null);
                continue;
            };
            let range = at..at + length;
            let from = self.written.len();
            self.cells.push(match form.value(bytes.get(range.clone())?, &mut self.written)? {
                Decoded::Integer(number) => Cell::Integer(number),
                Decoded::Real(number) => Cell::Real(number),
                Decoded::Text => Cell::Text(range),
                Decoded::TextFrom(skip) => Cell::Text(range.start + skip..range.end),
                Decoded::Blob => Cell::Blob(range),
                Decoded::Written => Cell::Written(from..self.written.len()),
            });
            at += length;
        }
        Some(true)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.fetched.get(range.clone()).unwrap_or_default()
    }
}

impl Cells for Tuple {
    fn columns(&self) -> &[Box<str>] {
        &self.names
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        Ok(match self.cells.get(index) {
            None | Some(Cell::Null) => ValueRef::Null,
            Some(Cell::Integer(number)) => ValueRef::Integer(*number),
            Some(Cell::Real(number)) => ValueRef::Real(*number),
            Some(Cell::Blob(range)) => ValueRef::Blob(self.part(range)),
            Some(Cell::Written(range)) => ValueRef::Text(self.written.get(range.clone()).unwrap_or_default()),
            Some(Cell::Text(range)) => {
                ValueRef::Text(std::str::from_utf8(self.part(range)).map_err(|cause| {
                    Error::new(ErrorKind::Conversion, "the server sent text that is not UTF-8")
                        .with_cause(cause)
                })?)
            }
        })
    }

    fn bytes(&self, index: usize) -> &[u8] {
        match self.cells.get(index) {
            Some(Cell::Text(range) | Cell::Blob(range)) => self.part(range),
            Some(Cell::Written(range)) => self.written.get(range.clone()).unwrap_or_default().as_bytes(),
            _ => &[],
        }
    }
}
