//! What goes into a statement: named parameters.

use super::{Value, ValueRef};
use crate::error::{Error, ErrorKind, Result};
use jiff::Timestamp;
use std::borrow::Cow;

/// One named parameter: its name without the colon, and its value. [`params!`](crate::params) writes lists of them.
pub type Param<'a> = (&'a str, &'a dyn ToValue);

/// A type whose values can be given to a statement. Threads that write at the same time do each other's work, so a value
/// may be looked at on another thread.
pub trait ToValue: Sync {
    /// The value as the database will store it.
    ///
    /// # Errors
    /// [`ErrorKind::Parameter`] when the database has no such value, as for a `u64` above `i64::MAX`.
    fn to_value(&self) -> Result<Given<'_>>;
}

/// A parameter's value: borrowed where the type holds it as the database does, made where it must be converted.
#[derive(Clone, Debug, PartialEq)]
pub enum Given<'a> {
    /// Borrowed from the parameter.
    Borrowed(ValueRef<'a>),
    /// Made for the statement.
    Owned(Value),
}

impl Given<'_> {
    /// A view that borrows.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Borrowed(value) => *value,
            Self::Owned(value) => value.as_ref(),
        }
    }

    /// The value by itself, independent of the parameter.
    pub fn into_value(self) -> Value {
        match self {
            Self::Borrowed(value) => value.to_owned(),
            Self::Owned(value) => value,
        }
    }
}

/// Named parameters for a statement: `params! { name: "supervisor", age }` is short for
/// `params! { name: "supervisor", age: age }`. In the statement they stand as `:name` and `:age`. Every one must be used
/// there, and every one used there must be given. `params! {}` and `&[]` are the empty list.
///
/// ```
/// use larder::{Database, params};
/// # fn main() -> larder::Result<()> {
/// let db = Database::open(":memory:")?;
/// let age = 7;
/// let sum: i64 = db.query_one("SELECT :age + :extra", params! { age, extra: 1 })?;
/// assert_eq!(sum, 8);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! params {
    (@value $name:ident) => { &$name };
    (@value $name:ident $value:expr) => { &$value };
    ($($name:ident $(: $value:expr)?),* $(,)?) => {
        &[$((stringify!($name), $crate::params!(@value $name $($value)?) as &dyn $crate::ToValue)),*]
            as &[$crate::Param<'_>]
    };
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Result<Given<'_>> {
                Ok(Given::Borrowed(ValueRef::Integer(i64::from(*self))))
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, bool);

macro_rules! wide_integers {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Result<Given<'_>> {
                let number = i64::try_from(*self).map_err(|_| {
                    Error::new(ErrorKind::Parameter, "a number is too large for the database")
                        .with_help("its integers hold at most 9223372036854775807; store a larger one as text")
                })?;
                Ok(Given::Borrowed(ValueRef::Integer(number)))
            }
        }
    )*};
}
wide_integers!(u64, usize, isize, i128, u128);

macro_rules! texts {
    ($($type:ty => $self:ident $as:expr),* $(,)?) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Result<Given<'_>> {
                let $self = self;
                Ok(Given::Borrowed($as))
            }
        }
    )*};
}
texts! {
    str => it ValueRef::Text(it),
    String => it ValueRef::Text(it),
    Cow<'_, str> => it ValueRef::Text(it),
    [u8] => it ValueRef::Blob(it),
    Vec<u8> => it ValueRef::Blob(it),
    f32 => it ValueRef::Real(f64::from(*it)),
    f64 => it ValueRef::Real(*it),
    Value => it it.as_ref(),
    ValueRef<'_> => it *it,
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Result<Given<'_>> {
        Ok(Given::Borrowed(ValueRef::Blob(self)))
    }
}

/// `None` is null.
impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Result<Given<'_>> {
        self.as_ref().map_or(Ok(Given::Borrowed(ValueRef::Null)), ToValue::to_value)
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Result<Given<'_>> {
        (**self).to_value()
    }
}

/// Text of a fixed width in UTC, `2026-01-31T09:30:00.000000Z`, so that the order of the text is the order of time.
/// Digits below a microsecond are cut off.
impl ToValue for Timestamp {
    fn to_value(&self) -> Result<Given<'_>> {
        Ok(Given::Owned(Value::Text(timestamp_text(*self))))
    }
}

/// The text that a [`Timestamp`] has on SQLite: ISO 8601, UTC, always six digits after the point.
pub fn timestamp_text(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// JSON text. Read it back as `Json<serde_json::Value>`: the type itself takes a column as it is, and text as a string.
impl ToValue for serde_json::Value {
    fn to_value(&self) -> Result<Given<'_>> {
        Ok(Given::Owned(Value::Text(self.to_string())))
    }
}

/// 26 characters of text, whose order is the order of their time.
#[cfg(feature = "ulid")]
impl ToValue for ulid::Ulid {
    fn to_value(&self) -> Result<Given<'_>> {
        Ok(Given::Owned(Value::Text(self.to_string())))
    }
}

/// 36 characters of text.
#[cfg(feature = "uuid")]
impl ToValue for uuid::Uuid {
    fn to_value(&self) -> Result<Given<'_>> {
        Ok(Given::Owned(Value::Text(self.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(of: &dyn ToValue) -> Value {
        of.to_value().unwrap().as_ref().to_owned()
    }

    #[test]
    fn types_become_the_values_they_are_documented_to_become() {
        assert_eq!(value(&true), Value::Integer(1));
        assert_eq!(value(&7u64), Value::Integer(7));
        assert_eq!(value(&"text"), Value::Text("text".into()));
        assert_eq!(value(&vec![1u8, 2]), Value::Blob(vec![1, 2]));
        assert_eq!(value(&None::<i64>), Value::Null);
        assert_eq!(value(&Some("x")), Value::Text("x".into()));
        assert_eq!(value(&serde_json::json!({"a": 1})), Value::Text("{\"a\":1}".into()));
    }

    #[test]
    fn a_number_that_the_database_cannot_hold_is_refused() {
        let error = u64::MAX.to_value().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter);
    }

    #[test]
    fn timestamps_have_one_width_so_that_text_sorts_as_time() {
        let early: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
        let late: Timestamp = "2026-01-31T09:30:00.123456789Z".parse().unwrap();
        assert_eq!(timestamp_text(early), "2026-01-31T09:30:00.000000Z");
        assert_eq!(timestamp_text(late), "2026-01-31T09:30:00.123456Z");
        assert!(timestamp_text(early) < timestamp_text(late));
    }

    #[test]
    fn the_macro_takes_names_alone_and_names_with_values() {
        let age = 3;
        let list = params! { age, name: "x", };
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].0, "age");
        assert!(params! {}.is_empty());
    }
}
