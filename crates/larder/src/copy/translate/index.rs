//! Indexes: their columns and expressions, and the condition of a partial one.

use super::expression::{Scope, expression};
use crate::driver::load::quoted;
use crate::sql::text::{Token, TokenKind, tokens};

/// The statement for the other engine, or why there is none. `no_case` are the columns that SQLite compares without case.
pub(super) fn index(
    sql: &str,
    name: &str,
    table: &str,
    no_case: &[String],
    scope: &Scope<'_>,
) -> Result<String, String> {
    let all: Vec<Token<'_>> =
        tokens(sql, scope.from).filter(|token| token.kind != TokenKind::Comment).collect();
    let unique = all.iter().take(2).any(|token| token.is("UNIQUE"));
    let odd = || "is written in a way that is not translated".to_owned();
    if all
        .iter()
        .position(|token| token.is("USING"))
        .is_some_and(|at| !all.get(at + 1).is_some_and(|one| one.is("btree")))
    {
        return Err("is of a kind that SQLite does not have".to_owned());
    }
    if all.iter().any(|token| {
        token.is("INCLUDE") || token.is("COLLATE") && scope.from == crate::sql::text::Dialect::Postgres
    }) {
        return Err(odd());
    }
    let open = all.iter().position(|token| token.is_punct("(")).ok_or_else(odd)?;
    let mut depth = 0_u32;
    let mut items: Vec<Vec<Token<'_>>> = vec![Vec::new()];
    let mut close = open;
    for (at, token) in all.iter().enumerate().skip(open) {
        depth += u32::from(token.is_punct("("));
        depth -= u32::from(token.is_punct(")")).min(depth);
        if depth == 0 {
            close = at;
            break;
        }
        match token {
            token if depth == 1 && token.is_punct(",") => items.push(Vec::new()),
            token if at > open => items.last_mut().into_iter().for_each(|item| item.push(*token)),
            _ => {}
        }
    }
    let text = |part: &[Token<'_>]| {
        let from = part.first().map_or(0, |token| token.offset);
        let to = part.last().map_or(0, Token::end);
        sql.get(from..to).unwrap_or_default().to_owned()
    };
    let mut written = Vec::new();
    for item in &items {
        written.push(one(item, text, no_case, scope)?);
    }
    let rest = all.get(close + 1..).unwrap_or_default();
    let condition = match rest.split_first() {
        None => String::new(),
        Some((word, rest)) if word.is("WHERE") => format!(" WHERE {}", expression(&text(rest), scope)?),
        Some(_) => return Err(odd()),
    };
    let unique = if unique { "UNIQUE " } else { "" };
    Ok(format!(
        "CREATE {unique}INDEX {} ON {} ({}){condition}",
        quoted(name),
        quoted(table),
        written.join(", ")
    ))
}

fn one(
    item: &[Token<'_>],
    text: impl Fn(&[Token<'_>]) -> String,
    no_case: &[String],
    scope: &Scope<'_>,
) -> Result<String, String> {
    // What is folded is said here.
    let scope = &Scope { folded: &[], ..*scope };
    let mut item = item;
    let mut order = "";
    let mut folded = false;
    loop {
        match item {
            [before @ .., word, last] if word.is("NULLS") && (last.is("FIRST") || last.is("LAST")) => {
                item = before
            }
            [before @ .., last] if last.is("DESC") => (item, order) = (before, " DESC"),
            [before @ .., last] if last.is("ASC") => item = before,
            [before @ .., word, collation] if word.is("COLLATE") => {
                folded = collation.is("NOCASE");
                if !folded && !collation.is("BINARY") {
                    return Err(format!("the collation {} is not translated", collation.text));
                }
                item = before;
                if !folded {
                    return Ok(format!("({}){order}", expression(&text(item), scope)?));
                }
            }
            _ => break,
        }
    }
    if let [column] = item
        && let Some((known, there)) =
            scope.columns.iter().find(|(known, _)| known.eq_ignore_ascii_case(&column.name()))
    {
        folded |= no_case.iter().any(|name| name.eq_ignore_ascii_case(known));
        let column = quoted(there);
        return Ok(if folded { format!("lower({column}){order}") } else { format!("{column}{order}") });
    }
    let written = expression(&text(item), scope)?;
    Ok(if folded { format!("lower({written}){order}") } else { format!("({written}){order}") })
}
