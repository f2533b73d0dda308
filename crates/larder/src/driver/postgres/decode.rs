//! Rows that the server sent. Numbers, texts and bytes are read where they lie; what has to be converted is converted when
//! it is asked for.

use super::message::{self, Format, Read};
use super::{instant, oid};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::{Cells, ValueRef};
use fallible_iterator::FallibleIterator as _;
use std::cell::OnceCell;
use std::io;

/// What is known of a statement's result.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) names: Box<[Box<str>]>,
    pub(super) types: Box<[u32]>,
}

impl Columns {
    /// Reads the body of a row's description.
    pub(super) fn parse(body: &[u8]) -> io::Result<Self> {
        let Read::RowDescription(read) = message::read(b'T', body)? else { return Err(message::garbled()) };
        let (mut names, mut types): (Vec<Box<str>>, Vec<u32>) = Default::default();
        let mut fields = read.fields();
        while let Some(field) = fields.next()? {
            names.push(field.name().into());
            types.push(field.type_oid());
        }
        Ok(Self { names: names.into(), types: types.into() })
    }

    /// In which form each column is asked for where it is known: the server's own where that is quicker to read.
    pub(super) fn formats(&self) -> impl ExactSizeIterator<Item = Format> {
        self.types.iter().map(|oid| format(*oid))
    }
}

fn format(oid: u32) -> Format {
    match oid {
        oid::BOOL
        | oid::BYTEA
        | oid::INT2
        | oid::INT4
        | oid::INT8
        | oid::FLOAT4
        | oid::FLOAT8
        | oid::DATE
        | oid::TIMESTAMP
        | oid::TIMESTAMPTZ => Format::Binary,
        // The server's text of everything else is what rows give.
        _ => Format::Text,
    }
}

/// What a value was converted to.
#[derive(Debug)]
enum Made {
    Text(String),
    Bytes(Vec<u8>),
}

/// Where in a row each value lies, and what was made of some. It is used for one row after the other.
#[derive(Default)]
pub(super) struct Layout {
    /// Where each begins and how long it is; no length is null.
    places: Vec<(usize, Option<usize>)>,
    made: Vec<OnceCell<Made>>,
}

impl Layout {
    /// Finds the values of a row; `None` where that is none of so many columns.
    pub(super) fn read(&mut self, body: &[u8], columns: usize) -> Option<()> {
        self.places.clear();
        let (count, mut rest) = body.split_first_chunk()?;
        if usize::from(u16::from_be_bytes(*count)) != columns {
            return None;
        }
        for _ in 0..columns {
            let (length, values) = rest.split_first_chunk()?;
            let length = usize::try_from(i32::from_be_bytes(*length)).ok();
            self.places.push((body.len() - values.len(), length));
            rest = values.get(length.unwrap_or(0)..)?;
        }
        for made in &mut self.made {
            made.take();
        }
        self.made.resize_with(columns, OnceCell::new);
        rest.is_empty().then_some(())
    }
}

/// A row that was received.
pub(super) struct Received<'r> {
    pub(super) columns: &'r Columns,
    /// The columns come in [`Columns::formats`]; else they all come as text.
    pub(super) mixed: bool,
    pub(super) layout: &'r Layout,
    pub(super) body: &'r [u8],
}

