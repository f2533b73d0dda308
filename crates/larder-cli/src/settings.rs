//! The second stage of the command line: what holds, of the flags, the environment and `larder.toml`.

mod store;

use crate::args::Global;
use crate::config::{self, Config, Values};
use crate::environment::Environment;
use larder::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use store::Place;

const DEFAULT_URL: &str = "data/app.db";
const DEFAULT_DIR: &str = "migrations";
const DEFAULT_KEEP: usize = 5;

/// What a command works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where the database is: a path, or a URL.
    pub(crate) url: String,
    /// Who said so.
    pub(crate) url_from: Source,
    /// The folder of the migrations.
    pub(crate) dir: PathBuf,
    /// Who said so.
    pub(crate) dir_from: Source,
    /// The folder of the backups, where it is not the one beside the database.
    pub(crate) backup_dir: Option<PathBuf>,
    /// How many backups are kept.
    pub(crate) backup_keep: usize,
    /// The stores whose sets belong to the database: those of `stores` in `larder.toml`, and those of `--store`.
    pub(crate) stores: Vec<&'static str>,
    /// Those of them that a flag or the id of a migration asked for.
    pub(crate) asked: Vec<&'static str>,
    /// The program keeps a journal of what it changes, in the database of the store of that name.
    pub(crate) journal: bool,
    /// The database is a store's own: the application's migrations are no part of it.
    pub(crate) is_of_store: bool,
    /// Where each store lies.
    places: BTreeMap<&'static str, Place>,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// The file, and the environment of it.
    File(PathBuf, Option<String>),
    /// Nobody said anything about a store that has a file of its own in the user's configuration folder.
    User,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "the flag {name}"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::File(path, Some(env)) => write!(f, "[env.{env}] of {}", path.display()),
            Self::User => {
                f.write_str("the default of this store; the environment variable LARDER_DB names another")
            }
            Self::Default => f.write_str("the default"),
        }
    }
}

/// Finds out what holds. The first of these that says something wins:
///
/// 1. a flag,
/// 2. the table `[env.NAME]` that `--env NAME` asked for: who names an environment must never reach another's database,
/// 3. an environment variable, `LARDER_URL` before the general `DATABASE_URL`,
/// 4. the table that `LARDER_ENV` asked for,
/// 5. the top of `larder.toml`,
/// 6. the default.
pub(crate) fn resolve(flags: &Global, environment: &Environment) -> Result<Settings> {
    let file = File::open(flags, environment)?;
    let by_flag = flags.env.is_some();
    let env = match &flags.env {
        Some(env) => Some(env.clone()),
        None => environment.get("LARDER_ENV")?,
    };
    let layer = match (&file, &env) {
        (Some(file), Some(env)) => Some(file.layer(env)?),
        (None, Some(env)) => {
            return Err(Error::new(
                ErrorKind::Config,
                format!("the environment `{env}` was asked for, and there is no {}", config::NAME),
            )
            .with_help(format!(
                "add a {} with a table [env.{env}], or name it with --config",
                config::NAME
            )));
        }
        (_, None) => None,
    };
    let (asked, hinted) = if by_flag { (layer, None) } else { (None, layer) };
    let base = file.as_ref().map(|file| Layer { file, env: None, values: &file.config.base });

    let pick = |flag: &Option<String>, name, variables: &[&'static str], of: Field| -> Result<_> {
        if let Some(value) = flag {
            return Ok(Some((value.clone(), Source::Flag(name))));
        }
        if let Some(layer) = &asked
            && let Some(found) = layer.get(of)?
        {
            return Ok(Some(found));
        }
        for variable in variables {
            if let Some(value) = environment.get(variable)? {
                return Ok(Some((value, Source::Variable(variable))));
            }
        }
        for layer in [&hinted, &base].into_iter().flatten() {
            if let Some(found) = layer.get(of)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    };

    let url = pick(&flags.url, "--url", &["LARDER_URL", "DATABASE_URL"], Field::Url)?;
    let dir = pick(&flags.dir, "--dir", &["LARDER_DIR"], Field::Dir)?;
    let backup_dir = pick(&None, "", &[], Field::BackupDir)?;
    let backup_keep =
        [asked, hinted, base].into_iter().find_map(|layer| layer?.values.backup_keep).unwrap_or(DEFAULT_KEEP);
    let journal = [asked, hinted, base].into_iter().find_map(|layer| layer?.values.journal).unwrap_or(false);
    let layers = store::Layers { asked, hinted, base };
    let places = layers.places(url.as_ref(), environment)?;
    let stores = store::in_database(layers.listed(), &places);
    let (url, url_from) = url.unwrap_or_else(|| (DEFAULT_URL.to_owned(), Source::Default));
    let (dir, dir_from) = dir.unwrap_or_else(|| (DEFAULT_DIR.to_owned(), Source::Default));
    Ok(Settings {
        url,
        url_from,
        dir: PathBuf::from(dir),
        dir_from,
        backup_dir: backup_dir.map(|(dir, _)| PathBuf::from(dir)),
        backup_keep,
        stores,
        asked: Vec::new(),
        journal,
        is_of_store: false,
        places,
    })
}

/// A `larder.toml` that was read.
struct File {
    /// How it is named to people.
    shown: PathBuf,
    /// Where the paths in it start: nothing where that is the current folder, so that they stay as short as they are.
    base: PathBuf,
    config: Config,
}

impl File {
    fn open(flags: &Global, environment: &Environment) -> Result<Option<Self>> {
        let named = match &flags.config {
            Some(path) => Some(path.clone()),
            None => environment.get("LARDER_CONFIG")?.map(PathBuf::from),
        };
        let path = match &named {
            Some(path) => environment.folder.join(path),
            None => match config::find(&environment.folder) {
                Some(path) => path,
                None => return Ok(None),
            },
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let base = if folder == environment.folder { PathBuf::new() } else { folder.to_owned() };
        let shown = named.unwrap_or_else(|| base.join(config::NAME));
        let config = config::read(&path, &shown)?;
        Ok(Some(Self { shown, base, config }))
    }

    fn layer(&self, env: &str) -> Result<Layer<'_>> {
        let Some((env, values)) = self.config.env.get_key_value(env) else {
            let known: Vec<&str> = self.config.env.keys().map(String::as_str).collect();
            let help = match (config::nearest(env, &known), known.is_empty()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, true) => format!("add a table [env.{env}]"),
                (None, false) => format!("there are: {}", known.join(", ")),
            };
            let message = format!("{} has no environment `{env}`", self.shown.display());
            return Err(Error::new(ErrorKind::Config, message).with_help(help));
        };
        Ok(Layer { file: self, env: Some(env), values })
    }
}

