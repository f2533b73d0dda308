//! One migration: its id, what leads up and down, and what it asks for.

use crate::db::WriteTx;
use crate::error::Result;
use larder_file::{checksum, parse_id};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What a migration written in Rust does: it gets the transaction it runs in.
pub type CodeFn = fn(&mut WriteTx<'_>) -> Result<()>;

/// One ordered step of a schema: an id such as `0001_init`, SQL or Rust that leads up, and perhaps some that leads
/// down.
///
/// Files in a folder and [`migrations!`](crate::migrations) give most of them. These constructors make them of values,
/// for [`MigrationSet::list`](crate::MigrationSet::list). The number at the front of the id orders them; an id that
/// breaks a rule is refused when the set is loaded.
///
/// ```
/// use larder::Migration;
///
/// let init = Migration::sql("0001_init", "CREATE TABLE agents(name TEXT)").with_down_sql("DROP TABLE agents");
/// assert_eq!((init.id(), init.version(), init.name()), ("0001_init", 1, "init"));
/// ```
#[derive(Clone, Debug)]
pub struct Migration {
    id: Cow<'static, str>,
    up: Script,
    down: Option<Script>,
    checksum: String,
    up_head: Head,
    down_head: Head,
}

/// What a migration asks for in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) no_transaction: bool,
    pub(crate) approves: Approves,
}

/// What a migration approves in advance of what it may lose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Approves {
    /// Nothing: a person has to.
    #[default]
    Nothing,
    /// These findings only, as `-- larder: destructive column users.email, table old` lists them.
    Only(Vec<String>),
    /// Everything, as `-- larder: destructive` says.
    Everything,
}

/// The way a migration leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// It is applied.
    Up,
    /// It is rolled back.
    Down,
}

/// What a migration runs in one direction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Script {
    /// SQL text.
    Sql(SqlText),
    /// Rust.
    Code(Code),
}

/// The text of a migration and the name of the file it stands in, for messages.
#[derive(Clone, Debug)]
pub struct SqlText {
    file: Cow<'static, str>,
    text: Cow<'static, str>,
}

/// Rust that migrates.
#[derive(Clone)]
pub struct Code(Arc<DynCode>);

