//! Columns that hold one of a few words: statuses, kinds, levels.

use larder::{Error, ErrorKind};

/// An enum whose values are words of the database: `ALL`, `as_str`, `FromStr`, `Display`, a parameter, and serde, which reads
/// it from a row too. What stands in parentheses names the enum in the error for a text that is none of its words. The list of
/// them can grow: whoever wants to add to it without breaking a caller's `match` puts `#[non_exhaustive]` on it.
macro_rules! words {
    ($(#[$about:meta])* $name:ident ($what:literal) { $($(#[$doc:meta])* $value:ident = $word:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $value,)*
        }

        impl $name {
            /// All of them, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$value),*];

            /// The word that stands for it in the database and in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = larder::Error;

            fn from_str(text: &str) -> larder::Result<Self> {
                match text {
                    $($word => Ok(Self::$value),)*
                    _ => Err($crate::word::unknown(text, $what, &[$($word),*])),
                }
            }
        }

        impl larder::ToValue for $name {
            fn to_value(&self) -> larder::Result<larder::Given<'_>> {
                Ok(larder::Given::Borrowed(larder::ValueRef::Text(self.as_str())))
            }
        }
    };
}

pub(crate) use words;

/// The error for a text that is none of the words of `what`.
pub(crate) fn unknown(text: &str, what: &str, words: &[&str]) -> Error {
    Error::new(ErrorKind::Config, format!("`{text}` is no {what}"))
        .with_help(format!("it is one of {}", words.join(", ")))
}
