//! Defaults: literals, and the clock.

use super::expression::without_casts;
use crate::sql::text::{Dialect, Token, TokenKind, tokens};

/// SQLite's default for PostgreSQL, or why there is none.
pub(super) fn to_postgres(sql: &str, column: &str) -> Result<String, String> {
    let all: Vec<Token<'_>> =
        tokens(sql, Dialect::Sqlite).filter(|token| token.kind != TokenKind::Comment).collect();
    let all = unwrapped(&all);
    let boolean = column == "boolean";
    match all {
        [token] if token.is("NULL") => Ok("NULL".into()),
        [token] if token.is("TRUE") || token.text == "1" && boolean => {
            Ok(if boolean { "true" } else { "1" }.into())
        }
        [token] if token.is("FALSE") || token.text == "0" && boolean => {
            Ok(if boolean { "false" } else { "0" }.into())
        }
        [token] if token.is("CURRENT_TIMESTAMP") => Ok(clock("YYYY-MM-DD HH24:MI:SS")),
        [token] if token.is("CURRENT_DATE") => Ok(clock("YYYY-MM-DD")),
        [token] if token.is("CURRENT_TIME") => Ok(clock("HH24:MI:SS")),
        [token] if token.kind == TokenKind::String && token.text.starts_with('\'') => Ok(token.text.into()),
        // SQLite takes a name in double quotes for a text where it knows no such name.
        [token] if token.kind == TokenKind::Quoted => Ok(format!("'{}'", token.name().replace('\'', "''"))),
        [token] if token.kind == TokenKind::String => blob(token.text),
        [token] if token.kind == TokenKind::Number => Ok(token.text.into()),
        [sign, token] if (sign.is_punct("-") || sign.is_punct("+")) && token.kind == TokenKind::Number => {
            Ok(format!("{}{}", sign.text, token.text))
        }
        [name, open, rest @ .., close] if open.is_punct("(") && close.is_punct(")") => {
            let now = |token: &Token<'_>| {
                token.kind == TokenKind::String && token.name().eq_ignore_ascii_case("now")
            };
            match rest {
                [] | [_] if !rest.first().is_none_or(now) => Err(untold(sql)),
                [] | [_] if name.is("datetime") => Ok(clock("YYYY-MM-DD HH24:MI:SS")),
                [] | [_] if name.is("date") => Ok(clock("YYYY-MM-DD")),
                [] | [_] if name.is("time") => Ok(clock("HH24:MI:SS")),
                [] if name.is("unixepoch") => {
                    Ok("CAST(extract(epoch FROM clock_timestamp()) AS bigint)".into())
                }
                [form, comma, what] if name.is("strftime") && comma.is_punct(",") && now(what) => {
                    strftime(&form.name()).map(|form| clock(&form)).ok_or_else(|| untold(sql))
                }
                [form] if name.is("strftime") => {
                    strftime(&form.name()).map(|form| clock(&form)).ok_or_else(|| untold(sql))
                }
                _ => Err(untold(sql)),
            }
        }
        _ => Err(untold(sql)),
    }
}

/// PostgreSQL's default for SQLite, or why there is none.
pub(super) fn to_sqlite(sql: &str) -> Result<String, String> {
    let all: Vec<Token<'_>> =
        tokens(sql, Dialect::Postgres).filter(|token| token.kind != TokenKind::Comment).collect();
    let all = without_casts(&all);
    match unwrapped(&all) {
        [token] if token.is("NULL") => Ok("NULL".into()),
        [token] if token.is("true") => Ok("1".into()),
        [token] if token.is("false") => Ok("0".into()),
        [token] if token.kind == TokenKind::Number => Ok(token.text.into()),
        [sign, token] if sign.is_punct("-") && token.kind == TokenKind::Number => {
            Ok(format!("-{}", token.text))
        }
        [token] if token.kind == TokenKind::String && token.text.starts_with('\'') => Ok(token.text.into()),
        [token] if token.is("CURRENT_TIMESTAMP") => Ok("(strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))".into()),
        [name, open, close]
            if (name.is("now") || name.is("clock_timestamp"))
                && open.is_punct("(")
                && close.is_punct(")") =>
        {
            Ok("(strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))".into())
        }
        [name, open, .., comma, form, close]
            if name.is("to_char") && open.is_punct("(") && comma.is_punct(",") && close.is_punct(")") =>
        {
            match form.name().as_ref() {
                "YYYY-MM-DD HH24:MI:SS" => Ok("CURRENT_TIMESTAMP".into()),
                "YYYY-MM-DD" => Ok("CURRENT_DATE".into()),
                "HH24:MI:SS" => Ok("CURRENT_TIME".into()),
                "YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"" => Ok("(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))".into()),
                _ => Err(untold(sql)),
            }
        }
        _ => Err(untold(sql)),
    }
}

