//! JSON in the one form that all ways to write the same have in common: keys sorted, the last of doubled ones, numbers by
//! what they are worth, no spaces.

use crate::sql::decimal::Decimal;
use std::collections::BTreeMap;

/// Deeper than this nobody nests, and the stack is not endless.
const DEPTH: usize = 512;

/// Adds the canonical form. `None` for what is no JSON, or what the binary JSON of PostgreSQL can't hold: a NUL or half of a
/// surrogate pair in a string, a number beyond its range.
pub(super) fn canonical(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    reader.value(out, 0)?;
    reader.space();
    if reader.at == reader.bytes.len() { Some(()) } else { None }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: &[u8]) -> Option<()> {
        let found = self.bytes.get(self.at..self.at + wanted.len())? == wanted;
        self.at += wanted.len();
        found.then_some(())
    }

    fn value(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        self.space();
        match self.peek()? {
            b'{' => self.object(out, depth),
            b'[' => self.array(out, depth),
            b'"' => {
                let text = self.string()?;
                write_string(&text, out);
                Some(())
            }
            b't' => self.word(b"true", out),
            b'f' => self.word(b"false", out),
            b'n' => self.word(b"null", out),
            _ => self.number(out),
        }
    }

    fn word(&mut self, word: &[u8], out: &mut Vec<u8>) -> Option<()> {
        self.take(word)?;
        out.extend(word);
        Some(())
    }

    fn object(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        self.at += 1;
        let mut members = BTreeMap::new();
        self.space();
        if self.peek()? != b'}' {
            loop {
                self.space();
                let key = self.string()?;
                self.space();
                self.take(b":")?;
                let mut value = Vec::new();
                self.value(&mut value, depth + 1)?;
                members.insert(key, value);
                self.space();
                match self.peek()? {
                    b',' => self.at += 1,
                    _ => break,
                }
            }
        }
        self.take(b"}")?;
        out.push(b'{');
        for (key, value) in members {
            write_string(&key, out);
            out.extend(value);
        }
        out.push(b'}');
        Some(())
    }

    fn array(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        self.at += 1;
        out.push(b'[');
        self.space();
        if self.peek()? != b']' {
            loop {
                self.value(out, depth + 1)?;
                out.push(b',');
                self.space();
                match self.peek()? {
                    b',' => self.at += 1,
                    _ => break,
                }
            }
        }
        self.take(b"]")?;
        out.push(b']');
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        self.take(b"\"")?;
        let from = self.at;
        let mut escaped = false;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
        let inside = std::str::from_utf8(self.bytes.get(from..self.at)?).ok()?;
        self.at += 1;
        let text =
            if escaped { serde_json::from_str(&format!("\"{inside}\"")).ok()? } else { inside.to_owned() };
        if text.contains('\0') { None } else { Some(text) }
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let length =
            rest.iter().take_while(|c| matches!(c, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        let text = std::str::from_utf8(rest.get(..length)?).ok()?;
        // Leading zeros, a bare point: the grammar is the parser's.
        text.parse::<serde_json::Number>().ok()?;
        self.at += length;
        let number = Decimal::parse(text)?;
        if number.exponent > 131_072 || number.needed_scale() > 16_383 {
            return None;
        }
        out.push(b'#');
        number.canonical(out);
        out.push(b';');
        Some(())
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        canonical(text, &mut out).map(|()| out)
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        assert_eq!(form(r#"{"b": 1.0, "a": [1, "é"]}"#), form(r#" {"a":[10e-1,"\u00e9"],"b":1}"#));
        assert_eq!(form(r#"{"a":1,"a":2}"#), form(r#"{"a":2}"#));
        assert_ne!(form("[1,2]"), form("[2,1]"));
        assert_ne!(form(r#"["a","b"]"#), form(r#"["a\",\"b"]"#));
        assert_ne!(form("[[1],2]"), form("[[1,2]]"));
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in
            ["", "{", "[1,]", "{\"a\"}", "01", "1.", "nul", "\"\\ud800\"", "\"\\u0000\"", "1 2", "'a'", "NaN"]
        {
            assert_eq!(form(text), None, "{text}");
        }
    }
}