type DynCode = dyn Fn(&mut WriteTx<'_>) -> Result<()> + Send + Sync;

impl Migration {
    /// A migration in SQL: one or more statements.
    pub fn sql(id: impl Into<Cow<'static, str>>, up: impl Into<Cow<'static, str>>) -> Self {
        let id = id.into();
        let text = SqlText { file: id.clone(), text: up.into() };
        Self::of_text(id, text, None)
    }

    pub(crate) fn of_text(id: Cow<'static, str>, up: SqlText, checksum: Option<&str>) -> Self {
        let checksum = checksum.map_or_else(|| checksum::of_text(&up.text), str::to_owned);
        Self {
            id,
            up: Script::Sql(up),
            down: None,
            checksum,
            up_head: Head::default(),
            down_head: Head::default(),
        }
    }

    /// A migration in Rust. It gets the transaction that it is part of, with everything the migrations before it did.
    ///
    /// The checksum of a migration in Rust covers its id only, so an edit of it is not noticed.
    pub fn code<F>(id: impl Into<Cow<'static, str>>, up: F) -> Self
    where
        F: Fn(&mut WriteTx<'_>) -> Result<()> + Send + Sync + 'static,
    {
        let id = id.into();
        let checksum = checksum::of_list([(id.as_ref(), "code")]);
        let up = Script::Code(Code(Arc::new(up)));
        Self { id, up, down: None, checksum, up_head: Head::default(), down_head: Head::default() }
    }

    /// Adds SQL that leads back down. It is not part of the checksum, so it may be added or mended later.
    #[must_use]
    pub fn with_down_sql(self, down: impl Into<Cow<'static, str>>) -> Self {
        let file = Cow::Owned(format!("{}.down", self.id));
        self.with_down_text(SqlText { file, text: down.into() })
    }

    #[must_use]
    pub(crate) fn with_down_text(mut self, down: SqlText) -> Self {
        self.down = Some(Script::Sql(down));
        self
    }

    /// Adds Rust that leads back down.
    #[must_use]
    pub fn with_down<F>(mut self, down: F) -> Self
    where
        F: Fn(&mut WriteTx<'_>) -> Result<()> + Send + Sync + 'static,
    {
        self.down = Some(Script::Code(Code(Arc::new(down))));
        self
    }

    /// Runs what leads up outside a transaction, as `-- larder: no-transaction` in a file's head does. For statements
    /// that an engine refuses inside one; a failure in the middle leaves the statements before it done. SQL only.
    #[must_use]
    pub fn no_transaction(mut self) -> Self {
        self.up_head.no_transaction = true;
        self
    }

    /// Approves in advance what leading up loses, as `-- larder: destructive` in a file's head does.
    #[must_use]
    pub fn destructive(mut self) -> Self {
        self.up_head.approves = Approves::Everything;
        self
    }

    /// The number, an underscore and the name: `0001_init`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The number that orders it; 0 for an id that breaks a rule, which is refused when the set is loaded.
    pub fn version(&self) -> u64 {
        parse_id(&self.id).map_or(0, |(version, _)| version)
    }

    /// The id without its number: `init`.
    pub fn name(&self) -> &str {
        parse_id(&self.id).map_or(self.id(), |(_, name)| name)
    }

    /// SHA-256 of the text that leads up, in hexadecimal. Line ends and a byte order mark do not count.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// What leads up.
    pub fn up(&self) -> &Script {
        &self.up
    }

    /// What leads down, where there is something.
    pub fn down(&self) -> Option<&Script> {
        self.down.as_ref()
    }

    /// What leads this way, where there is something.
    pub fn script(&self, way: Way) -> Option<&Script> {
        match way {
            Way::Up => Some(&self.up),
            Way::Down => self.down.as_ref(),
        }
    }

    /// True where it has to run outside a transaction on this way. What the head of a file asks for counts once the
    /// set is loaded.
    pub fn is_no_transaction(&self, way: Way) -> bool {
        self.head(way).no_transaction
    }

    /// What it approves in advance of what it loses on this way. What the head of a file says counts once the set is
    /// loaded.
    pub fn approves(&self, way: Way) -> &Approves {
        &self.head(way).approves
    }

    fn head(&self, way: Way) -> &Head {
        match way {
            Way::Up => &self.up_head,
            Way::Down => &self.down_head,
        }
    }

    /// Adds what was read in the head of a text to what was asked for already.
    pub(crate) fn ask(&mut self, way: Way, asked: Head) {
        let head = match way {
            Way::Up => &mut self.up_head,
            Way::Down => &mut self.down_head,
        };
        head.no_transaction |= asked.no_transaction;
        if head.approves == Approves::Nothing {
            head.approves = asked.approves;
        }
    }
}

impl SqlText {
    /// A text and the name of its file.
    pub(crate) fn new(file: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        Self { file: file.into(), text: text.into() }
    }

    /// The name of the file, or the migration's id where it stands in none.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text, as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Code {
    /// Runs it.
    ///
    /// # Errors
    /// What the function returns.
    pub fn run(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        (self.0)(tx)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

/// A migration in Rust that can stand in a `static`, to be joined to embedded files by
/// [`MigrationSet::with_code`](crate::MigrationSet::with_code).
///
/// ```
/// use larder::{CodeMigration, MigrationSet, WriteTx};
///
/// static MIGRATIONS: MigrationSet = larder::migrations!("tests/migrations").with_code(CODE);
/// static CODE: &[CodeMigration] = &[CodeMigration::new("0010_backfill", backfill)];
///
/// fn backfill(tx: &mut WriteTx<'_>) -> larder::Result<()> {
///     // … tx.execute(…)
///     Ok(())
/// }
/// assert_eq!(MIGRATIONS.newest_id()?.as_deref(), Some("0010_backfill"));
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct CodeMigration {
    id: &'static str,
    up: CodeFn,
    down: Option<CodeFn>,
    destructive: bool,
}

impl CodeMigration {
    /// A migration in Rust; see [`Migration::code`].
    pub const fn new(id: &'static str, up: CodeFn) -> Self {
        Self { id, up, down: None, destructive: false }
    }

    /// Adds Rust that leads back down.
    #[must_use]
    pub const fn with_down(mut self, down: CodeFn) -> Self {
        self.down = Some(down);
        self
    }

    /// Approves in advance what it loses.
    #[must_use]
    pub const fn destructive(mut self) -> Self {
        self.destructive = true;
        self
    }

    /// The number, an underscore and the name: `0001_init`.
    pub const fn id(&self) -> &'static str {
        self.id
    }

    pub(crate) fn migration(&self) -> Migration {
        let mut migration = Migration::code(self.id, self.up);
        if self.destructive {
            migration = migration.destructive();
        }
        match self.down {
            Some(down) => migration.with_down(down),
            None => migration,
        }
    }
}

impl fmt::Debug for CodeMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodeMigration").field(&self.id).finish()
    }
}
