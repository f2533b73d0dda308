//! Named parameters, and their mapping to each engine's own.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use super::token::{Token, TokenKind, tokens};
use super::{Dialect, TextError, refuse_nul};
use crate::error::{Error, ErrorKind, Result};

/// A statement with its named parameters found, ready for an engine.
///
/// It depends on the statement's text alone, so a driver makes it once and keeps it beside the prepared statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped<'a> {
    text: Cow<'a, str>,
    names: Vec<String>,
}

/// Which value goes to which parameter, as [`Mapped::resolve`] finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slots {
    /// The values were given in the order of the statement's own parameters.
    Same,
    /// The i-th value given belongs to the parameter at this index, counted from 0, of [`Mapped::names`].
    Permuted(Vec<usize>),
}

impl Slots {
    /// The index, counted from 0, of the parameter to which the `given`-th value belongs.
    pub fn slot(&self, given: usize) -> usize {
        match self {
            Self::Same => given,
            Self::Permuted(slots) => slots.get(given).copied().unwrap_or(given),
        }
    }
}

impl<'a> Mapped<'a> {
    /// Finds the parameters of `sql`. Each distinct name has one index, by its first appearance. For SQLite the text
    /// stays as it is, since SQLite counts in the same way; for PostgreSQL each `:name` becomes `$1` and so on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`] for a parameter of any other form than `:name`, and [`ErrorKind::Statement`] for a string,
    /// a quoted name or a comment that does not end, for a NUL, and for a `::` cast on SQLite.
    pub fn new(sql: &'a str, dialect: Dialect) -> Result<Self> {
        refuse_nul(sql).map_err(|error| error.into_error(ErrorKind::Statement, FILE, sql))?;
        let mut reader =
            Reader { sql, dialect, names: Vec::new(), index: HashMap::new(), out: None, copied: 0 };
        for token in tokens(sql, dialect) {
            let (kind, error) = match token.kind {
                TokenKind::Parameter => match reader.parameter(token) {
                    Ok(()) => continue,
                    Err(error) => (ErrorKind::Parameter, error),
                },
                TokenKind::OtherParameter => (ErrorKind::Parameter, other_form(token)),
                TokenKind::Cast if dialect == Dialect::Sqlite => (ErrorKind::Statement, cast(token)),
                TokenKind::Unterminated => (ErrorKind::Statement, TextError::unterminated(token)),
                _ => continue,
            };
            return Err(error.into_error(kind, FILE, sql));
        }
        Ok(reader.finish())
    }

    /// A statement that can have no parameters, for no character of it begins one; else `None`. It reads no tokens: what
    /// else is wrong with the text, the engine says.
    pub(crate) fn none(sql: &'a str) -> Option<Self> {
        let may_begin = |byte| matches!(byte, 0 | b':' | b'?' | b'@' | b'$' | b'#');
        // SQLite takes a comment that does not end; this reader does not.
        (!sql.bytes().any(may_begin) && !sql.contains("/*"))
            .then(|| Self { text: Cow::Borrowed(sql), names: Vec::new() })
    }

    /// The text for the engine.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the parameters, without the colon, in the order of their indices. The first has index 1 in both
    /// engines' own counting.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The same, independent of the text it was made from.
    pub fn into_owned(self) -> Mapped<'static> {
        Mapped { text: Cow::Owned(self.text.into_owned()), names: self.names }
    }

    /// Finds for each name given its parameter. Given in the statement's own order, it allocates nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`] unless every parameter of the statement is given exactly once and nothing else is; the
    /// message names each that is missing, unknown or given twice.
    pub fn resolve<'g, I>(&self, given: I) -> Result<Slots>
    where
        I: IntoIterator<Item = &'g str>,
        I::IntoIter: Clone,
    {
        let given = given.into_iter();
        if self.names.iter().map(String::as_str).eq(given.clone()) {
            return Ok(Slots::Same);
        }
        let mut is_given = vec![false; self.names.len()];
        let mut slots = Vec::with_capacity(self.names.len());
        for name in given.clone() {
            let Some(slot) = self.names.iter().position(|own| own == name) else {
                return Err(self.misfit(given));
            };
            match is_given.get_mut(slot) {
                Some(seen @ false) => *seen = true,
                _ => return Err(self.misfit(given)),
            }
            slots.push(slot);
        }
        if is_given.contains(&false) { Err(self.misfit(given)) } else { Ok(Slots::Permuted(slots)) }
    }

    /// What keeps the names given from being those of the statement.
    #[cold]
    fn misfit<'g>(&self, given: impl Iterator<Item = &'g str>) -> Error {
        let (mut counts, mut unknown) = (vec![0_usize; self.names.len()], Vec::new());
        for name in given {
            match self.names.iter().position(|own| own == name).and_then(|slot| counts.get_mut(slot)) {
                Some(count) => *count += 1,
                None if unknown.contains(&name) => {}
                None => unknown.push(name),
            }
        }
        let own = |wanted: fn(usize) -> bool| -> Vec<&str> {
            let pairs = self.names.iter().zip(&counts);
            pairs.filter(|(_, count)| wanted(**count)).map(|(name, _)| name.as_str()).collect()
        };
        let mut parts = Vec::new();
        for (what, names) in [
            ("not given", own(|count| count == 0)),
            ("not in the statement", unknown),
            ("given more than once", own(|count| count > 1)),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what}: {}", list(names)));
            }
        }
        let help = match self.names.as_slice() {
            [] => "the statement has no parameters".to_owned(),
            names => format!("the statement has {}", list(names.iter().map(String::as_str))),
        };
        let message = format!("the parameters do not fit the statement ({})", parts.join("; "));
        Error::new(ErrorKind::Parameter, message).with_help(help)
    }
}

