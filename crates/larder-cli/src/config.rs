//! The file `larder.toml`: read strictly, so that a misspelt key is told instead of left out.

use crate::secret;
use larder::{Error, ErrorKind, Location, Result};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The name of the file.
pub(crate) const NAME: &str = "larder.toml";

/// What may stand at the top and in each environment.
const KEYS: &[&str] = &["url", "dir", "backup", "journal", "stores", "store"];

/// What a `larder.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// What stands outside `[env]`.
    pub(crate) base: Values,
    /// The tables `[env.NAME]`.
    pub(crate) env: BTreeMap<String, Values>,
}

/// The values that may stand at the top and in each environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values {
    /// Where the database is.
    pub(crate) url: Option<String>,
    /// The folder of the migrations.
    pub(crate) dir: Option<String>,
    /// The folder of the backups.
    pub(crate) backup_dir: Option<String>,
    /// How many backups are kept.
    pub(crate) backup_keep: Option<usize>,
    /// Whether the program keeps a journal of what it does.
    pub(crate) journal: Option<bool>,
    /// The stores that live in the application's database.
    pub(crate) stores: Option<Vec<&'static str>>,
    /// Where the stores are that live in a file of their own.
    pub(crate) store_urls: BTreeMap<&'static str, String>,
}

/// Finds `larder.toml` in `folder` or above it.
pub(crate) fn find(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(NAME)).find(|file| file.is_file())
}

/// Reads the file at `path`; `shown` is how messages name it.
pub(crate) fn read(path: &Path, shown: &Path) -> Result<Config> {
    let shown = shown.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => parse(&text, &shown),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::new(ErrorKind::Config, format!("there is no file {shown}"))
                .with_help("name another with --config, or leave the flag out"))
        }
        Err(error) => Err(Error::new(ErrorKind::Config, format!("can't read {shown}"))
            .with_help("see that it is a file of UTF-8 text that may be read")
            .with_cause(error)),
    }
}

/// Reads the text of a file named `file`.
pub(crate) fn parse(text: &str, file: &str) -> Result<Config> {
    let reader = Reader { text, file };
    let document = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        reader.error(error.message().trim().replace('\n', ", "), span)
    })?;
    reader.document(document.get_ref())
}

type Key<'a> = Spanned<Cow<'a, str>>;
type Entry<'a> = Spanned<DeValue<'a>>;

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
}

