//! A length of time, as people write it, back from now.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use larder::{Error, ErrorKind, Result};

/// The instant that lies as long before `now` as `text` says. A day has 24 hours.
pub(super) fn ago(text: &str, now: Timestamp) -> Result<Timestamp> {
    let wrong = |cause: jiff::Error| {
        Error::new(ErrorKind::Config, format!("`{text}` is no length of time"))
            .with_help("give a number and a unit: 30d, 12h, 2w, 90m")
            .with_cause(cause)
    };
    let span: Span = text.trim().parse().map_err(wrong)?;
    if span.is_negative() {
        return Err(Error::new(ErrorKind::Config, format!("`{text}` ago lies in the future"))
            .with_help("give a length of time without a sign: 30d, 12h, 2w, 90m"));
    }
    Ok(now.to_zoned(TimeZone::UTC).checked_sub(span).map_err(wrong)?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_as_people_write_it() {
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        for (text, wanted) in [
            ("30d", "2026-03-01T12:00:00Z"),
            ("12h", "2026-03-31T00:00:00Z"),
            ("2w", "2026-03-17T12:00:00Z"),
            ("1d 6h", "2026-03-30T06:00:00Z"),
        ] {
            assert_eq!(ago(text, now).unwrap().to_string(), wanted, "{text}");
        }
        for text in ["", "30", "soon", "-3d"] {
            assert_eq!(ago(text, now).unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
    }
}
