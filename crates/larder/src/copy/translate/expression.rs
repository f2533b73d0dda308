//! An expression of one engine in the words of the other: comparisons, arithmetic, the few functions that mean the same.

use crate::driver::load::quoted;
use crate::sql::text::{Dialect, Token, TokenKind, tokens};

/// What an expression may speak of.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The columns by their names in the source, with their names in the target.
    pub(super) columns: &'a [(String, String)],
    /// Those of them that are true or false in the target, and numbers in the source.
    pub(super) booleans: &'a [String],
    /// Those that only the source compares without regard to case.
    pub(super) folded: &'a [String],
    /// Those with decimal numbers, of which the engines divide whole ones in their own way.
    pub(super) exact: &'a [String],
    pub(super) from: Dialect,
}

const WORDS: [&str; 16] = [
    "AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "TRUE", "FALSE", "CASE", "WHEN", "THEN", "ELSE",
    "END", "DISTINCT", "FROM",
];

/// Functions that both have and that mean the same for what both have.
const FUNCTIONS: [&str; 12] = [
    "length", "lower", "upper", "abs", "coalesce", "nullif", "trim", "ltrim", "rtrim", "substr", "replace",
    "instr",
];

/// The expression for the other engine, or why there is none.
pub(super) fn expression(sql: &str, scope: &Scope<'_>) -> Result<String, String> {
    let all: Vec<Token<'_>> =
        tokens(sql, scope.from).filter(|token| token.kind != TokenKind::Comment).collect();
    let all = if scope.from == Dialect::Postgres { without_casts(&all) } else { all };
    let divides = all.iter().any(|token| token.is_punct("/") || token.is_punct("%"));
    if let Some(at) = all.iter().position(|token| token.is("substr")).filter(|at| !from_the_start(&all, *at))
    {
        return Err(format!(
            "`{}` may count from the end, which only SQLite does",
            all.get(at).map_or("", |token| token.text)
        ));
    }
    let mut out = String::new();
    // Of each bracket that is open, whether it is a function's.
    let mut calling: Vec<bool> = Vec::new();
    let mut end = 0;
    // The bracket that ends `ANY (ARRAY[…])`, which is written as `IN (…)`.
    let mut array = false;
    let mut skip = 0;
    for (at, token) in all.iter().enumerate() {
        if skip > 0 {
            skip -= 1;
            end = token.end();
            continue;
        }
        let close = [",", ")", "]"].iter().any(|end| token.is_punct(end));
        if end != token.offset && !close && !out.is_empty() && !out.ends_with('(') {
            out.push(' ');
        }
        end = token.end();
        let next = |ahead: usize| all.get(at + ahead);
        let calls = next(1).is_some_and(|next| next.is_punct("("));
        if token.is_punct("(") {
            let before = at.checked_sub(1).and_then(|at| all.get(at));
            calling.push(
                before.is_some_and(|name| FUNCTIONS.iter().any(|one| name.is(one)) && !name.is("nullif")),
            );
        } else if token.is_punct(")") {
            calling.pop();
        }
        // The server's long form of `trim(x)`.
        if token.is("BOTH") && next(1).is_some_and(|word| word.is("FROM")) {
            skip = 1;
            continue;
        }
        match token.kind {
            TokenKind::Word | TokenKind::Quoted => {
                let name = token.name();
                let column = scope.columns.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
                match column.filter(|_| !calls || token.kind == TokenKind::Quoted) {
                    Some((known, _)) if scope.booleans.contains(known) => {
                        return Err(format!("{known} is a boolean there, and a number in it"));
                    }
                    // What a function gives has no collation of its own.
                    Some((known, _)) if scope.folded.contains(known) && !calling.ends_with(&[true]) => {
                        return Err(format!("{known} is compared without case in it"));
                    }
                    Some((known, _)) if divides && scope.exact.contains(known) => {
                        return Err(format!("{known} is divided in it, which gives another number there"));
                    }
                    Some((_, there)) => out.push_str(&quoted(there)),
                    None if token.is("ANY") && next(2).is_some_and(|word| word.is("ARRAY")) => {
                        while out.ends_with([' ', '=']) {
                            out.pop();
                        }
                        out.push_str(" IN (");
                        array = true;
                        skip = 3;
                    }
                    None => out.push_str(word(token, calls, scope.from)?),
                }
            }
            TokenKind::Number => out.push_str(token.text),
            TokenKind::String if token.text.starts_with('\'') => out.push_str(token.text),
            TokenKind::Punct if array && token.text == "]" => {
                out.push(')');
                array = false;
                skip = 1;
            }
            // SQLite takes two for one.
            TokenKind::Punct
                if token.text == "="
                    && out.ends_with('=')
                    && all.get(at.wrapping_sub(1)).is_some_and(|before| before.is_punct("=")) => {}
            TokenKind::Punct if token.text == "==" => out.push('='),
            TokenKind::Punct if token.text.chars().all(|c| "()=<>!+-*/%|,".contains(c)) => {
                out.push_str(token.text)
            }
            _ => return Err(format!("`{}` is not translated", token.text)),
        }
    }
    Ok(out)
}

