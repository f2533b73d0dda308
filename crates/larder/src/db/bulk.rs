//! Many rows of one table, as fast as the engine takes them.

use super::WriteTx;
use super::transaction::within;
use crate::driver::{Access, Connection};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::{Dialect, RowInsert};
use crate::sql::{Param, Row, ValueRef};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{ControlFlow, Range};

/// Rows are written out before they hold more bytes than this, and then the row that came last.
const MOST_BYTES: usize = 1 << 20;
/// The text of a statement of several rows is at most about so long.
const MOST_TEXT: usize = 1 << 16;

/// How long the statements may be. All numbers of rows in a statement are powers of two, so that what is left in the end
/// takes few statements, and few texts stand in the cache.
struct Measure {
    /// A statement holds at most so many rows: more gain nothing.
    rows: usize,
    /// A statement of several rows has at most so many parameters.
    parameters: usize,
    /// A statement of so many rows is not made before this many times its rows were written: to prepare it would cost more
    /// than it gains.
    worth: u64,
    /// A statement that fails ends the transaction, unless it stands in a savepoint of its own.
    fatal: bool,
}

impl Measure {
    fn of(dialect: Dialect) -> Self {
        match dialect {
            // Preparing takes SQLite time that grows with the square of the parameters. It takes 32,766.
            Dialect::Sqlite => Self { rows: 64, parameters: 256, worth: 8, fatal: false },
            // Each statement is a way to the server and back. It takes 65,535.
            Dialect::Postgres => Self { rows: 512, parameters: 4096, worth: 1, fatal: true },
        }
    }
}

impl WriteTx<'_> {
    /// Inserts many rows. `sql` is the statement for one of them; `f` is given what takes their parameters, row by row.
    /// Gives the number of rows that were inserted or changed.
    ///
    /// The rows go to the engine in statements of many rows, which is faster than the fastest way of one statement a row.
    /// Only some rows are held at a time, so any number can stream through.
    ///
    /// Either all rows are inserted or none: an error, also one of `f`, undoes what this call did and nothing else, and
    /// the transaction goes on.
    ///
    /// ```
    /// use larder::{Database, params};
    ///
    /// # fn main() -> larder::Result<()> {
    /// let db = Database::open(":memory:")?;
    /// db.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", &[])?;
    /// let names = ["Ada", "Grace", "Edsger"];
    ///
    /// let inserted = db.write(|tx| {
    ///     tx.insert_many("INSERT INTO users (id, name) VALUES (:id, :name)", |rows| {
    ///         for (id, name) in names.iter().enumerate() {
    ///             rows.push(params! { id, name })?;
    ///         }
    ///         Ok(())
    ///     })
    /// })?;
    /// assert_eq!(inserted, 3);
    ///
    /// // Rows that are there already can be left alone or changed.
    /// let upsert = "INSERT INTO users (id, name) VALUES (:id, upper(:name))
    ///               ON CONFLICT (id) DO UPDATE SET name = excluded.name";
    /// db.write(|tx| tx.insert_many(upsert, |rows| rows.push(params! { id: 0, name: "ada" })))?;
    /// let first: String = db.query_one("SELECT name FROM users WHERE id = 0", &[])?;
    /// assert_eq!(first, "ADA");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # What the statement may be
    /// INSERT or REPLACE with one tuple of VALUES, whose values may be any expressions, and with ON CONFLICT. It runs row by
    /// row, right but slower, where the result of a row depends on the rows before it: with a SELECT in it, with
    /// `last_insert_rowid()`, or with a parameter behind the tuple (write `excluded.name` there instead).
    ///
    /// On PostgreSQL a row that ON CONFLICT is to change twice in one call is changed twice, as here; only it takes longer.
    ///
    /// Two things can be told from one statement a row. SQLite checks references at the end of each statement: of rows that
    /// refer to each other, give the one referred to first, or declare the reference `DEFERRABLE INITIALLY DEFERRED`; else it
    /// depends on how the rows are grouped whether they are taken. And `changes()` or `total_changes()` inside a trigger
    /// count by statements.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] for a statement of another form, before `f` is called. [`ErrorKind::Parameter`] and
    /// [`ErrorKind::Constraint`] name the row, counted from 1; a program finds it as [`FailedRow`]. What `f` returns
    /// comes back as it is.
    pub fn insert_many(&mut self, sql: &str, f: impl FnOnce(&mut NewRows<'_>) -> Result<()>) -> Result<u64> {
        let insert = RowInsert::new(sql, self.dialect())?;
        self.savepoint(|tx| {
            let mut rows = NewRows::new(tx.connection(), &insert);
            f(&mut rows)?;
            rows.finish()
        })
    }
}

