//! One text for one JSON value, however it was written: RFC 8785, and the hash over it.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical text of `value` by RFC 8785 (JCS): keys sorted, no white space, numbers as ECMAScript writes them.
///
/// A number is a double there: whole numbers beyond 2⁵³ that have the same double have the same text.
///
/// ```
/// let value = serde_json::json!({ "b": 1.0, "a": [true, null] });
/// assert_eq!(larder_stores::canonical_json(&value), r#"{"a":[true,null],"b":1}"#);
/// ```
pub fn canonical_json(value: &Value) -> String {
    // What can fail can't stand in a `Value`: a duplicate key, or (unless an application turns on serde_json's
    // `arbitrary_precision`) a number that no double holds.
    serde_json_canonicalizer::to_string(value).unwrap_or_else(|_| value.to_string())
}

/// The SHA-256 of [`canonical_json`], as 64 lower-case hexadecimal digits.
///
/// ```
/// let one = serde_json::from_str(r#"{ "a": 1, "b": 2 }"#).unwrap();
/// let two = serde_json::from_str(r#"{"b":2,"a":1}"#).unwrap();
/// assert_eq!(larder_stores::canonical_hash(&one), larder_stores::canonical_hash(&two));
/// ```
pub fn canonical_hash(value: &Value) -> String {
    hexadecimal(&Sha256::digest(canonical_json(value)))
}

/// Bytes as digits in small letters.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_sample_of_section_3_2_gives_its_text_and_its_bytes() {
        let input = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        let text = canonical_json(&serde_json::from_str(input).unwrap());
        let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(text, expected);
        // Section 3.2.4 gives the bytes; these are its first line and its last.
        assert!(
            text.as_bytes().starts_with(&[0x7b, 0x22, 0x6c, 0x69, 0x74, 0x65, 0x72, 0x61, 0x6c, 0x73, 0x22])
        );
        assert!(text.as_bytes().ends_with(&[0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x22, 0x2f, 0x22, 0x7d]));
    }

    #[test]
    fn keys_are_sorted_by_their_utf_16_units_as_in_section_3_2_3() {
        let input = r#"{
            "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
        }"#;
        let text = canonical_json(&serde_json::from_str(input).unwrap());
        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
        let found: Vec<usize> = order.iter().map(|name| text.find(name).unwrap()).collect();
        assert!(found.is_sorted(), "{text}");
    }

    #[test]
    fn numbers_are_written_as_in_appendix_b() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(canonical_json(&json!(f64::from_bits(bits))), expected, "{bits:016x}");
        }
        assert_eq!(canonical_json(&json!([9_007_199_254_740_993_i64, 1, 1.0])), "[9007199254740992,1,1]");
    }

    #[test]
    fn the_hash_is_that_of_the_text_and_not_of_its_layout() {
        // What `printf '{"a":1,"b":[]}' | sha256sum` gives.
        let hash = "f87e4099e9be5e75094e0a4f46d3dc18a9c37429314a5a2490fb78d31e7e170c";
        assert_eq!(canonical_hash(&serde_json::from_str("{ \"b\": [ ],\n\"a\": 1.0 }").unwrap()), hash);
        assert_ne!(canonical_hash(&json!({ "a": 1, "b": [0] })), hash);
    }
}
