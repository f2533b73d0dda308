//! Adding entries.

use super::anchor;
use super::chain::Chain;
use super::hash::Head;
use super::trail::{Column, MOST_COLUMNS, Trail};
use larder::sql::text::Dialect;
use larder::{ConstraintKind, Error, ErrorKind, Given, NewRows, Param, Result, ToValue, ValueRef, WriteTx};

/// What stands where an entry has fewer columns than the most.
const NOTHING: ValueRef<'static> = ValueRef::Null;
/// An entry as a row has its number and its hash besides the columns.
const MOST_PARAMETERS: usize = MOST_COLUMNS + 2;

/// Appends one entry: `params!` with every covered column of `trail`. Gives its number and hash.
///
/// # Errors
/// [`ErrorKind::Parameter`] when a column is missing or unknown, or its value is not of the column's kind;
/// [`ErrorKind::Conversion`] when the last entry has no readable number or hash, so that nothing can follow it;
/// [`ErrorKind::Conflict`] on PostgreSQL when another transaction appended since this one began, after which
/// [`Database::write`](larder::Database::write) runs it again; or what the engine says.
pub fn append(tx: &mut WriteTx<'_>, trail: &Trail, entry: &[Param<'_>]) -> Result<Head> {
    take_turn(tx, trail)?;
    append_in_turn(tx, trail, entry)
}

/// As [`append`], for who has taken his turn already.
pub(crate) fn append_in_turn(tx: &mut WriteTx<'_>, trail: &Trail, entry: &[Param<'_>]) -> Result<Head> {
    let mut chain = Chain::new(trail, last(tx, trail)?);
    link(trail, &mut chain, entry, |row| tx.execute(trail.insert, row).map(drop))
        .map_err(|error| overtaken(error, tx.dialect(), trail))?;
    Ok(chain.head())
}

/// Appends many entries, all or none; `f` is given what takes them. Gives the number and hash of the last entry, which
/// is that of an entry from before when `f` gave none, or 0 and zeros in an empty trail.
///
/// # Errors
/// As [`append`], with the row in it as of [`WriteTx::insert_many`]; or what `f` returns.
pub fn append_many(
    tx: &mut WriteTx<'_>,
    trail: &Trail,
    f: impl FnOnce(&mut NewEntries<'_, '_>) -> Result<()>,
) -> Result<Head> {
    take_turn(tx, trail)?;
    append_many_in_turn(tx, trail, f)
}

/// As [`append_many`], for who has taken his turn already.
pub(crate) fn append_many_in_turn(
    tx: &mut WriteTx<'_>,
    trail: &Trail,
    f: impl FnOnce(&mut NewEntries<'_, '_>) -> Result<()>,
) -> Result<Head> {
    let mut chain = Chain::new(trail, last(tx, trail)?);
    tx.insert_many(trail.insert, |rows| f(&mut NewEntries { trail, rows, chain: &mut chain }))
        .map_err(|error| overtaken(error, tx.dialect(), trail))?;
    Ok(chain.head())
}

/// Takes the entries of [`append_many`].
pub struct NewEntries<'e, 'r> {
    trail: &'e Trail,
    rows: &'e mut NewRows<'r>,
    chain: &'e mut Chain,
}

