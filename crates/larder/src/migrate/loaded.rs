//! A set that was read: its migrations for one engine, in order, every rule checked.

use crate::error::{Error, ErrorKind, Result};
use crate::migrate::migration::{Approves, Head, Migration, Script, SqlText, Way};
use crate::migrate::record;
use crate::sql::text::{self, Dialect, DirectiveWord};
use larder_file::{ENGINES, Problem, arrange, checksum, parse_id, same_numbers};
use std::borrow::Cow;
use std::mem;
use std::sync::OnceLock;

/// The migrations of one set for one engine: sorted, checked, not split into statements yet.
#[derive(Clone, Debug)]
pub struct LoadedSet {
    name: String,
    after: Vec<String>,
    dialect: Dialect,
    migrations: Vec<Migration>,
    fingerprint: OnceLock<String>,
}

impl LoadedSet {
    /// Takes over a fingerprint that was known before the migrations were read.
    pub(crate) fn with_fingerprint(self, known: String) -> Self {
        Self { fingerprint: OnceLock::from(known), ..self }
    }

    /// Sorts and checks migrations.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMigration`] where a name, an id or a text breaks a rule; all that do are listed.
    pub fn new(
        name: impl Into<String>,
        after: Vec<String>,
        dialect: Dialect,
        mut migrations: Vec<Migration>,
    ) -> Result<Self> {
        let name = name.into();
        check_name(&name)?;
        let mut problems: Vec<Problem> =
            migrations.iter().filter_map(|migration| parse_id(migration.id()).err()).collect();
        migrations.sort_by(|a, b| (a.version(), a.id()).cmp(&(b.version(), b.id())));
        if problems.is_empty() {
            problems = same_numbers(migrations.iter().map(|one| (one.version(), one.id())));
        }
        if !problems.is_empty() {
            return Err(refusal(&format!("the migrations of {name:?}"), problems));
        }
        for migration in &mut migrations {
            migration.read_heads(dialect)?;
        }
        Ok(Self { name, after, dialect, migrations, fingerprint: OnceLock::new() })
    }

    /// The set's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the sets that have to be applied before this one.
    pub fn after(&self) -> &[String] {
        &self.after
    }

    /// The engine that its texts are for.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The migrations, in the order of their numbers.
    pub fn migrations(&self) -> &[Migration] {
        &self.migrations
    }

    /// The migration at `index`.
    pub fn get(&self, index: usize) -> Option<&Migration> {
        self.migrations.get(index)
    }

    /// The newest migration.
    pub fn newest(&self) -> Option<&Migration> {
        self.migrations.last()
    }

    /// SHA-256 over the ids and checksums, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| fingerprint(&self.migrations))
    }

    /// A migration's id as the history knows it: `0001_init`, or `journal/0001_init` in a set other than `app`.
    pub fn history_id(&self, migration: &Migration) -> String {
        record::history_id(&self.name, migration.id())
    }
}

impl Migration {
    /// Reads what the heads of the texts ask for, and makes sure that there is something to run.
    fn read_heads(&mut self, dialect: Dialect) -> Result<()> {
        for way in [Way::Up, Way::Down] {
            let asked = match self.script(way) {
                Some(Script::Sql(sql)) => head(sql, dialect)?,
                Some(Script::Code(_)) | None => Head::default(),
            };
            self.ask(way, asked);
        }
        if self.is_no_transaction(Way::Up) && matches!(self.up(), Script::Code(_)) {
            return Err(Error::new(
                ErrorKind::InvalidMigration,
                format!("{:?} is written in Rust and asks to run outside a transaction", self.id()),
            )
            .with_help("write it in SQL, or leave no_transaction() out"));
        }
        Ok(())
    }
}

