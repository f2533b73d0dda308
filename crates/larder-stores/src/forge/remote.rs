//! URLs of other hosts: they hold no secret.

use larder::{Error, ErrorKind, Result};
use std::fmt;

/// Names of URL parameters whose values are secrets.
const SECRETS: [&str; 9] =
    ["password", "passwd", "pwd", "token", "access_token", "private_token", "api_key", "apikey", "secret"];

/// A URL with a secret in it, which is not repeated here. It was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretInUrl {
    /// The URL, with `***` in the place of the secret.
    pub url: String,
}

impl fmt::Display for SecretInUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the URL {} has a secret in it", self.url)
    }
}

impl std::error::Error for SecretInUrl {}

/// Refuses a URL that holds a secret, is empty or has a blank in it.
pub(super) fn check(url: &str) -> Result<()> {
    if url.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::new(ErrorKind::Parameter, "a remote URL is empty, or has a blank in it"));
    }
    let hidden = hide(url);
    if hidden == url {
        return Ok(());
    }
    let reason = SecretInUrl { url: hidden };
    Err(Error::new(ErrorKind::Parameter, reason.to_string())
        .with_help("leave it out, and keep it where git looks for it: a credential helper, an SSH key")
        .with_cause(reason))
}

/// The text with the secrets of its URLs replaced.
pub(super) fn hide(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        hidden.push_str(before);
        let end = url
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'))
            .unwrap_or(url.len());
        let (url, after) = url.split_at(end);
        let of_web = before.ends_with("http://") || before.ends_with("https://");
        hidden.push_str(&hide_in(url, of_web));
        rest = after;
    }
    hidden.push_str(rest);
    hidden
}

/// `url` is what stands after `://`. A name alone before the `@` is a token on the web, and a user elsewhere.
fn hide_in(url: &str, of_web: bool) -> String {
    // A password may hold a `/` or an `@` that nobody escaped: up to the last `@` it is hidden.
    let (user, rest) = match url.rfind('@') {
        Some(at) => url.split_at(at),
        None => ("", url),
    };
    let user = match user.split_once(':') {
        _ if user.is_empty() => String::new(),
        Some((name, _)) if !of_web => format!("{name}:***"),
        None if !of_web => user.to_owned(),
        _ => "***".to_owned(),
    };
    let mut hidden = user;
    let mut parts = rest.split_inclusive(['?', '&', ';', '#']).peekable();
    while let Some(part) = parts.next() {
        let end = if parts.peek().is_some() { part.len() - 1 } else { part.len() };
        let (pair, delimiter) = part.split_at(end);
        match pair.split_once('=') {
            Some((name, value))
                if !value.is_empty()
                    && value != "***"
                    && SECRETS.iter().any(|it| name.eq_ignore_ascii_case(it)) =>
            {
                hidden.push_str(name);
                hidden.push_str("=***");
            }
            _ => hidden.push_str(pair),
        }
        hidden.push_str(delimiter);
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_urls_are_hidden_and_nothing_else() {
        for (text, shown) in [
            ("https://host/a.git", "https://host/a.git"),
            ("git@host:team/a.git", "git@host:team/a.git"),
            ("ssh://git@host:22/a.git", "ssh://git@host:22/a.git"),
            ("ssh://git:hunter2@host/a.git", "ssh://git:***@host/a.git"),
            ("https://ghp_abc@host/a.git", "https://***@host/a.git"),
            ("https://ada:hunt@er/2@host/a", "https://***@host/a"),
            ("https://host/a?ref=x&private_token=abc#top", "https://host/a?ref=x&private_token=***#top"),
            ("can't reach 'https://a:b@host/x': gone", "can't reach 'https://***@host/x': gone"),
            ("https://a:b@h1 and http://c@h2", "https://***@h1 and http://***@h2"),
            ("/srv/git/a.git", "/srv/git/a.git"),
        ] {
            assert_eq!(hide(text), shown, "{text}");
        }
    }

    #[test]
    fn a_url_with_a_secret_is_refused_without_repeating_it() {
        let error = check("https://ada:hunter2@host/a.git").unwrap_err();
        assert_eq!(error.find::<SecretInUrl>().unwrap().url, "https://***@host/a.git");
        assert!(!format!("{error:?}").contains("hunter2"));
        assert!(check("").is_err());
        assert!(check("https://host/a b").is_err());
        assert!(check("ssh://git@host/a.git").is_ok());
    }
}
