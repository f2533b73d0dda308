//! Which keys have a secret as their value.

/// A key that has one of these in it, at any place, has a secret. Lower case, letters and digits only.
const PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "secret",
    "token",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "bearer",
    "privatekey",
    "privkey",
    "accesskey",
    "authkey",
    "signingkey",
    "encryptionkey",
    "decryptionkey",
    "hmackey",
    "aeskey",
    "stripekey",
    "webhookkey",
    "masterkey",
    "sharedkey",
    "accountkey",
    "storagekey",
    "sshkey",
    "deploykey",
    "sessionid",
    "sessionkey",
    "mnemonic",
    "seedphrase",
    "amzsignature",
    "dbpass",
    "userpass",
    "smtppass",
    "mysqlpass",
    "rootpass",
];

/// Words that have one of those in them and are none. They are taken out before it is looked for one.
const HARMLESS: &[&str] = &["tokenizer", "tokenization", "secretary", "secretariat"];

/// A key of which one of these is a whole word has a secret: they stand in too many harmless words to be parts.
const WORDS: &[&str] = &["pass", "pwd", "pw", "otp", "totp", "auth", "sig", "creds", "psk", "jwt"];

/// A key of which one of these is the last word has a secret, as `GITHUB_PAT`.
const LAST_WORDS: &[&str] = &["pat"];

/// A key that is one of these and nothing else has a secret: every other `pin_layout` is none.
const ALONE: &[&str] = &["pin"];

/// What stands before `_KEY` in the names of variables and constants that hold no secret. Any other is one: `STRIPE_KEY`.
const OPEN_KEYS: &[&str] = &[
    "PRIMARY",
    "FOREIGN",
    "PUBLIC",
    "PUBLISHABLE",
    "PUB",
    "UNIQUE",
    "INDEX",
    "SORT",
    "ORDER",
    "GROUP",
    "PARTITION",
    "SHARD",
    "ROUTING",
    "CACHE",
    "HASH",
    "RANGE",
    "ROW",
    "OBJECT",
    "MAP",
    "SEARCH",
    "LOOKUP",
    "NATURAL",
    "SURROGATE",
    "CANDIDATE",
    "COMPOSITE",
    "DUPLICATE",
    "DUP",
    "NO",
    "MIN",
    "MAX",
    "FIRST",
    "LAST",
    "NEXT",
    "IDEMPOTENCY",
    "TRANSLATION",
    "MESSAGE",
    "EVENT",
    "REGISTRY",
    "CONFIG",
    "LOCK",
];

/// A key of its own that is shorter than this is a word and not a part: `p` stands in every other key.
const SHORTEST_PART: usize = 4;

/// The keys of an application, besides the known ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) added: Vec<String>,
    pub(super) excepted: Vec<String>,
}

impl Keys {
    pub(super) const fn new() -> Self {
        Self { added: Vec::new(), excepted: Vec::new() }
    }

    /// Whether the value under `key` is a secret.
    pub(super) fn has(&self, key: &str) -> bool {
        let plain = normal(key);
        if plain.is_empty() || self.excepted.contains(&plain) {
            return false;
        }
        let looked_at = HARMLESS.iter().fold(plain.clone(), |key, word| key.replace(word, " "));
        if PARTS.iter().any(|part| looked_at.contains(part)) {
            return true;
        }
        if ALONE.contains(&plain.as_str()) || is_variable(key) {
            return true;
        }
        let (parts, short): (Vec<&String>, Vec<&String>) =
            self.added.iter().partition(|key| key.chars().count() >= SHORTEST_PART);
        let words = words(key);
        let last = words.iter().rfind(|word| !word.is_empty());
        parts.iter().any(|part| plain.contains(part.as_str()))
            || last.is_some_and(|word| LAST_WORDS.contains(&word.as_str()))
            || words.iter().any(|word| {
                WORDS.contains(&word.as_str()) || short.iter().any(|short| short.as_str() == word)
            })
    }

    /// Whether words written apart end with such a key, of which their last is only a part: `API key`.
    pub(super) fn ends(&self, words: &str, last: &str) -> bool {
        let (plain, last) = (normal(words), normal(last));
        let added = self.added.iter().map(String::as_str);
        PARTS.iter().copied().chain(added).any(|part| part.len() > last.len() && plain.ends_with(part))
    }
}