impl Reader<'_> {
    fn document(&self, table: &DeTable<'_>) -> Result<Config> {
        let mut config = Config::default();
        for (key, value) in table {
            if key.get_ref() == "env" {
                for (name, value) in self.table("env", value)? {
                    let path = format!("env.{}", name.get_ref());
                    let mut values = Values::default();
                    for (key, value) in self.table(&path, value)? {
                        self.value(&mut values, &path, key, value, KEYS)?;
                    }
                    config.env.insert(name.get_ref().to_string(), values);
                }
            } else {
                self.value(&mut config.base, "", key, value, &[KEYS, &["env"]].concat())?;
            }
        }
        Ok(config)
    }

    fn value(
        &self,
        values: &mut Values,
        path: &str,
        key: &Key<'_>,
        value: &Entry<'_>,
        known: &[&str],
    ) -> Result<()> {
        match key.get_ref().as_ref() {
            "url" => values.url = Some(self.text("url", value)?),
            "dir" => values.dir = Some(self.text("dir", value)?),
            "backup" => {
                let path = if path.is_empty() { "backup".to_owned() } else { format!("{path}.backup") };
                for (key, value) in self.table(&path, value)? {
                    match key.get_ref().as_ref() {
                        "dir" => values.backup_dir = Some(self.text("dir", value)?),
                        "keep" => values.backup_keep = Some(self.number("keep", value)?),
                        _ => return Err(self.unknown(&path, key, &["keep", "dir"])),
                    }
                }
            }
            "journal" => {
                let path = if path.is_empty() { "journal".to_owned() } else { format!("{path}.journal") };
                for (key, value) in self.table(&path, value)? {
                    match key.get_ref().as_ref() {
                        "enabled" => values.journal = Some(self.switch("enabled", value)?),
                        // Another word for [store.journal] url, which wins where both are said.
                        "url" => {
                            let url = self.text("url", value)?;
                            values.store_urls.entry("journal").or_insert(url);
                        }
                        _ => return Err(self.unknown(&path, key, &["enabled", "url"])),
                    }
                }
            }
            "stores" => values.stores = Some(self.stores(value)?),
            "store" => {
                let path = if path.is_empty() { "store".to_owned() } else { format!("{path}.store") };
                for (key, value) in self.table(&path, value)? {
                    let name = self.store(key.get_ref(), key.span())?;
                    let path = format!("{path}.{name}");
                    for (key, value) in self.table(&path, value)? {
                        if key.get_ref() != "url" {
                            return Err(self.unknown(&path, key, &["url"]));
                        }
                        values.store_urls.insert(name, self.text("url", value)?);
                    }
                }
            }
            _ => return Err(self.unknown(path, key, known)),
        }
        Ok(())
    }

    fn stores(&self, value: &Entry<'_>) -> Result<Vec<&'static str>> {
        let wrong = |value| self.wrong("stores", "a list of names of stores", value);
        let list = value.get_ref().as_array().ok_or_else(|| wrong(value))?;
        let mut names = Vec::new();
        for value in list {
            let name = self.store(value.get_ref().as_str().ok_or_else(|| wrong(value))?, value.span())?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn store(&self, name: &str, span: Range<usize>) -> Result<&'static str> {
        let known = larder_stores::STORES.each_ref().map(|store| store.name);
        known.into_iter().find(|known| *known == name).ok_or_else(|| {
            let help = match nearest(name, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.join(", ")),
            };
            self.error(format!("there is no store `{name}`"), span).with_help(help)
        })
    }

    fn table<'v, 'i>(&self, name: &str, value: &'v Entry<'i>) -> Result<&'v DeTable<'i>> {
        value.get_ref().as_table().ok_or_else(|| self.wrong(name, "a table", value))
    }

    fn text(&self, name: &str, value: &Entry<'_>) -> Result<String> {
        match value.get_ref().as_str() {
            None => Err(self.wrong(name, "a text in quotes", value)),
            Some("") => Err(self.error(format!("`{name}` is empty"), value.span())),
            Some(text) => Ok(text.to_owned()),
        }
    }

    fn switch(&self, name: &str, value: &Entry<'_>) -> Result<bool> {
        value.get_ref().as_bool().ok_or_else(|| self.wrong(name, "true or false", value))
    }

    fn number(&self, name: &str, value: &Entry<'_>) -> Result<usize> {
        value
            .get_ref()
            .as_integer()
            .and_then(|number| usize::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| self.wrong(name, "a whole number from 1 on", value))
    }

    fn wrong(&self, name: &str, wanted: &str, value: &Entry<'_>) -> Error {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error(format!("`{name}` must be {wanted}, and is {found}"), value.span())
    }

    fn unknown(&self, path: &str, key: &Key<'_>, known: &[&str]) -> Error {
        let place =
            if path.is_empty() { "at the top of the file".to_owned() } else { format!("in [{path}]") };
        let help = match nearest(key.get_ref(), known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("what may stand there: {}", known.join(", ")),
        };
        self.error(format!("there is no key `{}` {place}", key.get_ref()), key.span()).with_help(help)
    }

    fn error(&self, message: impl Into<String>, span: Range<usize>) -> Error {
        let (text, marked) = secret::hide_around(self.text, span);
        Error::new(ErrorKind::Config, message).with_location(Location::new(
            self.file,
            text,
            marked.start,
            marked.len(),
        ))
    }
}

/// The one of `known` that `word` is most likely a misspelling of.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(&word.to_ascii_lowercase(), candidate), *candidate))
        .filter(|(distance, candidate)| *distance * 2 <= candidate.chars().count().max(2))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, removed or changed to make `b` of `a`; letters that only changed places count once.
