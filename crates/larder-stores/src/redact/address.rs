//! The credentials in URLs: what stands between `//` and `@`.

use super::REDACTED;

/// Slashes as JSON may write them within a text.
const ESCAPED: &str = "\\/\\/";

/// A password with spaces is looked for so far, in bytes.
const MOST: usize = 512;

/// The text with the credentials of its URLs replaced. The user's name stays where only the password is a secret: in a
/// URL of the web the name may be a token itself.
pub(super) fn redact(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    // Where the word ends that was looked at last, counted from the end of the text: every URL in it ends there too.
    let mut word_end = usize::MAX;
    let has_escaped = text.contains(ESCAPED);
    while let Some((at, length)) = slashes(rest, has_escaped) {
        let (before, after) = rest.split_at(at + length);
        out.push_str(before);
        rest = after;
        let scheme = scheme_of(before, length);
        if word_end > after.len() {
            word_end = after.len() - after.find(char::is_whitespace).unwrap_or(after.len());
        }
        let reach = reach(after.split_at(after.len() - word_end).0, scheme.quote);
        let (place, _) = after.split_at(reach);
        if let Some(end) = credentials(place, after) {
            let (secret, left) = after.split_at(end);
            match secret.split_once(':') {
                Some((user, _)) if !scheme.is_web && !user.contains(['@', '/']) => {
                    out.push_str(user);
                    out.push(':');
                    out.push_str(REDACTED);
                }
                None if !scheme.is_web => out.push_str(secret),
                _ => out.push_str(REDACTED),
            }
            rest = left;
        } else if !place.contains('@') {
            // Nothing in it can be a URL with credentials.
            out.push_str(place);
            rest = after.split_at(reach).1;
        }
    }
    out.push_str(rest);
    names_of_sources(&out)
}

