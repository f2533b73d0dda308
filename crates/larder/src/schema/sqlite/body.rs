//! What stands inside the brackets of a CREATE TABLE, and when two texts of SQL mean the same.

use crate::sql::text::{Dialect, Token, TokenKind, tokens};
use std::borrow::Cow;

/// The columns and constraints of a table, as they were written, without comments.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// Names, and what stands behind each.
    pub(super) columns: Vec<(String, String)>,
    pub(super) constraints: Vec<String>,
}

/// Reads the body of a CREATE TABLE as SQLite keeps it. A text of another form gives less, never an error.
pub(super) fn body(sql: &str) -> Body {
    let mut body = Body::default();
    let mut item = Vec::new();
    let mut depth = 0_u32;
    for token in meaningful(sql) {
        if token.is_punct(")") && depth == 1 {
            break;
        }
        if token.is_punct(",") && depth == 1 {
            body.push(&item);
            item.clear();
        } else if depth > 0 {
            item.push(token);
        }
        if token.is_punct("(") {
            depth += 1;
        } else if token.is_punct(")") {
            depth = depth.saturating_sub(1);
        }
    }
    body.push(&item);
    body
}

impl Body {
    fn push(&mut self, item: &[Token<'_>]) {
        const CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
        let Some((first, rest)) = item.split_first() else { return };
        if CONSTRAINTS.iter().any(|word| first.is(word)) {
            self.constraints.push(plain(item));
        } else {
            self.columns.push((first.name().into_owned(), plain(rest)));
        }
    }
}

fn meaningful(sql: &str) -> impl Iterator<Item = Token<'_>> {
    tokens(sql, Dialect::Sqlite).filter(|token| token.kind != TokenKind::Comment)
}

/// The text of the tokens, with one space where there was any between two.
fn plain(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    let mut end = None;
    for token in tokens {
        if end.is_some_and(|end| end != token.offset) {
            text.push(' ');
        }
        text.push_str(token.text);
        end = Some(token.end());
    }
    text
}

/// True when two texts differ at most in whitespace, comments, the case of names and keywords, and the quoting of names.
pub(in crate::schema) fn same(a: &str, b: &str) -> bool {
    a == b || normal(a).eq(normal(b))
}

/// The tokens in the one form that all ways to write the same have in common.
fn normal(sql: &str) -> impl Iterator<Item = Cow<'_, str>> {
    // Behind DEFAULT a bare or a quoted name is a string in disguise, whose case counts.
    let mut after_default = false;
    meaningful(sql).map(move |token| {
        let verbatim = std::mem::replace(&mut after_default, token.is("DEFAULT"));
        match token.kind {
            TokenKind::Word if verbatim && !is_keyword(token.text) => Cow::Borrowed(token.text),
            TokenKind::Word => Cow::Owned(token.text.to_ascii_lowercase()),
            TokenKind::Quoted if verbatim => Cow::Owned(token.name().into_owned()),
            TokenKind::Quoted => {
                let name = token.name();
                if is_plain(&name) && !is_keyword(&name) {
                    Cow::Owned(name.to_ascii_lowercase())
                } else {
                    Cow::Owned(format!("\"{}\"", name.to_ascii_lowercase()))
                }
            }
            _ => Cow::Borrowed(token.text),
        }
    })
}

/// True for a name that needs no quotes for its characters.
fn is_plain(name: &str) -> bool {
    let mut found = tokens(name, Dialect::Sqlite);
    let first = found.next();
    first.is_some_and(|token| token.kind == TokenKind::Word && token.text == name) && found.next().is_none()
}

/// True for a word that means something of its own where a name could stand.
fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// Words that the engine takes for more than a name, from its list of keywords.
const KEYWORDS: [&str; 73] = [
    "ALL",
    "ALWAYS",
    "AND",
    "AS",
    "ASC",
    "AUTOINCREMENT",
    "BETWEEN",
    "CASCADE",
    "CASE",
    "CAST",
    "CHECK",
    "COLLATE",
    "COMMIT",
    "CONFLICT",
    "CONSTRAINT",
    "CROSS",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "DEFAULT",
    "DEFERRABLE",
    "DEFERRED",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "FALSE",
    "FILTER",
    "FOREIGN",
    "FROM",
    "GENERATED",
    "GLOB",
    "GROUP",
    "HAVING",
    "IN",
    "INITIALLY",
    "INNER",
    "INTERSECT",
    "INTO",
    "IS",
    "ISNULL",
    "JOIN",
    "KEY",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MATCH",
    "NATURAL",
    "NOT",
    "NOTNULL",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "PRIMARY",
    "REFERENCES",
    "REGEXP",
    "RIGHT",
    "SELECT",
    "SET",
    "STORED",
    "THEN",
    "TRUE",
    "UNION",
    "UNIQUE",
    "USING",
    "VIRTUAL",
    "WHEN",
    "WHERE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_constraints_are_told_apart() {
        let found = body(
            "CREATE TABLE \"a(b\" (id INTEGER PRIMARY KEY, -- the, id\n \"two words\" TEXT DEFAULT 'x,)' CHECK (f(1, 2)),\n\
             [c],d/**/REAL , CONSTRAINT n UNIQUE (id,  c), CHECK (id > 0)) STRICT",
        );
        let columns: Vec<_> = found.columns.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            columns,
            [
                ("id", "INTEGER PRIMARY KEY"),
                ("two words", "TEXT DEFAULT 'x,)' CHECK (f(1, 2))"),
                ("c", ""),
                ("d", "REAL"),
            ]
        );
        assert_eq!(found.constraints, ["CONSTRAINT n UNIQUE (id, c)", "CHECK (id > 0)"]);
        assert_eq!(body("CREATE TABLE"), Body::default());
    }

    #[test]
    fn formatting_quoting_and_case_do_not_count() {
        assert!(same("create table t(a int)", "CREATE  TABLE \"T\" (\n `a` INT /* x */ )"));
        assert!(same("a DEFAULT NULL", "a default null"));
        for (a, b) in [
            ("a TEXT", "a TEXT NOT NULL"),
            ("CHECK (a = 'x')", "CHECK (a = 'X')"),
            ("DEFAULT \"x\"", "DEFAULT \"X\""),
            ("DEFAULT x", "DEFAULT X"),
            ("CHECK (a = null)", "CHECK (a = \"null\")"),
            ("\"a b\"", "a b"),
        ] {
            assert!(!same(a, b), "{a} and {b}");
        }
    }
}
