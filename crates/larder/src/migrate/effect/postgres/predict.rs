//! What a migration takes away from, as far as its text says. A guess that is too small costs a second run, one that is too
//! large a look at a table: neither makes the measure wrong.

use super::fact::Facts;
use super::need::{Depth, Need, Needs, add};
use crate::sql::text::{Dialect, Statement, Token, TokenKind, tokens};

pub(super) fn needs(facts: &Facts, statements: &[Statement<'_>]) -> Needs {
    let mut needs = Needs::new();
    if facts.tables.is_empty() {
        return needs;
    }
    let texts: Vec<Vec<Token<'_>>> = statements.iter().map(|it| meaningful(it.text)).collect();
    let makes = texts.iter().any(|text| {
        text.first().is_some_and(|word| word.is("CREATE")) && text.iter().any(|word| word.is("TABLE"))
    });
    for text in &texts {
        one(facts, text, makes, &mut needs);
    }
    needs
}

fn meaningful(text: &str) -> Vec<Token<'_>> {
    tokens(text, Dialect::Postgres).filter(|token| token.kind != TokenKind::Comment).collect()
}

fn one(facts: &Facts, text: &[Token<'_>], makes: bool, needs: &mut Needs) {
    let Some(first) = text.first() else { return };
    let has = |words: &[&str]| words.iter().all(|word| text.iter().any(|token| token.is(word)));
    let rows = Need::new(Depth::Copy, false);
    let whole = Need::new(if makes { Depth::Copy } else { Depth::Count }, true);
    let mut rest = text.get(1..).unwrap_or_default();
    if first.is("UPDATE") {
        names(facts, &mut rest, &rows, needs);
    } else if first.is("DELETE") || first.is("MERGE") || (first.is("INSERT") && has(&["CONFLICT", "UPDATE"]))
    {
        rest = rest.get(1..).unwrap_or_default();
        names(facts, &mut rest, &rows, needs);
    } else if first.is("TRUNCATE") || (first.is("DROP") && rest.first().is_some_and(|word| word.is("TABLE")))
    {
        names(facts, &mut rest, &whole, needs);
    } else if first.is("ALTER") && rest.first().is_some_and(|word| word.is("TABLE")) {
        let depth = match (has(&["TYPE"]), drops_column(text)) {
            (true, _) => Depth::Copy,
            (false, true) => Depth::Count,
            (false, false) => return,
        };
        let Some(oid) = name(facts, &mut rest) else { return };
        let mut need = Need::new(depth, true);
        if let Some(table) = facts.tables.get(&oid) {
            need.columns = table
                .held()
                .filter(|column| text.iter().any(|token| is_name(token) && spelled(token) == column.name))
                .map(|column| column.number)
                .collect();
        }
        add(needs, facts.top(oid), need);
    }
}

/// `DROP` that is not of a constraint, a default and the like.
fn drops_column(text: &[Token<'_>]) -> bool {
    const OTHERS: [&str; 5] = ["CONSTRAINT", "DEFAULT", "NOT", "IDENTITY", "EXPRESSION"];
    text.windows(2).any(|pair| match pair {
        [drop, what] => drop.is("DROP") && !OTHERS.iter().any(|word| what.is(word)),
        _ => false,
    })
}

/// One name or several, with what may stand before them.
fn names(facts: &Facts, rest: &mut &[Token<'_>], need: &Need, needs: &mut Needs) {
    loop {
        if let Some(oid) = name(facts, rest) {
            add(needs, facts.top(oid), need.clone());
        }
        match rest.split_first() {
            Some((comma, behind)) if comma.is_punct(",") => *rest = behind,
            _ => return,
        }
    }
}

fn is_name(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Quoted)
}

fn spelled(token: &Token<'_>) -> String {
    let name = token.name();
    if token.kind == TokenKind::Quoted { name.into_owned() } else { name.to_lowercase() }
}

/// The table whose name stands here.
fn name(facts: &Facts, rest: &mut &[Token<'_>]) -> Option<i64> {
    while let Some((word, behind)) = rest.split_first() {
        if !["TABLE", "IF", "EXISTS", "ONLY", "INTO", "FROM"].iter().any(|skipped| word.is(skipped)) {
            break;
        }
        *rest = behind;
    }
    let (first, behind) = rest.split_first().filter(|(word, _)| is_name(word))?;
    *rest = behind;
    let mut path = (None, spelled(first));
    if let [dot, second, behind @ ..] = *rest
        && dot.is_punct(".")
        && is_name(second)
    {
        path = (Some(path.1), spelled(second));
        *rest = behind;
    }
    if let Some((star, behind)) = rest.split_first().filter(|(star, _)| star.text == "*") {
        let _ = star;
        *rest = behind;
    }
    let (space, bare) = path;
    let here = |table: &super::fact::Table| match &space {
        Some(space) => table.space == *space,
        None => table.current,
    };
    facts.tables.iter().find(|(_, table)| table.bare == bare && here(table)).map(|(oid, _)| *oid)
}
