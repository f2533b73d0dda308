//! How a database is opened.

use super::Database;
use super::pool::Limits;
#[cfg(feature = "postgres")]
use crate::driver::postgres;
use crate::driver::sqlite::{self, Place, Settings, Sqlite};
use crate::driver::{Driver, Durability, Isolation};
use crate::error::{Error, ErrorKind, Result};
use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The options to open a database with. [`Database::options`] makes them, [`Options::open`] uses them.
///
/// Every setting is put in force on every connection and read back; one that does not take is an error. The defaults:
///
/// | setting | default | why |
/// |---|---|---|
/// | `journal_mode` | `WAL` | readers and the writer never wait for each other |
/// | `synchronous` | `NORMAL` | never damaged; a power cut can take the last transactions, which [`Durability::Full`] prevents |
/// | `foreign_keys` | `ON` | SQLite ignores foreign keys unless told |
/// | `busy_timeout` | 5,000 ms | another process's transaction is waited for |
/// | `wal_autocheckpoint` | 1,000 pages | the log is moved into the file when it has grown to that; 0 for never |
/// | `temp_store` | `MEMORY` | sorts do not go to the disk |
/// | `cache_size` | −64,000 (64 MB) | the page cache of each connection |
///
/// Larder itself moves the log, and not SQLite within a commit: with `synchronous=NORMAL` a thread does it beside those who
/// write, made when it is first needed. Without somebody who reads for long, the log has no more than eight times the pages of
/// `wal_autocheckpoint`, and what one transaction adds. [`Stats::log`](crate::Stats) shows how it goes. The connection that
/// writes therefore answers 0 to `PRAGMA wal_autocheckpoint`.
///
/// ```
/// use larder::{Database, Durability};
/// use std::time::Duration;
/// # fn main() -> larder::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("app.db").display().to_string();
/// let db = Database::options(path).busy_timeout(Duration::from_secs(1)).durability(Durability::Full).open()?;
/// assert_eq!(db.query_one::<i64>("PRAGMA synchronous", &[])?, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Options {
    target: Target,
    settings: Settings,
    /// A PRAGMA that was asked for by name, which only SQLite has.
    asked_pragma: Option<String>,
    on_open: Vec<Arc<dyn OnOpen>>,
    run_on_open: bool,
    long_read: Duration,
    connections: usize,
    retry_for: Duration,
    isolation: Isolation,
    replicas: Vec<String>,
}

/// What a database is made of.
pub(super) struct Shape {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) read_only: bool,
    pub(super) long_read: Duration,
    pub(super) limits: Limits,
    pub(super) replicas: Vec<Arc<dyn Driver>>,
}

#[derive(Clone)]
enum Target {
    Url(String),
    Path(PathBuf),
    Driver(Arc<dyn Driver>),
}

/// What happens to a database when it has been opened, before its handle is given out: migrations.
pub trait OnOpen: Any + Send + Sync {
    /// Does it.
    ///
    /// # Errors
    /// What goes wrong; the database is then closed again.
    fn opened(&self, database: &Database) -> Result<()>;
}

impl Options {
    pub(super) fn url(url: impl Into<String>) -> Self {
        Self::of(Target::Url(url.into()))
    }

    pub(super) fn path(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        // No file is meant by this, and one of such a name would be found by nobody.
        match path
            .to_str()
            .filter(|text| text.starts_with("postgres://") || text.starts_with("postgresql://"))
        {
            Some(url) => Self::url(url),
            None => Self::of(Target::Path(path.to_owned())),
        }
    }

    /// The options for a driver of your own, as one that injects faults in a test. The place and the settings are its
    /// own business: of the options only [`Options::read_only`], [`Options::connections`], [`Options::retry_for`],
    /// [`Options::replica`] and what runs on opening count.
    pub fn driver(driver: Arc<dyn Driver>) -> Self {
        Self::of(Target::Driver(driver))
    }

