//! Whole tables in and out, by COPY: rows in the binary form of the columns' types, in pieces of some ten thousand bytes,
//! the next only when the server has taken the one before. A table with a column of a type whose binary form is not known
//! here goes by COPY's text form.

mod encode;
mod numeric;
mod unload;

pub(super) use unload::unload;

use super::fault;
use super::link::Link;
use crate::driver::load::quoted;
use crate::driver::{RowTarget, TableColumns};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::{Row, ValueRef};
use encode::Form;
use futures_sink::Sink;
use std::fmt::Write;
use std::future::poll_fn;
use std::io::Cursor;
use std::pin::Pin;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, CopyInSink};

/// From this many bytes on what was gathered is sent.
const PIECE: usize = 64 << 10;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// An answer of the server, driven by this thread.
pub(super) fn wait<T>(
    link: &mut Link,
    asked: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
) -> Result<T> {
    link.wait(asked).map_err(super::connection::gone)?.map_err(fault::of)
}

/// The types of the columns, in their order.
fn types(client: &Client, link: &mut Link, of: &TableColumns<'_>) -> Result<Vec<Type>> {
    let asked = format!("SELECT {} FROM {} LIMIT 0", of.list(), quoted(of.table));
    let statement = wait(link, client.prepare(&asked))?;
    Ok(statement.columns().iter().map(|column| column.type_().clone()).collect())
}

/// Adds the rows that `fill` gives; says how many the server took.
pub(super) fn load(
    client: &Client,
    link: &mut Link,
    into: &TableColumns<'_>,
    fill: &mut crate::driver::Fill<'_>,
) -> Result<u64> {
    let forms: Option<Vec<Form>> = types(client, link, into)?.iter().map(Form::of).collect();
    let format = if forms.is_some() { "binary" } else { "text" };
    let freeze = if into.is_new { ", FREEZE" } else { "" };
    let sql = format!("COPY {} ({}) FROM STDIN (FORMAT {format}{freeze})", quoted(into.table), into.list());
    let sink = wait(link, client.copy_in(sql.as_str()))?;
    let mut copy = Copy { link, sink: Box::pin(sink), columns: into.columns, forms, gathered: Vec::new() };
    if copy.forms.is_some() {
        copy.gathered.extend(SIGNATURE);
    }
    fill(&mut copy)?;
    if copy.forms.is_some() {
        copy.gathered.extend((-1_i16).to_be_bytes());
    }
    copy.send()?;
    let Copy { link, mut sink, .. } = copy;
    wait(link, poll_fn(|context| sink.as_mut().poll_finish(context)))
}

/// A COPY that is under way. Dropped before its end, the server takes none of it.
struct Copy<'a> {
    link: &'a mut Link,
    sink: Pin<Box<CopyInSink<Cursor<Vec<u8>>>>>,
    columns: &'a [&'a str],
    /// `None` for the text form.
    forms: Option<Vec<Form>>,
    gathered: Vec<u8>,
}

impl Copy<'_> {
    fn send(&mut self) -> Result<()> {
        let piece = std::mem::replace(&mut self.gathered, Vec::with_capacity(PIECE + PIECE / 4));
        let sink = &mut self.sink;
        let ready = self.link.wait(poll_fn(|context| sink.as_mut().poll_ready(context)));
        let sent = match ready.map_err(super::connection::gone)? {
            Ok(()) => sink.as_mut().start_send(Cursor::new(piece)),
            refused => refused,
        };
        if sent.is_ok() {
            return Ok(());
        }
        // The server has ended it; why, is in its answer.
        match wait(self.link, poll_fn(|context| sink.as_mut().poll_finish(context))) {
            Err(error) => Err(error),
            Ok(_) => Err(Error::new(ErrorKind::Internal, "the server ended a COPY before its end")),
        }
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