/// Whether the key is a variable of the environment that holds the key of something, as `STRIPE_KEY` or `app.MAIL_KEY2`.
fn is_variable(key: &str) -> bool {
    let key: String = key.chars().filter_map(narrow).collect();
    let key = key.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let name = key.split_at(key.trim_end_matches(part).len()).1;
    let before = name.strip_suffix("_KEY").map(|name| name.rsplit('_').next().unwrap_or_default());
    before.is_some_and(|word| word.contains(|c: char| c.is_ascii_uppercase()) && !OPEN_KEYS.contains(&word))
}

/// Letters and digits alone, in lower case, so that `API-Key`, `api_key` and `ＡＰＩｋｅｙ` are one key.
pub(super) fn normal(key: &str) -> String {
    key.chars()
        .filter_map(narrow)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .filter(letter)
        .collect()
}

/// The words of `githubToken`, `DB_PASS2` or `sql.pass`, each in lower case and without digits at its end.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_small = false;
    for c in key.chars().filter_map(narrow) {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before_small);
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase().filter(letter));
        }
        before_small = c.is_lowercase();
    }
    for word in &mut words {
        word.truncate(word.trim_end_matches(|c: char| c.is_numeric()).len());
    }
    words
}

fn letter(c: &char) -> bool {
    c.is_alphanumeric()
}

/// The full-width letters of East Asian keyboards are the same letters; characters that take no room are none.
fn narrow(c: char) -> Option<char> {
    match c {
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => None,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        _ => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_whatever_their_case_their_dashes_and_what_stands_around_them() {
        let keys = Keys::new();
        for key in [
            "password",
            "Passwd",
            "db_password",
            "githubToken",
            "API-KEY",
            "api_key",
            "apiKey",
            "x-api-key",
            "Authorization",
            "Set-Cookie",
            "private-key",
            "client_secret",
            "AWS_SECRET_ACCESS_KEY",
            "access.key",
            "DB_PASS",
            "dbPass",
            "pass2",
            "Pwd",
            "auth",
            "ＰＡＳＳＷＯＲＤ",
            "pass\u{200b}word",
            "pass\u{ad}wd",
            "paſſword",
            "--token",
            "token ",
            "PGPASSWORD",
            "sessionId",
            "secretary_password",
            "tokenizerToken",
            "passphrase",
            "credential",
            "AWS_CREDENTIALS",
            "secret_key",
            "secretKeyBase",
            "access_key",
            "STRIPE_KEY",
            "stripe_key",
            "stripeKey",
            "app.MAIL_KEY2",
            "--env.APP_KEY ",
            "OPENAI_API_KEY",
            "SIGNING_KEY",
            "encryption_key",
            "hmac-key",
            "pin",
            "--pin",
            "PIN",
            "pat",
            "--github-pat",
            "GH_PAT",
            "githubPat",
        ] {
            assert!(keys.has(key), "{key}");
        }
        for key in [
            "",
            "name",
            "path",
            "author",
            "compass",
            "bypass",
            "passed",
            "key",
            "monkey",
            "design",
            "authority",
            "tokenizer",
            "fast_tokenizer_path",
            "Secretary",
            "primary_key",
            "PRIMARY_KEY",
            "foreign_key",
            "FOREIGN_KEY",
            "public_key",
            "STRIPE_PUBLIC_KEY",
            "sort_key",
            "SORT_KEY",
            "cache_key",
            "CACHE_KEY",
            "ER_DUP_KEY",
            "KEY",
            "_KEY",
            "2_KEY",
            "KEYS",
            "MONKEY",
            "keyboard",
            "pinned",
            "pin_layout",
            "spin",
            "pattern",
            "pat_length",
            "path",
            "spat",
        ] {
            assert!(!keys.has(key), "{key}");
        }
    }

    #[test]
    fn an_application_adds_keys_and_excepts_keys() {
        let keys =
            Keys { added: vec![normal("Licence-No"), normal("p")], excepted: vec![normal("max_tokens")] };
        assert!(keys.has("my_licence_no") && keys.has("-p") && keys.has("old.p"));
        assert!(!keys.has("path") && !keys.has("maxTokens") && keys.has("max_tokens_secret"));
    }
}