impl Received<'_> {
    fn raw(&self, index: usize) -> Option<&[u8]> {
        let (at, length) = *self.layout.places.get(index)?;
        self.body.get(at..at + length?)
    }

    fn keep(&self, index: usize, make: impl FnOnce() -> Option<Made>) -> Result<ValueRef<'_>> {
        let cell = self.layout.made.get(index).ok_or_else(|| self.odd(index))?;
        if cell.get().is_none() {
            let made = make().ok_or_else(|| self.odd(index))?;
            let _ = cell.set(made);
        }
        match cell.get() {
            Some(Made::Text(text)) => Ok(ValueRef::Text(text)),
            Some(Made::Bytes(bytes)) => Ok(ValueRef::Blob(bytes)),
            None => Err(self.odd(index)),
        }
    }

    #[cold]
    fn odd(&self, index: usize) -> Error {
        let column = self.columns.names.get(index).map_or("?", |name| name);
        let oid = self.columns.types.get(index).copied().unwrap_or_default();
        let message = format!(
            "column `{column}` (position {index}): the server sent a value that is none of the type {}",
            oid::name(oid)
        );
        Error::new(ErrorKind::Conversion, message).with_help("cast it to text in the statement")
    }

    fn binary(&self, index: usize, oid: u32, raw: &[u8]) -> Result<ValueRef<'_>> {
        let odd = || self.odd(index);
        Ok(match oid {
            oid::BOOL => ValueRef::Integer((*raw.first().ok_or_else(odd)?).into()),
            oid::INT2 => ValueRef::Integer(i16::from_be_bytes(exact(raw).ok_or_else(odd)?).into()),
            oid::INT4 => ValueRef::Integer(i32::from_be_bytes(exact(raw).ok_or_else(odd)?).into()),
            oid::INT8 => ValueRef::Integer(i64::from_be_bytes(exact(raw).ok_or_else(odd)?)),
            oid::FLOAT4 => ValueRef::Real(f32::from_be_bytes(exact(raw).ok_or_else(odd)?).into()),
            oid::FLOAT8 => ValueRef::Real(f64::from_be_bytes(exact(raw).ok_or_else(odd)?)),
            oid::DATE => {
                let days = i32::from_be_bytes(exact(raw).ok_or_else(odd)?);
                return self.keep(index, || Some(Made::Text(instant::date(days))));
            }
            _ => {
                let micros = i64::from_be_bytes(exact(raw).ok_or_else(odd)?);
                let zoned = oid == oid::TIMESTAMPTZ;
                return self.keep(index, || Some(Made::Text(instant::timestamp(micros, zoned))));
            }
        })
    }

    fn text(&self, index: usize, oid: u32, text: &str) -> Result<ValueRef<'_>> {
        let odd = || self.odd(index);
        Ok(match oid {
            oid::BOOL => ValueRef::Integer((text == "t").into()),
            oid::INT2 | oid::INT4 | oid::INT8 | oid::OID => {
                ValueRef::Integer(text.parse().map_err(|_| odd())?)
            }
            // By way of its own width, as the server's number would be.
            oid::FLOAT4 => ValueRef::Real(text.parse::<f32>().map_err(|_| odd())?.into()),
            oid::FLOAT8 => ValueRef::Real(text.parse().map_err(|_| odd())?),
            oid::TIMESTAMP | oid::TIMESTAMPTZ => {
                let zoned = oid == oid::TIMESTAMPTZ;
                return self.keep(index, || instant::timestamp_from_text(text, zoned).map(Made::Text));
            }
            _ => return self.keep(index, || unescape(text).map(Made::Bytes)),
        })
    }
}

fn exact<const N: usize>(raw: &[u8]) -> Option<[u8; N]> {
    raw.try_into().ok()
}

/// The bytes of `\x01ff`, or of `\001a\\`: behind a pooler the setting is not ours.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let Some(digits) = text.strip_prefix("\\x").map(str::as_bytes) else {
        return unescape_octal(text);
    };
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn unescape_octal(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        let (byte, left) = match (first, after) {
            (b'\\', [b'\\', left @ ..]) => (b'\\', left),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', left @ ..]) => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), left)
            }
            (b'\\', _) => return None,
            (byte, left) => (*byte, left),
        };
        bytes.push(byte);
        rest = left;
    }
    Some(bytes)
}

