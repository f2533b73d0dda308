//! Elements of XML: `<password>…</password>`.

use super::key::Keys;
use super::{REDACTED, is_key_character};

/// The text with what stands between the tags of a sensitive name replaced. A tag that nothing closes is left: it is how
/// people write the place of an argument, `--token <token>`.
pub(super) fn redact(keys: &Keys, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at + 1);
        out.push_str(before);
        rest = tag;
        let full = tag.split(|c: char| !is_key_character(c) && c != ':').next().unwrap_or_default();
        let name = full.rsplit(':').next().unwrap_or_default();
        if name.is_empty() || !keys.has(name) {
            continue;
        }
        let Some(end) = tag.find('>').filter(|end| !tag.split_at(*end).0.ends_with('/')) else { continue };
        let (head, inside) = tag.split_at(end + 1);
        let Some(close) = inside.find(&format!("</{full}")) else { continue };
        out.push_str(head);
        if close > 0 {
            out.push_str(REDACTED);
        }
        rest = inside.split_at(close).1;
    }
    out.push_str(rest);
    out
}