    fn of(target: Target) -> Self {
        Self {
            target,
            settings: Settings::default(),
            asked_pragma: None,
            on_open: Vec::new(),
            run_on_open: true,
            long_read: Duration::from_secs(5),
            connections: 16,
            retry_for: Duration::from_secs(30),
            isolation: Isolation::default(),
            replicas: Vec::new(),
        }
    }

    /// How many connections to a server the handle and its clones have at most: 16 unless set. Each write and each read takes one
    /// for as long as it lasts, and waits for one that is free no longer than the busy timeout. They are opened when they are
    /// needed, and closed when nobody has used them for five minutes.
    ///
    /// More than a few for each core of the server gain nothing: it does no more at a time. And all programs together
    /// share its `max_connections`, which is 100 unless it is set; six that are opened like this fit. On SQLite, which has one
    /// connection that writes, nothing comes of it.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// How long a write is run again while transactions of others come in between on a server: 30 seconds unless set. Then it is
    /// [`ErrorKind::Conflict`].
    #[must_use]
    pub fn retry_for(mut self, patience: Duration) -> Self {
        self.retry_for = patience;
        self
    }

    /// What a `write` sees of others on a server: [`Isolation::Serializable`] unless set, so that closures mean there what they
    /// mean on SQLite.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Adds a copy of the database that a server keeps up to date, and that is only read: reads outside of a `write` go there,
    /// by turns where there are several, and to the primary while none can be reached. One that can't be is tried again after
    /// a second, and then up to every 30 seconds.
    ///
    /// A replica may lag: what was committed just now may not be there yet, and two reads may go to two replicas and see
    /// two states. [`Database::primary`] is for who must not miss it, as who waits for [`Changes`](crate::Changes) and then looks.
    #[must_use]
    pub fn replica(mut self, url: impl Into<String>) -> Self {
        self.replicas.push(url.into());
        self
    }

