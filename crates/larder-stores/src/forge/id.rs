//! The ids of this store: ULIDs, 26 characters in upper case.

use larder::{Error, ErrorKind, Given, Result, ToValue, Value};
use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use ulid::Ulid;

/// The id of a project, a repository, a mirror, a relationship or an entry of the trail: a ULID, whose order is that of the
/// times at which ids were made. It is written as 26 characters of Crockford's base32 in upper case; lower case is read too.
///
/// ```
/// use larder_stores::forge::{Id, InvalidId};
///
/// let id: Id = "01arz3ndektsv4rrffq69g5fav".parse()?;
/// assert_eq!(id.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
/// let error = "01ARZ3NDEKTSV4RRFFQ69G5FAI".parse::<Id>().unwrap_err();
/// assert_eq!(error.find::<InvalidId>().unwrap().value, "01ARZ3NDEKTSV4RRFFQ69G5FAI");
/// # Ok::<_, larder::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Ulid);

impl Id {
    /// A new id, of this moment.
    #[expect(clippy::new_without_default, reason = "each is another: a default would be the same")]
    pub fn new() -> Self {
        Self(Ulid::generate())
    }

    /// The id as the `ulid` crate has it.
    pub fn ulid(self) -> Ulid {
        self.0
    }
}

impl From<Ulid> for Id {
    fn from(ulid: Ulid) -> Self {
        Self(ulid)
    }
}

impl FromStr for Id {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Parameter`] with an [`InvalidId`] for anything that is no ULID.
    fn from_str(text: &str) -> Result<Self> {
        read(text).map_err(|reason| {
            let reason = InvalidId { value: text.to_owned(), reason };
            Error::new(ErrorKind::Parameter, reason.to_string())
                .with_help("an id looks like 01ARZ3NDEKTSV4RRFFQ69G5FAV")
                .with_cause(reason)
        })
    }
}

fn read(text: &str) -> std::result::Result<Id, String> {
    let length = text.chars().count();
    if length != 26 {
        let plural = if length == 1 { "" } else { "s" };
        return Err(format!("it has {length} character{plural} and not 26"));
    }
    let of_the_alphabet = |c: char| c.is_ascii_alphanumeric() && !"ILOUilou".contains(c);
    if let Some(other) = text.chars().find(|c| !of_the_alphabet(*c)) {
        return Err(format!("{other:?} is not one of 0-9, A-H, J, K, M, N, P-T, V-Z"));
    }
    // 26 characters hold 130 bits, and a ULID has 128: the decoder would drop what is too much.
    if text.starts_with(|first: char| first > '7') {
        return Err("its first character is above 7".to_owned());
    }
    Ulid::from_string(text).map(Id).map_err(|error| error.to_string())
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; ulid::ULID_LEN];
        f.pad(self.0.array_to_str(&mut buffer))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ToValue for Id {
    fn to_value(&self) -> Result<Given<'_>> {
        Ok(Given::Owned(Value::Text(self.to_string())))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        read(&text).map_err(|reason| serde::de::Error::custom(InvalidId { value: text, reason }))
    }
}

/// A text that is no ULID.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidId {
    /// The text.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no id: {}", self.value, self.reason)
    }
}

impl std::error::Error for InvalidId {}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn upper_case_is_canonical_and_lower_case_is_read() {
        let id: Id = GOOD.to_lowercase().parse().unwrap();
        assert_eq!(id.to_string(), GOOD);
        assert_eq!(format!("{id:?} {id:>28}"), format!("{GOOD}   {GOOD}"));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{GOOD}\""));
        assert_eq!(serde_json::from_str::<Id>(&format!("\"{GOOD}\"")).unwrap(), id);
        assert!(Id::new() < "7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse().unwrap());
    }

    #[test]
    fn what_is_no_ulid_is_named_with_the_reason() {
        for (text, reason) in [
            ("", "it has 0 characters and not 26"),
            ("0", "it has 1 character and not 26"),
            ("01ARZ3NDEKTSV4RRFFQ69G5FA", "it has 25 characters and not 26"),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAVV", "it has 27 characters and not 26"),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAé", "'é' is not one of 0-9, A-H, J, K, M, N, P-T, V-Z"),
            ("I1ARZ3NDEKTSV4RRFFQ69G5FAV", "'I' is not one of 0-9, A-H, J, K, M, N, P-T, V-Z"),
            ("0lARZ3NDEKTSV4RRFFQ69G5FAV", "'l' is not one of 0-9, A-H, J, K, M, N, P-T, V-Z"),
            ("01ORZ3NDEKTSV4RRFFQ69G5FAV", "'O' is not one of 0-9, A-H, J, K, M, N, P-T, V-Z"),
            ("01URZ3NDEKTSV4RRFFQ69G5FAV", "'U' is not one of 0-9, A-H, J, K, M, N, P-T, V-Z"),
            ("8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "its first character is above 7"),
            ("ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "its first character is above 7"),
        ] {
            let error = text.parse::<Id>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Parameter);
            let invalid = error.find::<InvalidId>().unwrap();
            assert_eq!((invalid.value.as_str(), invalid.reason.as_str()), (text, reason));
            assert!(serde_json::from_str::<Id>(&format!("{text:?}")).is_err());
        }
    }
}
