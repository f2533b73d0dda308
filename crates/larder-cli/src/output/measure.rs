//! Times, durations, sizes and numbers as people read them.

use jiff::Timestamp;
use std::time::Duration;

/// `2026-03-01 09:30:00 UTC`.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `0.4 ms`, `12 ms`, `3.1 s`, `4 min 5 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1000.0;
    if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 59_950.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        let seconds = (ms / 1000.0).round();
        format!("{} min {} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

/// Milliseconds, to the microsecond: as JSON has them.
pub(crate) fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// `512 B`, `12.0 kB`, `3.1 MB`: in thousands.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 999.5 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

/// `1 migration`, `2 migrations`.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_the_unit_that_fits() {
        let shown = |micros| duration(Duration::from_micros(micros));
        assert_eq!(
            [0, 432, 9_940, 12_400, 999_400, 3_141_000, 59_940_000, 245_000_000].map(shown),
            ["0.0 ms", "0.4 ms", "9.9 ms", "12 ms", "999 ms", "3.1 s", "59.9 s", "4 min 5 s"]
        );
    }

    #[test]
    fn a_time_is_to_the_second_and_says_its_zone() {
        assert_eq!(time("2026-03-01T10:30:00.999999+01:00".parse().unwrap()), "2026-03-01 09:30:00 UTC");
    }

    #[test]
    fn a_size_has_the_unit_that_fits() {
        assert_eq!(
            [0, 999, 1_000, 12_345_678, 999_499_999, 5_000_000_000_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "12.3 MB", "999.5 MB", "5.0 TB"]
        );
    }
}