    /// Opens the file only for reading: it is not made, not migrated and not written to. Writing is then
    /// [`ErrorKind::ReadOnly`], and a missing file [`ErrorKind::NotInitialized`].
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.settings.read_only = read_only;
        self
    }

    /// Whether a missing file is made (the default). Where not, it is [`ErrorKind::NotInitialized`], as a missing database on
    /// PostgreSQL always is: there `createdb` makes one.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.settings.create = create;
        self
    }

    /// How long to wait for another connection's lock: 5 seconds unless set. On PostgreSQL it is `lock_timeout`, unless the
    /// URL's `options` set that themselves.
    #[must_use]
    pub fn busy_timeout(mut self, wait: Duration) -> Self {
        self.settings.busy_timeout = wait;
        self
    }

    /// How long a read may keep the write-ahead log from being moved into the file before it is reported, once, as a
    /// warning of `tracing` and in [`Stats::log`](crate::Stats): 5 seconds unless set. It is reported with the place in the
    /// program that asked for it and its thread; on Linux, a read of another process with that process.
    #[must_use]
    pub fn long_read(mut self, long: Duration) -> Self {
        self.long_read = long;
        self
    }

    /// What a power cut may take of the writes that were acknowledged: [`Durability::Normal`] unless set.
    ///
    /// It is the setting `synchronous`. Of this and [`pragma("synchronous", …)`](Options::pragma), which also takes `OFF`
    /// and `EXTRA`, the one that is called last wins.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        let value = match durability {
            Durability::Normal => "NORMAL",
            Durability::Full => "FULL",
        };
        self.set_pragma("synchronous".to_owned(), value.to_owned())
    }

    /// Sets a PRAGMA on every connection, over the default or in addition to the defaults: `pragma("cache_size", "-2000")`.
    /// A value that SQLite does not take is [`ErrorKind::Config`] on opening, and so is any of them with another engine.
    #[must_use]
    pub fn pragma(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into().to_ascii_lowercase();
        // This one every engine has.
        if name != "busy_timeout" {
            self.asked_pragma = Some(name.clone());
        }
        self.set_pragma(name, value.into())
    }

    fn set_pragma(mut self, name: String, value: String) -> Self {
        match self.settings.pragmas.iter_mut().find(|pragma| pragma.0 == name) {
            Some(pragma) => pragma.1 = value,
            None => self.settings.pragmas.push((name, value)),
        }
        self
    }

    /// Adds something to do when the database has been opened.
    #[must_use]
    pub fn on_open(mut self, what: Arc<dyn OnOpen>) -> Self {
        self.on_open.push(what);
        self
    }

    /// What is to be done on opening, for the parts of Larder that add to what they added before.
    pub(crate) fn on_open_mut(&mut self) -> &mut Vec<Arc<dyn OnOpen>> {
        &mut self.on_open
    }

    /// Whether migrations given here run on opening (the default).
    #[must_use]
    pub fn run_migrations(mut self, run: bool) -> Self {
        self.run_on_open = run;
        self
    }

    /// The driver that would be used, which knows where the database is. Nothing is opened.
    ///
    /// # Errors
    /// As [`Options::open`] for a URL that can't be used.
    pub(crate) fn driver_of(&self) -> Result<Arc<dyn Driver>> {
        self.resolve()
    }

    /// Leaves a setting as the engine or the file has it.
    #[must_use]
    pub(crate) fn without_pragma(mut self, name: &str) -> Self {
        self.settings.pragmas.retain(|pragma| pragma.0 != name);
        self
    }

    /// Opens the database.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a URL or a setting that can't be used, [`ErrorKind::Unsupported`] for an engine that this
    /// build does not have; else as [`Database::open`].
    pub fn open(mut self) -> Result<Database> {
        self.place_busy_timeout()?;
        for (name, value) in &self.settings.pragmas {
            sqlite::check_pragma(name, value)?;
        }
        let driver = self.resolve()?;
        let _span = tracing::debug_span!("open", database = %driver).entered();
        let database = Database::connect(self.shape(driver)?)?;
        tracing::debug!("opened");
        if self.run_on_open && !self.settings.read_only {
            for what in &self.on_open {
                what.opened(&database)?;
            }
        }
        Ok(database)
    }

    fn shape(&self, driver: Arc<dyn Driver>) -> Result<Shape> {
        if self.connections == 0 {
            return Err(Error::new(ErrorKind::Config, "a pool of 0 connections was asked for")
                .with_help("give 1 or more to `Options::connections`"));
        }
        if !self.replicas.is_empty() && !driver.is_concurrent() {
            return Err(Error::new(ErrorKind::Config, format!("{driver} can't have replicas"))
                .with_help("leave `Options::replica` out: replicas are a server's"));
        }
        let replica = |url: &String| Self { target: Target::Url(url.clone()), ..self.clone() }.resolve();
        let limits = Limits {
            most: self.connections,
            patience: driver.patience(),
            retry_for: self.retry_for,
            idle: Duration::from_secs(300),
            lifetime: Duration::from_secs(1800),
        };
        Ok(Shape {
            read_only: self.settings.read_only,
            long_read: self.long_read,
            limits,
            replicas: self.replicas.iter().map(replica).collect::<Result<_>>()?,
            driver,
        })
    }

    /// `busy_timeout` may come as a PRAGMA like the others; SQLite has a call of its own for it.
    fn place_busy_timeout(&mut self) -> Result<()> {
        if let Some(at) = self.settings.pragmas.iter().position(|pragma| pragma.0 == "busy_timeout") {
            let (_, value) = self.settings.pragmas.remove(at);
            let ms: u64 = value.parse().map_err(|error| {
                Error::new(
                    ErrorKind::Config,
                    format!("busy_timeout is `{value}` and must be a number of milliseconds"),
                )
                .with_cause(Box::new(error) as Box<dyn std::error::Error + Send + Sync>)
            })?;
            self.settings.busy_timeout = Duration::from_millis(ms);
        }
        Ok(())
    }

    fn resolve(&self) -> Result<Arc<dyn Driver>> {
        let place = match &self.target {
            Target::Driver(driver) => return Ok(Arc::clone(driver)),
            #[cfg(feature = "postgres")]
            Target::Url(url) if is_postgres(url) => return self.postgres(url),
            Target::Url(url) => place(url)?,
            Target::Path(path) if path.as_os_str() == ":memory:" => Place::Memory,
            Target::Path(path) => file(path)?,
        };
        if place == Place::Memory && self.settings.read_only {
            return Err(Error::new(
                ErrorKind::Config,
                "a database in memory can't be opened only for reading",
            )
            .with_help("it would be empty for ever: open it for writing, or give a file"));
        }
        Ok(Arc::new(Sqlite { place, settings: self.settings.clone() }))
    }

    #[cfg(feature = "postgres")]
    fn postgres(&self, url: &str) -> Result<Arc<dyn Driver>> {
        if let Some(name) = &self.asked_pragma {
            return Err(Error::new(
                ErrorKind::Config,
                format!("`PRAGMA {name}` is SQLite's, and the URL names PostgreSQL"),
            )
            .with_help(
                "leave the setting out; PostgreSQL's own are given in the URL: `?options=-c%20work_mem%3D64MB`",
            ));
        }
        let place = postgres::Place::parse(url)?;
        let settings =
            postgres::Settings { busy_timeout: self.settings.busy_timeout, isolation: self.isolation };
        Ok(Arc::new(postgres::Postgres { place, settings }))
    }
}

