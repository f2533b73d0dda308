//! `numeric` in the server's binary form: digits to the base of 10,000.

use crate::sql::decimal::Decimal;
use std::fmt::Write;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const MINUS_INFINITY: u16 = 0xf000;

/// Adds a number. `None` where the server could not hold it.
pub(super) fn encode(number: &Decimal, out: &mut Vec<u8>) -> Option<()> {
    // Where the first group of four begins, so that the point lies between two groups.
    let weight = (number.exponent + 3).div_euclid(4) - 1;
    let lead = usize::try_from((weight + 1) * 4 - number.exponent).ok()?;
    let mut groups: Vec<u16> = Vec::new();
    let zeros = std::iter::repeat_n(0, lead);
    for (at, digit) in zeros.chain(number.digits.iter().copied()).enumerate() {
        if at % 4 == 0 {
            groups.push(0);
        }
        let unit = [1000, 100, 10, 1].get(at % 4)?;
        *groups.last_mut()? += u16::from(digit) * unit;
    }
    let weight = if groups.is_empty() { 0 } else { i16::try_from(weight).ok()? };
    let scale =
        u16::try_from(number.scale.max(number.needed_scale())).ok().filter(|scale| *scale <= 16_383)?;
    out.extend(u16::try_from(groups.len()).ok()?.to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(if number.negative { NEGATIVE } else { 0 }.to_be_bytes());
    out.extend(scale.to_be_bytes());
    groups.iter().for_each(|group| out.extend(group.to_be_bytes()));
    Some(())
}

/// Adds the text of a number, as the server would write it. `None` for bytes of another form.
pub(super) fn decode(bytes: &[u8], out: &mut String) -> Option<()> {
    let (head, groups) = bytes.split_first_chunk::<8>()?;
    let [a, b, c, d, e, f, g, h] = *head;
    let weight = i32::from(i16::from_be_bytes([c, d]));
    let scale = usize::from(u16::from_be_bytes([g, h]));
    let groups: Vec<u16> = groups.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    if groups.len() != usize::from(u16::from_be_bytes([a, b])) {
        return None;
    }
    let word = match u16::from_be_bytes([e, f]) {
        0 => "",
        NEGATIVE => "-",
        NAN => "NaN",
        INFINITY => "Infinity",
        MINUS_INFINITY => "-Infinity",
        _ => return None,
    };
    out.push_str(word);
    if word.len() > 1 {
        return Some(());
    }
    let group =
        |place: i32| usize::try_from(weight - place).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0);
    if weight < 0 {
        out.push('0');
    }
    for place in (0..=weight).rev() {
        // Writing to a String can't fail.
        let _ = if place == weight {
            write!(out, "{}", group(place))
        } else {
            write!(out, "{:04}", group(place))
        };
    }
    if scale > 0 {
        out.push('.');
        let start = out.len();
        let mut place = -1;
        while out.len() < start + scale {
            let _ = write!(out, "{:04}", group(place));
            place -= 1;
        }
        out.truncate(start + scale);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back_with_their_zeros() {
        for text in [
            "0",
            "0.00",
            "1",
            "-1",
            "9999",
            "10000",
            "12345678.9",
            "0.0001",
            "0.00001",
            "-0.5",
            "100000000",
            "1.50",
            "99999999999999999999999999999999.000000000000000000001",
            "0.12345",
            "123456789012345678901234567890",
        ] {
            let mut bytes = Vec::new();
            encode(&Decimal::parse(text).unwrap(), &mut bytes).unwrap();
            let mut back = String::new();
            decode(&bytes, &mut back).unwrap();
            assert_eq!(back, text);
        }
    }
}
