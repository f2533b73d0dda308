//! Days and moments, from the server's numbers or its text, as the text that rows give.

use std::fmt::Write as _;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Days from the first of March of the year 0 to the first of January 2000, from which the server counts.
const EPOCH: i64 = 730_425;
/// Days of 400 years, after which the calendar repeats itself.
const ERA: i64 = 146_097;

/// A day counted from 2000-01-01: `2026-01-31`.
pub(super) fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        _ => {
            let (mut text, before_christ) = calendar(i64::from(days));
            if before_christ {
                text.push_str(" BC");
            }
            text
        }
    }
}

/// A moment counted in microseconds from 2000-01-01: `2026-01-31T09:30:00.000000`, and a Z where it has a time zone.
pub(super) fn timestamp(micros: i64, zoned: bool) -> String {
    match micros {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        _ => {
            let (mut text, before_christ) = calendar(micros.div_euclid(DAY));
            let time = micros.rem_euclid(DAY);
            let (seconds, fraction) = (time / 1_000_000, time % 1_000_000);
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "T{:02}:{:02}:{:02}.{fraction:06}{}{}",
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60,
                if zoned { "Z" } else { "" },
                if before_christ { " BC" } else { "" },
            );
            text
        }
    }
}

/// The day as text without its era, and whether it lies before the year 1.
fn calendar(days: i64) -> (String, bool) {
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (year + era * 400, month + 3);
    let (year, month) = if month > 12 { (year + 1, month - 12) } else { (year, month) };
    let before_christ = year < 1;
    let year = if before_christ { 1 - year } else { year };
    (format!("{year:04}-{month:02}-{day:02}"), before_christ)
}

/// The same from the server's text, `2026-01-31 09:30:00.5+00`, in ISO style. `None` for what is none.
pub(super) fn timestamp_from_text(text: &str, zoned: bool) -> Option<String> {
    if text.ends_with("infinity") {
        return Some(text.to_owned());
    }
    let (text, before_christ) = match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (date, time) = text.split_once(' ')?;
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let sign_at = time.find(['+', '-']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(sign_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let micros = format!("{fraction:0<6}").parse::<i64>().ok()?;
    let mut offset_seconds = seconds(offset.trim_start_matches(['+', '-']))?;
    if offset.starts_with('-') {
        offset_seconds = -offset_seconds;
    }
    let year = if before_christ { 1 - year } else { year };
    let whole = days_of(year, month, day) * 86_400 + seconds(clock)? - offset_seconds;
    Some(timestamp(whole.checked_mul(1_000_000)?.checked_add(micros)?, zoned))
}

/// `hh:mm:ss`, of which the later parts may be missing, in seconds.
fn seconds(text: &str) -> Option<i64> {
    let mut sum = 0;
    for (part, unit) in text.split(':').zip([3600, 60, 1]) {
        if !part.is_empty() {
            sum += part.parse::<i64>().ok()? * unit;
        }
    }
    Some(sum)
}

/// The days from 2000-01-01.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * ERA + year * 365 + year / 4 - year / 100 + (153 * month + 2) / 5 + day - 1 - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_the_calendar_have_their_text() {
        for (micros, text) in [
            (0, "2000-01-01T00:00:00.000000Z"),
            (-1, "1999-12-31T23:59:59.999999Z"),
            (i64::MAX, "infinity"),
            (i64::MIN, "-infinity"),
            (-211_813_488_000_000_000, "4714-11-24T00:00:00.000000Z BC"),
            (9_223_371_331_199_999_999, "294276-12-31T23:59:59.999999Z"),
            (-63_113_904_000_000_000 - 1, "0002-12-31T23:59:59.999999Z BC"),
        ] {
            assert_eq!(timestamp(micros, true), text);
        }
        assert_eq!(date(59), "2000-02-29");
        assert_eq!(date(i32::MAX), "infinity");
    }

    #[test]
    fn the_servers_text_means_the_same() {
        for (said, text) in [
            ("2026-01-31 09:30:00+00", "2026-01-31T09:30:00.000000Z"),
            ("2026-01-31 15:00:00.5+05:30", "2026-01-31T09:30:00.500000Z"),
            ("2026-01-31 01:30:00-08", "2026-01-31T09:30:00.000000Z"),
            ("0044-03-15 00:00:00+00 BC", "0044-03-15T00:00:00.000000Z BC"),
            ("infinity", "infinity"),
        ] {
            assert_eq!(timestamp_from_text(said, true).unwrap(), text);
        }
        assert_eq!(timestamp_from_text("nonsense", true), None);
    }

    proptest! {
        #[test]
        fn text_and_number_agree(micros in -211_813_488_000_000_000_i64..9_223_371_331_199_999_999) {
            let text = timestamp(micros, false);
            prop_assert_eq!(timestamp_from_text(&text.replace('T', " "), false).unwrap(), text);
        }

        #[test]
        fn jiff_reads_the_same_moment(seconds in -62_000_000_000_i64..253_000_000_000) {
            let at = jiff::Timestamp::from_second(seconds).unwrap();
            let text = timestamp((seconds - 946_684_800) * 1_000_000, true);
            prop_assert_eq!(text, crate::sql::timestamp_text(at));
        }
    }
}
