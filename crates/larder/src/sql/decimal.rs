//! Decimal numbers as text, of any length: taken apart, and compared by what they are worth.

/// A decimal number: `0.d₁d₂…dₙ × 10^exponent`, without zeros before or behind its digits. Two are equal when they are
/// worth the same, however they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    /// Each 0 to 9; none for zero.
    pub(crate) digits: Vec<u8>,
    pub(crate) exponent: i32,
    /// How many digits were written behind the point.
    pub(crate) scale: i32,
}

impl Decimal {
    /// The number that a text is: `-12.50`, `1e-7`. `None` for anything else, also for `NaN`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, shift) = match text.split_once(['e', 'E']) {
            Some((mantissa, shift)) => (mantissa, shift.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = whole.bytes().chain(part.bytes());
        if whole.len() + part.len() == 0 || !all.clone().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let mut digits: Vec<u8> = all.map(|c| c - b'0').collect();
        let scale = i32::try_from(part.len()).ok()?.checked_sub(shift)?.max(0);
        let mut exponent = i32::try_from(whole.len()).ok()?.checked_add(shift)?;
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self { scale, ..Self::default() });
        }
        exponent = exponent.checked_sub(i32::try_from(zeros).ok()?)?;
        Some(Self { negative, digits, exponent, scale })
    }

    /// A form in bytes that all ways to write the number have in common.
    pub(crate) fn canonical(&self, out: &mut Vec<u8>) {
        out.push(match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        });
        if !self.digits.is_empty() {
            out.extend(self.exponent.to_be_bytes());
            out.extend(&self.digits);
        }
    }

    /// How many digits it needs behind the point.
    pub(crate) fn needed_scale(&self) -> i32 {
        (i32::try_from(self.digits.len()).unwrap_or(i32::MAX) - self.exponent).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        Decimal::parse(text)?.canonical(&mut out);
        Some(out)
    }

    #[test]
    fn what_is_worth_the_same_is_the_same() {
        for same in [
            &["1", "1.0", "+1", "01", "10e-1", "0.1e1"][..],
            &["0", "-0", "0.00", "0e9"],
            &["-12.5", "-012.500", "-125E-1"],
        ] {
            let all: Vec<_> = same.iter().map(|text| canonical(text)).collect();
            assert!(all.iter().all(|one| one.is_some() && *one == all[0]), "{same:?}");
        }
        assert_ne!(canonical("1"), canonical("-1"));
        assert_ne!(canonical("10"), canonical("1"));
        assert_ne!(canonical("0.01"), canonical("0.1"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-", ".", "1.2.3", "abc", "1e", "NaN", "Infinity", "1 ", "0x10", "1e99999999999"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
