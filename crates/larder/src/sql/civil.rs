//! Dates and times as text: read in the forms that people and SQLite write, written in the one that Larder does.

use std::fmt::Write;

const DAY: i64 = 86_400_000_000;

/// A date and a time as a text gave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Microseconds since 1970, of what the clock showed.
    pub(crate) micros: i64,
    /// The zone that was given, in seconds east of UTC.
    pub(crate) offset: Option<i32>,
}

/// Why a text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoDate {
    /// It has another form, or names a day or an hour that there is not.
    Form,
    /// It is more precise than microseconds.
    Precise,
}

/// The instant of `2026-01-31T09:30:00.5Z`: with a space instead of the T, without seconds or without a time, without a
/// zone or with one (`+02:00`, `+0200`, `+02`).
pub(crate) fn parse_moment(text: &str) -> Result<Moment, NoDate> {
    let (date, rest) = text.split_at_checked(10).ok_or(NoDate::Form)?;
    let days = parse_date(date)?;
    let Some(rest) = rest.strip_prefix(['T', 't', ' ']) else {
        return if rest.is_empty() {
            Ok(Moment { micros: days * DAY, offset: None })
        } else {
            Err(NoDate::Form)
        };
    };
    let zone = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(zone).ok_or(NoDate::Form)?;
    Ok(Moment { micros: days * DAY + parse_time(time.trim_end())?, offset: parse_zone(zone)? })
}

fn parse_zone(zone: &str) -> Result<Option<i32>, NoDate> {
    let sign = match zone.as_bytes() {
        [] => return Ok(None),
        b"Z" | b"z" => return Ok(Some(0)),
        [b'-', ..] => -1,
        _ => 1,
    };
    let digits: Vec<u8> = zone.bytes().skip(1).filter(|c| *c != b':').collect();
    let (hours, minutes) = match *digits.as_slice() {
        [a, b] => (two(a, b)?, 0),
        [a, b, c, d] => (two(a, b)?, two(c, d)?),
        _ => return Err(NoDate::Form),
    };
    if hours > 15 || minutes > 59 {
        Err(NoDate::Form)
    } else {
        Ok(Some(sign * (hours * 3600 + minutes * 60)))
    }
}

/// The day of `2026-01-31`, counted from 1970.
pub(crate) fn parse_date(text: &str) -> Result<i64, NoDate> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else { return Err(NoDate::Form) };
    let year = i64::from(two(a, b)? * 100 + two(c, d)?);
    let (month, day) = (two(e, f)?, two(g, h)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return Err(NoDate::Form);
    }
    Ok(days(year, month, day))
}

/// The microseconds since midnight of `09:30`, `09:30:00` or `09:30:00.123456`.
pub(crate) fn parse_time(text: &str) -> Result<i64, NoDate> {
    let bytes = text.as_bytes();
    let (&[a, b, b':', c, d], rest) = bytes.split_first_chunk::<5>().ok_or(NoDate::Form)? else {
        return Err(NoDate::Form);
    };
    let (hours, minutes) = (two(a, b)?, two(c, d)?);
    let (seconds, rest) = match rest {
        [b':', e, f, rest @ ..] => (two(*e, *f)?, rest),
        rest => (0, rest),
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return Err(NoDate::Form);
    }
    let mut micros = i64::from(hours * 3600 + minutes * 60 + seconds) * 1_000_000;
    match rest {
        [] => {}
        [b'.', part @ ..] if !part.is_empty() && part.iter().all(u8::is_ascii_digit) => {
            let mut unit = 100_000;
            for digit in part {
                if unit == 0 && *digit != b'0' {
                    return Err(NoDate::Precise);
                }
                micros += i64::from(digit - b'0') * unit;
                unit /= 10;
            }
        }
        _ => return Err(NoDate::Form),
    }
    Ok(micros)
}

fn two(a: u8, b: u8) -> Result<i32, NoDate> {
    if a.is_ascii_digit() && b.is_ascii_digit() {
        Ok(i32::from(a - b'0') * 10 + i32::from(b - b'0'))
    } else {
        Err(NoDate::Form)
    }
}

fn days_in(year: i64, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970 to a date of the Gregorian calendar: with March as a year's first month, its months have days that
/// follow a straight line.
fn days(year: i64, month: i32, day: i32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = i64::from((month + 9) % 12);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day counted from 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Adds `2026-01-31` for a day counted from 1970.
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "only an engine with types for dates writes them")
)]
pub(crate) fn write_date(days: i64, out: &mut String) {
    let (year, month, day) = civil(days);
    // Writing to a String can't fail.
    let _ = match year {
        0..=9999 => write!(out, "{year:04}-{month:02}-{day:02}"),
        _ => write!(out, "{year:+}-{month:02}-{day:02}"),
    };
}

/// Adds `09:30:00.000000` for microseconds since midnight.
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "only an engine with types for dates writes them")
)]
pub(crate) fn write_time(micros: i64, out: &mut String) {
    let (seconds, part) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ = write!(out, "{hours:02}:{minutes:02}:{seconds:02}.{part:06}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn every_day_of_a_thousand_years_goes_there_and_back_as_jiff_has_it() {
        for day in (-200_000..400_000).step_by(37) {
            let mut text = String::new();
            write_date(day, &mut text);
            text.push('T');
            write_time(3_661_000_001, &mut text);
            let moment = parse_moment(&text).unwrap();
            assert_eq!(moment, Moment { micros: day * DAY + 3_661_000_001, offset: None }, "{text}");
            let known: Timestamp = format!("{text}Z").parse().unwrap();
            assert_eq!(known.as_microsecond(), moment.micros, "{text}");
        }
    }

    #[test]
    fn the_forms_that_people_write_are_read() {
        let at = |text: &str| parse_moment(text).map(|m| (m.micros, m.offset));
        let base = 1_769_851_800_000_000;
        assert_eq!(at("2026-01-31T09:30:00Z"), Ok((base, Some(0))));
        assert_eq!(at("2026-01-31 09:30"), Ok((base, None)));
        assert_eq!(at("2026-01-31 09:30:00.5+02:00"), Ok((base + 500_000, Some(7200))));
        assert_eq!(at("2026-01-31 09:30:00-0330"), Ok((base, Some(-12_600))));
        assert_eq!(at("2026-01-31"), Ok((base - 34_200_000_000, None)));
        assert_eq!(at("2026-01-31T09:30:00.123456000Z").map(|(m, _)| m), Ok(base + 123_456));
        assert_eq!(at("2026-01-31T09:30:00.1234567Z"), Err(NoDate::Precise));
        for none in [
            "",
            "2026-02-30",
            "2026-13-01T00:00:00Z",
            "2026-01-31T24:00",
            "yesterday",
            "2026-01-31x",
            "1738315800",
        ] {
            assert_eq!(at(none), Err(NoDate::Form), "{none}");
        }
    }
}
