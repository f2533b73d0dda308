//! A text without its secrets: every way of looking at it, again and again until none finds more.

use super::{DEEPEST, REDACTED, Redaction, address, element, pair, percent, word};
use serde_json::Value;

/// A text that is not at rest after so many rounds is not kept. Two are the rule.
const ROUNDS: usize = 8;

/// A text within a text counts as so many levels of depth.
const WITHIN: usize = 8;

/// What is encoded is looked at as a part and as a whole, so every level doubles the work.
const ENCODED: usize = 24;

impl Redaction {
    /// What comes out goes in again until it stays as it is, so redacting it once more changes nothing.
    pub(super) fn text_at(&self, text: &str, depth: usize) -> String {
        if depth >= DEEPEST {
            return REDACTED.to_owned();
        }
        // Most of what is stored is a single word.
        if word::is_plain(text) {
            return text.to_owned();
        }
        let mut now = text.to_owned();
        for _ in 0..ROUNDS {
            let next = self.round(&now, depth);
            if next == now {
                return now;
            }
            now = next;
        }
        REDACTED.to_owned()
    }

    fn round(&self, text: &str, depth: usize) -> String {
        if let Some(json) = self.json(text, depth) {
            return json;
        }
        let text = private_keys(text);
        let text = address::redact(&text);
        let text = element::redact(&self.keys, &text);
        let text = pair::redact(&self.keys, &text);
        let text = word::redact(&self.keys, &text);
        if text.contains('%') { self.encoded(&text, depth) } else { text }
    }

    /// The text as JSON, if it is some and has a secret. JSON that has none is looked at as any text: of two fields with one
    /// name the parser gives only the last.
    fn json(&self, text: &str, depth: usize) -> Option<String> {
        if !text.trim_start().starts_with(['{', '[', '"']) {
            return None;
        }
        let value: Value = serde_json::from_str(text).ok()?;
        let redacted = self.value_at(&value, depth + WITHIN);
        (redacted != value).then(|| redacted.to_string())
    }

    /// The text without what shows itself as a secret when its percent-encoding is taken away.
    fn encoded(&self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        for word in text.split_inclusive(char::is_whitespace) {
            let bare = word.trim_end();
            if !bare.contains('%') {
                out.push_str(word);
                continue;
            }
            let mut kept = String::new();
            for part in bare.split_inclusive(['&', '?', '=', ';', ',', '"', '\'', '<', '>', '/', '@', '#']) {
                let end = part
                    .trim_end_matches(['&', '?', '=', ';', ',', '"', '\'', '<', '>', '/', '@', '#'])
                    .len();
                let (part, mark) = part.split_at(end);
                kept.push_str(if self.hides_a_secret(part, depth) { REDACTED } else { part });
                kept.push_str(mark);
            }
            out.push_str(if self.hides_a_secret(&kept, depth) { REDACTED } else { &kept });
            out.push_str(word.split_at(bare.len()).1);
        }
        out
    }

    fn hides_a_secret(&self, part: &str, depth: usize) -> bool {
        let plain = percent::decode(part);
        plain != part && self.text_at(&plain, depth + ENCODED) != plain
    }
}

/// The text without private keys in PEM form.
fn private_keys(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("-----BEGIN ") {
        let (before, block) = rest.split_at(at);
        out.push_str(before);
        let end = block.find("-----END ").map_or(block.len(), |at| {
            let after = at + "-----END ".len();
            block
                .get(after..)
                .and_then(|tail| tail.find("-----"))
                .map_or(block.len(), |close| after + close + 5)
        });
        let (block, after) = block.split_at(end);
        out.push_str(if block.contains("PRIVATE KEY") { REDACTED } else { block });
        rest = after;
    }
    out.push_str(rest);
    out
}
