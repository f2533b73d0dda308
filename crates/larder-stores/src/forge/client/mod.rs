//! One small interface to a database, for a code host that does not care which engine it is.

mod environment;

use super::MIGRATIONS;
use larder::sql::text::{Dialect, Mapped, Verb};
use larder::{Database, Error, ErrorKind, Param, ReadTx, Result, Value, WriteTx};
use serde::de::DeserializeOwned;
use std::ops::ControlFlow;

/// A client of the forge's database: query, execute, transaction, prepare, close.
///
/// Parameters are named, in one text for every engine: `:name` in the statement, `params! { name }` beside it. Dates are
/// ISO 8601 text on SQLite, `timestamptz` on PostgreSQL, and come out as the same text on both.
///
/// ```
/// use larder::params;
/// use larder_stores::forge::{Client, find_project_named};
///
/// # fn main() -> larder::Result<()> {
/// let client = Client::in_environment(|name| (name == "DATABASE_URL").then(|| ":memory:".to_owned()))?;
/// let count: Vec<i64> = client.query("SELECT count(*) FROM projects", params! {})?;
/// assert_eq!(count, [0]);
/// let named = client.transaction(|tx| find_project_named(tx, "pantry"))?;
/// assert_eq!(named, None);
/// client.close()
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    database: Database,
}

impl Client {
    /// The client that the environment of this process asks for:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `DATABASE_URL` | where the database is: a path, `sqlite:PATH`, `:memory:`, `postgres://…`. It wins |
    /// | `DB_DRIVER` | `sqlite` or `pg`; must fit the URL where there is one. `sqlite` unless set. With `pg` and without a URL, libpq's own variables (`PGHOST`, …) say where |
    /// | `DB_PATH` | the file, for SQLite without a URL; `data/forge.db` unless set |
    ///
    /// An empty variable counts as not set. The store's migrations are applied.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for what contradicts itself or can't be understood, [`ErrorKind::Unsupported`] for PostgreSQL
    /// without the feature `postgres`, or what opening says.
    pub fn from_env() -> Result<Self> {
        Self::at(environment::url(|name| environment::value(name, std::env::var(name)))?)
    }

    /// The same in another environment: `variable` gives the value of a variable.
    ///
    /// # Errors
    /// As [`Client::from_env`].
    pub fn in_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        Self::at(environment::url(|name| Ok(variable(name)))?)
    }

    fn at(url: String) -> Result<Self> {
        Ok(Self::of(Database::options(url).migrations(&MIGRATIONS).open()?))
    }

    /// A client of a database that is open already.
    pub fn of(database: Database) -> Self {
        Self { database }
    }

    /// The database behind it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Reads all rows that a statement gives, without a transaction around it.
    ///
    /// # Errors
    /// As [`Database::query_all`].
    #[track_caller]
    pub fn query<T: DeserializeOwned>(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<T>> {
        self.database.query_all(sql, params)
    }

    /// Runs one statement that writes, by itself; gives the number of rows it changed.
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.database.execute(sql, params)
    }

    /// Runs `f` in a transaction that reads and writes: committed when it returns `Ok`, rolled back when it does not.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub fn transaction<T: Send>(&self, f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send) -> Result<T> {
        self.database.write(f)
    }

    /// Has the engine read a statement without running it, and keeps it for later use. Whether tables, columns and syntax
    /// are right is known from here on, and which parameters it takes.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] and [`ErrorKind::Parameter`] for what is wrong with it, [`ErrorKind::Unsupported`] for what
    /// begins or ends a transaction, [`ErrorKind::ReadOnly`] for what writes where that can't be.
    pub fn prepare(&self, sql: &str) -> Result<Prepared<'_>> {
        let dialect = self.database.driver().dialect();
        let parameters = Mapped::new(sql, dialect)?.names().to_vec();
        let nothing: Vec<Param<'_>> =
            parameters.iter().map(|name| (name.as_str(), &Value::Null as _)).collect();
        let verb = Verb::of(sql, dialect);
        if verb.is_transaction_control() {
            return Err(Error::new(ErrorKind::Unsupported, "a statement opens or ends a transaction")
                .with_help("leave that to `transaction`"));
        }
        use Verb::{Alter, Analyze, Create, Drop, Explain, Reindex, Vacuum};
        // What explains runs nothing by itself, and is not to be explained.
        let explain = match (dialect, verb) {
            (_, Explain) => sql.to_owned(),
            // This engine explains none of these. They are understood when they run.
            (Dialect::Postgres, Alter | Analyze | Create | Drop | Reindex | Vacuum) => {
                return Ok(Prepared { client: self, sql: sql.to_owned(), parameters });
            }
            _ => format!("EXPLAIN {sql}"),
        };
        let look = |tx: &mut ReadTx<'_>| tx.query_each(&explain, &nothing, |_| Ok(ControlFlow::Break(())));
        // A connection that reads does not even explain a statement that writes.
        let looked = match self.database.read(look) {
            Err(error) if error.kind() == ErrorKind::ReadOnly => self.database.write(|tx| look(tx)),
            looked => looked,
        };
        looked.map_err(|error| match error.kind() {
            // The place is one in the text with the word before it, which the caller does not know.
            ErrorKind::Statement => Error::new(ErrorKind::Statement, error.message()).with_cause(error),
            _ => error,
        })?;
        Ok(Prepared { client: self, sql: sql.to_owned(), parameters })
    }

    /// Closes the database, also for other clients of it.
    ///
    /// # Errors
    /// As [`Database::close`].
    pub fn close(self) -> Result<()> {
        self.database.close()
    }
}

/// A statement that the engine has read, to be run as often as one likes. The engine keeps it prepared beside its
/// connections as long as it is in use.
#[derive(Clone, Debug)]
pub struct Prepared<'c> {
    client: &'c Client,
    sql: String,
    parameters: Vec<String>,
}

impl Prepared<'_> {
    /// The names of its parameters, in order of appearance.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// Its text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Reads all rows that it gives.
    ///
    /// # Errors
    /// As [`Client::query`].
    #[track_caller]
    pub fn query<T: DeserializeOwned>(&self, params: &[Param<'_>]) -> Result<Vec<T>> {
        self.client.query(&self.sql, params)
    }

    /// Runs it; gives the number of rows it changed.
    ///
    /// # Errors
    /// As [`Client::execute`].
    pub fn execute(&self, params: &[Param<'_>]) -> Result<u64> {
        self.client.execute(&self.sql, params)
    }
}
