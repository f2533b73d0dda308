//! An INSERT of one row, taken apart so that it can be written for many.

use super::parameter::Mapped;
use super::token::{Token, TokenKind, Tokens, tokens};
use super::{Dialect, TextError};
use crate::error::{ErrorKind, Result};
use std::fmt::Write as _;

/// `INSERT INTO t (a, b) VALUES (:a, :b) ON CONFLICT …`: what stands before the tuple, the tuple, what follows it.
#[derive(Debug)]
pub(crate) struct RowInsert<'a> {
    sql: &'a str,
    mapped: Mapped<'a>,
    head: &'a str,
    tuple: Vec<Piece<'a>>,
    tail: &'a str,
    one_by_one: bool,
}

#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    Text(&'a str),
    /// The parameter at this index of the statement's names.
    Parameter(usize),
}

impl<'a> RowInsert<'a> {
    /// Takes `sql` apart. That the engine will take it is not said.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] for anything but an INSERT or REPLACE with one tuple of VALUES, and what
    /// [`Mapped::new`] refuses.
    pub(crate) fn new(sql: &'a str, dialect: Dialect) -> Result<Self> {
        let mapped = Mapped::new(sql, dialect)?;
        let mut reader = Reader { sql, tokens: tokens(sql, dialect), one_by_one: false };
        let parts = reader.head().and_then(|head| Ok((head, reader.tuple(&mapped)?, reader.tail()?)));
        match parts {
            Ok((head, tuple, tail)) => {
                // A row without a parameter in its tuple may have one elsewhere.
                Ok(Self { sql, mapped, head, tuple, tail, one_by_one: reader.one_by_one })
            }
            Err(error) => Err(error.into_error(ErrorKind::Statement, "<sql>", sql)),
        }
    }

    /// The statement as it was given.
    pub(crate) fn sql(&self) -> &'a str {
        self.sql
    }

    /// Its parameters, as the statement of one row has them.
    pub(crate) fn mapped(&self) -> &Mapped<'a> {
        &self.mapped
    }

    /// True where many rows in one statement would not do what one statement a row does: a parameter outside the tuple
    /// has one value a statement, and what looks at the database must see the rows before its own.
    pub(crate) fn is_one_by_one(&self) -> bool {
        self.one_by_one
    }

    /// How many bytes each row adds to the text, about.
    pub(crate) fn row_bytes(&self) -> usize {
        let length = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => text.len(),
            Piece::Parameter(_) => 6,
        };
        self.tuple.iter().map(length).sum::<usize>() + 2
    }

    /// The same for so many rows. Its parameters have names of their own and stand in the order of the rows, and in each in
    /// the order of [`Mapped::names`].
    pub(crate) fn of_rows(&self, rows: usize) -> String {
        let width = self.mapped.names().len();
        let mut sql = String::with_capacity(self.sql.len() + rows * self.row_bytes());
        sql.push_str(self.head);
        sql.push(' ');
        for row in 0..rows {
            sql.push_str(if row == 0 { "" } else { ", " });
            for piece in &self.tuple {
                match piece {
                    Piece::Text(text) => sql.push_str(text),
                    // Writing to a String does not fail.
                    Piece::Parameter(index) => drop(write!(sql, ":p{}", row * width + index)),
                }
            }
        }
        sql.push(' ');
        sql.push_str(self.tail);
        sql
    }
}

