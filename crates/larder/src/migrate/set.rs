//! A set of migrations: where they come from, and what can be known of them without reading them.

use crate::error::{Error, ErrorKind, Result};
use crate::migrate::loaded::{self, LoadedSet};
use crate::migrate::migration::{CodeMigration, Migration};
use crate::migrate::record::APP;
use crate::sql::text::Dialect;
use larder_file::{ENGINES, Problem, arrange, parse_id, read_folder};
use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A named list of migrations that belongs to one owner: the application's own, or a library's.
///
/// ```
/// use larder::MigrationSet;
///
/// // The folder is embedded while the program is compiled; no build script is needed.
/// static MIGRATIONS: MigrationSet = larder::migrations!("tests/migrations");
///
/// assert_eq!(MIGRATIONS.name(), "app");
/// assert_eq!(MIGRATIONS.newest_id()?.as_deref(), Some("0003_index"));
/// # Ok::<(), larder::Error>(())
/// ```
///
/// In a debug build the folder, where it still exists, is looked at again when the set is first used. If it differs
/// from what was embedded, its files are used, and a warning tells that the program should be built again: a file that
/// was added is never silently missed. In a release build what was embedded counts.
///
/// Keep a set in a `static` (not a `const`): it remembers what was read.
pub struct MigrationSet {
    name: Cow<'static, str>,
    after: Names,
    source: Source,
    code: &'static [CodeMigration],
    /// The files of the folder of an embedded set, where they differ from the embedded ones.
    newer: OnceLock<Option<Vec<(String, String)>>>,
    fingerprint: [OnceLock<String>; ENGINES.len()],
    loaded: [OnceLock<Arc<LoadedSet>>; ENGINES.len()],
}

enum Names {
    Static(&'static [&'static str]),
    Owned(Vec<String>),
}

enum Source {
    Embedded(Embedded),
    Folder { path: PathBuf, files: Vec<(String, String)> },
    List(Vec<Migration>),
}

/// What [`migrations!`](crate::migrations) knows of a folder; only the macro makes one.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Names and texts, in the order of the names.
    /// Of each file the name, the text and its checksum.
    pub files: &'static [(&'static str, &'static str, &'static str)],
    /// Where the folder was; empty in a release build, so that no path of the building machine gets into the program.
    pub folder: &'static str,
    /// For each engine the fingerprint, or nothing where a migration has no text for it.
    pub fingerprints: [&'static str; ENGINES.len()],
    /// The newest migration's id.
    pub newest: &'static str,
    /// How many migrations there are.
    pub count: usize,
}

impl MigrationSet {
    const fn of(name: Cow<'static, str>, source: Source) -> Self {
        Self {
            name,
            after: Names::Static(&[]),
            source,
            code: &[],
            newer: OnceLock::new(),
            fingerprint: [const { OnceLock::new() }; ENGINES.len()],
            loaded: [const { OnceLock::new() }; ENGINES.len()],
        }
    }

    /// What [`migrations!`](crate::migrations) expands to.
    #[doc(hidden)]
    pub const fn embedded(name: &'static str, embedded: Embedded) -> Self {
        Self::of(Cow::Borrowed(name), Source::Embedded(embedded))
    }

    /// The files of a folder, read now. The set is named `app`.
    ///
    /// ```
    /// let set = larder::MigrationSet::folder("tests/migrations")?;
    /// assert_eq!(set.count()?, 3);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMigration`] where the folder is missing or can't be read, a file is not UTF-8, or a name
    /// breaks a rule. A folder without migrations is no error.
    pub fn folder(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let files = read(&path)?;
        arrange(files.iter().map(|(name, _)| name.as_str()))
            .map_err(|problems| folder_refusal(&path, problems))?;
        Ok(Self::of(Cow::Borrowed(APP), Source::Folder { path, files }))
    }

