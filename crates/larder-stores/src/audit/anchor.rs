//! The head of a trail, as a line of text to keep elsewhere.

use super::hash::{Hash, Head};
use super::trail::Trail;
use larder::{Error, ErrorKind, ReadTx, Result, ValueRef};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

/// What a trail held last at some time. Kept where the writers of the database can't reach, it shows later that nothing
/// up to there was changed or removed.
///
/// As text it is one line: `larder-audit:1:audit_log:1234:` and the 64 digits of the hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Anchor {
    /// The table of the trail.
    pub trail: String,
    /// The number of the entry.
    pub seq: i64,
    /// Its hash.
    pub hash: Hash,
}

/// The anchor of the last entry, or `None` where there is none yet.
///
/// It is what the table says: [`verify`](super::verify()) first, that no broken trail is anchored.
///
/// # Errors
/// [`ErrorKind::Conversion`] when the last entry has no readable number or hash; or what the engine says.
pub fn anchor(tx: &mut ReadTx<'_>, trail: &Trail) -> Result<Option<Anchor>> {
    Ok(head(tx, trail)?.map(|head| Anchor { trail: trail.table.into(), seq: head.seq, hash: head.hash }))
}

/// The last entry, as the table says.
pub(super) fn head(tx: &mut ReadTx<'_>, trail: &Trail) -> Result<Option<Head>> {
    let mut found = None;
    tx.query_each(trail.head, &[], |row| {
        let head = match (row.value(0), row.value(1)) {
            (Ok(ValueRef::Integer(seq)), Ok(ValueRef::Text(digits))) if seq > 0 => {
                Hash::parse(digits).map(|hash| Head { seq, hash })
            }
            _ => None,
        };
        found = Some(head.ok_or_else(|| {
            Error::new(
                ErrorKind::Conversion,
                format!("the last entry of {} has no readable number and hash", trail.table),
            )
            .with_help("`larder audit verify` names the first entry that is broken")
        })?);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "larder-audit:1:{}:{}:{}", self.trail, self.seq, self.hash)
    }
}

impl FromStr for Anchor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |what: &str| {
            Error::new(ErrorKind::Config, format!("this is no anchor of an audit trail: {what}")).with_help(
                "it is one line, as `larder audit anchor` gives it: larder-audit:1:TABLE:NUMBER:HASH",
            )
        };
        let rest = text
            .trim()
            .strip_prefix("larder-audit:")
            .ok_or_else(|| wrong("it does not begin with `larder-audit:`"))?;
        let rest = rest.strip_prefix("1:").ok_or_else(|| wrong("its version is not known here"))?;
        let mut parts = rest.splitn(3, ':');
        let (Some(trail), Some(seq), Some(hash)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("it has not five parts"));
        };
        if trail.is_empty() {
            return Err(wrong("it names no table"));
        }
        let seq = seq
            .parse()
            .ok()
            .filter(|seq| *seq > 0)
            .ok_or_else(|| wrong("its number is not one from 1 on"))?;
        let hash = Hash::parse(hash)
            .ok_or_else(|| wrong("it does not end with 64 lower-case hexadecimal digits"))?;
        Ok(Self { trail: trail.into(), seq, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_read_back_from_its_line() {
        let anchor = Anchor { trail: "audit_log".into(), seq: 1234, hash: Hash([0xab; 32]) };
        let line = anchor.to_string();
        assert_eq!(line, format!("larder-audit:1:audit_log:1234:{}", "ab".repeat(32)));
        assert_eq!(format!(" {line}\r\n").parse::<Anchor>().unwrap(), anchor);
    }

    #[test]
    fn what_is_no_anchor_is_refused_with_what_is_wrong() {
        let hash = "ab".repeat(32);
        for (text, said) in [
            (String::new(), "does not begin"),
            (format!("larder-audit:2:audit_log:1:{hash}"), "version"),
            ("larder-audit:1:audit_log".into(), "five parts"),
            (format!("larder-audit:1::1:{hash}"), "names no table"),
            (format!("larder-audit:1:audit_log:0:{hash}"), "number"),
            (format!("larder-audit:1:audit_log:x:{hash}"), "number"),
            (format!("larder-audit:1:audit_log:1:{hash}00"), "64"),
        ] {
            let error = text.parse::<Anchor>().unwrap_err();
            assert!(error.message().contains(said), "{text}: {error}");
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }
}
