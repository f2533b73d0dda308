//! What an application's statement may not do.

use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::{Dialect, Token, TokenKind, Verb, tokens};

/// Refuses a statement that may not run here.
pub(super) fn check(verb: Verb, sql: &str, watching: bool) -> Result<()> {
    let refuse = |message: &str, help: &str| Err(Error::new(ErrorKind::Unsupported, message).with_help(help));
    let words = || {
        let mut words = tokens(sql, Dialect::Postgres)
            .filter(|token| token.kind != TokenKind::Comment && !token.is_punct(";"));
        [words.next(), words.next(), words.next()]
    };
    if verb.is_transaction_control() {
        return transaction(&refuse);
    }
    if verb == Verb::Vacuum && !watching {
        return refuse("VACUUM can't run here", "use `vacuum`");
    }
    if verb != Verb::Other {
        return Ok(());
    }
    let words = words();
    let is = |index: usize, word: &str| {
        words.get(index).and_then(Option::as_ref).is_some_and(|token| token.is(word))
    };
    if words.iter().all(Option::is_none) {
        return Err(Error::new(ErrorKind::Statement, "there is no statement in the text"));
    }
    let sets = is(0, "SET") && (is(1, "TRANSACTION") || is(1, "SESSION") && is(2, "CHARACTERISTICS"));
    // A migration sets how much its transaction sees.
    if is(0, "PREPARE") && is(1, "TRANSACTION") || sets && !watching {
        return transaction(&refuse);
    }
    if ["PREPARE", "EXECUTE", "DEALLOCATE", "DISCARD"].iter().any(|word| is(0, word)) {
        return refuse(
            "a statement prepares statements, or takes prepared ones away",
            "run the statement itself: it is prepared when it comes again",
        );
    }
    // What ends with the transaction harms nobody, if it does not change what the transaction may do.
    let passing =
        is(1, "CONSTRAINTS") || is(1, "LOCAL") && !names_transaction(words.get(2).and_then(Option::as_ref));
    if !watching && (is(0, "RESET") || is(0, "SET") && !passing) {
        return refuse(
            "a statement changes a setting of the connection",
            "write SET LOCAL, or set it in the URL (`options`), or by ALTER ROLE or ALTER DATABASE",
        );
    }
    Ok(())
}

/// True for what may leave something in a session when its transaction is over: temporary tables, locks and settings of the
/// session, cursors that are held, channels. What a function does inside is not seen.
pub(super) fn leaves_traces(sql: &str) -> bool {
    let mut words = tokens(sql, Dialect::Postgres).filter(|token| token.kind != TokenKind::Comment);
    let Some(first) = words.next() else { return false };
    if first.is("LISTEN") || first.is("LOAD") {
        return true;
    }
    let mut before = first;
    while let Some(token) = words.next() {
        let name = token.text.trim_matches('"');
        let traces = match name.as_bytes().first().map(u8::to_ascii_lowercase) {
            // Not a column of that name.
            Some(b't') => {
                (token.is("TEMP") || token.is("TEMPORARY"))
                    && ["CREATE", "INTO", "LOCAL", "GLOBAL", "REPLACE"].iter().any(|word| before.is(word))
            }
            Some(b'h') => token.is("HOLD") && before.is("WITH") && first.is("DECLARE"),
            Some(b's') if name.eq_ignore_ascii_case("set_config") => !ends_with_transaction(words.clone()),
            Some(b'p') => {
                let name = name.to_ascii_lowercase();
                name == "pg_temp"
                    || name.starts_with("pg_advisory_lock")
                    || name.starts_with("pg_try_advisory_lock")
            }
            _ => false,
        };
        if traces {
            return true;
        }
        before = token;
    }
    false
}

/// Whether the last argument of a call is `true`, as that of `set_config` for the transaction alone.
fn ends_with_transaction<'s>(words: impl Iterator<Item = Token<'s>>) -> bool {
    let (mut depth, mut last) = (0_u32, None);
    for token in words {
        if token.is_punct("(") {
            depth += 1;
        } else if token.is_punct(")") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return last.is_some_and(|last: Token<'s>| last.is("TRUE"));
            }
        }
        last = Some(token);
    }
    false
}

/// True for `transaction_read_only` and its like.
fn names_transaction(token: Option<&Token<'_>>) -> bool {
    token.is_none_or(|token| {
        token.text.trim_start_matches('"').to_ascii_lowercase().starts_with("transaction")
    })
}

fn transaction(refuse: &dyn Fn(&str, &str) -> Result<()>) -> Result<()> {
    refuse(
        "a statement opens or ends a transaction",
        "leave that to `read`, `write` and `savepoint`, which commit on success and roll back on error",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_in_a_session_is_known_by_its_text() {
        for (sql, traces) in [
            ("CREATE TEMP TABLE t (a int)", true),
            ("create local temporary view v AS SELECT 1", true),
            ("SELECT 1 AS a INTO TEMP t", true),
            ("CREATE TABLE pg_temp.t (a int)", true),
            ("/* x */ LISTEN x", true),
            ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", true),
            ("SELECT pg_catalog.pg_advisory_lock(1)", true),
            ("SELECT set_config('a.b', 'true', false)", true),
            ("SELECT set_config('a.b', :v, :local)", true),
            ("SELECT set_config('a.b', coalesce(:v, 'x'), true)", false),
            ("SELECT pg_advisory_xact_lock(1)", false),
            ("SELECT temp, hold, load, listen FROM weather WHERE temp > 1", false),
            ("UPDATE weather SET temp = 1", false),
        ] {
            assert_eq!(leaves_traces(sql), traces, "{sql}");
        }
    }

    #[test]
    fn nobody_leaves_a_transaction_by_the_back_door() {
        for (sql, watched_too) in [
            ("COMMIT", true),
            ("/* x */ rollback to a", true),
            ("COMMIT PREPARED 'x'", true),
            ("PREPARE TRANSACTION 'x'", true),
            ("SET TRANSACTION READ WRITE", false),
            ("set session characteristics as transaction read write", false),
            ("DISCARD ALL", true),
            ("DEALLOCATE ALL", true),
            ("SET lock_timeout = 0", false),
            ("RESET ALL", false),
            ("SET LOCAL transaction_read_only = off", false),
            ("SET LOCAL \"transaction_isolation\" = 'serializable'", false),
            ("VACUUM", false),
        ] {
            let verb = Verb::of(sql, Dialect::Postgres);
            assert_eq!(check(verb, sql, false).unwrap_err().kind(), ErrorKind::Unsupported, "{sql}");
            assert_eq!(check(verb, sql, true).is_err(), watched_too, "{sql}");
        }
        for sql in
            ["SET CONSTRAINTS ALL DEFERRED", "SET LOCAL work_mem = 1", "LISTEN x", "SELECT 1", "LOCK TABLE t"]
        {
            check(Verb::of(sql, Dialect::Postgres), sql, false).unwrap();
        }
    }
}