fn untold(sql: &str) -> String {
    format!("`{sql}` is not translated, so a row without a value gets NULL or is refused")
}

fn unwrapped<'t, 'a>(mut all: &'t [Token<'a>]) -> &'t [Token<'a>] {
    while let [first, inner @ .., last] = all {
        let mut depth = 0_i32;
        let closes_early = inner.iter().any(|token| {
            depth += i32::from(token.is_punct("(")) - i32::from(token.is_punct(")"));
            depth < 0
        });
        if !first.is_punct("(") || !last.is_punct(")") || closes_early {
            break;
        }
        all = inner;
    }
    all
}

/// The time as text, in UTC, as SQLite's functions write it.
fn clock(form: &str) -> String {
    format!("to_char(clock_timestamp() AT TIME ZONE 'UTC', '{form}')")
}

fn strftime(form: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = form.chars();
    while let Some(letter) = letters.next() {
        if letter == '%' {
            out.push_str(match letters.next()? {
                'Y' => "YYYY",
                'm' => "MM",
                'd' => "DD",
                'H' => "HH24",
                'M' => "MI",
                'S' => "SS",
                'f' => "SS.MS",
                _ => return None,
            });
        } else if letter.is_ascii_alphanumeric() {
            out.push_str(&format!("\"{letter}\""));
        } else if matches!(letter, '-' | ':' | ' ' | '.' | '/') {
            out.push(letter);
        } else {
            return None;
        }
    }
    Some(out)
}

fn blob(text: &str) -> Result<String, String> {
    match text.get(1..).map(|rest| rest.trim_matches('\'')) {
        Some(hex) if text.starts_with(['x', 'X']) => Ok(format!("'\\x{hex}'")),
        _ => Err(untold(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_clocks_go_over() {
        assert_eq!(to_postgres("'it''s'", "text").unwrap(), "'it''s'");
        assert_eq!(to_postgres("(-1.5)", "bigint").unwrap(), "-1.5");
        assert_eq!(to_postgres("0", "boolean").unwrap(), "false");
        assert_eq!(to_postgres("X'00ff'", "bytea").unwrap(), "'\\x00ff'");
        assert_eq!(
            to_postgres("(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))", "text").unwrap(),
            "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
        );
        assert_eq!(
            to_postgres("datetime('now')", "text").unwrap(),
            to_postgres("CURRENT_TIMESTAMP", "text").unwrap()
        );
        for sql in ["random()", "(1) + (2)", "datetime('now', 'localtime')", "strftime('%s', 'now')"] {
            assert!(to_postgres(sql, "text").is_err(), "{sql}");
        }
    }

    #[test]
    fn and_come_back() {
        for (sql, back) in [
            ("'a'::text", "'a'"),
            ("0", "0"),
            ("now()", "(strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))"),
            ("(-1)", "-1"),
        ] {
            assert_eq!(to_sqlite(sql).unwrap(), back);
        }
        let clock = to_postgres("CURRENT_TIMESTAMP", "text").unwrap();
        assert_eq!(to_sqlite(&clock).unwrap(), "CURRENT_TIMESTAMP");
    }
}
