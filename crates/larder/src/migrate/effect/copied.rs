//! A table that was copied whole, told by the text of the statements: no value of it needs reading.
//!
//! A rebuild in SQLite's own twelve steps (create, copy, drop, rename) touches every row, and reading every row again on
//! both sides would cost nearly as much as the copy itself. Where the copy is `INSERT INTO new (a, b) SELECT a, b FROM old`
//! with bare column names and nothing else, the engine itself guarantees each value; what is left to measure is whether as
//! many rows arrived. Whatever is not exactly of this form is read and compared, value by value.

use crate::driver::{Action, Object};
use crate::schema::{Column, Table};
use crate::sql::text::{
    Dialect, Statement, TableEvent, Token, TokenKind, Verb, mentions_word, tables_claimed, tokens,
};

/// One copy of a whole table into a new one that then takes its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    /// The old table's name, which the new one has in the end; in lower case.
    pub(super) table: String,
    /// The new table's name before that, in lower case.
    new: String,
    columns: Columns,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Columns {
    /// From which column of the old table each named column of the new one was filled, in lower case.
    Named(Vec<(String, String)>),
    /// `INSERT INTO new SELECT *`, or the list of the old columns without one of the new: by position.
    InOrder(Option<Vec<String>>),
}

/// The whole copies among the statements of a migration.
pub(crate) fn copies(statements: &[Statement<'_>], dialect: Dialect) -> Vec<Copied> {
    let mut found = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        if statement.verb == Verb::Insert
            && let Some((new, columns, old)) = plain_insert(statement.text, dialect)
            && is_rebuild(statements, dialect, at, &new, &old)
        {
            found.push(Copied { table: old, new, columns });
        }
    }
    found
}

/// `INSERT INTO new [(a, …)] SELECT a, … | * FROM old`, and nothing else.
fn plain_insert(sql: &str, dialect: Dialect) -> Option<(String, Columns, String)> {
    let list: Vec<Token<'_>> =
        tokens(sql, dialect).filter(|token| token.kind != TokenKind::Comment).collect();
    let mut rest = list.as_slice();
    word(&mut rest, "INSERT")?;
    word(&mut rest, "INTO")?;
    let new = name(&mut rest)?;
    let into = if punct(&mut rest, "(") {
        let into = names(&mut rest)?;
        punct(&mut rest, ")").then_some(())?;
        Some(into)
    } else {
        None
    };
    word(&mut rest, "SELECT")?;
    let from = if punct(&mut rest, "*") { None } else { Some(names(&mut rest)?) };
    word(&mut rest, "FROM")?;
    let old = name(&mut rest)?;
    if !rest.is_empty() {
        return None;
    }
    let columns = match (into, from) {
        (Some(into), Some(from)) if into.len() == from.len() => {
            Columns::Named(into.into_iter().zip(from).collect())
        }
        (Some(_), _) => return None,
        (None, from) => Columns::InOrder(from),
    };
    Some((new, columns, old))
}

