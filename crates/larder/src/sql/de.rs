//! Rows into types, by serde: the same `Deserialize` that reads a type from JSON reads it from a row.

use super::{Row, ValueRef};
use crate::error::{Error, ErrorKind};
use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

/// Why a row did not fit. It never holds the value itself, which may be a secret.
#[derive(Debug)]
pub(super) struct Failure {
    /// None: the type asked for said it in words of its own. They may quote the value, so they are not repeated.
    message: Option<String>,
    column: Option<String>,
    cause: Option<Error>,
}

impl Failure {
    fn says(message: impl fmt::Display) -> Self {
        Self { message: Some(message.to_string()), column: None, cause: None }
    }

    /// Adds the column, and where the type said no in its own words what was asked of which value.
    pub(super) fn in_column<T>(mut self, row: Row<'_>, index: usize) -> Self {
        if self.column.is_none() {
            let name = row.columns().get(index).map_or("?", |name| name);
            self.column = Some(format!("column `{name}` (position {index})"));
        }
        if self.message.is_none() {
            let kind = row.cell(index).map_or("something", ValueRef::kind);
            self.message =
                Some(format!("it holds {kind} that `{}` does not take", std::any::type_name::<T>()));
        }
        self
    }

    /// The same for the whole row; where it is one value, that is the value.
    pub(super) fn in_row<T>(self, row: Row<'_>) -> Self {
        match (&self.message, row.columns()) {
            (Some(_), _) => self,
            (None, [_]) => self.in_column::<T>(row, 0),
            (None, _) => Self {
                message: Some(format!(
                    "`{}` does not take the values of the row",
                    std::any::type_name::<T>()
                )),
                ..self
            },
        }
    }

    pub(super) fn into_error(self) -> Error {
        if let Some(cause) = self.cause {
            return cause;
        }
        let message = self.message.unwrap_or_default();
        let message = match self.column {
            Some(column) => format!("{column}: {message}"),
            None => message,
        };
        Error::new(ErrorKind::Conversion, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { message: None, column: None, cause: Some(error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("a value does not fit"))
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self { message: None, column: None, cause: None }
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::says(format_args!("it holds {}, and {expected} was asked for", kind(&found)))
    }
    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::says(format_args!("it holds {} that is not {expected}", kind(&found)))
    }
    fn missing_field(field: &'static str) -> Self {
        Self::says(format_args!("the row has no column `{field}`"))
    }
    fn duplicate_field(field: &'static str) -> Self {
        Self::says(format_args!("the row has two columns `{field}`: give one another name with AS"))
    }
    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::says(format_args!("the row has a column `{field}`, which is not asked for"))
    }
    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        Self::says(format_args!("there are {length} values or bytes, and {expected} was asked for"))
    }
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::says(format_args!("it holds text that is none of `{}`", expected.join("`, `")))
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) | Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a real number",
        Unexpected::Str(_) | Unexpected::Char(_) => "text",
        Unexpected::Bytes(_) => "a blob",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Map | Unexpected::Seq | Unexpected::TupleVariant | Unexpected::StructVariant => {
            "several columns"
        }
        _ => "something else",
    }
}

/// Reads one value.
pub(super) struct CellDeserializer<'r> {
    pub(super) value: ValueRef<'r>,
}

impl<'r> CellDeserializer<'r> {
    fn wrong<T>(&self, expected: &'static str) -> Result<T, Failure> {
        Err(Failure::says(format_args!("it holds {}, and {expected} was asked for", self.value.kind())))
    }

    fn number<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Integer(n) => visitor.visit_i64(n),
            _ => self.wrong("an integer"),
        }
    }

    fn real<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Real(x) => visitor.visit_f64(x),
            // A column of REAL affinity may give back a whole number as an integer; only an exact one is taken.
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "checked by the way back"
            )]
            ValueRef::Integer(n) if (n as f64) as i64 == n && n != i64::MAX => visitor.visit_f64(n as f64),
            _ => self.wrong("a real number"),
        }
    }
}

macro_rules! each {
    ($with:ident: $($method:ident)*) => {$(
        fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.$with(visitor)
        }
    )*};
}