fn distance(a: &str, b: &str) -> usize {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    if a != b && sorted(a) == sorted(b) {
        return 1;
    }
    let mut last: Vec<usize> = (0..=b.chars().count()).collect();
    for (row, from) in a.chars().enumerate() {
        let mut next = vec![row + 1];
        for ((to, over), across) in b.chars().zip(last.iter().skip(1)).zip(&last) {
            let left = next.last().copied().unwrap_or_default();
            next.push((across + usize::from(from != to)).min(over + 1).min(left + 1));
        }
        last = next;
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = parse(text, NAME).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    }

    #[test]
    fn what_stands_in_the_file_is_read() {
        let config = parse(
            "url = \"a.db\"\ndir = \"m\"\n[backup]\nkeep = 0x10\ndir = \"b\"\n[env.test]\nurl = \":memory:\"\nbackup.keep = 1\n",
            NAME,
        )
        .unwrap();
        let base = Values {
            url: Some("a.db".into()),
            dir: Some("m".into()),
            backup_dir: Some("b".into()),
            backup_keep: Some(16),
            ..Values::default()
        };
        let test = Values { url: Some(":memory:".into()), backup_keep: Some(1), ..Values::default() };
        assert_eq!(config, Config { base, env: BTreeMap::from([("test".into(), test)]) });
        assert_eq!(parse("", NAME).unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_told_with_its_line_and_the_one_that_was_meant() {
        assert_eq!(
            refused("url = \"a.db\"\ndri = \"m\"\n"),
            "larder.toml:2:1: there is no key `dri` at the top of the file; did you mean `dir`?"
        );
        assert_eq!(
            refused("[backup]\nkep = 5\n"),
            "larder.toml:2:1: there is no key `kep` in [backup]; did you mean `keep`?"
        );
        assert_eq!(
            refused("[env.test]\nfrobnicate = 5\n"),
            "larder.toml:2:1: there is no key `frobnicate` in [env.test]; what may stand there: url, dir, backup, journal, stores, store"
        );
        assert_eq!(
            refused("[env.test.backup]\nURL = 5\n"),
            "larder.toml:2:1: there is no key `URL` in [env.test.backup]; what may stand there: keep, dir"
        );
    }

    #[test]
    fn a_value_of_another_type_is_told() {
        for (text, message) in [
            ("url = 5", "larder.toml:1:7: `url` must be a text in quotes, and is a number"),
            ("dir = \"\"", "larder.toml:1:7: `dir` is empty"),
            ("backup = 5", "larder.toml:1:10: `backup` must be a table, and is a number"),
            ("env = [1]", "larder.toml:1:7: `env` must be a table, and is a list"),
            ("env.test = true", "larder.toml:1:12: `env.test` must be a table, and is true or false"),
            (
                "backup.keep = -1",
                "larder.toml:1:15: `keep` must be a whole number from 1 on, and is a number",
            ),
            ("backup.keep = 0", "larder.toml:1:15: `keep` must be a whole number from 1 on, and is a number"),
        ] {
            assert_eq!(refused(text), message);
        }
    }

    #[test]
    fn the_stores_are_read_and_a_misspelt_one_is_told() {
        let text = "stores = [\"forge\", \"journal\", \"forge\"]\n[store.workflow]\nurl = \"w.db\"\n\
            [env.test]\nstores = []\nstore.registry.url = \"r.db\"\n";
        let config = parse(text, NAME).unwrap();
        assert_eq!(config.base.stores, Some(vec!["forge", "journal"]));
        assert_eq!(config.base.store_urls, BTreeMap::from([("workflow", "w.db".to_owned())]));
        let test = config.env.get("test").unwrap();
        assert_eq!(test.stores, Some(Vec::new()));
        assert_eq!(test.store_urls, BTreeMap::from([("registry", "r.db".to_owned())]));
        for (text, message) in [
            (
                "stores = [\"forge\", \"jurnal\"]",
                "larder.toml:1:20: there is no store `jurnal`; did you mean `journal`?",
            ),
            (
                "stores = \"forge\"",
                "larder.toml:1:10: `stores` must be a list of names of stores, and is a text",
            ),
            ("stores = [1]", "larder.toml:1:11: `stores` must be a list of names of stores, and is a number"),
            (
                "[store.pantry]\nurl = \"x\"",
                "larder.toml:1:8: there is no store `pantry`; there are: forge, journal, registry, workflow",
            ),
            (
                "[store.forge]\nurk = \"x\"",
                "larder.toml:2:1: there is no key `urk` in [store.forge]; did you mean `url`?",
            ),
            ("store.forge = \"x\"", "larder.toml:1:15: `store.forge` must be a table, and is a text"),
        ] {
            assert_eq!(refused(text), message);
        }
    }

    #[test]
    fn the_journal_is_turned_on_and_has_a_database_of_its_own_where_one_is_named() {
        let config =
            parse("[journal]\nenabled = true\nurl = \"j.db\"\n[env.test]\njournal.enabled = false\n", NAME);
        let config = config.unwrap();
        assert_eq!(config.base.journal, Some(true));
        assert_eq!(config.base.store_urls, BTreeMap::from([("journal", "j.db".to_owned())]));
        assert_eq!(config.env.get("test").unwrap().journal, Some(false));
        assert_eq!(
            refused("[journal]\nenabled = 1"),
            "larder.toml:2:11: `enabled` must be true or false, and is a number"
        );
        assert_eq!(
            refused("[journal]\nenable = true"),
            "larder.toml:2:1: there is no key `enable` in [journal]; did you mean `enabled`?"
        );
    }

    #[test]
    fn text_that_is_not_toml_is_told_with_its_line() {
        let error = parse("url = \"a.db\"\ndir = = \"m\"\n", NAME).unwrap_err();
        assert_eq!(error.location().unwrap().line(), 2);
    }

    #[test]
    fn an_error_about_the_file_shows_no_password_of_it() {
        let error = parse("url = \"postgres://ada:s3cret@db/app\"\ndri = \"m\"\n", NAME).unwrap_err();
        let at = error.location().unwrap();
        assert!(!at.text.contains("s3cret"), "{}", at.text);
        assert_eq!((at.line(), at.line_text()), (2, "dri = \"m\""));
        let error = parse("url = postgres://ada:s3cret@db/app\n", NAME).unwrap_err();
        assert!(!format!("{error:?} {}", error.location().unwrap().text).contains("s3cret"), "{error:?}");
    }
}