fn word(rest: &mut &[Token<'_>], word: &str) -> Option<()> {
    let (first, behind) = rest.split_first()?;
    *rest = behind;
    first.is(word).then_some(())
}

fn punct(rest: &mut &[Token<'_>], text: &str) -> bool {
    match rest.split_first() {
        Some((first, behind)) if first.is_punct(text) => {
            *rest = behind;
            true
        }
        _ => false,
    }
}

/// A bare name. `'x'` is a string, and an unquoted `NULL` or `CURRENT_TIME` a value.
fn name(rest: &mut &[Token<'_>]) -> Option<String> {
    const VALUES: [&str; 8] =
        ["NULL", "TRUE", "FALSE", "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP", "DISTINCT", "ALL"];
    let (first, behind) = rest.split_first()?;
    *rest = behind;
    let is_name = match first.kind {
        TokenKind::Word => !VALUES.iter().any(|value| first.is(value)),
        TokenKind::Quoted => true,
        _ => false,
    };
    is_name.then(|| first.name().to_ascii_lowercase())
}

fn names(rest: &mut &[Token<'_>]) -> Option<Vec<String>> {
    let mut all = vec![name(rest)?];
    while punct(rest, ",") {
        all.push(name(rest)?);
    }
    Some(all)
}

/// True where the statements around the copy at `at` make the new table before it, drop the old one and rename the new one
/// after it, and no other statement names either but to make or drop an index, a trigger or a view.
fn is_rebuild(statements: &[Statement<'_>], dialect: Dialect, at: usize, new: &str, old: &str) -> bool {
    let mut steps = 0;
    for (place, statement) in statements.iter().enumerate() {
        if place == at {
            steps += usize::from(steps == 1);
            continue;
        }
        let names_one = tokens(statement.text, dialect)
            .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Quoted | TokenKind::String))
            .any(|token| [new, old].iter().any(|name| token.name().eq_ignore_ascii_case(name)));
        if !names_one {
            continue;
        }
        let events = tables_claimed(statement.text, dialect).unwrap_or_default();
        let expected = match (steps, events.as_slice()) {
            (0, [TableEvent::Create { name, if_not_exists: false, temp: false }]) => {
                name == new && !tokens(statement.text, dialect).any(|token| token.is("SELECT"))
            }
            (2, [TableEvent::Drop { name }]) => name == old,
            (3, [TableEvent::Rename { from, to }]) => from == new && to == old,
            (_, []) => {
                // A trigger that is there while the rows come could change them.
                let is_trigger = tokens(statement.text, dialect).any(|token| token.is("TRIGGER"));
                let schema = matches!(statement.verb, Verb::Create | Verb::Drop);
                if !schema || (is_trigger && place < at) {
                    return false;
                }
                continue;
            }
            _ => false,
        };
        if !expected {
            return false;
        }
        steps += 1;
    }
    steps == 4
}

impl Copied {
    /// True where this copy left every value of the columns that are on both sides as it was. As many rows must have
    /// arrived as there were, which is for the caller to count.
    pub(super) fn keeps_values(&self, was: &Table, is: &Table, actions: &[Action]) -> bool {
        // A generated column takes no value, and counts in `SELECT *`; a virtual table keeps what its module likes.
        let ordinary = |table: &Table| {
            !table.virtual_
                && !table.shadow
                && table.columns.iter().all(|c| c.generated.is_none() && !c.hidden)
        };
        // ON CONFLICT in the new table lets rows and values go without a word.
        if !ordinary(was) || !ordinary(is) || mentions_word(&is.sql, "CONFLICT", Dialect::Sqlite) {
            return false;
        }
        // Nothing but the copy wrote into the new table, and nothing but the DROP touched the old: no trigger did.
        let touches = |table: &str| {
            actions.iter().any(|action| match action {
                Action::Update { table: other, .. } | Action::Delete { table: other } => {
                    other.eq_ignore_ascii_case(table)
                }
                Action::Create { object: Object::Trigger, table: other, .. } => {
                    other.eq_ignore_ascii_case(&self.new)
                }
                _ => false,
            })
        };
        let filled = actions
            .iter()
            .any(|a| matches!(a, Action::Insert { table } if table.eq_ignore_ascii_case(&self.table)));
        if touches(&self.table) || touches(&self.new) || filled || was.strict != is.strict {
            return false;
        }
        let (old, new): (Vec<&Column>, Vec<&Column>) =
            (was.columns.iter().collect(), is.columns.iter().collect());
        let source = |target: &str| -> Option<String> {
            match &self.columns {
                Columns::Named(pairs) => pairs
                    .iter()
                    .find(|(into, _)| into.eq_ignore_ascii_case(target))
                    .map(|(_, from)| from.clone()),
                Columns::InOrder(from) => {
                    let place = new.iter().position(|column| column.name.eq_ignore_ascii_case(target))?;
                    match from {
                        Some(from) => from.get(place).cloned(),
                        None => old.get(place).map(|column| column.name.to_ascii_lowercase()),
                    }
                }
            }
        };
        old.iter().all(|column| {
            match new.iter().find(|other| other.name.eq_ignore_ascii_case(&column.name)) {
                // A value is stored as its column's type asks, so only the same type stores it the same.
                Some(other) => {
                    column.declared_type.eq_ignore_ascii_case(&other.declared_type)
                        && source(&other.name).is_some_and(|from| from.eq_ignore_ascii_case(&column.name))
                }
                None => true,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::text::split;

    fn found(script: &str) -> usize {
        copies(&split(script, Dialect::Sqlite).unwrap(), Dialect::Sqlite).len()
    }

    #[test]
    fn only_a_whole_and_bare_copy_is_taken_for_one() {
        let around = |insert: &str| {
            format!(
                "CREATE TABLE n (a, b); {insert}; DROP TABLE t; ALTER TABLE n RENAME TO t; CREATE INDEX i ON t (a)"
            )
        };
        for good in [
            "INSERT INTO n (a, b) SELECT a, b FROM t",
            "insert into N select * from \"T\" /* all */",
            "INSERT INTO n SELECT a, b FROM t",
        ] {
            assert_eq!(found(&around(good)), 1, "{good}");
        }
        for bad in [
            "INSERT INTO n (a, b) SELECT a, b FROM t WHERE a",
            "INSERT INTO n (a, b) SELECT a, lower(b) FROM t",
            "INSERT INTO n (a, b) SELECT a, 'b' FROM t",
            "INSERT INTO n (a, b) SELECT a, NULL FROM t",
            "INSERT OR IGNORE INTO n (a, b) SELECT a, b FROM t",
            "INSERT INTO n (a, b) SELECT DISTINCT a, b FROM t",
            "INSERT INTO n (a, b) SELECT a, b FROM t LIMIT 1",
            "INSERT INTO n (a, b) SELECT a, b FROM t, u",
            "INSERT INTO n (a, b) SELECT t.a, b FROM t",
            "INSERT INTO n (a, b) SELECT a, b FROM t; DELETE FROM n",
            "INSERT INTO n (a, b) SELECT a, b FROM t; UPDATE t SET a = 1",
            "DELETE FROM t; INSERT INTO n (a, b) SELECT a, b FROM t",
            "CREATE TRIGGER x BEFORE INSERT ON n BEGIN SELECT 1; END; INSERT INTO n (a, b) SELECT a, b FROM t",
            "REPLACE INTO n (a, b) SELECT a, b FROM t",
        ] {
            assert_eq!(found(&around(bad)), 0, "{bad}");
        }
        assert_eq!(found("INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"), 0);
        assert_eq!(
            found(
                "CREATE TABLE n (a); DROP TABLE t; INSERT INTO n SELECT * FROM t; ALTER TABLE n RENAME TO t"
            ),
            0
        );
    }
}