/// Takes the rows of [`WriteTx::insert_many`].
pub struct NewRows<'t> {
    connection: &'t mut dyn Connection,
    insert: &'t RowInsert<'t>,
    /// For each parameter of the statement, its place in the list that was given last.
    places: Vec<usize>,
    /// The values of the rows that are held, row after row, in the order of the statement's parameters.
    cells: Vec<Cell>,
    texts: String,
    blobs: Vec<u8>,
    held: usize,
    /// How many rows a statement holds now, a power of two; it grows up to `most`.
    now: usize,
    /// How many rows earlier calls have written with this statement at least, which is why a longer one is kept.
    before: u64,
    most: usize,
    measure: Measure,
    /// The statements of several rows that were needed so far.
    statements: BTreeMap<usize, String>,
    written: u64,
    changed: u64,
    /// A row is being taken, or that ended with a panic.
    pushing: bool,
    /// Why a row was refused.
    refused: Option<(ErrorKind, String)>,
}

/// A value; the bytes of texts and blobs lie together.
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
}

impl<'t> NewRows<'t> {
    fn new(connection: &'t mut dyn Connection, insert: &'t RowInsert<'t>) -> Self {
        let width = insert.mapped().names().len();
        let measure = Measure::of(connection.dialect());
        let fits = (measure.parameters / width.max(1)).min(MOST_TEXT / insert.row_bytes()).min(measure.rows);
        let most = if insert.is_one_by_one() || fits == 0 { 1 } else { 1 << fits.ilog2() };
        Self {
            connection,
            insert,
            places: (0..width).collect(),
            cells: Vec::new(),
            texts: String::new(),
            blobs: Vec::new(),
            held: 0,
            now: 1,
            before: 0,
            most,
            measure,
            statements: BTreeMap::new(),
            written: 0,
            changed: 0,
            pushing: false,
            refused: None,
        }
    }

