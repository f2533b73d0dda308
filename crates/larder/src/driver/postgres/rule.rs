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
