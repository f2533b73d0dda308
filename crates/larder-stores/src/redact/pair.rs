//! A sensitive key before `=` or `:` in a text, and how far its value reaches.

use super::key::Keys;
use super::{REDACTED, is_key_character, percent};
use std::ops::Range;

/// The text with the values of its sensitive keys replaced.
pub(super) fn redact(keys: &Keys, text: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    let mut at = 0;
    let mut ahead = Ahead::default();
    while let Some(found) = part(text, at..text.len()).find([':', '=']) {
        let mark = at + found;
        at = mark + 1;
        let rest = part(text, at..text.len());
        let is_colon = part(text, mark..at) == ":";
        if is_colon && (rest.starts_with(':') || rest.starts_with("//") || rest.starts_with("\\/\\/")) {
            // A path in a language, or a URL.
            at += usize::from(rest.starts_with(':'));
            continue;
        }
        let before = part(text, from..mark);
        if is_colon && is_place(before, rest) {
            continue;
        }
        let Some(key) = Key::before(keys, before) else { continue };
        let Some(value) = key.value(text, at, is_colon, &mut ahead) else { continue };
        out.push_str(part(text, from..value.start));
        out.push_str(REDACTED);
        from = value.end;
        at = value.end;
    }
    out.push_str(part(text, from..text.len()));
    out
}

fn part(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

/// A sensitive key, and what tells how its value ends.
struct Key {
    /// It stands in the query of a URL.
    in_query: bool,
    /// Others of its kind stand before it, with a `;` between.
    in_list: bool,
    /// White space stands between it and its mark.
    is_spaced: bool,
}

impl Key {
    fn before(keys: &Keys, before: &str) -> Option<Self> {
        let bare = before.trim_end_matches([' ', '\t', '"', '\'', '`', '\\', ']', ')', '!', '+']);
        let (ahead, run) = split_run(bare);
        let is_secret = keys.has(&percent::decode(run))
            || ahead.strip_suffix(['[', '"', '\'']).is_some_and(|ahead| {
                // `secrets[0]`, `env["secrets"]["a"]`
                let ahead = ahead.trim_end_matches(['[', '"', '\'']);
                bare.len() < before.len() && keys.has(split_run(ahead).1)
            })
            || is_written_apart(keys, bare);
        is_secret.then(|| Self {
            in_query: ahead.ends_with(['?', '&', '#']),
            in_list: ahead.trim_end().ends_with(';'),
            is_spaced: before.ends_with([' ', '\t']),
        })
    }

    /// Where the value stands that begins at or after `at`, without its quotes.
    fn value(&self, text: &str, at: usize, is_colon: bool, ahead: &mut Ahead) -> Option<Range<usize>> {
        let rest = part(text, at..text.len());
        let rest = rest.strip_prefix(['=', '>', '~']).unwrap_or(rest);
        let blank = rest.trim_start_matches([' ', '\t']);
        let is_spaced = self.is_spaced || blank.len() < rest.len();
        let value = blank.trim_start_matches('\\');
        let escapes = blank.len() - value.len();
        let mut start = text.len() - blank.len();
        let length = match value.chars().next() {
            None => 0,
            Some('\n' | '\r') => block(blank),
            Some(quote @ ('"' | '\'' | '`')) => {
                start = text.len() - value.len() + 1;
                quoted(part(text, start..text.len()), quote, escapes)
            }
            Some('{' | '[' | '(') => {
                start = text.len() - value.len() + 1;
                bracketed(value)
            }
            Some('|' | '>') if is_colon => line(blank) + block(part(blank, line(blank)..blank.len())),
            Some(_) if is_colon || is_spaced => line(blank),
            Some(_) if self.in_query => {
                blank.find(|c: char| c == '&' || c.is_whitespace()).unwrap_or(blank.len())
            }
            Some(_) => self.attached(text, start, ahead),
        };
        (length > 0).then_some(start..start + length)
    }

    /// The value stands at the mark: it ends at white space, as for a shell, or in a list at the next `;`.
    fn attached(&self, text: &str, start: usize, ahead: &mut Ahead) -> usize {
        ahead.look(text, start);
        let of_line = part(text, start..ahead.line);
        let line = of_line.len();
        if let Some(list) = ahead.list
            && (self.in_list || ahead.equals.is_some_and(|equals| equals > list))
        {
            return list - start;
        }
        if self.in_list {
            return line;
        }
        let end = word(of_line);
        let is_scheme = ["bearer", "basic", "token", "digest", "negotiate", "apikey"]
            .iter()
            .any(|scheme| part(of_line, 0..end).eq_ignore_ascii_case(scheme));
        if is_scheme { line } else { end }
    }
}

/// A line of a source file: `src/token.rs:17:5`.
fn is_place(before: &str, after: &str) -> bool {
    const SOURCES: [&str; 16] = [
        "c", "cpp", "cs", "go", "h", "java", "js", "kt", "php", "py", "rb", "rs", "sh", "sql", "swift", "ts",
    ];
    let number = after.trim_start_matches(|c: char| c.is_ascii_digit());
    let ends = number.chars().next().is_none_or(|c| c.is_whitespace() || ":,)".contains(c));
    number.len() < after.len()
        && ends
        && split_run(before).1.rsplit_once('.').is_some_and(|(_, kind)| SOURCES.contains(&kind))
}

/// What a line holds further on. Looked for once and not again for each value, of which one line may have many.
#[derive(Default)]
struct Ahead {
    /// Where the line ends.
    line: usize,
    /// The next `;` in it.
    list: Option<usize>,
    /// Its last `=`.
    equals: Option<usize>,
}

impl Ahead {
    fn look(&mut self, text: &str, at: usize) {
        if at >= self.line {
            let rest = part(text, at..text.len());
            self.line = at + line(rest);
            self.list = Some(at);
            self.equals = part(text, at..self.line).rfind('=').map(|found| at + found);
        }
        // Where there was none, there is none further on.
        if self.list.is_some_and(|list| list <= at) {
            self.list = part(text, at..self.line).find(';').map(|found| at + found);
        }
    }
}

/// Whether the last words before the mark make a key together: `API key`.
fn is_written_apart(keys: &Keys, bare: &str) -> bool {
    let (rest, last) = split_run(bare);
    let Some(rest) = rest.strip_suffix(' ') else { return false };
    let (rest, second) = split_run(rest);
    let third = rest.strip_suffix(' ').map_or("", |rest| split_run(rest).1);
    !second.is_empty()
        && (keys.ends(&format!("{second}{last}"), last) || keys.ends(&format!("{third}{second}{last}"), last))
}

/// What a text ends with that may be a key, and what stands before that.
fn split_run(text: &str) -> (&str, &str) {
    text.split_at(text.trim_end_matches(is_key_character).len())
}

fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// The lines after this one that are indented, as of a text block in YAML, or items of a list there. `rest` begins with a line's end.
fn block(rest: &str) -> usize {
    let mut length = 0;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        let is_inside = line.starts_with([' ', '\t']) || line.starts_with("- ") || line.trim().is_empty();
        if number > 0 && !is_inside {
            break;
        }
        length += line.len();
    }
    let inside = part(rest, 0..length);
    if inside.trim().is_empty() { 0 } else { inside.trim_end().len() }
}

