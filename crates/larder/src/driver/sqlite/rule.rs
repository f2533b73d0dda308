//! What an application's statement may not do.

use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::{Dialect, TokenKind, Verb, pragma, tokens};

/// Refuses a statement that may not run here. Asked before it is prepared, for many a PRAGMA does its work then already,
/// even behind EXPLAIN; and each time it is run.
pub(super) fn check(verb: Verb, sql: &str, watching: bool) -> Result<()> {
    let refuse = |message: &str, help: &str| Err(Error::new(ErrorKind::Unsupported, message).with_help(help));
    match verb {
        verb if verb.is_transaction_control() => refuse(
            "a statement opens or ends a transaction",
            "leave that to `read`, `write` and `savepoint`, which commit on success and roll back on error",
        ),
        Verb::Attach | Verb::Detach => {
            refuse("a statement attaches or detaches a database", "open the other one by itself")
        }
        Verb::Vacuum if !watching => refuse("VACUUM can't run here", "use `vacuum` or `backup`"),
        Verb::Pragma if !watching && pragma(sql).is_none_or(|pragma| pragma.is_setting()) => {
            refuse("a statement changes a setting of the connection", "set it in the options when you open")
        }
        Verb::Explain if explains_pragma(sql) => refuse(
            "a statement explains a PRAGMA",
            "run the PRAGMA itself, or look it up in SQLite's documentation",
        ),
        _ => Ok(()),
    }
}

/// True for `EXPLAIN PRAGMA …`, also with `QUERY PLAN`.
fn explains_pragma(sql: &str) -> bool {
    let mut words =
        tokens(sql, Dialect::Sqlite).filter(|token| token.kind != TokenKind::Comment && !token.is_punct(";"));
    words.next();
    words.find(|token| !token.is("QUERY") && !token.is("PLAN")).is_some_and(|token| token.is("PRAGMA"))
}

/// Whether a statement only reads, of which SQLite `said` what it thinks: it holds the question for the journal mode to be
/// a write, and work for which there is no need just now to be none.
pub(super) fn only_reads(verb: Verb, sql: &str, said: bool) -> bool {
    let Some(pragma) = (verb == Verb::Pragma).then(|| pragma(sql)).flatten() else { return said };
    match pragma.name.as_str() {
        "journal_mode" if !pragma.has_value => true,
        "incremental_vacuum" | "optimize" | "wal_checkpoint" => false,
        _ => said,
    }
}
