//! Whole tables in and out, by COPY: rows in the binary form of the columns' types, in pieces of some ten thousand bytes,
//! the next only when the server has taken the one before. A table with a column of a type whose binary form is not known
//! here goes by COPY's text form.

mod encode;
mod numeric;
mod unload;

pub(super) use unload::unload;

use super::connection::PostgresConnection;
use super::run::Values;
use crate::driver::load::quoted;
use crate::driver::{Fill, RowTarget, TableColumns};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::{Row, ValueRef};
use encode::Form;
use std::fmt::Write;

/// From this many bytes on what was gathered is sent.
const PIECE: usize = 64 << 10;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// How values get into each column; `None` for a type whose binary form is not known here.
fn forms(connection: &mut PostgresConnection, of: &TableColumns<'_>) -> Result<Vec<Option<Form>>> {
    let asked = format!("SELECT {} FROM {} LIMIT 0", of.list(), quoted(of.table));
    connection.run(&asked, Values::List(&[]), None)?;
    let known = connection.statements.get(&asked, true)?;
    match known.described {
        Some(described) => Ok(described.columns.types.iter().map(|oid| Form::of(*oid)).collect()),
        None => Err(Error::new(ErrorKind::Internal, "the server did not describe a table's columns")),
    }
}

/// Adds the rows that `fill` gives; says how many the server took.
pub(super) fn load(
    connection: &mut PostgresConnection,
    into: &TableColumns<'_>,
    fill: &mut Fill<'_>,
) -> Result<u64> {
    let forms: Option<Vec<Form>> = forms(connection, into)?.into_iter().collect();
    let format = if forms.is_some() { "binary" } else { "text" };
    let freeze = if into.is_new { ", FREEZE" } else { "" };
    let sql = format!("COPY {} ({}) FROM STDIN (FORMAT {format}{freeze})", quoted(into.table), into.list());
    connection.begin_copy_in(&sql)?;
    let mut copy = Copy { connection, columns: into.columns, forms, gathered: Vec::new(), over: false };
    if copy.forms.is_some() {
        copy.gathered.extend(SIGNATURE);
    }
    let filled = fill(&mut copy).and_then(|()| {
        if copy.forms.is_some() {
            copy.gathered.extend((-1_i16).to_be_bytes());
        }
        if copy.over { Ok(()) } else { copy.send() }
    });
    let Copy { connection, over, .. } = copy;
    if connection.session.is_broken() {
        return filled.map(|()| 0);
    }
    let ended = connection.end_copy_in(filled.is_ok() && !over);
    match filled {
        // What the server found wrong is the reason why no more was taken.
        Err(_) if over => ended.and(Err(ended_early())),
        Err(error) => Err(error),
        Ok(()) => ended,
    }
}

fn ended_early() -> Error {
    Error::new(ErrorKind::Internal, "the server ended a COPY before its end")
}

/// A COPY that is under way.
struct Copy<'a> {
    connection: &'a mut PostgresConnection,
    columns: &'a [&'a str],
    /// `None` for the text form.
    forms: Option<Vec<Form>>,
    gathered: Vec<u8>,
    /// The server takes no more.
    over: bool,
}

impl Copy<'_> {
    fn send(&mut self) -> Result<()> {
        self.over = !self.connection.copy_in(&self.gathered)?;
        self.gathered.clear();
        if self.over { Err(ended_early()) } else { Ok(()) }
    }

    fn misfit(&self, index: usize) -> Error {
        let column = self.columns.get(index).copied().unwrap_or("?");
        Error::new(ErrorKind::Conversion, format!("a value does not fit the column {column}"))
    }
}

impl RowTarget for Copy<'_> {
    fn row(&mut self, row: Row<'_>) -> Result<()> {
        match &self.forms {
            Some(forms) => {
                let width = i16::try_from(forms.len()).unwrap_or(i16::MAX);
                self.gathered.extend(width.to_be_bytes());
                for (index, form) in forms.iter().enumerate() {
                    if form.field(row.value(index)?, &mut self.gathered).is_none() {
                        return Err(self.misfit(index));
                    }
                }
            }
            None => {
                for index in 0..self.columns.len() {
                    if index > 0 {
                        self.gathered.push(b'\t');
                    }
                    text_field(row.value(index)?, &mut self.gathered);
                }
                self.gathered.push(b'\n');
            }
        }
        if self.gathered.len() >= PIECE { self.send() } else { Ok(()) }
    }
}

/// Adds a value as COPY's text form has it.
fn text_field(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.extend(b"\\N"),
        ValueRef::Integer(number) => out.extend(number.to_string().as_bytes()),
        ValueRef::Real(number) => out.extend(number.to_string().as_bytes()),
        ValueRef::Text(text) => {
            for byte in text.bytes() {
                match byte {
                    b'\\' => out.extend(b"\\\\"),
                    b'\n' => out.extend(b"\\n"),
                    b'\r' => out.extend(b"\\r"),
                    b'\t' => out.extend(b"\\t"),
                    byte => out.push(byte),
                }
            }
        }
        ValueRef::Blob(bytes) => {
            let mut hex = String::with_capacity(bytes.len() * 2 + 3);
            hex.push_str("\\\\x");
            // Writing to a String can't fail.
            for byte in bytes {
                let _ = write!(hex, "{byte:02x}");
            }
            out.extend(hex.as_bytes());
        }
    }
}