#[cfg(feature = "postgres")]
fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

/// The place that a URL names.
fn place(url: &str) -> Result<Place> {
    let path = match url.split_once(':') {
        _ if url == ":memory:" => return Ok(Place::Memory),
        Some(("sqlite", ":memory:" | "//:memory:")) => return Ok(Place::Memory),
        Some(("sqlite", rest)) if rest.contains('?') => {
            return Err(Error::new(
                ErrorKind::Config,
                "a `sqlite:` URL with parameters behind a `?` is not taken",
            )
            .with_help("give them as options; a file with a `?` in its name is given by its path alone"));
        }
        Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        Some(("postgres" | "postgresql", _)) => {
            return Err(Error::new(ErrorKind::Unsupported, "this build of Larder has no PostgreSQL")
                .with_help("give the path of a SQLite file"));
        }
        Some(("file", _)) => {
            return Err(Error::new(ErrorKind::Config, "a `file:` URI is not taken")
                .with_help("give the path alone, or `sqlite:PATH`, and the rest as options"));
        }
        Some((scheme, rest)) if rest.starts_with("//") => {
            return Err(Error::new(ErrorKind::Config, format!("there is no engine for `{scheme}://`"))
                .with_help("give a path, `sqlite:PATH`, `:memory:` or `postgres://…`"));
        }
        _ => url,
    };
    file(Path::new(path))
}

/// The file at `path`, from the root on: the connections that are opened later must find the same file even when the
/// process has changed its folder in between.
fn file(path: &Path) -> Result<Place> {
    if path.as_os_str().is_empty() {
        return Err(Error::new(ErrorKind::Config, "the path of the database is empty")
            .with_help("give the path of a file, or `:memory:`"));
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Error::new(ErrorKind::Config, "the path of the database holds a NUL character"));
    }
    std::path::absolute(path).map(Place::File).map_err(|error| {
        Error::new(ErrorKind::Config, format!("the path {} can't be made absolute", path.display()))
            .with_cause(error)
    })
}

/// The database `data/app.db` below the current folder, which is where the program `larder` looks too.
impl Default for Options {
    fn default() -> Self {
        Self::url("data/app.db")
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("settings", &self.settings).finish_non_exhaustive()
    }
}
