//! What stands on one line: a lease as JSON.

use super::BadLine;
use crate::forge::LEASE_TERM;
use crate::forge::by::check_actor;
use jiff::Timestamp;
use serde::Deserialize;

/// Tokens up to this are read as they are by every program that knows JSON; and they can grow for ever after.
const HIGHEST_TOKEN: i64 = (1 << 53) - 1;

/// No repository has a longer name than this with that of its project; and many are held until all are read.
const LONGEST_PATH: usize = 401;

/// A lease as it stands on a line. Other keys are passed over.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Raw {
    #[serde(alias = "repository_id", alias = "repo")]
    repository: String,
    #[serde(alias = "owner")]
    holder: String,
    #[serde(alias = "acquired")]
    acquired_at: String,
    #[serde(alias = "expires", alias = "until")]
    expires_at: String,
    #[serde(default, alias = "released")]
    released_at: Option<String>,
    #[serde(default, alias = "fencing_token")]
    token: Option<i64>,
}

/// A lease that was read, and makes sense by itself.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) line: u64,
    /// An id, or `project/name`.
    pub(super) repository: String,
    pub(super) holder: String,
    pub(super) acquired_at: Timestamp,
    /// When it ends, or was given back before.
    pub(super) ends_at: Timestamp,
    pub(super) released: bool,
    pub(super) token: Option<i64>,
}

/// Reads a line.
pub(super) fn read(line: u64, text: &str) -> Result<Record, BadLine> {
    let raw: Raw = serde_json::from_str(text).map_err(|error| {
        // The place is told apart from the words.
        let said = error.to_string();
        let words = said.rsplit_once(" at line ").map_or(said.as_str(), |(words, _)| words);
        // Otherwise the words are of a key or its value, and say which.
        let reason = if error.is_data() { words.to_owned() } else { format!("it is no JSON: {words}") };
        BadLine::new(line, Some(error.column() as u64), reason)
    })?;
    let bad = |reason: String| BadLine::new(line, None, reason);
    // The values of an object in the order of its keys would be taken as well.
    if !text.trim_start().starts_with('{') {
        return Err(bad("it is no object with keys".to_owned()));
    }
    let time = |name: &str, value: &str| {
        // Years before 0 have a sign, and would not be in order as text.
        value.parse().ok().filter(|at: &Timestamp| *at >= Timestamp::UNIX_EPOCH).ok_or_else(|| {
            bad(format!("{name} is not a time since 1970 such as 2026-01-31T09:30:00+01:00: {value:?}"))
        })
    };
    let acquired_at = time("acquired_at", &raw.acquired_at)?;
    let expires_at = time("expires_at", &raw.expires_at)?;
    let released_at = raw.released_at.as_deref().map(|value| time("released_at", value)).transpose()?;
    if raw.repository.len() > LONGEST_PATH {
        return Err(bad(format!("the name of the repository has more than {LONGEST_PATH} bytes")));
    }
    check_actor(&raw.holder).map_err(|reason| bad(reason.replace("actor", "holder")))?;
    if expires_at <= acquired_at {
        return Err(bad("it expires before it begins".to_owned()));
    }
    if acquired_at.duration_until(expires_at) > LEASE_TERM {
        return Err(bad("it lasts longer than 72 hours".to_owned()));
    }
    if released_at.is_some_and(|released| released < acquired_at) {
        return Err(bad("it was given back before it began".to_owned()));
    }
    if raw.token.is_some_and(|token| !(1..=HIGHEST_TOKEN).contains(&token)) {
        return Err(bad(format!("its token is not between 1 and {HIGHEST_TOKEN}")));
    }
    Ok(Record {
        line,
        repository: raw.repository,
        holder: raw.holder,
        acquired_at,
        ends_at: released_at.map_or(expires_at, |released| released.min(expires_at)),
        released: released_at.is_some(),
        token: raw.token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"repository":"pantry/a","holder":"ada","acquired_at":"2026-01-31T10:30:00+01:00",
        "expires_at":"2026-02-01T09:30:00Z","note":"x"}"#;

    #[test]
    fn times_have_an_offset_and_keys_have_other_names_too() {
        let record = read(1, GOOD).unwrap();
        assert_eq!(record.acquired_at.to_string(), "2026-01-31T09:30:00Z");
        assert_eq!((record.token, record.released), (None, false));
        let text = r#"{"repo":"a/b","owner":"x","acquired":"2026-01-31T09:30:00Z","until":"2026-01-31T10:30:00Z",
            "released":"2026-01-31T09:40:00Z","fencing_token":7}"#;
        let record = read(1, text).unwrap();
        assert_eq!(
            (record.token, record.released, record.ends_at.to_string().as_str()),
            (Some(7), true, "2026-01-31T09:40:00Z")
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (from, to, reason) in [
            ("}", "", "line 3, column 58: EOF while parsing an object"),
            ("{", "[{", "line 3, column 1: "),
            ("\"ada\"", "7", "line 3, column 36: invalid type: integer `7`, expected a string"),
            ("\"ada\"", "\" \"", "line 3: nobody is named as the holder"),
            ("+01:00", "", "line 3: acquired_at is not a time since 1970 such as"),
            ("2026-02-01", "2026-01-31", "line 3: it expires before it begins"),
            ("2026-02-01", "2026-02-09", "line 3: it lasts longer than 72 hours"),
            ("\"note\":\"x\"", "\"token\":0", "line 3: its token is not between 1 and 9007199254740991"),
            ("\"note\":\"x\"", "\"token\":1.5", "invalid type: floating point `1.5`, expected i64"),
            ("\"note\":\"x\"", "\"holder\":\"x\"", "duplicate field `holder`"),
            (
                "\"note\":\"x\"",
                "\"released_at\":\"2025-01-01T00:00:00Z\"",
                "line 3: it was given back before it began",
            ),
            ("\"holder\"", "\"held_by\"", "missing field `holder`"),
        ] {
            let text = GOOD.replace('\n', " ").replacen(from, to, 1);
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let said = read(3, &text).unwrap_err().to_string();
            let reason =
                reason.trim_start_matches("line 3, column 58: ").trim_start_matches("line 3, column 36: ");
            assert!(said.contains(reason), "{said} / {reason}");
        }
    }
}