    /// Takes the parameters of one row; [`params!`](crate::params) writes them. They are copied, and written when enough
    /// have come together: an error may be that of an earlier row.
    ///
    /// # Errors
    /// As [`WriteTx::insert_many`]. After one, no further row is taken and the whole call fails.
    pub fn push(&mut self, params: &[Param<'_>]) -> Result<()> {
        self.check()?;
        // A value's own code may panic, and leaves half a row behind; whoever catches that must not go on with it.
        self.pushing = true;
        let result = self.take(params).and_then(|()| {
            if self.written == 1 && self.before == 0 {
                self.warm();
            }
            let bytes = self.texts.len().saturating_add(self.blobs.len());
            if self.held >= self.now || bytes >= MOST_BYTES { self.write() } else { Ok(()) }
        });
        self.pushing = false;
        if let Err(error) = &result {
            self.refused = Some((error.kind(), error.message().to_owned()));
        }
        result
    }

    fn check(&self) -> Result<()> {
        match &self.refused {
            None if self.pushing => {
                Err(Error::new(ErrorKind::Parameter, "giving a row panicked, and the panic was caught")
                    .with_help("let the panic, or an error, leave the closure of `insert_many`"))
            }
            None => Ok(()),
            Some((kind, message)) => Err(Error::new(*kind, message.clone())
                .with_help("an earlier `push` said so: let its error leave the closure of `insert_many`")),
        }
    }

    fn finish(mut self) -> Result<u64> {
        self.check()?;
        self.write()?;
        Ok(self.changed)
    }

    fn take(&mut self, params: &[Param<'_>]) -> Result<()> {
        let row = self.written + self.held as u64 + 1;
        let names = self.insert.mapped().names();
        let fits = |places: &[usize]| {
            let mut pairs = names.iter().zip(places);
            pairs.all(|(name, place)| params.get(*place).is_some_and(|given| *given.0 == **name))
        };
        if names.len() != params.len() || !fits(&self.places) {
            self.find_places(params).map_err(|error| FailedRow::of(row, row, error))?;
        }
        for place in &self.places {
            let Some((name, value)) = params.get(*place) else { continue };
            let given = value.to_value().map_err(|error| {
                let message = format!("the parameter :{name} can't be given: {}", error.message());
                FailedRow::of(row, row, error.restated(error.kind(), message))
            })?;
            self.cells.push(match given.as_ref() {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Integer(number),
                ValueRef::Real(number) => Cell::Real(number),
                ValueRef::Text(text) => {
                    let from = self.texts.len();
                    self.texts.push_str(text);
                    Cell::Text(from..self.texts.len())
                }
                ValueRef::Blob(bytes) => {
                    let from = self.blobs.len();
                    self.blobs.extend_from_slice(bytes);
                    Cell::Blob(from..self.blobs.len())
                }
            });
        }
        self.held += 1;
        Ok(())
    }

    fn find_places(&mut self, params: &[Param<'_>]) -> Result<()> {
        let slots = self.insert.mapped().resolve(params.iter().map(|param| param.0))?;
        for given in 0..params.len() {
            if let Some(place) = self.places.get_mut(slots.slot(given)) {
                *place = given;
            }
        }
        Ok(())
    }

    /// Writes out the rows that are held.
    fn write(&mut self) -> Result<()> {
        let (texts, blobs) = (self.texts.as_str(), self.blobs.as_slice());
        let value = |cell: &Cell| match cell {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(range) => ValueRef::Text(texts.get(range.clone()).unwrap_or_default()),
            Cell::Blob(range) => ValueRef::Blob(blobs.get(range.clone()).unwrap_or_default()),
        };
        let values: Vec<ValueRef<'_>> = self.cells.iter().map(value).collect();
        let mut values = values.as_slice();
        while self.held > 0 {
            let rows = 1 << self.held.min(self.now).ilog2();
            let (now, later) = values.split_at(rows * self.places.len());
            values = later;
            let from = self.written + 1;
            let sql = match rows {
                1 => self.insert.sql(),
                _ => self.statements.entry(rows).or_insert_with(|| self.insert.of_rows(rows)),
            };
            let numbers = from..from + rows as u64;
            self.changed += if self.measure.fatal {
                write_or_end(self.connection, self.insert, sql, numbers, now)?
            } else {
                self.connection
                    .execute_list(sql, now)
                    .map_err(|error| find(self.connection, self.insert, numbers, now, error))?
            };
            self.written += rows as u64;
            self.held -= rows;
        }
        if self.now < self.most && self.before + self.written >= self.measure.worth * 2 * self.now as u64 {
            self.now *= 2;
        }
        self.cells.clear();
        self.texts.clear();
        self.blobs.clear();
        Ok(())
    }

    /// Begins with the longest statement that earlier calls have left prepared. Asked at the second row, for a call with one row
    /// has no use for it.
    fn warm(&mut self) {
        while self.now < self.most {
            let rows = self.now * 2;
            let longer = self.statements.entry(rows).or_insert_with(|| self.insert.of_rows(rows));
            if !self.connection.is_prepared(longer) {
                break;
            }
            self.now = rows;
            self.before = self.measure.worth * rows as u64;
        }
    }
}

/// Runs the statement of one row, as it was given.
fn one(connection: &mut dyn Connection, insert: &RowInsert<'_>, values: &[ValueRef<'_>]) -> Result<u64> {
    connection.execute_list(insert.sql(), values)
}

/// Writes the rows of these numbers, whose values are `values`, where a statement that fails ends the transaction. One of many
/// rows therefore has a savepoint of its own; when it fails, the rows are written one by one, and the first that fails is named.
/// Where none does, it was only together that they could not be: a row that ON CONFLICT changes twice.
fn write_or_end(
    connection: &mut dyn Connection,
    insert: &RowInsert<'_>,
    sql: &str,
    numbers: Range<u64>,
    values: &[ValueRef<'_>],
) -> Result<u64> {
    if numbers.end - numbers.start > 1 {
        match within(connection, Access::Write, |connection| connection.execute_list(sql, values)) {
            Err(error) if is_of_a_row(&error) => {}
            other => return other,
        }
    }
    let (mut changed, mut left) = (0, values);
    for number in numbers {
        let (values, later) = left.split_at(insert.mapped().names().len().min(left.len()));
        left = later;
        changed += one(connection, insert, values).map_err(|error| match error.kind() {
            // A statement that does not even go with the first row is wrong for every row.
            ErrorKind::Statement if number == 1 => error,
            _ if is_of_a_row(&error) => FailedRow::of(number, number, error),
            _ => error,
        })?;
    }
    Ok(changed)
}

/// Whether one row may be the cause.
fn is_of_a_row(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Constraint | ErrorKind::Statement | ErrorKind::Parameter)
}

/// Says which of the rows of these numbers, whose values are `values`, is the one that `error` is about.
///
/// A statement that failed left nothing behind, and all that this call did will be rolled back: so the rows can be tried
/// one by one. Where a constraint of the schema says ON CONFLICT FAIL, the first rows are there already, and the
/// row that is named may be one too early.
fn find(
    connection: &mut dyn Connection,
    insert: &RowInsert<'_>,
    numbers: Range<u64>,
    values: &[ValueRef<'_>],
    error: Error,
) -> Error {
    if !is_of_a_row(&error) {
        return error;
    }
    let mut left = values;
    for number in numbers.clone() {
        let (values, later) = left.split_at(insert.mapped().names().len().min(left.len()));
        left = later;
        let Err(found) = one(connection, insert, values) else { continue };
        if found.kind() != error.kind() {
            break;
        }
        // A statement that can't even be looked at is wrong for every row.
        if found.kind() == ErrorKind::Statement && look(connection, insert, values).is_err() {
            return found;
        }
        return FailedRow::of(number, number, found);
    }
    FailedRow::of(numbers.start, numbers.end.saturating_sub(1), error)
}

/// Lets the engine read the statement without running it.
fn look(connection: &mut dyn Connection, insert: &RowInsert<'_>, values: &[ValueRef<'_>]) -> Result<()> {
    let names = insert.mapped().names().iter();
    let params: Vec<Param<'_>> = names.zip(values).map(|(name, value)| (name.as_str(), value as _)).collect();
    let mut stop = |_: Row<'_>| Ok(ControlFlow::Break(()));
    connection.query(&format!("EXPLAIN {}", insert.sql()), &params, &mut stop)
}

/// The row of [`WriteTx::insert_many`] that an error is about, in the chain of the error:
/// `error.find::<larder::FailedRow>()`.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedRow {
    /// Its number, counted from 1. When it could not be told, the first of those it may be.
    pub first: u64,
    /// The same number, or the last of those it may be.
    pub last: u64,
    cause: Error,
}

impl FailedRow {
    fn of(first: u64, last: u64, cause: Error) -> Error {
        let place =
            if first == last { format!("row {first}") } else { format!("one of the rows {first} to {last}") };
        let message = format!("{place}: {}", cause.message());
        cause.restated(cause.kind(), message).with_cause(Self { first, last, cause })
    }
}

impl fmt::Display for FailedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause.message())
    }
}

impl std::error::Error for FailedRow {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.cause)
    }
}