    /// Migrations made of values; see [`Migration`]. Their order here does not count, their numbers do.
    ///
    /// ```
    /// use larder::{Migration, MigrationSet};
    ///
    /// let set = MigrationSet::list("notes", vec![
    ///     Migration::sql("0001_init", "CREATE TABLE notes(text TEXT)"),
    ///     Migration::code("0002_seed", |tx| {
    ///         // … tx.execute(…)
    ///         Ok(())
    ///     }),
    /// ]);
    /// assert_eq!(set.newest_id()?.as_deref(), Some("0002_seed"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn list(name: impl Into<Cow<'static, str>>, migrations: Vec<Migration>) -> Self {
        Self::of(name.into(), Source::List(migrations))
    }

    /// Names the set. A library gives its own name; the application's is `app`.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        // A name that was owned is not freed: a destructor can't run in a `static`, and nobody names a set twice.
        mem::forget(mem::replace(&mut self.name, Cow::Borrowed(name)));
        self
    }

    /// Names the set, with a name that is only known at run time.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Names the sets that have to be applied before this one, because its migrations refer to their tables.
    #[must_use]
    pub const fn after(mut self, sets: &'static [&'static str]) -> Self {
        mem::forget(mem::replace(&mut self.after, Names::Static(sets)));
        self
    }

    /// Names the sets that have to be applied before this one, with names that are only known at run time.
    #[must_use]
    pub fn with_after(mut self, sets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.after = Names::Owned(sets.into_iter().map(Into::into).collect());
        self
    }

    /// Joins migrations in Rust to those of the files; the numbers of their ids order them all. See [`CodeMigration`].
    #[must_use]
    pub const fn with_code(mut self, code: &'static [CodeMigration]) -> Self {
        self.code = code;
        self
    }

    /// The set's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that the files were read from, for a set made by [`MigrationSet::folder`].
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::Folder { path, .. } => Some(path),
            Source::Embedded(_) | Source::List(_) => None,
        }
    }

    /// The fingerprint of the set: SHA-256 over the ids and the checksums of its migrations, in hexadecimal. Of an
    /// embedded set it was computed while the program was compiled, so this costs the same however many there are.
    ///
    /// # Errors
    /// As [`MigrationSet::load`].
    pub fn fingerprint(&self, dialect: Dialect) -> Result<&str> {
        let slot = loaded::engine(dialect);
        let kept = self.fingerprint.get(slot);
        if let Some(known) = kept.and_then(OnceLock::get) {
            return Ok(known);
        }
        let print = match self.embedded_facts()?.and_then(|facts| facts.fingerprints.get(slot).copied()) {
            Some(known) if !known.is_empty() && self.code.is_empty() => return Ok(known),
            Some(known) if !known.is_empty() => {
                let mut code: Vec<Migration> = self.code.iter().map(CodeMigration::migration).collect();
                code.sort_by_key(Migration::version);
                loaded::join_code(known, &code)
            }
            _ => self.load(dialect)?.fingerprint().to_owned(),
        };
        match kept {
            Some(kept) => Ok(kept.get_or_init(|| print)),
            None => Err(unknown_engine(dialect)),
        }
    }

    /// The id of the newest migration; `None` in a set without any.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMigration`] where the files of a folder break a rule.
    pub fn newest_id(&self) -> Result<Option<String>> {
        let mut ids = Vec::new();
        self.each_id(|id| ids.push(id.to_owned()))?;
        let number = |id: &String| parse_id(id).map_or(0, |(version, _)| version);
        Ok(ids.into_iter().max_by_key(number))
    }

    /// How many migrations there are.
    ///
    /// # Errors
    /// As [`MigrationSet::newest_id`].
    pub fn count(&self) -> Result<usize> {
        if let Some(facts) = self.embedded_facts()? {
            return Ok(facts.count + self.code.len());
        }
        let mut count = 0;
        self.each_id(|_| count += 1)?;
        Ok(count)
    }

    /// Calls `take` with every id; of an embedded set only with the newest of its files.
    fn each_id(&self, mut take: impl FnMut(&str)) -> Result<()> {
        for code in self.code {
            take(code.id());
        }
        if let Some(facts) = self.embedded_facts()? {
            if !facts.newest.is_empty() {
                take(facts.newest);
            }
            return Ok(());
        }
        let files = match &self.source {
            Source::List(list) => {
                list.iter().for_each(|migration| take(migration.id()));
                return Ok(());
            }
            Source::Folder { files, .. } => files,
            Source::Embedded(_) => self.newer()?.unwrap_or_default(),
        };
        let found = arrange(files.iter().map(|(name, _)| name.as_str())).map_err(|p| self.refusal(p))?;
        found.iter().for_each(|one| take(&one.id));
        Ok(())
    }

    /// Reads the set for one engine: sorted, with what the heads of the texts ask for, every rule checked. It is done
    /// once; after that the same answer is given.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMigration`] where a name, an id or a text breaks a rule; the message lists all that do.
    pub fn load(&self, dialect: Dialect) -> Result<Arc<LoadedSet>> {
        let kept = self.loaded.get(loaded::engine(dialect)).ok_or_else(|| unknown_engine(dialect))?;
        if let Some(known) = kept.get() {
            return Ok(Arc::clone(known));
        }
        let mut set = self.read(dialect)?;
        let print =
            self.embedded_facts()?.and_then(|facts| facts.fingerprints.get(loaded::engine(dialect)).copied());
        if let Some(print) = print.filter(|print| !print.is_empty() && self.code.is_empty()) {
            set = set.with_fingerprint(print.to_owned());
        }
        Ok(Arc::clone(kept.get_or_init(|| Arc::new(set))))
    }

    fn read(&self, dialect: Dialect) -> Result<LoadedSet> {
        let owned = |files: &[(String, String)]| {
            let names: Vec<_> = files.iter().map(|(name, _)| Cow::Owned(name.clone())).collect();
            let text = |at: usize| {
                (Cow::Owned(files.get(at).map(|(_, text)| text.clone()).unwrap_or_default()), None)
            };
            loaded::of_files(&names, text, dialect)
        };
        let read = match (&self.source, self.newer()?) {
            (Source::Folder { files, .. }, _) => owned(files),
            (Source::Embedded(_), Some(files)) => owned(files),
            (Source::Embedded(facts), None) => {
                let names: Vec<_> = facts.files.iter().map(|(name, ..)| Cow::Borrowed(*name)).collect();
                let text = |at: usize| match facts.files.get(at) {
                    Some((_, text, checksum)) => (Cow::Borrowed(*text), Some(*checksum)),
                    None => (Cow::Borrowed(""), None),
                };
                loaded::of_files(&names, text, dialect)
            }
            (Source::List(list), _) => Ok(list.clone()),
        };
        let mut migrations = read.map_err(|problems| self.refusal(problems))?;
        migrations.extend(self.code.iter().map(CodeMigration::migration));
        let after = match &self.after {
            Names::Static(names) => names.iter().map(|name| (*name).to_owned()).collect(),
            Names::Owned(names) => names.clone(),
        };
        LoadedSet::new(self.name.clone(), after, dialect, migrations)
    }

    /// What the macro computed, where it still holds.
    fn embedded_facts(&self) -> Result<Option<&Embedded>> {
        match &self.source {
            Source::Embedded(facts) if self.newer()?.is_none() => Ok(Some(facts)),
            _ => Ok(None),
        }
    }

    /// In a debug build: the files of the folder, where they are no longer those that were embedded.
    fn newer(&self) -> Result<Option<&[(String, String)]>> {
        let folder = match &self.source {
            Source::Embedded(facts) if !facts.folder.is_empty() => Path::new(facts.folder),
            _ => return Ok(None),
        };
        if let Some(known) = self.newer.get() {
            return Ok(known.as_deref());
        }
        let found =
            if folder.is_dir() { Some(read(folder)?).filter(|files| self.differs(files)) } else { None };
        if found.is_some() {
            tracing::warn!(
                set = %self.name,
                folder = %folder.display(),
                "the migrations changed since this program was built; the files of the folder are used, build it again"
            );
        }
        Ok(self.newer.get_or_init(|| found).as_deref())
    }

    fn differs(&self, files: &[(String, String)]) -> bool {
        match &self.source {
            Source::Embedded(facts) => !facts
                .files
                .iter()
                .copied()
                .map(|(name, text, _)| (name, text))
                .eq(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))),
            Source::Folder { .. } | Source::List(_) => false,
        }
    }

    fn refusal(&self, problems: Vec<Problem>) -> Error {
        loaded::refusal(&format!("the migrations of {:?}", self.name), problems)
    }
}

fn read(folder: &Path) -> Result<Vec<(String, String)>> {
    read_folder(folder).map_err(|problems| folder_refusal(folder, problems))
}

fn folder_refusal(folder: &Path, problems: Vec<Problem>) -> Error {
    loaded::refusal(&format!("the folder {}", folder.display()), problems)
}

fn unknown_engine(dialect: Dialect) -> Error {
    Error::new(ErrorKind::Internal, format!("a set has no place for {}", loaded::engine_name(dialect)))
}

impl fmt::Debug for MigrationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Embedded(facts) => format!("{} embedded files", facts.files.len()),
            Source::Folder { path, .. } => path.display().to_string(),
            Source::List(list) => format!("a list of {}", list.len()),
        };
        f.debug_struct("MigrationSet")
            .field("name", &self.name)
            .field("source", &source)
            .finish_non_exhaustive()
    }
}