impl Cells for Received<'_> {
    fn columns(&self) -> &[Box<str>] {
        &self.columns.names
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        let Some(raw) = self.raw(index) else { return Ok(ValueRef::Null) };
        let oid = self.columns.types.get(index).copied().unwrap_or_default();
        let binary = format(oid) == Format::Binary;
        if binary && self.mixed {
            return if oid == oid::BYTEA { Ok(ValueRef::Blob(raw)) } else { self.binary(index, oid, raw) };
        }
        let text = std::str::from_utf8(raw).map_err(|_| self.odd(index))?;
        // The server's text of a day is what rows give.
        if (binary && oid != oid::DATE) || oid == oid::OID {
            return self.text(index, oid, text);
        }
        Ok(ValueRef::Text(text))
    }

    fn bytes(&self, index: usize) -> &[u8] {
        match self.value(index) {
            Ok(ValueRef::Text(text)) => text.as_bytes(),
            Ok(ValueRef::Blob(bytes)) => bytes,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Row;

    fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
        let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
        for value in values {
            match value {
                None => body.extend_from_slice(&(-1_i32).to_be_bytes()),
                Some(value) => {
                    body.extend_from_slice(&i32::try_from(value.len()).unwrap().to_be_bytes());
                    body.extend_from_slice(value);
                }
            }
        }
        body
    }

    fn check(types: &[u32], mixed: bool, values: &[Option<&[u8]>], expected: &[ValueRef<'_>]) {
        let names = types.iter().map(|oid| oid.to_string().into()).collect();
        let columns = Columns { names, types: types.into() };
        let mut layout = Layout::default();
        let body = row(values);
        layout.read(&body, columns.types.len()).unwrap();
        let received = Received { columns: &columns, mixed, layout: &layout, body: &body };
        let row = Row::new(&received);
        for (index, expected) in expected.iter().enumerate() {
            assert_eq!(row.value(index).unwrap(), *expected);
        }
    }

    #[test]
    fn both_forms_give_the_same_values() {
        let types = [oid::BOOL, oid::INT2, oid::FLOAT8, oid::BYTEA, oid::TIMESTAMPTZ, oid::DATE, 1700, 25];
        let expected = [
            ValueRef::Integer(1),
            ValueRef::Integer(-2),
            ValueRef::Real(0.5),
            ValueRef::Blob(&[1, 255]),
            ValueRef::Text("2000-01-01T00:00:00.000001Z"),
            ValueRef::Text("2000-01-02"),
            ValueRef::Text("1.50"),
            ValueRef::Null,
        ];
        let binary: [Option<&[u8]>; 8] = [
            Some(&[1]),
            Some(&[255, 254]),
            Some(&[0x3f, 0xe0, 0, 0, 0, 0, 0, 0]),
            Some(&[1, 255]),
            Some(&[0, 0, 0, 0, 0, 0, 0, 1]),
            Some(&[0, 0, 0, 1]),
            Some(b"1.50"),
            None,
        ];
        check(&types, true, &binary, &expected);
        let text: [Option<&[u8]>; 8] = [
            Some(b"t"),
            Some(b"-2"),
            Some(b"0.5"),
            Some(b"\\x01ff"),
            Some(b"2000-01-01 00:00:00.000001+00"),
            Some(b"2000-01-02"),
            Some(b"1.50"),
            None,
        ];
        check(&types, false, &text, &expected);
    }

    #[test]
    fn bytes_are_read_in_either_of_the_servers_forms() {
        for text in ["\\x00615cff", "\\000a\\\\\\377"] {
            assert_eq!(unescape(text).unwrap(), [0, b'a', b'\\', 255], "{text}");
        }
        for text in ["\\x0", "\\9", "\\40", "a\\"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }

    #[test]
    fn a_value_that_is_none_is_an_error_that_names_the_column() {
        let columns = Columns { names: ["n".into()].into(), types: [oid::INT8].into() };
        let mut layout = Layout::default();
        let body = row(&[Some(&[1, 2])]);
        layout.read(&body, columns.types.len()).unwrap();
        let received = Received { columns: &columns, mixed: true, layout: &layout, body: &body };
        let error = received.value(0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conversion);
        assert!(error.message().contains("column `n`"), "{error}");
    }
}