/// The names that drivers of MySQL take for a URL: `ada:secret@tcp(db:3306)/app`.
fn names_of_sources(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let driver = |at: usize, text: &str| {
        text.get(at..)
            .is_some_and(|rest| ["@tcp(", "@unix(", "@udp("].iter().any(|sign| rest.starts_with(sign)))
    };
    while let Some((at, _)) = rest.match_indices('@').find(|(at, _)| driver(*at, rest)) {
        let (before, after) = rest.split_at(at);
        let word = before.len() - before.rsplit(char::is_whitespace).next().unwrap_or_default().len();
        let start = before.get(word..).and_then(|word| word.find(':'));
        match start {
            Some(colon) => {
                out.push_str(before.split_at(word + colon + 1).0);
                out.push_str(REDACTED);
            }
            None => out.push_str(before),
        }
        let (sign, behind) = after.split_at(1);
        out.push_str(sign);
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Where the next `//` or `\/\/` stands, and how long it is.
fn slashes(text: &str, has_escaped: bool) -> Option<(usize, usize)> {
    let plain = text.find("//").map(|at| (at, 2));
    let escaped = if has_escaped { text.find(ESCAPED).map(|at| (at, ESCAPED.len())) } else { None };
    [plain, escaped].into_iter().flatten().min()
}

struct Scheme {
    is_web: bool,
    /// What stands before the URL, and so after it too.
    quote: Option<char>,
}

fn scheme_of(before: &str, slashes: usize) -> Scheme {
    let before = before.split_at(before.len().saturating_sub(slashes)).0;
    let Some(named) = before.strip_suffix(':') else {
        return Scheme { is_web: true, quote: None };
    };
    let start = named
        .rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
        .map_or(0, |at| at + named.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8));
    let (around, name) = named.split_at(start);
    let name = name.to_ascii_lowercase();
    let is_web = name.is_empty() || ["http", "https", "ws", "wss"].iter().any(|web| name.ends_with(web));
    let quote = around.chars().next_back().filter(|c| matches!(c, '"' | '\'' | '`' | '<'));
    Scheme { is_web, quote: quote.map(|c| if c == '<' { '>' } else { c }) }
}

/// How far the URL may reach in its word: to the quote that closes it, or to the next one of a list.
fn reach(word: &str, quote: Option<char>) -> usize {
    let end = quote.and_then(|quote| word.find(quote)).unwrap_or(word.len());
    let place = word.split_at(end).0;
    let colon = place.find(':').unwrap_or(end);
    let at_sign = place.find('@').unwrap_or(end);
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let next = place.match_indices([',', ';', '|']).find_map(|(at, mark)| {
        // A password may hold what looks like the next URL of a list, so the first one must be whole before the comma.
        let is_whole = at_sign < at || colon > at;
        let behind = place.get(at + mark.len()..)?;
        (is_whole && behind.trim_start_matches(is_scheme).starts_with("://")).then_some(at)
    });
    next.unwrap_or(end)
}

/// How long the credentials are, without the `@`. A password may hold `/`, `?`, `#`, `@` or a space that nobody encoded, so
/// they reach to the last `@` wherever the URL would have no meaning otherwise.
fn credentials(place: &str, after: &str) -> Option<usize> {
    let authority = place.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if !authority.contains(['@', ':']) {
        return None;
    }
    if let Some(at) = place.rfind('@') {
        return Some(at);
    }
    let (_, port) = authority.split_once(':')?;
    let is_port = port.chars().all(|c| c.is_ascii_digit()) || authority.starts_with('[');
    if is_port || place.len() == after.len() {
        return None;
    }
    // What should be a port is none: a password with spaces in it, which end somewhere.
    let near = after.split_at(after.floor_char_boundary(MOST)).0;
    near.lines().next().unwrap_or_default().rfind('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_and_what_has_none_stays() {
        for (text, redacted) in [
            ("postgres://ada:s3cret@db:5432/app", "postgres://ada:***@db:5432/app"),
            ("postgres://ada@db/app", "postgres://ada@db/app"),
            ("postgres://u:p@ss@w/or?d#x@db/app", "postgres://u:***@db/app"),
            ("postgres://u:12/34@db/app", "postgres://u:***@db/app"),
            ("https://ghp_abc@github.com/a/b", "https://***@github.com/a/b"),
            ("https://tok:x-oauth-basic@github.com", "https://***@github.com"),
            ("redis://:pw@cache", "redis://:***@cache"),
            ("a x://u:p@h b y://v:q@i c", "a x://u:***@h b y://v:***@i c"),
            ("amqp://u:p@h1,amqp://v:q@h2", "amqp://u:***@h1,amqp://v:***@h2"),
            ("x://u:p,y://w@h", "x://u:***@h"),
            ("x://u:my pass@h rest", "x://u:***@h rest"),
            ("{\"a\":\"x://u:p@h\",\"b\":\"m@n\"}", "{\"a\":\"x://u:***@h\",\"b\":\"m@n\"}"),
            ("https:\\/\\/u:p@h\\/x", "https:\\/\\/***@h\\/x"),
            ("//u:p@h", "//***@h"),
            ("https://packages.example/@scope/name", "https://packages.example/@scope/name"),
            ("http://[::1]:80/x", "http://[::1]:80/x"),
            ("http://localhost:8080/a and m@n.org", "http://localhost:8080/a and m@n.org"),
            ("file:///home/ada", "file:///home/ada"),
            ("// a comment for a@b", "// a comment for a@b"),
            ("é://ü:ß@ö", "é://***@ö"),
            ("dsn is ada:p:w@tcp(db:3306)/app", "dsn is ada:***@tcp(db:3306)/app"),
            ("m@n ada:p@w@unix(/s)/app", "m@n ada:***@unix(/s)/app"),
            ("x://u:a b@h y://v:c@i", "x://u:***@i"),
            ("x://h:1/,y://u:p@i z://w:q@j", "x://h:***@i z://w:***@j"),
        ] {
            assert_eq!(redact(text), redacted, "{text}");
            assert_eq!(redact(redacted), redacted);
        }
    }
}
