//! The checksum of a migration and the fingerprint of a set.
//!
//! Both are stored in databases, so what they cover must never change.

use sha2::{Digest, Sha256};

/// The checksum of a migration's text: SHA-256 in hexadecimal, over the text without its byte order mark and with
/// every line end (CRLF or a lone CR) as LF, so that a checkout on another system does not look like an edit.
///
/// Only the text of the way up counts: what was applied is what must not change, and a way down may be added or mended
/// later.
pub fn of_text(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut hash = Sha256::new();
    let mut lines = text.split('\r');
    hash.update(lines.next().unwrap_or_default());
    for rest in lines {
        if !rest.starts_with('\n') {
            hash.update("\n");
        }
        hash.update(rest);
    }
    hexadecimal(hash)
}

/// The fingerprint of a list of migrations: SHA-256 in hexadecimal over each one's id and checksum, in order.
///
/// Neither an id nor a checksum holds a space or a line end, so no two lists give the same bytes.
pub fn of_list<'a>(migrations: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut hash = Sha256::new();
    for (id, checksum) in migrations {
        for part in [id, " ", checksum, "\n"] {
            hash.update(part);
        }
    }
    hexadecimal(hash)
}

fn hexadecimal(hash: Sha256) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    hash.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_the_byte_order_mark_do_not_count_and_everything_else_does() {
        let plain = of_text("CREATE TABLE t(\n  x\n);\n\n");
        assert_eq!(of_text("CREATE TABLE t(\r\n  x\r\n);\r\n\r\n"), plain);
        assert_eq!(of_text("CREATE TABLE t(\r  x\r);\r\r"), plain);
        assert_eq!(of_text("\u{feff}CREATE TABLE t(\n  x\r\n);\r\n"), of_text("CREATE TABLE t(\n  x\n);\n"));
        assert_ne!(of_text("CREATE TABLE t(\n  x\n);\n"), plain);
        assert_ne!(of_text("CREATE TABLE t(\n x\n);\n\n"), plain);
    }

    #[test]
    fn the_values_stored_in_databases_stay_what_they_are() {
        // What `printf 'SELECT 1;\n' | sha256sum` gives.
        let checksum = of_text("SELECT 1;\r\n");
        assert_eq!(checksum, "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd");
        // What `printf '0001_init %s\n' CHECKSUM | sha256sum` gives.
        let fingerprint = of_list([("0001_init", checksum.as_str())]);
        assert_eq!(fingerprint, "54b3e89c001532a6c8b552c8cf3628b2eb322bb313eb444d9f0fd6237fae727f");
    }

    #[test]
    fn a_fingerprint_knows_the_order_and_each_part() {
        let a = of_list([("0001_a", "1"), ("0002_b", "2")]);
        assert_ne!(of_list([("0002_b", "2"), ("0001_a", "1")]), a);
        assert_ne!(of_list([("0001_a", "1")]), a);
        assert_ne!(of_list([("0001_a", "2"), ("0002_b", "1")]), a);
        assert_eq!(of_list([]).len(), 64);
    }
}