/// The part of a file that is asked.
#[derive(Clone, Copy)]
struct Layer<'a> {
    file: &'a File,
    env: Option<&'a String>,
    values: &'a Values,
}

#[derive(Clone, Copy)]
enum Field {
    Url,
    Dir,
    BackupDir,
}

impl Layer<'_> {
    fn get(&self, field: Field) -> Result<Option<(String, Source)>> {
        let base = &self.file.base;
        let value = match field {
            Field::Url => self.values.url.as_ref().map(|url| based_url(base, url)),
            Field::Dir => self.values.dir.as_ref().map(|dir| based(base, dir)),
            Field::BackupDir => self.values.backup_dir.as_ref().map(|dir| based(base, dir)),
        };
        let source = || Source::File(self.file.shown.clone(), self.env.cloned());
        Ok(value.transpose()?.map(|value| (value, source())))
    }
}

/// A path of the file, from its folder on.
fn based(base: &Path, path: &str) -> Result<String> {
    // Never lossy: a path with a letter replaced would be another database.
    base.join(path).into_os_string().into_string().map_err(|path| {
        Error::new(ErrorKind::Config, format!("the path {} is not UTF-8", path.display()))
            .with_help("rename the folder, or work from inside the folder of larder.toml")
    })
}

/// The same for a URL: only one that is a path has a folder to start at.
fn based_url(base: &Path, url: &str) -> Result<String> {
    let path = match url.split_once(':') {
        Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
        _ if url == ":memory:" => return Ok(url.to_owned()),
        Some((_, rest)) if rest.starts_with("//") => return Ok(url.to_owned()),
        _ => url,
    };
    if path == ":memory:" || path.is_empty() { Ok(url.to_owned()) } else { based(base, path) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const FILE: &str = "url = \"file.db\"\ndir = \"of/file\"\n[backup]\nkeep = 7\ndir = \"kept\"\n\
        [env.test]\nurl = \"sqlite:test.db\"\n[env.prod]\nurl = \"postgres://db/app\"\nbackup.keep = 9\n";

    pub(super) struct Case {
        folder: tempfile::TempDir,
    }

    impl Case {
        pub(super) fn with(text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(config::NAME), text).unwrap();
            fs::create_dir_all(folder.path().join("deep/er")).unwrap();
            Self { folder }
        }

        pub(super) fn resolve(&self, flags: &Global, variables: &[(&str, &str)]) -> Result<Settings> {
            resolve(flags, &Environment::new(self.folder.path(), variables))
        }

        fn url(&self, flags: &Global, variables: &[(&str, &str)]) -> (String, String) {
            let settings = self.resolve(flags, variables).unwrap();
            (settings.url, settings.url_from.to_string())
        }
    }

    pub(super) fn flags() -> Global {
        Global::default()
    }

    pub(super) fn env(name: &str) -> Global {
        Global { env: Some(name.into()), ..flags() }
    }

    fn pair(url: &str, from: &str) -> (String, String) {
        (url.into(), from.into())
    }

    #[test]
    fn from_nothing_the_defaults_hold() {
        let folder = tempfile::tempdir().unwrap();
        let settings = resolve(&flags(), &Environment::new(folder.path(), &[("DATABASE_URL", "")])).unwrap();
        let expected = Settings {
            url: "data/app.db".into(),
            url_from: Source::Default,
            dir: "migrations".into(),
            dir_from: Source::Default,
            backup_dir: None,
            backup_keep: 5,
            stores: Vec::new(),
            asked: Vec::new(),
            journal: false,
            is_of_store: false,
            places: settings.places.clone(),
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let case = Case::with(FILE);
        let by_flag = Global { url: Some("flag.db".into()), dir: Some("flagged".into()), ..flags() };
        let both = [("DATABASE_URL", "general.db"), ("LARDER_URL", "own.db"), ("LARDER_DIR", "var")];
        assert_eq!(case.url(&by_flag, &both), pair("flag.db", "the flag --url"));
        assert_eq!(case.resolve(&by_flag, &both).unwrap().dir, PathBuf::from("flagged"));
        assert_eq!(case.url(&flags(), &both), pair("own.db", "the environment variable LARDER_URL"));
        assert_eq!(
            case.url(&flags(), &both[..1]),
            pair("general.db", "the environment variable DATABASE_URL")
        );
        assert_eq!(case.resolve(&flags(), &both).unwrap().dir, PathBuf::from("var"));
        assert_eq!(case.url(&flags(), &[]), pair("file.db", "larder.toml"));
        assert_eq!(case.resolve(&flags(), &[]).unwrap().dir, PathBuf::from("of/file"));
    }

    #[test]
    fn an_environment_asked_for_by_flag_is_never_overridden_by_a_variable() {
        let case = Case::with(FILE);
        let general = [("DATABASE_URL", "general.db"), ("LARDER_URL", "own.db")];
        assert_eq!(case.url(&env("test"), &general), pair("test.db", "[env.test] of larder.toml"));
        let hinted = [("LARDER_ENV", "test"), ("DATABASE_URL", "general.db")];
        assert_eq!(case.url(&flags(), &hinted).0, "general.db");
        assert_eq!(case.url(&flags(), &hinted[..1]), pair("test.db", "[env.test] of larder.toml"));
        assert_eq!(case.url(&env("prod"), &hinted).0, "postgres://db/app", "the flag wins over LARDER_ENV");
    }

    #[test]
    fn what_an_environment_leaves_out_comes_from_the_top_of_the_file() {
        let case = Case::with(FILE);
        let test = case.resolve(&env("test"), &[]).unwrap();
        assert_eq!((test.dir, test.backup_keep), (PathBuf::from("of/file"), 7));
        assert_eq!(case.resolve(&env("prod"), &[]).unwrap().backup_keep, 9);
        assert_eq!(test.backup_dir, Some(PathBuf::from("kept")));
    }

    #[test]
    fn an_environment_that_is_not_there_is_told() {
        let case = Case::with(FILE);
        let told = |name: &str| case.resolve(&env(name), &[]).unwrap_err().to_string();
        assert_eq!(told("tset"), "larder.toml has no environment `tset`; did you mean `test`?");
        assert_eq!(told("staging"), "larder.toml has no environment `staging`; there are: prod, test");
        let bare = tempfile::tempdir().unwrap();
        let error = resolve(&env("test"), &Environment::new(bare.path(), &[])).unwrap_err();
        assert!(error.message().contains("there is no larder.toml"), "{error}");
    }

    #[test]
    fn the_file_is_found_above_and_its_paths_start_at_its_own_folder() {
        let case = Case::with(FILE);
        let root = case.folder.path();
        let settings = resolve(&flags(), &Environment::new(root.join("deep/er"), &[])).unwrap();
        assert_eq!(Path::new(&settings.url), root.join("file.db"));
        assert_eq!(settings.dir, root.join("of/file"));
        assert_eq!(settings.backup_dir, Some(root.join("kept")));
        let test = resolve(&env("test"), &Environment::new(root.join("deep/er"), &[])).unwrap();
        assert_eq!(Path::new(&test.url), root.join("test.db"));
    }

    #[test]
    fn another_file_is_taken_where_one_is_named() {
        let case = Case::with(FILE);
        fs::write(case.folder.path().join("deep/other.toml"), "url = \"other.db\"").unwrap();
        let named = Global { config: Some("deep/other.toml".into()), ..flags() };
        let other = case.folder.path().join("deep/other.db").display().to_string();
        assert_eq!(case.url(&named, &[]), pair(&other, "deep/other.toml"));
        assert_eq!(
            case.url(&flags(), &[("LARDER_CONFIG", "deep/other.toml")]),
            pair(&other, "deep/other.toml")
        );
        let missing = Global { config: Some("none.toml".into()), ..flags() };
        let error = case.resolve(&missing, &[]).unwrap_err();
        assert_eq!(error.message(), "there is no file none.toml");
    }

    #[test]
    fn only_a_url_that_is_a_path_starts_at_a_folder() {
        let base = Path::new("/srv");
        for (url, based) in [
            ("a.db", "/srv/a.db"),
            ("/a.db", "/a.db"),
            ("sqlite:a.db", "/srv/a.db"),
            ("sqlite:///a.db", "/a.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            (":memory:", ":memory:"),
            ("postgres://db/app", "postgres://db/app"),
        ] {
            assert_eq!(based_url(base, url).unwrap(), based, "{url}");
        }
    }
}
