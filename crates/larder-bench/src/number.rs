//! Numbers as people read them.

/// Nanoseconds in three digits or so.
pub(crate) fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e4 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", digits(value))
}

/// Nanoseconds an operation, as operations a second in three digits.
pub(crate) fn rate(ns: f64) -> String {
    let rate = 1e9 / ns;
    let unit = 10f64.powf((rate.log10().floor() - 2.0).max(0.0));
    grouped((rate / unit).round() * unit)
}

/// A whole number with its thousands apart.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// As many digits as such a ratio deserves.
pub(crate) fn digits(number: f64) -> String {
    match number {
        number if number < 10.0 => format!("{number:.2}"),
        number if number < 100.0 => format!("{number:.1}"),
        number => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        assert_eq!(time(870.4), "870 ns");
        assert_eq!(time(2_345.0), "2345 ns");
        assert_eq!(time(36_000.0), "36.0 µs");
        assert_eq!(time(1_500_000.0), "1.50 ms");
        assert_eq!(time(2_000_000_000.0), "2.00 s");
    }

    #[test]
    fn rates_have_three_digits_and_their_thousands_apart() {
        assert_eq!(rate(81_234.0), "12,300");
        assert_eq!(rate(700.0), "1,430,000");
        assert_eq!(rate(2e9), "1");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(1000.0), "1,000");
    }
}
