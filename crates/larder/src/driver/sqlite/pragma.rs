//! The settings of a connection: each is set, then read back.

use crate::error::{Error, ErrorKind, Result};
use rusqlite::Connection;
use std::time::Duration;

/// A setting's name and value, as they stand in `PRAGMA name = value`.
pub(crate) type Pragma = (String, String);

/// The settings that Larder puts in force, in this order, unless one is overridden.
///
/// - `journal_mode=WAL`: readers never wait for the writer, nor the writer for readers.
/// - `synchronous=NORMAL`: safe from corruption in WAL mode; a power cut can take the last transactions.
/// - `foreign_keys=ON`: SQLite ignores foreign keys unless told.
/// - `wal_autocheckpoint=1000`: pages of WAL after which a commit moves them into the file.
/// - `temp_store=MEMORY`: sorts do not go to a disk that may be full or slow.
/// - `cache_size=-64000`: up to 64 MB of page cache a connection.
pub(crate) const DEFAULTS: [(&str, &str); 6] = [
    ("journal_mode", "wal"),
    ("synchronous", "NORMAL"),
    ("foreign_keys", "ON"),
    ("wal_autocheckpoint", "1000"),
    ("temp_store", "MEMORY"),
    ("cache_size", "-64000"),
];

/// What `PRAGMA name` gives back for a value that has a word and a number.
fn number_of<'a>(name: &str, value: &'a str) -> &'a str {
    let lower = value.to_ascii_lowercase();
    match (name, lower.as_str()) {
        ("synchronous", "off") => "0",
        ("synchronous", "normal") => "1",
        ("synchronous", "full") => "2",
        ("synchronous", "extra") => "3",
        ("auto_vacuum", "none") => "0",
        ("auto_vacuum", "full") => "1",
        ("auto_vacuum", "incremental") => "2",
        ("temp_store", "default") => "0",
        ("temp_store", "file") => "1",
        ("temp_store", "memory") => "2",
        _ => match boolean(value) {
            Some(true) => "1",
            Some(false) => "0",
            None => value,
        },
    }
}

/// Sets `name` to `value` and looks whether it took. Some settings answer with the value that they now have; others are
/// asked for it.
pub(super) fn set(connection: &Connection, name: &str, value: &str) -> Result<()> {
    const ANSWERS: [&str; 3] = ["journal_mode", "wal_autocheckpoint", "locking_mode"];
    // `UTF-16le` is a value too. What may stand in one is checked: there is no quote among it.
    let answer = ask(connection, &format!("PRAGMA {name} = '{value}'"))?;
    let found = match answer {
        Some(answer) if ANSWERS.contains(&name) => Some(answer),
        _ => get(connection, name)?,
    };
    // Some never answer (`case_sensitive_like`), some not on a database in memory (`mmap_size`).
    let Some(found) = found else { return is_known(connection, name) };
    if number_of(name, &found).eq_ignore_ascii_case(number_of(name, value)) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("PRAGMA {name} was set to {value} and SQLite keeps {found}"))
        .with_help("choose a value that SQLite takes for this database"))
}

/// SQLite passes over the name of a PRAGMA that it does not know.
fn is_known(connection: &Connection, name: &str) -> Result<()> {
    let known: Option<bool> = connection
        .query_row("SELECT count(*) FROM pragma_pragma_list WHERE name = ?", [name], |row| row.get(0))
        .ok();
    if known == Some(false) {
        return Err(Error::new(ErrorKind::Config, format!("SQLite has no setting {name}"))
            .with_help("look for a typing error in the options"));
    }
    Ok(())
}

/// How long SQLite itself waits for a lock. It counts milliseconds in 32 bits; more is as good as forever.
pub(super) fn wait(connection: &Connection, patience: Duration) -> Result<()> {
    const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);
    connection.busy_timeout(patience.min(LONGEST)).map_err(super::fault::general)
}

/// Settings that only a database without any content takes, which it is no more after the switch of its journal.
pub(super) fn is_of_the_file(name: &str) -> bool {
    matches!(name, "page_size" | "auto_vacuum" | "encoding")
}

/// True and false, as SQLite spells them.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "1" | "yes" | "true" => Some(true),
        "off" | "0" | "no" | "false" => Some(false),
        _ => None,
    }
}

/// The value in force, as text; `None` for a setting that this SQLite does not know.
pub(super) fn get(connection: &Connection, name: &str) -> Result<Option<String>> {
    ask(connection, &format!("PRAGMA {name}"))
}

/// Runs a PRAGMA to its end; gives the first value that it answers with, as text.
fn ask(connection: &Connection, statement: &str) -> Result<Option<String>> {
    let read = || -> rusqlite::Result<Option<String>> {
        let mut prepared = connection.prepare(statement)?;
        let mut rows = prepared.raw_query();
        let Some(row) = rows.next()? else { return Ok(None) };
        let found = match row.get_ref(0)? {
            rusqlite::types::ValueRef::Integer(n) => Some(n.to_string()),
            rusqlite::types::ValueRef::Real(x) => Some(x.to_string()),
            rusqlite::types::ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        };
        while rows.next()?.is_some() {}
        Ok(found)
    };
    read().map_err(|error| super::fault::statement(error, statement))
}

/// Refuses what would be more than a name and a value: a setting is text that goes into a statement.
pub(crate) fn check(name: &str, value: &str) -> Result<()> {
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    if plain(name) && plain(value) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("`PRAGMA {name} = {value}` can't be a setting"))
        .with_help("give a name and a plain word or number"))
}

/// Switches the journal mode when it is not yet as wanted, within `patience`.
///
/// The switch to WAL needs the file for itself for a moment, and SQLite's own busy timeout does not wait for that: of
/// many processes that open a new file at once, most would fail. So it is tried again until the time is up.
pub(super) fn switch_journal(connection: &Connection, wanted: &str, patience: Duration) -> Result<()> {
    let mut wait = super::backoff::Backoff::new(patience);
    loop {
        let result = match get(connection, "journal_mode") {
            Ok(Some(mode)) if mode.eq_ignore_ascii_case(wanted) => return Ok(()),
            // A database in memory has a journal in memory, and no other.
            Ok(Some(mode)) if mode.eq_ignore_ascii_case("memory") => return Ok(()),
            Ok(_) => set(connection, "journal_mode", wanted),
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Busy && wait.pause() => {}
            Err(error) => return Err(error),
        }
    }
}