impl<'r> Deserializer<'r> for CellDeserializer<'r> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Null => visitor.visit_unit(),
            ValueRef::Integer(n) => visitor.visit_i64(n),
            ValueRef::Real(x) => visitor.visit_f64(x),
            ValueRef::Text(text) => visitor.visit_borrowed_str(text),
            ValueRef::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
        }
    }

    each!(number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_i128 deserialize_u128);
    each!(real: deserialize_f32 deserialize_f64);

    fn deserialize_bool<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Integer(0) => visitor.visit_bool(false),
            ValueRef::Integer(1) => visitor.visit_bool(true),
            _ => self.wrong("0 or 1"),
        }
    }

    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Blob(bytes) => {
                let mut bytes = SeqDeserializer::<_, Failure>::new(bytes.iter().copied());
                let value = visitor.visit_seq(&mut bytes)?;
                // An array takes as many as it holds and leaves the rest.
                bytes.end()?;
                Ok(value)
            }
            _ => self.wrong("a blob"),
        }
    }

    fn deserialize_tuple<V: Visitor<'r>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    /// Text is the name of a variant without fields.
    fn deserialize_enum<V: Visitor<'r>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Text(text) => visitor.visit_enum(de::value::BorrowedStrDeserializer::new(text)),
            _ => self.wrong("text"),
        }
    }

    /// For a type that keeps text and nothing else; those that come through `deserialize_str` may know a form in bytes too.
    fn deserialize_string<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            ValueRef::Text(text) => visitor.visit_borrowed_str(text),
            _ => self.wrong("text"),
        }
    }

    forward_to_deserialize_any! {
        <W: Visitor<'r>>
        char str bytes byte_buf unit unit_struct map struct tuple_struct identifier ignored_any
    }
}

/// Reads a whole row.
pub(super) struct RowDeserializer<'r> {
    row: Row<'r>,
}

impl<'r> RowDeserializer<'r> {
    pub(super) fn new(row: Row<'r>) -> Self {
        Self { row }
    }

    fn only(&self) -> Result<CellDeserializer<'r>, Failure> {
        match self.row.columns() {
            [_] => Ok(CellDeserializer { value: self.row.cell(0)? }),
            columns => Err(Failure::says(format_args!(
                "the row has {} columns and one value was asked for: take a tuple or a struct",
                columns.len()
            ))),
        }
    }

    fn name<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|e| e.in_column::<T>(self.row, 0))
    }
}

macro_rules! only {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.name(self.only()?.$method(visitor))
        }
    )*};
}

impl<'r> Deserializer<'r> for RowDeserializer<'r> {
    type Error = Failure;

    only!(deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_identifier);

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.row.columns().len() == 1 {
            return self.name(self.only()?.deserialize_any(visitor));
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.row.columns().len() == 1 {
            return self.name(self.only()?.deserialize_option(visitor));
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        if let [_] = self.row.columns()
            && let ValueRef::Blob(_) = self.row.cell(0)?
        {
            return self.name(self.only()?.deserialize_seq(visitor));
        }
        visitor.visit_seq(Columns::of(self.row))
    }

    fn deserialize_tuple<V: Visitor<'r>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        let columns = self.row.columns().len();
        if columns == 1 && length != 1 {
            return self.name(self.only()?.deserialize_seq(visitor));
        }
        if columns != length {
            return Err(Failure::says(format_args!(
                "the row has {columns} columns and {length} were asked for"
            )));
        }
        visitor.visit_seq(Columns::of(self.row))
    }

    fn deserialize_tuple_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Columns::of(self.row))
    }

    fn deserialize_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'r>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.name(self.only()?.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }
}

/// Walks the columns of a row, with their names or without.
struct Columns<'r> {
    row: Row<'r>,
    names: &'r [Box<str>],
    next: usize,
}

impl<'r> Columns<'r> {
    fn of(row: Row<'r>) -> Self {
        Self { row, names: row.columns(), next: 0 }
    }

    fn take<T: DeserializeSeed<'r>>(&mut self, seed: T) -> Result<T::Value, Failure> {
        let index = self.next;
        self.next += 1;
        seed.deserialize(CellDeserializer { value: self.row.cell(index)? })
            .map_err(|e| e.in_column::<T::Value>(self.row, index))
    }
}

impl<'r> SeqAccess<'r> for Columns<'r> {
    type Error = Failure;
    fn next_element_seed<T: DeserializeSeed<'r>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        if self.next >= self.names.len() {
            return Ok(None);
        }
        self.take(seed).map(Some)
    }
}

impl<'r> MapAccess<'r> for Columns<'r> {
    type Error = Failure;
    fn next_key_seed<K: DeserializeSeed<'r>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some(name) = self.names.get(self.next) else { return Ok(None) };
        seed.deserialize(de::value::BorrowedStrDeserializer::new(name)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'r>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        self.take(seed)
    }
}
