//! URLs of other hosts: they hold no secret.

use crate::redact::{REDACTED, Redaction};
use larder::{Error, ErrorKind, Result};
use std::fmt;

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
    let hidden = bare(url);
    if hidden == url {
        return Ok(());
    }
    let reason = SecretInUrl { url: hidden };
    Err(Error::new(ErrorKind::Parameter, reason.to_string())
        .with_help("leave it out, and keep it where git looks for it: a credential helper, an SSH key")
        .with_cause(reason))
}

/// A text about a remote without its secrets; it rather takes too much.
pub(super) fn hide(text: &str) -> String {
    Redaction::new().text(text)
}

/// The URL without its secrets, and nothing else of it: a host may be called `secret-garden:22`.
fn bare(url: &str) -> String {
    // What has no scheme, as `git@host:path`, has no place for a secret.
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // A password may hold a `/` or an `@` that nobody escaped: up to the last `@` it goes.
    let (user, rest) = rest.rfind('@').map_or(("", rest), |at| rest.split_at(at));
    let of_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let mut bare = format!("{scheme}://");
    match user.split_once(':') {
        _ if user.is_empty() => {}
        Some((name, _)) if !of_web => bare.push_str(&format!("{name}:{REDACTED}")),
        None if !of_web => bare.push_str(user),
        // Alone too it is a token where the web is spoken.
        _ => bare.push_str(REDACTED),
    }
    for part in rest.split_inclusive(['?', '&', ';', '#']) {
        let pair = part.trim_end_matches(['?', '&', ';', '#']);
        match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && Redaction::new().is_sensitive(name) => {
                bare.push_str(&format!("{name}={REDACTED}{}", part.get(pair.len()..).unwrap_or_default()));
            }
            _ => bare.push_str(part),
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_urls_are_found_and_nothing_else() {
        for (url, shown) in [
            ("https://host/a.git", "https://host/a.git"),
            ("git@host:team/a.git", "git@host:team/a.git"),
            ("git@secret-garden:team/a.git", "git@secret-garden:team/a.git"),
            ("ssh://git@secret-garden:22/a.git", "ssh://git@secret-garden:22/a.git"),
            ("ssh://git:hunter2@host/a.git", "ssh://git:***@host/a.git"),
            ("https://ghp_abc@host/a.git", "https://***@host/a.git"),
            ("HTTPS://ada:hunt@er/2@host/a", "HTTPS://***@host/a"),
            ("https://host/a?ref=x&private_token=abc#top", "https://host/a?ref=x&private_token=***#top"),
            ("https://host/a?token=", "https://host/a?token="),
            ("/srv/git/a.git", "/srv/git/a.git"),
        ] {
            assert_eq!(bare(url), shown);
            assert_eq!(bare(shown), shown);
            assert_eq!(check(url).is_ok(), url == shown, "{url}");
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
