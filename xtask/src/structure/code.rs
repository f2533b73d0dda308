//! What is left of a Rust text when comments and literals are taken out: the paths in it are then real ones.

/// Gives the text with comments, strings and character literals blanked. Lines stay where they were.
pub(super) fn code_only(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' | 'c' if !ends_in_word(&code) => prefixed(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if length == 0 {
            code.push(first);
            rest = rest.split_at(first.len_utf8()).1;
        } else {
            let (blank, after) = rest.split_at(length);
            code.push(' ');
            code.extend(blank.chars().filter(|c| *c == '\n'));
            rest = after;
        }
    }
    code
}

/// Whether the text ends within a name.
pub(super) fn ends_in_word(code: &str) -> bool {
    code.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// The length of a block comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a string in quotes, with backslash escapes.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a literal with a prefix (`r"…"`, `br#"…"#`, `c"…"`, `b'…'`), or 0 when this is a name or a raw name.
fn prefixed(text: &str) -> usize {
    let letters = text.chars().take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
    let (prefix, rest) = text.split_at(letters);
    if !prefix.contains('r') {
        return match rest.chars().next() {
            Some('"') => letters + string(rest),
            Some('\'') if prefix == "b" => letters + character(rest),
            _ => 0,
        };
    }
    let hashes = rest.chars().take_while(|c| *c == '#').count();
    let Some(body) = rest.get(hashes..).and_then(|rest| rest.strip_prefix('"')) else {
        return 0;
    };
    let end = format!("\"{}", "#".repeat(hashes));
    let body_length = body.find(&end).map_or(body.len(), |at| at + end.len());
    letters + hashes + 1 + body_length
}

/// The length of a character literal, or 0 when the quote begins a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1)
        }
        Some(_) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let text = concat!(
            "use crate::a; // crate::b\n/* crate::c /* crate::d */ crate::e\n*/ let x = \"crate::f \\\" crate::g\";\n",
            "let y = r#\"crate::h \" crate::i\"#; let z = b\"crate::j\"; let q = '\"'; let w = '\\''; fn f<'a>(v: &'a str) {}\n",
            "let v = r\"\\\"; use crate::k; let r#type = br\"crate::l\";",
        );
        let code = code_only(text);
        let found: Vec<&str> = code.split("crate::").skip(1).map(|rest| rest.split_at(1).0).collect();
        assert_eq!(found, ["a", "k"]);
        assert_eq!(code.lines().count(), text.lines().count());
        assert!(code.contains("fn f<'a>(v: &'a str) {}"));
    }
}