fn head(sql: &SqlText, dialect: Dialect) -> Result<Head> {
    let directives = text::directives(sql.text(), dialect)
        .map_err(|error| error.into_error(ErrorKind::InvalidMigration, sql.file(), sql.text()))?;
    let is_statement =
        |token: text::Token<'_>| token.kind != text::TokenKind::Comment && !token.is_punct(";");
    if !text::tokens(sql.text(), dialect).any(is_statement) {
        let message = format!("there is no statement in {:?}", sql.file());
        return Err(Error::new(ErrorKind::InvalidMigration, message)
            .with_help("write one, remove the file, or write SELECT 1 where nothing is to do"));
    }
    let mut head = Head::default();
    for directive in directives {
        match directive.word {
            DirectiveWord::NoTransaction => head.no_transaction = true,
            DirectiveWord::Destructive => {
                let items: Vec<String> = directive.items().map(str::to_owned).collect();
                head.approves = match (mem::take(&mut head.approves), items.is_empty()) {
                    (_, true) | (Approves::Everything, _) => Approves::Everything,
                    (Approves::Nothing, false) => Approves::Only(items),
                    (Approves::Only(mut before), false) => {
                        before.extend(items);
                        Approves::Only(before)
                    }
                };
            }
        }
    }
    Ok(head)
}

/// The fingerprint of sorted migrations. Those in SQL come first and on their own, so that what a macro computed of a
/// folder can be joined with migrations in Rust without reading one text.
pub(crate) fn fingerprint(migrations: &[Migration]) -> String {
    let is_sql = |migration: &&Migration| matches!(migration.up(), Script::Sql(_));
    let sql = checksum::of_list(migrations.iter().filter(is_sql).map(|one| (one.id(), one.checksum())));
    join_code(&sql, migrations.iter().filter(|one| !is_sql(one)))
}

/// The fingerprint of migrations in SQL, whose fingerprint is `sql`, and of some in Rust.
pub(crate) fn join_code<'a>(sql: &str, code: impl IntoIterator<Item = &'a Migration>) -> String {
    let mut code = code.into_iter().peekable();
    if code.peek().is_none() {
        return sql.to_owned();
    }
    checksum::of_list([("sql", sql)].into_iter().chain(code.map(|one| (one.id(), one.checksum()))))
}

/// The migrations that the files of a folder are for one engine. `text` gives a file's text, and its checksum where that
/// is known already.
pub(crate) fn of_files(
    names: &[Cow<'static, str>],
    text: impl Fn(usize) -> (Cow<'static, str>, Option<&'static str>),
    dialect: Dialect,
) -> Result<Vec<Migration>, Vec<Problem>> {
    let engine = engine(dialect);
    let sql = |index: usize| {
        let (text, checksum) = text(index);
        Some((SqlText::new(names.get(index)?.clone(), text), checksum))
    };
    let mut problems = Vec::new();
    let mut migrations = Vec::new();
    for found in arrange(names.iter().map(AsRef::as_ref))? {
        let text = |slots: &[Option<usize>]| slots.get(engine).copied().flatten().and_then(sql);
        let Some((up, checksum)) = text(&found.up) else {
            problems.push(Problem::new(
                format!("{:?} has no text for {}", found.id, engine_name(dialect)),
                format!(
                    "add {}.{}.sql; it may be SELECT 1 where nothing is to do",
                    found.id,
                    ENGINES.get(engine).copied().unwrap_or_default()
                ),
            ));
            continue;
        };
        let migration = Migration::of_text(Cow::Owned(found.id), up, checksum);
        migrations.push(match text(&found.down) {
            Some((down, _)) => migration.with_down_text(down),
            None => migration,
        });
    }
    if problems.is_empty() { Ok(migrations) } else { Err(problems) }
}

/// Where an engine stands in the list of those that a file's name may ask for.
pub(crate) fn engine(dialect: Dialect) -> usize {
    match dialect {
        Dialect::Sqlite => 0,
        Dialect::Postgres => 1,
    }
}

/// What people call an engine.
pub(crate) fn engine_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    }
}

/// The error for what breaks a rule of `place`.
pub(crate) fn refusal(place: &str, problems: Vec<Problem>) -> Error {
    let mut problems = problems;
    if problems.len() == 1
        && let Some(only) = problems.pop()
    {
        let error = Error::new(ErrorKind::InvalidMigration, only.message).with_help(only.help);
        return match only.cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        };
    }
    let mut message = format!("{} things are wrong with {place}", problems.len());
    for problem in &problems {
        message.push_str(&format!("\n  - {}: {}", problem.message, problem.help));
    }
    Error::new(ErrorKind::InvalidMigration, message)
}

fn check_name(name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(good) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidMigration, format!("{name:?} is no name for a set of migrations"))
        .with_help("use small letters, digits, _ and -"))
}
