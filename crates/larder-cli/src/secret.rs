//! Keeps secrets out of what is printed. Every line the program prints goes through here, so that no command has to
//! think of it.

use std::borrow::Cow;
use std::ops::Range;

const MASK: &str = "***";

/// Names of URL parameters whose values are secrets.
const PARAMETERS: [&str; 7] =
    ["password", "passwd", "pwd", "sslpassword", "token", "access_token", "api_key"];

/// The text with the passwords of URLs replaced.
pub(crate) fn hide(text: &str) -> Cow<'_, str> {
    let secrets = find(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut hidden = String::with_capacity(text.len());
    let mut from = 0;
    for secret in secrets {
        hidden.push_str(text.get(from..secret.start).unwrap_or_default());
        hidden.push_str(MASK);
        from = secret.end;
    }
    hidden.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(hidden)
}

/// The same, and where two offsets of `text` come to lie: those around a place that is to be marked.
pub(crate) fn hide_around(text: &str, marked: Range<usize>) -> (String, Range<usize>) {
    let secrets = find(text);
    let moved = |offset: usize| {
        let mut at = offset;
        for secret in &secrets {
            if offset >= secret.end {
                at = at + MASK.len() - secret.len();
            } else if offset > secret.start {
                at = at - (offset - secret.start) + MASK.len();
            }
        }
        at
    };
    let (start, end) = (moved(marked.start), moved(marked.end));
    (hide(text).into_owned(), start.min(end)..end)
}

/// Where the secrets stand, in order, none inside another.
fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")) {
        let start = from + at + 3;
        let rest = text.get(start..).unwrap_or_default();
        let length = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'))
            .unwrap_or(rest.len());
        find_in_url(rest.get(..length).unwrap_or_default(), start, &mut found);
        from = start + length;
    }
    found
}

/// `url` is what stands after `://`; it begins at `start`.
fn find_in_url(url: &str, start: usize, found: &mut Vec<Range<usize>>) {
    // A password may hold a `/`, a `?` or an `@` that nobody escaped: up to the last `@` it is hidden.
    let query = match url.rfind('@') {
        Some(at) => {
            let user = url.get(..at).unwrap_or_default();
            if let Some(colon) = user.find(':').filter(|colon| colon + 1 < at) {
                found.push(start + colon + 1..start + at);
            }
            at
        }
        None => 0,
    };
    let mut from = query;
    while let Some(at) = url.get(from..).and_then(|rest| rest.find(['?', '&', ';'])) {
        let name_at = from + at + 1;
        let rest = url.get(name_at..).unwrap_or_default();
        let length = rest.find(['&', ';', '#']).unwrap_or(rest.len());
        if let Some((name, value)) = rest.get(..length).and_then(|pair| pair.split_once('='))
            && !value.is_empty()
            && PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
        {
            let value_at = start + name_at + name.len() + 1;
            found.push(value_at..value_at + value.len());
        }
        from = name_at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_url_is_replaced_and_the_rest_stays() {
        for (text, hidden) in [
            ("postgres://ada:s3cret@db:5432/app", "postgres://ada:***@db:5432/app"),
            ("a `postgres://ada:s3@cr/et?x@db/app` b", "a `postgres://ada:***@db/app` b"),
            (
                "postgres://db/app?sslmode=require&password=s3cret#x",
                "postgres://db/app?sslmode=require&password=***#x",
            ),
            ("x://u:p@h?token=t y://u:q@h", "x://u:***@h?token=*** y://u:***@h"),
            ("postgres://ada@db/app", "postgres://ada@db/app"),
            ("postgres://ada:@db/app", "postgres://ada:@db/app"),
            ("data/app.db", "data/app.db"),
            ("https://example.org:8080/a?page=2", "https://example.org:8080/a?page=2"),
        ] {
            assert_eq!(hide(text), hidden);
        }
    }

    #[test]
    fn a_marked_place_moves_with_the_text_around_it() {
        let text = "url = \"x://u:longsecret@h\"\ndri = \"m\"\n";
        let at = text.find("dri").unwrap();
        let (hidden, marked) = hide_around(text, at..at + 3);
        assert_eq!(&hidden[marked], "dri");
        let url = text.find("x:").unwrap()..text.find("\"\nd").unwrap();
        let (hidden, marked) = hide_around(text, url);
        assert_eq!(&hidden[marked], "x://u:***@h");
    }

    #[test]
    fn a_place_inside_a_secret_never_shows_it() {
        let text = "x://u:p\u{e9}cret@h";
        let (hidden, marked) = hide_around(text, 7..10);
        assert_eq!(hidden, "x://u:***@h");
        assert!(marked.end <= hidden.len(), "{marked:?}");
    }
}