struct Reader<'a> {
    sql: &'a str,
    tokens: Tokens<'a>,
    one_by_one: bool,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.tokens.find(|token| token.kind != TokenKind::Comment)
    }

    fn between(&self, from: usize, to: usize) -> &'a str {
        self.sql.get(from..to).unwrap_or_default()
    }

    /// Up to and with VALUES.
    fn head(&mut self) -> Result<&'a str, TextError> {
        const FORM: &str = "write the statement for one row, as INSERT INTO t (a) VALUES (:a)";
        let refuse = |message: &str, token: Option<Token<'_>>| {
            let (offset, length) =
                token.map_or((self.sql.len(), 0), |token| (token.offset, token.text.len()));
            Err(TextError::new(message, offset, length).with_help(FORM))
        };
        let first = self.tokens.clone().find(|token| token.kind != TokenKind::Comment);
        if !first.is_some_and(|token| token.is("INSERT") || token.is("REPLACE")) {
            return refuse("many rows can be given to an INSERT only", first);
        }
        let (mut depth, mut or) = (0_usize, false);
        loop {
            let Some(token) = self.tokens.find(|token| token.kind != TokenKind::Comment) else {
                return refuse("the INSERT has no VALUES", None);
            };
            match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                ";" => return refuse("the INSERT has no VALUES", Some(token)),
                _ if depth > 0 => {}
                _ if token.is("VALUES") => return Ok(self.between(0, token.end())),
                _ if or && (token.is("FAIL") || token.is("ROLLBACK")) => {
                    let message =
                        format!("many rows are inserted wholly or not at all, so OR {} can't be", token.text);
                    return Err(TextError::new(message, token.offset, token.text.len())
                        .with_help("leave it away; OR IGNORE and OR REPLACE can be used"));
                }
                _ if token.is("SELECT") || token.is("WITH") => {
                    return refuse("the INSERT takes its rows from a SELECT", Some(token));
                }
                _ if token.is("DEFAULT") => return refuse("the INSERT has DEFAULT VALUES", Some(token)),
                _ => {}
            }
            or = token.is("OR");
        }
    }

    /// The tuple, with its parentheses and without comments, whose ends of line may be missing in a text of one line.
    fn tuple(&mut self, mapped: &Mapped<'_>) -> Result<Vec<Piece<'a>>, TextError> {
        // A bracket that stays open would change how the text that follows it reads.
        let (mut pieces, mut depth, mut brackets, mut seen) = (Vec::new(), 0_usize, 0_usize, 0_usize);
        let Some(open) = self.next().filter(|token| token.is_punct("(")) else {
            return Err(self.no_tuple());
        };
        let mut from = open.offset;
        depth += 1;
        while let Some(token) = self.tokens.next().filter(|_| depth > 0) {
            match token.kind {
                TokenKind::Comment => {
                    pieces.extend([Piece::Text(self.between(from, token.offset)), Piece::Text(" ")]);
                    from = token.end();
                }
                TokenKind::Parameter => {
                    let names = mapped.names();
                    // Most are new: the names stand in the order in which they first appear.
                    let is_new = names.get(seen).is_some_and(|name| *name == token.name());
                    let index =
                        if is_new { Some(seen) } else { names.iter().position(|n| *n == token.name()) };
                    let Some(index) = index else { continue };
                    seen += usize::from(is_new);
                    pieces.extend([Piece::Text(self.between(from, token.offset)), Piece::Parameter(index)]);
                    from = token.end();
                }
                _ => {
                    self.look(token);
                    depth += usize::from(token.is_punct("("));
                    brackets += usize::from(token.is_punct("["));
                    brackets = brackets.saturating_sub(usize::from(token.is_punct("]")));
                    if token.is_punct(")") {
                        depth -= 1;
                        if depth == 0 && brackets == 0 {
                            pieces.push(Piece::Text(self.between(from, token.end())));
                            return Ok(pieces);
                        }
                    }
                }
            }
        }
        Err(TextError::new("this parenthesis does not close", open.offset, 1))
    }

    fn no_tuple(&self) -> TextError {
        TextError::new("there is no tuple after VALUES", self.sql.len(), 0).with_help("write VALUES (:a, :b)")
    }

    /// From ON CONFLICT on, without what may follow the statement.
    fn tail(&mut self) -> Result<&'a str, TextError> {
        let refuse = |message: &str, help: &str, token: Token<'_>| {
            Err(TextError::new(message, token.offset, token.text.len()).with_help(help.to_owned()))
        };
        let (mut from, mut to, mut depth) = (None, 0, 0_usize);
        while let Some(token) = self.next() {
            match token.text {
                ";" => {
                    return match self
                        .tokens
                        .find(|token| token.kind != TokenKind::Comment && !token.is_punct(";"))
                    {
                        Some(second) => {
                            refuse("the text holds several statements", "run each by itself", second)
                        }
                        None => Ok(self.between(from.unwrap_or(to), to)),
                    };
                }
                "," if from.is_none() => {
                    return refuse(
                        "the INSERT has several tuples",
                        "write the one of a single row: it is repeated for each row given",
                        token,
                    );
                }
                _ if token.is("RETURNING") && depth == 0 => {
                    return refuse(
                        "the INSERT gives rows back",
                        "leave RETURNING away, or use `query_one` for each row",
                        token,
                    );
                }
                _ if from.is_none() && !token.is("ON") => {
                    return refuse(
                        "only ON CONFLICT can follow the tuple",
                        "write the statement for one row, as INSERT INTO t (a) VALUES (:a)",
                        token,
                    );
                }
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.one_by_one |= token.kind == TokenKind::Parameter;
            self.look(token);
            from = from.or(Some(token.offset));
            to = token.end();
        }
        Ok(self.between(from.unwrap_or(to), to))
    }

    /// Takes note of what makes the result of a row depend on the rows before it.
    fn look(&mut self, token: Token<'_>) {
        const LOOKS: [&str; 6] =
            ["SELECT", "last_insert_rowid", "changes", "total_changes", "lastval", "currval"];
        self.one_by_one |= LOOKS.iter().any(|word| token.is(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three(sql: &str, dialect: Dialect) -> String {
        RowInsert::new(sql, dialect).unwrap().of_rows(3)
    }

    #[test]
    fn the_tuple_is_repeated_with_names_of_its_own() {
        for (sql, expected) in [
            (
                "INSERT INTO t (a, b) VALUES (:a, :b)",
                "INSERT INTO t (a, b) VALUES (:p0, :p1), (:p2, :p3), (:p4, :p5) ",
            ),
            (
                "replace into \"VALUES\" values(f(:b,':x'),:a+:b) ; -- end",
                "replace into \"VALUES\" values (f(:p0,':x'),:p1+:p0), (f(:p2,':x'),:p3+:p2), (f(:p4,':x'),:p5+:p4) ",
            ),
            (
                "INSERT INTO t VALUES (1 -- one\n, :a /* two */) ON CONFLICT (a) DO NOTHING -- three\n;",
                "INSERT INTO t VALUES (1  \n, :p0  ), (1  \n, :p1  ), (1  \n, :p2  ) ON CONFLICT (a) DO NOTHING",
            ),
        ] {
            assert_eq!(three(sql, Dialect::Sqlite), expected);
        }
        assert_eq!(
            three(
                "INSERT INTO t VALUES (:a::text, $$ ) $$, a[1:2]) ON CONFLICT DO NOTHING",
                Dialect::Postgres
            ),
            "INSERT INTO t VALUES (:p0::text, $$ ) $$, a[1:2]), (:p1::text, $$ ) $$, a[1:2]), \
             (:p2::text, $$ ) $$, a[1:2]) ON CONFLICT DO NOTHING"
        );
    }

    #[test]
    fn what_depends_on_the_rows_before_is_known() {
        for (sql, one_by_one) in [
            ("INSERT INTO t VALUES (:a, 'SELECT', \"select\", t.changes_of)", false),
            ("INSERT INTO t VALUES (:a) ON CONFLICT (a) DO UPDATE SET a = excluded.a", false),
            ("INSERT INTO t VALUES (:a) ON CONFLICT (a) DO UPDATE SET a = :a", true),
            ("INSERT INTO t VALUES (:a) ON CONFLICT (a) DO UPDATE SET a = (select 1)", true),
            ("INSERT INTO t VALUES ((SELECT 1))", true),
            ("INSERT INTO t VALUES (LAST_INSERT_ROWID())", true),
            ("INSERT INTO t VALUES (total_changes() + changes())", true),
        ] {
            assert_eq!(RowInsert::new(sql, Dialect::Sqlite).unwrap().is_one_by_one(), one_by_one, "{sql}");
        }
    }
}
