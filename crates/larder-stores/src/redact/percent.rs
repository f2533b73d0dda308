//! Percent-encoding: `%3D` is `=`.

use std::borrow::Cow;

/// The text with its percent-encoding taken away once, and as it is where that gives no text.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    // What is no text could hide a key in the part that is: each bad byte becomes a character of its own.
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn digit(hexadecimal: u8) -> u8 {
    match hexadecimal {
        b'0'..=b'9' => hexadecimal - b'0',
        b'a'..=b'f' => hexadecimal - b'a' + 10,
        _ => hexadecimal.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_once_and_the_rest_stays() {
        for (text, plain) in [
            ("a%3Db", "a=b"),
            ("%253d", "%3d"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%C3%A9%ff", "é\u{fffd}"),
            ("é", "é"),
        ] {
            assert_eq!(decode(text), plain);
        }
    }
}
