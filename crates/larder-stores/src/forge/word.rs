//! Columns that hold one of a few words.

/// An enum whose values are words of the database: `as_str`, `FromStr`, `Display`, a parameter, and serde.
macro_rules! words {
    ($(#[$about:meta])* $name:ident ($what:literal) { $($(#[$doc:meta])* $value:ident = $word:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $value,)*
        }

        impl $name {
            /// All of them.
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
                Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|known| known.as_str()).collect();
                    larder::Error::new(larder::ErrorKind::Parameter, format!("{text:?} is no {}", $what))
                        .with_help(format!("it is one of {}", known.join(", ")))
                })
            }
        }

        impl larder::ToValue for $name {
            fn to_value(&self) -> larder::Result<larder::Given<'_>> {
                Ok(larder::Given::Borrowed(larder::ValueRef::Text(self.as_str())))
            }
        }
    };
}

pub(super) use words;
