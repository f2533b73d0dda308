//! The messages of PostgreSQL's protocol, as `postgres-protocol` writes and reads them.
//!
//! What comes with every statement is read where it lies, in [`Layout`](super::decode::Layout) and
//! [`Session`](super::session::Session): that crate reads a message only by cutting it out of the buffer, with an atomic count
//! for each, and for rows by hundred thousands that is a part of the time.

use super::encode;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::ValueRef;
use bytes::{BufMut, BytesMut};
pub(super) use postgres_protocol::message::backend::Message as Read;
use postgres_protocol::message::{backend, frontend};
use std::io;

/// No message is as long as this, neither one that the server takes nor one that it sends.
pub(super) const LIMIT: usize = 0x3fff_ffff;

/// So many parameters has a statement at most.
const PARAMETERS: usize = u16::MAX as usize;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text = 0,
    Binary = 1,
}

/// Prepares a statement; the empty name is the one that lasts until the next.
pub(super) fn parse(
    out: &mut BytesMut,
    name: &str,
    sql: &str,
    types: impl ExactSizeIterator<Item = u32>,
) -> Result<()> {
    if types.len() > PARAMETERS {
        let message = format!("a statement has {} parameters", types.len());
        return Err(Error::new(ErrorKind::Parameter, message)
            .with_help("PostgreSQL takes up to 65535; write rows in bulk by `insert_many`"));
    }
    frontend::parse(name, sql, types, out).map_err(|error| unwritten(sql, error))
}

/// The one thing that a text can't hold; larger ones are not in memory.
fn unwritten(sql: &str, error: io::Error) -> Error {
    let message = if sql.contains('\0') {
        "the text of a statement holds a NUL character"
    } else {
        "a statement can't be sent"
    };
    Error::new(ErrorKind::Statement, message).with_help("take it out of the text").with_cause(error)
}

/// Asks for the types of a statement's parameters and columns.
pub(super) fn describe(out: &mut BytesMut, name: &str) {
    sure(frontend::describe(b'S', name, out));
}

/// A parameter's name, its value, and the type that the statement declares.
pub(super) type Bound<'v> = (&'v str, ValueRef<'v>, u32);

/// Gives a statement its parameters.
pub(super) fn bind<'v>(
    out: &mut BytesMut,
    name: &str,
    values: impl Iterator<Item = Bound<'v>> + Clone,
    results: impl Iterator<Item = Format>,
) -> Result<()> {
    let formats = values.clone().map(|(_, value, declared)| encode::format(value, declared) as i16);
    let write = |(name, value, declared): Bound<'_>, out: &mut BytesMut| {
        encode::write(out, name, value, declared).map_err(Into::into)
    };
    let results = results.map(|format| format as i16);
    frontend::bind("", name, formats, values, write, results, out).map_err(|error| match error {
        frontend::BindError::Conversion(error) => match error.downcast() {
            Ok(error) => *error,
            Err(error) => Error::new(ErrorKind::Internal, "a value can't be sent").with_cause(error),
        },
        frontend::BindError::Serialization(error) => too_large().with_cause(error),
    })
}

/// What is bound is more than the server takes.
pub(super) fn too_large() -> Error {
    Error::new(ErrorKind::Parameter, "the values of a statement are larger than 1 GiB together")
        .with_help("PostgreSQL takes no more at a time")
}

pub(super) fn execute(out: &mut BytesMut) {
    sure(frontend::execute("", 0, out));
}

/// Runs a statement of Larder's own, without parameters and without a name.
pub(super) fn control(out: &mut BytesMut, sql: &str) {
    sure(statement(out, sql));
}

/// Runs a statement without parameters and without a name.
pub(super) fn statement(out: &mut BytesMut, sql: &str) -> Result<()> {
    parse(out, "", sql, [].into_iter())?;
    bind(out, "", [].into_iter(), [].into_iter())?;
    execute(out);
    Ok(())
}

/// Closes a prepared statement.
pub(super) fn close(out: &mut BytesMut, name: &str) {
    sure(frontend::close(b'S', name, out));
}

/// One or more statements of Larder's own.
pub(super) fn query(out: &mut BytesMut, sql: &str) {
    sure(frontend::query(sql, out));
}

/// A piece of a COPY's data.
pub(super) fn copy_data(out: &mut BytesMut, data: &[u8]) -> Result<()> {
    let sent = frontend::CopyData::new(data).map_err(|error| too_large().with_cause(error))?;
    if data.len() >= LIMIT {
        return Err(too_large());
    }
    sent.write(out);
    Ok(())
}

pub(super) fn copy_fail(out: &mut BytesMut, why: &str) {
    sure(frontend::copy_fail(why, out));
}

pub(super) use frontend::{copy_done, flush, sync, terminate};

/// What Larder writes itself holds no NUL and has an end.
fn sure<E: std::fmt::Debug>(written: Result<(), E>) {
    debug_assert!(written.is_ok(), "{written:?}");
}

/// The length of a message's header and body; `None` while not all of the header has arrived.
pub(super) fn length(arrived: &[u8]) -> io::Result<Option<usize>> {
    let Some(header) = backend::Header::parse(arrived)? else { return Ok(None) };
    match usize::try_from(header.len()) {
        Ok(length) if length <= LIMIT => Ok(Some(length + 1)),
        _ => Err(garbled()),
    }
}

/// Reads a message of which a session has few.
pub(super) fn read(tag: u8, body: &[u8]) -> io::Result<Read> {
    let length = i32::try_from(body.len() + 4).map_err(|_| garbled())?;
    let mut whole = BytesMut::with_capacity(body.len() + 5);
    whole.put_u8(tag);
    whole.put_i32(length);
    whole.put_slice(body);
    Read::parse(&mut whole)?.ok_or_else(garbled)
}

/// What was received is no message of the protocol.
pub(super) fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what the server sent is not PostgreSQL's protocol")
}
