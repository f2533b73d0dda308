//! Values on their way to the server, and back.

use crate::error::{Error, ErrorKind, Result};
use crate::sql::{Cells, Value, ValueRef};
use std::error::Error as StdError;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

/// A parameter as text, which the server converts to the type that the statement declares; bytes stay bytes.
#[derive(Clone, Debug)]
pub(super) struct Text(pub(super) Option<(Format2, Vec<u8>)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format2 {
    Text,
    Binary,
}

impl Text {
    pub(super) fn of(value: ValueRef<'_>) -> Self {
        Self(match value {
            ValueRef::Null => None,
            ValueRef::Integer(n) => Some((Format2::Text, n.to_string().into_bytes())),
            ValueRef::Real(x) => Some((Format2::Text, x.to_string().into_bytes())),
            ValueRef::Text(text) => Some((Format2::Text, text.as_bytes().to_vec())),
            ValueRef::Blob(bytes) => Some((Format2::Binary, bytes.to_vec())),
        })
    }
}

impl ToSql for Text {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        Ok(match &self.0 {
            None => IsNull::Yes,
            Some((_, bytes)) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.0 {
            Some((Format2::Binary, _)) => Format::Binary,
            _ => Format::Text,
        }
    }

    tokio_postgres::types::to_sql_checked!();
}

/// A row that was fetched.
pub(super) struct Fetched {
    columns: Vec<Box<str>>,
    values: Vec<Value>,
}

impl Fetched {
    pub(super) fn new(row: &tokio_postgres::Row) -> Result<Self> {
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for (index, column) in row.columns().iter().enumerate() {
            columns.push(column.name().into());
            let odd = |error: tokio_postgres::Error| {
                Error::new(ErrorKind::Conversion, "the value can't be read").with_cause(error)
            };
            values.push(match *column.type_() {
                Type::BOOL => row
                    .try_get::<_, Option<bool>>(index)
                    .map_err(odd)?
                    .map_or(Value::Null, |b| Value::Integer(b.into())),
                Type::INT2 => row
                    .try_get::<_, Option<i16>>(index)
                    .map_err(odd)?
                    .map_or(Value::Null, |n| Value::Integer(n.into())),
                Type::INT4 => row
                    .try_get::<_, Option<i32>>(index)
                    .map_err(odd)?
                    .map_or(Value::Null, |n| Value::Integer(n.into())),
                Type::INT8 => {
                    row.try_get::<_, Option<i64>>(index).map_err(odd)?.map_or(Value::Null, Value::Integer)
                }
                Type::FLOAT8 => {
                    row.try_get::<_, Option<f64>>(index).map_err(odd)?.map_or(Value::Null, Value::Real)
                }
                Type::BYTEA => {
                    row.try_get::<_, Option<Vec<u8>>>(index).map_err(odd)?.map_or(Value::Null, Value::Blob)
                }
                _ => row.try_get::<_, Option<String>>(index).map_err(odd)?.map_or(Value::Null, Value::Text),
            });
        }
        Ok(Self { columns, values })
    }
}

impl Cells for Fetched {
    fn columns(&self) -> &[Box<str>] {
        &self.columns
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        Ok(self.values.get(index).map_or(ValueRef::Null, Value::as_ref))
    }

    fn bytes(&self, index: usize) -> &[u8] {
        match self.values.get(index) {
            Some(Value::Text(text)) => text.as_bytes(),
            Some(Value::Blob(bytes)) => bytes,
            _ => &[],
        }
    }
}