/// Whether every `substr` from that token on has plain numbers, from 1, for its place and length.
fn from_the_start(all: &[Token<'_>], at: usize) -> bool {
    let mut depth = 0_u32;
    let mut numbers: Option<Vec<&str>> = None;
    for (place, token) in all.iter().enumerate().skip(at + 1) {
        depth += u32::from(token.is_punct("("));
        if token.is_punct(")") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                let next = all.iter().skip(place).position(|token| token.is("substr"));
                return numbers.is_some_and(|numbers| numbers.first().is_some_and(|first| *first != "0"))
                    && next.is_none_or(|next| from_the_start(all, place + next));
            }
        }
        match &mut numbers {
            _ if depth == 1 && token.is_punct(",") => drop(numbers.get_or_insert_default()),
            Some(numbers) if token.kind == TokenKind::Number => numbers.push(token.text),
            Some(_) => return false,
            // One in another: each is looked at.
            None if token.is("substr") && !from_the_start(all, place) => return false,
            None => {}
        }
    }
    false
}

fn word<'a>(token: &Token<'a>, calls: bool, from: Dialect) -> Result<&'a str, String> {
    let known = WORDS.iter().any(|word| token.is(word))
        || (calls && FUNCTIONS.iter().any(|function| token.is(function)))
        || (calls && from == Dialect::Postgres && token.is("strpos"));
    match token.text {
        _ if token.kind != TokenKind::Word || !known => Err(format!("`{}` is not translated", token.text)),
        _ if token.is("instr") => Ok("strpos"),
        _ if token.is("strpos") => Ok("instr"),
        text => Ok(text),
    }
}

/// PostgreSQL shows the type of nearly every value; SQLite has no word for it.
pub(super) fn without_casts<'a>(all: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = all.get(at) {
        at += 1;
        if token.kind != TokenKind::Cast {
            kept.push(*token);
            continue;
        }
        // A name, perhaps of several words, perhaps with a length, perhaps of arrays.
        const MORE: [&str; 6] = ["varying", "precision", "with", "without", "time", "zone"];
        at += 1;
        while all.get(at).is_some_and(|token| MORE.iter().any(|word| token.is(word))) {
            at += 1;
        }
        if all.get(at).is_some_and(|token| token.is_punct("(")) {
            while all.get(at).is_some_and(|token| !token.is_punct(")")) {
                at += 1;
            }
            at += 1;
        }
        while all.get(at).is_some_and(|token| token.is_punct("[")) {
            at += 2;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<(String, String)> {
        ["id", "Name", "done", "code", "price"]
            .map(|name| (name.to_owned(), name.to_ascii_lowercase()))
            .to_vec()
    }

    fn lite(sql: &str) -> Result<String, String> {
        expression(
            sql,
            &Scope {
                columns: &columns(),
                booleans: &["done".to_owned()],
                folded: &["code".to_owned()],
                exact: &["price".to_owned()],
                from: Dialect::Sqlite,
            },
        )
    }

    #[test]
    fn plain_expressions_go_over() {
        assert_eq!(lite("length(trim(name)) > 0").unwrap(), "length(trim(\"name\")) > 0");
        assert_eq!(lite("[Name] == 'x,)' or id<>3").unwrap(), "\"name\" = 'x,)' or \"id\"<>3");
        assert_eq!(lite("instr(name, '/')=0").unwrap(), "strpos(\"name\", '/')=0");
        assert_eq!(lite("substr(name, 1, 2) = 'x'").unwrap(), "substr(\"name\", 1, 2) = 'x'");
        assert_eq!(lite("length(code) > 0").unwrap(), "length(\"code\") > 0");
        assert_eq!(lite("id / 2 > 1").unwrap(), "\"id\" / 2 > 1");
        assert_eq!(lite("id IN (0, 1)").unwrap(), "\"id\" IN (0, 1)");
    }

    #[test]
    fn what_may_mean_something_else_does_not() {
        for sql in [
            "name GLOB 'a*'",
            "name LIKE 'a'",
            "done IN (0, 1)",
            "typeof(id) = 'text'",
            "\"other\" = 1",
            "x'00' = name",
            "substr(name, -1) = 'x'",
            "substr(name, id) = 'x'",
            "substr(substr(name, 0), 1) = 'x'",
            "substr(name, 1, 2) = substr(name, 0, 2)",
            "code IN ('a', 'b')",
            "length(name) > 0 AND code = 'a'",
            "price / 2 > 1",
        ] {
            assert!(lite(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn casts_and_arrays_of_the_server_come_back_as_lists() {
        let back = |sql: &str| {
            expression(
                sql,
                &Scope {
                    columns: &columns(),
                    booleans: &[],
                    folded: &[],
                    exact: &[],
                    from: Dialect::Postgres,
                },
            )
        };
        assert_eq!(back("(length(name) > 0)").unwrap(), "(length(\"name\") > 0)");
        assert_eq!(
            back("(name = ANY (ARRAY['a'::text, 'b'::character varying(3)]))").unwrap(),
            "(\"name\" IN ('a', 'b'))"
        );
        assert_eq!(back("((name)::text <> ''::text)").unwrap(), "((\"name\") <> '')");
        assert_eq!(back("(length(TRIM(BOTH FROM name)) > 0)").unwrap(), "(length(TRIM(\"name\")) > 0)");
        assert!(back("(name ~ '^a'::text)").is_err());
    }
}