/// The name of a text that comes from no file.
const FILE: &str = "<sql>";

fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(|name| format!(":{name}")).collect::<Vec<_>>().join(", ")
}

fn other_form(token: Token<'_>) -> TextError {
    let help = match token.text.as_bytes() {
        [b':', ..] => "begin its name with a letter, as in :name".to_owned(),
        [_, first, ..] if !first.is_ascii_digit() => {
            format!("write :{}", token.text.get(1..).unwrap_or_default())
        }
        _ => "name it, as in :name".to_owned(),
    };
    let message = format!("a parameter must have the form :name, and this is {}", token.text);
    TextError::new(message, token.offset, token.text.len()).with_help(help)
}

/// SQLite reads `:a::b` as one parameter with that whole name, so a cast would silently make another parameter of it.
fn cast(token: Token<'_>) -> TextError {
    TextError::new("SQLite has no :: casts", token.offset, 2).with_help("write CAST(… AS …)")
}

struct Reader<'a> {
    sql: &'a str,
    dialect: Dialect,
    names: Vec<String>,
    index: HashMap<&'a str, usize>,
    /// The rewritten text, up to `copied` bytes of `sql`. None as long as nothing was rewritten.
    out: Option<String>,
    copied: usize,
}

impl<'a> Reader<'a> {
    fn parameter(&mut self, token: Token<'a>) -> Result<(), TextError> {
        // SQLite takes the parenthesis into the parameter's name (a form for Tcl), and nowhere would it be valid.
        if self.sql.as_bytes().get(token.end()) == Some(&b'(') {
            let message = format!("the parameter {} is followed by a parenthesis", token.text);
            return Err(TextError::new(message, token.offset, token.text.len() + 1)
                .with_help("one parameter takes one value; for a list write IN (:a, :b)"));
        }
        let name = token.text.get(1..).unwrap_or_default();
        let next = self.names.len() + 1;
        let number = *self.index.entry(name).or_insert(next);
        if number == next {
            self.names.push(name.to_owned());
        }
        if self.dialect == Dialect::Postgres {
            self.rewrite(token, number);
        }
        Ok(())
    }

    fn rewrite(&mut self, token: Token<'a>, number: usize) {
        let before = self.sql.get(self.copied..token.offset).unwrap_or_default();
        let out = self.out.get_or_insert_with(|| String::with_capacity(self.sql.len()));
        out.push_str(before);
        // `LIMIT:n` must not become the name `LIMIT$1`, nor `1.:n` a number with letters in it, nor `@:n` the
        // parameter `@$1`, nor two neighbours one number.
        if out.ends_with(|c: char| c.is_ascii_alphanumeric() || "_$.@".contains(c) || !c.is_ascii()) {
            out.push(' ');
        }
        // Writing to a String does not fail.
        let _ = write!(out, "${number}");
        self.copied = token.end();
    }

