//! JSON kept as text in a column.

use super::Value;
use super::param::{Given, ToValue};
use crate::error::{Error, ErrorKind, Result};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// A value that a column holds as JSON text, in both directions.
///
/// ```
/// use larder::{Database, Json, params};
/// # fn main() -> larder::Result<()> {
/// let db = Database::open(":memory:")?;
/// let tags = Json(vec!["a".to_string(), "b".to_string()]);
/// let back: Json<Vec<String>> = db.query_one("SELECT :tags", params! { tags: tags })?;
/// assert_eq!(back, tags);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize + Sync> ToValue for Json<T> {
    fn to_value(&self) -> Result<Given<'_>> {
        let text = serde_json::to_string(&self.0).map_err(|error| {
            Error::new(ErrorKind::Parameter, "a value can't be written as JSON").with_cause(error)
        })?;
        Ok(Given::Owned(Value::Text(text)))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);
        impl<T: DeserializeOwned> Visitor<'_> for Text<T> {
            type Value = Json<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Json<T>, E> {
                // The position is enough to find the fault; the parser's own message may quote the value.
                serde_json::from_str(text).map(Json).map_err(|error| {
                    let wanted =
                        format!("the JSON asked for, at its line {} column {}", error.line(), error.column());
                    E::invalid_value(serde::de::Unexpected::Str(text), &wanted.as_str())
                })
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}

/// The value itself, so that a row struct can be shown as JSON without text inside text.
impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
