//! Elements of XML: `<password>…</password>`.

use super::key::Keys;
use super::{REDACTED, is_key_character};

/// So far a tag reaches, in bytes.
const MOST: usize = 4096;

/// With so many names that nothing closes, what is left of the text goes: each is sought to its end.
const MOST_NAMES: usize = 64;

/// The text with what stands between the tags of a sensitive name replaced. A tag that nothing closes is left: it is how
/// people write the place of an argument, `--token <token>`.
pub(super) fn redact(keys: &Keys, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    // What nothing closes here, nothing closes further on.
    let mut unclosed = Vec::new();
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at + 1);
        out.push_str(before);
        rest = tag;
        let full = tag.split(|c: char| !is_key_character(c) && c != ':').next().unwrap_or_default();
        let name = full.rsplit(':').next().unwrap_or_default();
        if name.is_empty() || unclosed.contains(&full) || !keys.has(name) {
            continue;
        }
        let near = tag.split_at(tag.floor_char_boundary(MOST)).0;
        let Some(end) = near.find('>').filter(|end| !tag.split_at(*end).0.ends_with('/')) else { continue };
        let (head, inside) = tag.split_at(end + 1);
        let Some(close) = inside.find(&format!("</{full}")) else {
            unclosed.push(full);
            if unclosed.len() < MOST_NAMES {
                continue;
            }
            out.push_str(REDACTED);
            return out;
        };
        out.push_str(head);
        if close > 0 {
            out.push_str(REDACTED);
        }
        rest = inside.split_at(close).1;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_full_of_tags_that_nothing_closes_is_not_looked_through_for_each() {
        let keys = Keys::new();
        let few = "<token> <password> ".repeat(100);
        assert_eq!(redact(&keys, &few), few);
        let many: String = (0..100).map(|n| format!("<token{n}> ")).collect();
        assert!(redact(&keys, &format!("{many}<password>pw</password>")).ends_with("***"));
    }
}