/// To where a shell ends a word: white space that is neither quoted nor escaped.
fn word(text: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            _ if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c.is_whitespace() => return at,
            Some(_) | None => {}
        }
    }
    text.len()
}

/// To the quote that closes, which has as many backslashes before it as the one that opened.
fn quoted(text: &str, quote: char, escapes: usize) -> usize {
    let mut from = 0;
    while let Some(found) = part(text, from..text.len()).find(quote) {
        let at = from + found;
        let before = part(text, 0..at);
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        let after = part(text, at + 1..text.len());
        from = at + 1;
        if after.starts_with(quote) && escapes == 0 {
            from += 1;
        } else if backslashes == escapes {
            return if ends_here(after) { at - escapes } else { at + 1 + line(after) };
        }
    }
    text.len()
}

/// From behind the bracket that opens to the one that closes, not counting those in quotes.
fn bracketed(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut in_quotes = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_quotes = !in_quotes,
            '{' | '[' | '(' if !in_quotes => depth += 1,
            '}' | ']' | ')' if !in_quotes => {
                depth = depth.saturating_sub(1);
                let after = part(text, at + 1..text.len());
                if depth == 0 {
                    return if ends_here(after) { at - 1 } else { at + line(after) };
                }
            }
            _ => {}
        }
    }
    text.len() - 1
}

/// Whether a value that closed is over with that, or goes on.
fn ends_here(after: &str) -> bool {
    after.chars().next().is_none_or(|c| c.is_whitespace() || ",;&)]}>\\:\"'`".contains(c))
}