    fn finish(self) -> Mapped<'a> {
        let text = match self.out {
            Some(mut out) => {
                out.push_str(self.sql.get(self.copied..).unwrap_or_default());
                Cow::Owned(out)
            }
            None => Cow::Borrowed(self.sql),
        };
        Mapped { text, names: self.names }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(sql: &str) -> Mapped<'_> {
        Mapped::new(sql, Dialect::Sqlite).unwrap()
    }

    fn postgres(sql: &str) -> Mapped<'_> {
        Mapped::new(sql, Dialect::Postgres).unwrap()
    }

    #[test]
    fn each_name_has_one_index_by_its_first_appearance() {
        let mapped = sqlite("SELECT :b, :a, :b, ':c', \":d\" -- :e\n, /* :f */ :Ä_1$");
        assert_eq!(mapped.names(), ["b", "a", "Ä_1$"]);
        assert!(matches!(mapped.text, Cow::Borrowed(_)));
        assert_eq!(sqlite("SELECT :a, :A").names(), ["a", "A"]);
        assert!(sqlite("").names().is_empty());
    }

    #[test]
    fn postgresql_gets_numbers() {
        for (sql, text, names) in [
            ("SELECT :b::text, :a, :b", "SELECT $1::text, $2, $1", "b a"),
            (
                "SELECT a[1:2], x::int, '12:30', ':a' /* :b */",
                "SELECT a[1:2], x::int, '12:30', ':a' /* :b */",
                "",
            ),
            ("SELECT a[lo:hi], a[:lo]", "SELECT a[lo:hi], a[$1]", "lo"),
            ("SELECT a LIMIT:n", "SELECT a LIMIT $1", "n"),
            ("SELECT 1:n:m", "SELECT 1 $1 $2", "n m"),
            ("SELECT 1.:n, @:m, 1.5:n", "SELECT 1. $1, @ $2, 1.5 $1", "n m"),
            ("SELECT $$ :a $1 $$, $t$:b$t$, :c", "SELECT $$ :a $1 $$, $t$:b$t$, $1", "c"),
            (
                "SELECT j->'a'->>:k, j ? 'x', E'\\':a', f(a := :v)",
                "SELECT j->'a'->>$1, j ? 'x', E'\\':a', f(a := $2)",
                "k v",
            ),
            ("SELECT 'é' || :é || 'ü'", "SELECT 'é' || $1 || 'ü'", "é"),
        ] {
            let mapped = postgres(sql);
            assert_eq!((mapped.text(), mapped.names().join(" ").as_str()), (text, names), "{sql}");
        }
    }

    #[test]
    fn other_forms_are_refused_with_what_to_write() {
        for (sql, message) in [
            (
                "SELECT ?",
                "<sql>:1:8: a parameter must have the form :name, and this is ?; name it, as in :name",
            ),
            (
                "SELECT\n ?1",
                "<sql>:2:2: a parameter must have the form :name, and this is ?1; name it, as in :name",
            ),
            ("SELECT @x", "<sql>:1:8: a parameter must have the form :name, and this is @x; write :x"),
            ("SELECT $x", "<sql>:1:8: a parameter must have the form :name, and this is $x; write :x"),
            (
                "SELECT $1",
                "<sql>:1:8: a parameter must have the form :name, and this is $1; name it, as in :name",
            ),
            (
                "SELECT :1",
                "<sql>:1:8: a parameter must have the form :name, and this is :1; begin its name with a letter, as in :name",
            ),
            (
                "x IN :ids(1)",
                "<sql>:1:6: the parameter :ids is followed by a parenthesis; one parameter takes one value; for a list write IN (:a, :b)",
            ),
        ] {
            let error = Mapped::new(sql, Dialect::Sqlite).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Parameter, message));
        }
        for sql in ["SELECT $1", "SELECT @x", "SELECT ?1", "SELECT $x"] {
            assert_eq!(
                Mapped::new(sql, Dialect::Postgres).unwrap_err().kind(),
                ErrorKind::Parameter,
                "{sql}"
            );
        }
    }

    #[test]
    fn a_text_that_cannot_be_read_is_refused() {
        for (sql, message) in [
            ("SELECT 'a", "<sql>:1:8: this string does not end; close it with '"),
            ("SELECT 1 /* ?", "<sql>:1:10: this comment does not end; close it with */"),
            ("SELECT :a::text", "<sql>:1:10: SQLite has no :: casts; write CAST(… AS …)"),
            (
                "SELECT 1\0",
                "<sql>:1:9: there is a NUL character in the text; remove it: the engine would ignore everything after it",
            ),
        ] {
            let error = Mapped::new(sql, Dialect::Sqlite).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Statement, message));
        }
    }

    #[test]
    fn names_in_the_statements_order_need_no_permutation() {
        let mapped = sqlite("SELECT :a, :b, :a");
        assert_eq!(mapped.resolve(["a", "b"]).unwrap(), Slots::Same);
        assert_eq!(mapped.resolve(["b", "a"]).unwrap(), Slots::Permuted(vec![1, 0]));
        assert_eq!(mapped.resolve(["b", "a"]).unwrap().slot(0), 1);
        assert_eq!(sqlite("SELECT 1").resolve([]).unwrap(), Slots::Same);
        assert_eq!(mapped.into_owned().resolve(vec!["a", "b"]).unwrap().slot(1), 1);
    }

    #[test]
    fn names_that_do_not_fit_are_named() {
        let mapped = sqlite("SELECT :a, :b, :c");
        for (given, message) in [
            (vec!["a", "b"], "not given: :c"),
            (vec![], "not given: :a, :b, :c"),
            (vec!["a", "b", "c", "d"], "not in the statement: :d"),
            (vec!["c", "b", "a", "d", "d"], "not in the statement: :d"),
            (vec!["a", "a", "b", "c"], "given more than once: :a"),
            (vec!["A", "b", "b"], "not given: :a, :c; not in the statement: :A; given more than once: :b"),
        ] {
            let error = mapped.resolve(given.iter().copied()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Parameter);
            let expected = format!("the parameters do not fit the statement ({message})");
            assert_eq!(
                (error.message(), error.help()),
                (expected.as_str(), Some("the statement has :a, :b, :c"))
            );
        }
        let error = sqlite("SELECT 1").resolve(["a"]).unwrap_err();
        assert_eq!(error.help(), Some("the statement has no parameters"));
    }
}