impl NewEntries<'_, '_> {
    /// Takes one entry, as [`append`] does. Gives its number and hash.
    ///
    /// # Errors
    /// As [`append_many`]. After one, let the error leave the closure.
    pub fn push(&mut self, entry: &[Param<'_>]) -> Result<Head> {
        link(self.trail, self.chain, entry, |row| self.rows.push(row))?;
        Ok(self.chain.head())
    }
}

/// The entry to follow.
fn last(tx: &mut WriteTx<'_>, trail: &Trail) -> Result<Head> {
    Ok(anchor::head(tx, trail)?.unwrap_or(Head::START))
}

/// Waits until nobody else appends, and keeps others from it until the commit; may be called again at no harm. SQLite's
/// writers come one after another by themselves. On PostgreSQL it locks a view that is there for nothing else: LOCK is the
/// one way to wait for which a serializable transaction takes no snapshot, so who begins with it sees what the one before him
/// committed, and need not be run again; and vacuum, which would wait for a lock of the table, has nothing to do with a view.
pub(crate) fn take_turn(tx: &mut WriteTx<'_>, trail: &Trail) -> Result<()> {
    match tx.dialect() {
        Dialect::Postgres => tx.execute(trail.turn, &[]).map(drop),
        _ => Ok(()),
    }
}

/// Whose snapshot is older than his turn does not see the last entry, and his would have its number. The primary key
/// refuses it; nothing is wrong but the time, so the whole transaction is to be run again.
fn overtaken(error: Error, dialect: Dialect, trail: &Trail) -> Error {
    let kind = error.constraint().map(|broken| broken.kind);
    match (dialect, kind) {
        (Dialect::Postgres, Some(ConstraintKind::PrimaryKey | ConstraintKind::Unique)) => {
            let message = format!("another transaction has appended to {} meanwhile", trail.table);
            Error::new(ErrorKind::Conflict, message).with_help("run the transaction again").with_cause(error)
        }
        _ => error,
    }
}

/// Makes `entry` the next of `chain`, and hands it over as a row.
fn link(
    trail: &Trail,
    chain: &mut Chain,
    entry: &[Param<'_>],
    write: impl FnOnce(&[Param<'_>]) -> Result<()>,
) -> Result<()> {
    if entry.len() != trail.columns.len() {
        return Err(Error::new(
            ErrorKind::Parameter,
            format!(
                "an entry of {} has {} columns and {} were given",
                trail.table,
                trail.columns.len(),
                entry.len()
            ),
        ));
    }
    let seq = chain.begin();
    // A value may be dear to make, and is made once: hashed and written is the same.
    let mut given = [const { Given::Borrowed(NOTHING) }; MOST_COLUMNS];
    for (at, (column, slot)) in trail.columns.iter().zip(&mut given).enumerate() {
        *slot = find(trail, column, at, entry)?.to_value()?;
        let value = slot.as_ref();
        chain.value(column, value).map_err(|_| {
            Error::new(
                ErrorKind::Parameter,
                format!(
                    "the column {} of {} holds {}, and {} was given",
                    column.name,
                    trail.table,
                    column.kind.word(),
                    value.kind()
                ),
            )
        })?;
    }
    let hex = chain.seal().hex();
    let digits = hex.as_str();
    let mut values = [NOTHING; MOST_COLUMNS];
    for (value, given) in values.iter_mut().zip(&given) {
        *value = given.as_ref();
    }
    // In the order of the statement, so that no name has to be looked for.
    let mut row: [Param<'_>; MOST_PARAMETERS] = [("", &NOTHING); MOST_PARAMETERS];
    let columns =
        trail.columns.iter().zip(&values).map(|(column, value)| (column.name, value as &dyn ToValue));
    let all = std::iter::once(("seq", &seq as &dyn ToValue)).chain(columns).chain([("hash", &digits as _)]);
    let mut width = 0;
    for (slot, param) in row.iter_mut().zip(all) {
        *slot = param;
        width += 1;
    }
    write(row.get(..width).unwrap_or_default())
}

/// What was given for a column, which is its `at`th where the entry keeps to the order of the trail.
fn find<'e>(trail: &Trail, column: &Column, at: usize, entry: &[Param<'e>]) -> Result<&'e dyn ToValue> {
    let there = entry.get(at).filter(|given| given.0 == column.name);
    match there.or_else(|| entry.iter().find(|given| given.0 == column.name)) {
        Some((_, value)) => Ok(*value),
        None => Err(Error::new(
            ErrorKind::Parameter,
            format!("the column {} of {} was not given", column.name, trail.table),
        )),
    }
}
