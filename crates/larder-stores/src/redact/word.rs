//! What a text shows word by word: options with their values, tokens after `Bearer`, tokens of well-known makers.

use super::key::Keys;
use super::{REDACTED, is_key_character};

/// What the tokens of well-known makers begin with.
const MAKERS: &[&str] = &[
    "ghp_",
    "gho_",
    "ghs_",
    "ghr_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxs-",
    "xoxe",
    "xapp-",
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "whsec_",
    "ya29.",
    "hvs.",
    "AGE-SECRET-KEY-",
    "npm_",
    "pypi-",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "hf_",
    "dop_v1_",
    "shpat_",
    "SG.",
];

/// No token of these makers is shorter.
const SHORTEST: usize = 20;

/// A word in which nothing can be a secret, because nothing can announce one and no maker is known by its beginning.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !MAKERS.iter().any(|maker| text.starts_with(maker))
}

/// So many words behind `IDENTIFIED` a password may be announced by `BY`: `IDENTIFIED WITH plugin BY '…'`.
const FURTHEST_BY: usize = 3;

/// The text with the values of its sensitive options replaced, and the tokens that are known by themselves.
pub(super) fn redact(keys: &Keys, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut announced = Announced::Nothing;
    let mut since_identified = usize::MAX;
    loop {
        let word = rest.trim_start();
        let blank = rest.len() - word.len();
        let (blanks, _) = rest.split_at(blank);
        out.push_str(blanks);
        if word.is_empty() {
            return out;
        }
        if blanks.contains('\n') && !out.trim_end().ends_with('\\') {
            announced = Announced::Nothing;
        }
        let end = match announced {
            Announced::Nothing => first_word(word),
            Announced::Value | Announced::Encoded | Announced::Quoted | Announced::Account => {
                first_quoted(word)
            }
        };
        let (first, after) = word.split_at(end);
        rest = after;
        let is_secret = match announced {
            Announced::Account => {
                if let Some(user) = account(first) {
                    announced = Announced::Nothing;
                    out.push_str(user);
                    out.push_str(REDACTED);
                    let quote = first.chars().next().filter(|c| matches!(c, '"' | '\''));
                    out.extend(quote.filter(|quote| first.ends_with(*quote)));
                    continue;
                }
                false
            }
            Announced::Nothing => false,
            Announced::Value => first != "\\",
            Announced::Encoded => is_encoded(first),
            Announced::Quoted => first.starts_with(['\'', '"', '`']),
        };
        if first != "\\" {
            announced = announces(keys, first);
            since_identified =
                if first.eq_ignore_ascii_case("identified") { 0 } else { since_identified.saturating_add(1) };
            if since_identified <= FURTHEST_BY && first.eq_ignore_ascii_case("by") {
                // Some engines take a password without quotes; but a text also says by what something is identified.
                announced = if first == "BY" { Announced::Value } else { Announced::Quoted };
            }
        }
        if is_secret {
            out.push_str(REDACTED);
        } else if let Some((option, user)) = attached_account(first) {
            out.push_str(option);
            out.push_str(user);
            out.push_str(REDACTED);
        } else {
            tokens(first, &mut out);
        }
    }
}

/// What the word before says of the word after it.
enum Announced {
    Nothing,
    /// It is a secret.
    Value,
    /// It is one if it looks so.
    Encoded,
    /// It is one if it is quoted, as in SQL.
    Quoted,
    /// It is a name, and behind a colon there may be a password.
    Account,
}

/// Options that take `user:password`, of `curl` and others.
const ACCOUNTS: [&str; 5] = ["-u", "-U", "--user", "--proxy-user", "--userpwd"];

/// The name before the password, with its colon. Two numbers are the ids of a user and a group.
pub(super) fn account(word: &str) -> Option<&str> {
    let (user, password) = word.split_once(':')?;
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let is_group = is_number(user) && is_number(password);
    let is_there = !matches!(password.trim_matches(['"', '\'']), "" | REDACTED);
    let is_secret = is_there && !is_group && !password.starts_with("//");
    is_secret.then(|| word.split_at(user.len() + 1).0)
}

/// Whether the word after this option is an [`account`].
pub(super) fn announces_account(option: &str) -> bool {
    ACCOUNTS.contains(&option)
}

/// An option and the account that hangs on to it: `--user=ada:…`, `-uada:…`.
fn attached_account(word: &str) -> Option<(&str, &str)> {
    let start = ACCOUNTS.iter().find_map(|option| {
        let rest = word.strip_prefix(option)?;
        match option.starts_with("--") {
            true => rest.starts_with('=').then_some(option.len() + 1),
            false => (!rest.is_empty()).then_some(option.len()),
        }
    })?;
    let (option, rest) = word.split_at(start);
    Some((option, account(rest)?))
}

fn announces(keys: &Keys, word: &str) -> Announced {
    let bare = word.trim_matches(|c: char| !is_key_character(c));
    if announces_account(bare) && !word.contains('=') {
        return Announced::Account;
    }
    let is_option = bare.starts_with('-') && bare.chars().all(is_key_character) && !word.contains('=');
    if (is_option && keys.has(bare)) || bare.eq_ignore_ascii_case("bearer") {
        Announced::Value
    } else if bare.eq_ignore_ascii_case("basic") {
        Announced::Encoded
    } else if bare.len() == word.len() && keys.has(bare) {
        Announced::Quoted
    } else {
        Announced::Nothing
    }
}

/// Base64 of a name and a password, and no word of a language.
fn is_encoded(word: &str) -> bool {
    word.len() >= 8 && word.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '=')
}

fn first_word(text: &str) -> usize {
    text.find(char::is_whitespace).unwrap_or(text.len())
}

/// The first word, or all that is quoted, and what hangs on to it.
fn first_quoted(text: &str) -> usize {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
        return first_word(text);
    };
    let inside = text.split_at(1).1;
    match inside.find(quote) {
        Some(close) => 1 + close + first_word(inside.split_at(close).1),
        None => text.len(),
    }
}

/// What npm gives its scripts, as `npm_config_registry`, begins like its tokens, which have no other underscore.
fn is_token(word: &str) -> bool {
    word.len() >= SHORTEST
        && MAKERS.iter().any(|maker| word.starts_with(maker))
        && word.strip_prefix("npm_").is_none_or(|rest| !rest.contains('_'))
}

/// A word without the tokens of well-known makers.
fn tokens(word: &str, out: &mut String) {
    for run in word.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.')) {
        let token =
            run.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'));
        if is_token(token) {
            out.push_str(REDACTED);
            out.push_str(run.split_at(token.len()).1);
        } else {
            out.push_str(run);
        }
    }
}
