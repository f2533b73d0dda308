//! What never reaches the database: passwords, tokens, keys.

mod address;
mod element;
mod key;
mod pair;
mod percent;
mod text;
mod word;

use key::Keys;
use serde_json::{Map, Value};

/// What stands in the place of a secret.
pub const REDACTED: &str = "***";

/// What lies deeper than this is not looked at and not kept: text of that depth could not be read back as JSON either.
const DEEPEST: usize = 96;

/// Replaces secrets with [`REDACTED`], in JSON, in texts and in the arguments of a command.
///
/// A secret is known by what stands beside it, not by how it looks: the value of a key such as `password`, `token`,
/// `api_key` or `authorization` (of any case, with or without dashes and underscores, also as a part as in
/// `githubToken`), at any depth; such a key before `=` or `:` in a text, as an option (`--password x`) or as a parameter of a
/// URL; and the credentials in a URL. Private keys in PEM form and the tokens of well-known makers are known by themselves.
///
/// It rather takes too much than too little: where it can't tell where a secret ends, the rest of the line goes.
///
/// ```
/// use larder_stores::Redaction;
///
/// let redaction = Redaction::new().with_key("licence");
/// let config = serde_json::json!({ "url": "postgres://ada:pw@db/app", "licence": 7, "jobs": 4 });
/// assert_eq!(
///     redaction.value(&config),
///     serde_json::json!({ "url": "postgres://ada:***@db/app", "licence": "***", "jobs": 4 })
/// );
/// assert_eq!(redaction.args(["push", "--token", "abc"]), ["push", "--token", "***"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    keys: Keys,
}

/// The redaction of who asks for nothing else.
pub(crate) static STANDARD: Redaction = Redaction::new();

impl Redaction {
    /// The known keys.
    pub const fn new() -> Self {
        Self { keys: Keys::new() }
    }

    /// Adds a key. From four letters on it is also known as a part of others; a shorter one must be a whole word.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.keys.added.extend(Some(key::normal(key)).filter(|key| !key.is_empty()));
        self
    }

    /// Excepts a key: exactly this one is no secret, as `max_tokens`.
    #[must_use]
    pub fn without_key(mut self, key: &str) -> Self {
        self.keys.excepted.push(key::normal(key));
        self
    }

    /// Whether the value under `key` counts as a secret.
    pub fn is_sensitive(&self, key: &str) -> bool {
        self.keys.has(key)
    }

    /// `value` without its secrets. Under a sensitive key all goes, whatever its type, but `null`, `true` and `false`.
    #[must_use]
    pub fn value(&self, value: &Value) -> Value {
        self.value_at(value, 0)
    }

    /// `text` without its secrets. JSON in the text is taken as JSON.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.text_at(text, 0)
    }

    /// The arguments of a command without their secrets: as [`text`](Self::text), and what follows an option or a word that is a
    /// sensitive key, and all that follows `KEY=`.
    #[must_use]
    pub fn args<I: IntoIterator<Item: AsRef<str>>>(&self, args: I) -> Vec<String> {
        let mut next_is_secret = false;
        let mut next_is_account = false;
        args.into_iter()
            .map(|arg| {
                let arg = arg.as_ref();
                let is_account = std::mem::replace(&mut next_is_account, word::announces_account(arg));
                if is_account
                    && !next_is_secret
                    && let Some(user) = word::account(arg)
                {
                    return format!("{user}{REDACTED}");
                }
                let announces = self.announces(arg);
                // A value that looks like such an option may be one, and what follows it a secret too.
                let secret = next_is_secret;
                next_is_secret = announces && (!secret || arg.starts_with('-'));
                if secret { REDACTED.to_owned() } else { self.argument(arg) }
            })
            .collect()
    }

    /// Whether the argument after this one is a secret. `--no-password` and `--password-stdin` are followed by none.
    fn announces(&self, arg: &str) -> bool {
        let is_flag = arg.starts_with("--no-") || (arg.starts_with("--") && arg.ends_with("-stdin"));
        !arg.is_empty() && !is_flag && arg.chars().all(is_key_character) && self.keys.has(arg)
    }

    fn argument(&self, arg: &str) -> String {
        for (at, _) in arg.match_indices('=') {
            let (before, _) = arg.split_at(at);
            let key = before.rsplit('=').next().unwrap_or_default();
            if key.chars().all(is_key_character) && self.keys.has(&percent::decode(key)) {
                return format!("{}={REDACTED}", self.text(before));
            }
        }
        self.text(arg)
    }

    fn value_at(&self, value: &Value, depth: usize) -> Value {
        if depth >= DEEPEST {
            return Value::from(REDACTED);
        }
        match value {
            Value::String(text) => self.text_at(text, depth).into(),
            Value::Array(items) => self.array(items, depth),
            Value::Object(fields) => self.object(fields, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// Also the list of a command's arguments, and a pair of a name and its value.
    fn array(&self, items: &[Value], depth: usize) -> Value {
        let is_pair = items.len() == 2;
        let mut next_is_secret = false;
        let each = |item: &Value| {
            let announces = item
                .as_str()
                .is_some_and(|text| (text.starts_with('-') || is_pair) && self.announces(text.trim()));
            if std::mem::replace(&mut next_is_secret, announces) {
                self.secret(item)
            } else {
                self.value_at(item, depth + 1)
            }
        };
        items.iter().map(each).collect()
    }

    /// Also one that names a setting and gives its value: `{"name": "DB_PASSWORD", "value": "…"}`.
    fn object(&self, fields: &Map<String, Value>, depth: usize) -> Value {
        const NAMES: [&str; 12] = [
            "name", "key", "header", "field", "variable", "param", "option", "k", "id", "label", "setting",
            "property",
        ];
        const VALUES: [&str; 7] = ["value", "values", "val", "v", "content", "data", "default"];
        let names_a_secret = fields.iter().any(|(name, value)| {
            NAMES.contains(&name.to_lowercase().as_str())
                && value.as_str().is_some_and(|key| self.keys.has(key))
        });
        let mut redacted = Map::new();
        for (key, value) in fields {
            let is_secret = self.keys.has(key)
                || self.keys.has(&percent::decode(key))
                || (names_a_secret && VALUES.contains(&key.to_lowercase().as_str()));
            let value = if is_secret { self.secret(value) } else { self.value_at(value, depth + 1) };
            // Two keys that differed by their secrets alone stay two.
            let mut key = self.text_at(key, depth);
            while redacted.contains_key(&key) {
                key.push('+');
            }
            redacted.insert(key, value);
        }
        Value::Object(redacted)
    }

    fn secret(&self, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            _ => REDACTED.into(),
        }
    }
}

/// What a key in a text is made of.
fn is_key_character(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '-' | '.' | '%' | '\u{200b}'..='\u{200f}' | '\u{ad}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
