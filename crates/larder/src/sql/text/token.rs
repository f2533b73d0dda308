//! The tokenizer.

use std::borrow::Cow;
use std::iter::FusedIterator;

use super::Dialect;

/// One token of a text. Whitespace is not a token: it is what lies between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// Its text as it stands, quotes and all.
    pub text: &'a str,
    /// Where in the whole text it begins, in bytes.
    pub offset: usize,
}

/// What a [`Token`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in quotes: `"x"`, and on SQLite `[x]` and `` `x` ``.
    Quoted,
    /// A string or a blob: `'x'`, `x'00'`, and on PostgreSQL `E'\n'` and `$tag$x$tag$`.
    String,
    /// A number.
    Number,
    /// A parameter that Larder maps: `:name`.
    Parameter,
    /// A parameter of another form: `?`, `?1`, `:1`, `@x`, `$1`, `$x`.
    OtherParameter,
    /// `::`.
    Cast,
    /// An operator, a bracket, a separator, or a character that means nothing in SQL.
    Punct,
    /// `-- …` without its line end, or `/* … */`.
    Comment,
    /// A string, a quoted name or a block comment that runs to the end of the text because it is not closed.
    Unterminated,
}

impl<'a> Token<'a> {
    /// Where the token ends, in bytes.
    pub fn end(&self) -> usize {
        self.offset + self.text.len()
    }

    /// True for this keyword or unquoted name, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// True for this operator or separator.
    pub fn is_punct(&self, text: &str) -> bool {
        self.kind == TokenKind::Punct && self.text == text
    }

    /// The name that is meant: without quotes and their escapes, and without the colon of a parameter. A plain string
    /// counts as a quoted name, as SQLite reads it where only a name can stand. Other tokens give their text.
    pub fn name(&self) -> Cow<'a, str> {
        let inner = || self.text.get(1..self.text.len().saturating_sub(1)).unwrap_or_default();
        match (self.kind, self.text.as_bytes().first()) {
            (TokenKind::Quoted, Some(b'[')) => Cow::Borrowed(inner()),
            (TokenKind::Quoted, Some(b'`')) => undouble(inner(), "``", "`"),
            (TokenKind::Quoted, _) => undouble(inner(), "\"\"", "\""),
            (TokenKind::String, Some(b'\'')) => undouble(inner(), "''", "'"),
            (TokenKind::Parameter, _) => Cow::Borrowed(self.text.get(1..).unwrap_or_default()),
            _ => Cow::Borrowed(self.text),
        }
    }
}

fn undouble<'a>(text: &'a str, double: &str, single: &str) -> Cow<'a, str> {
    if text.contains(double) { Cow::Owned(text.replace(double, single)) } else { Cow::Borrowed(text) }
}

/// The tokens of `sql`, comments included. The text between two tokens is whitespace only, and a text always ends with
/// the last token, with whitespace, or with one of kind [`TokenKind::Unterminated`].
pub fn tokens(sql: &str, dialect: Dialect) -> Tokens<'_> {
    Tokens { sql, at: 0, dialect, brackets: 0, after_comment: false }
}

/// The iterator of [`tokens`].
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    sql: &'a str,
    at: usize,
    dialect: Dialect,
    /// How many `[` are open, on PostgreSQL: inside them a `:` may be a slice's.
    brackets: u32,
    /// The last token was a comment.
    after_comment: bool,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What both engines take into a name after its first character. Every byte of a character beyond ASCII counts, as in
/// both engines' own tokenizers, so a token never begins or ends inside a character.
fn continues_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// Operators of more than one character, the longest first.
const OPERATORS: [&[u8]; 12] =
    [b"->>", b"->", b"<=", b">=", b"<>", b"!=", b"==", b"||", b"<<", b">>", b":=", b"=>"];

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        let rest = self.rest(self.at);
        let first = *rest.first()?;
        let (kind, length) = self.read(first, rest);
        let offset = self.at;
        self.at = offset + length;
        self.after_comment = kind == TokenKind::Comment;
        Some(Token { kind, text: self.sql.get(offset..self.at).unwrap_or_default(), offset })
    }
}

impl FusedIterator for Tokens<'_> {}

impl<'a> Tokens<'a> {
    fn postgres(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    fn rest(&self, from: usize) -> &'a [u8] {
        self.sql.as_bytes().get(from..).unwrap_or_default()
    }

    /// SQLite reads a byte order mark as a space wherever a token could begin; one at the head of a file is common.
    fn skip_space(&mut self) {
        loop {
            let rest = self.rest(self.at);
            self.at += match rest.first() {
                Some(b' ' | b'\t'..=b'\r') => 1,
                Some(0xEF) if rest.starts_with(BOM) => BOM.len(),
                _ => return,
            };
        }
    }

    fn read(&mut self, first: u8, rest: &[u8]) -> (TokenKind, usize) {
        use TokenKind::{Cast, Comment, Punct, Quoted, String};
        let second = rest.get(1).copied().unwrap_or_default();
        match first {
            b'-' if second == b'-' => (Comment, self.line_comment(rest)),
            b'/' if second == b'*' => self.block_comment(rest),
            b'\'' => quoted(rest, 1, b'\'', String),
            b'"' => quoted(rest, 1, b'"', Quoted),
            b'`' if !self.postgres() => quoted(rest, 1, b'`', Quoted),
            b'[' if !self.postgres() => found(find(rest, b"]", 1), rest, Quoted),
            b'0'..=b'9' => (TokenKind::Number, number(rest)),
            b'.' if second.is_ascii_digit() => (TokenKind::Number, number(rest)),
            b'x' | b'X' if second == b'\'' => quoted(rest, 2, b'\'', String),
            b'e' | b'E' if second == b'\'' && self.postgres() => escaped(rest),
            b'b' | b'B' | b'n' | b'N' if second == b'\'' && self.postgres() => quoted(rest, 2, b'\'', String),
            _ if begins_word(first) => (TokenKind::Word, word(rest, 0)),
            b':' if second == b':' => (Cast, 2),
            b':' => self.colon(second, rest),
            b'$' => self.dollar(second, rest),
            b'?' => self.question(second, rest),
            b'@' if continues_word(second) && !(self.postgres() && self.follows_operator()) => {
                (TokenKind::OtherParameter, word(rest, 1))
            }
            _ => {
                match first {
                    b'[' => self.brackets += 1,
                    b']' => self.brackets = self.brackets.saturating_sub(1),
                    _ => {}
                }
                (Punct, OPERATORS.iter().find(|operator| rest.starts_with(operator)).map_or(1, |o| o.len()))
            }
        }
    }

    fn line_comment(&self, rest: &[u8]) -> usize {
        let ends = |byte: &u8| *byte == b'\n' || (*byte == b'\r' && self.postgres());
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        // The line end of a file from Windows is no part of the comment.
        match rest.get(..length) {
            Some([.., b'\r']) => length - 1,
            _ => length,
        }
    }

    fn block_comment(&self, rest: &[u8]) -> (TokenKind, usize) {
        let (mut depth, mut at) = (1_u32, 2);
        while let Some(pair) = rest.get(at..at + 2) {
            match pair {
                b"*/" => {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        return (TokenKind::Comment, at);
                    }
                }
                b"/*" if self.postgres() => {
                    depth += 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        (TokenKind::Unterminated, rest.len())
    }

    /// A `:` that is not a cast. PostgreSQL's slices `a[1:n]` have one too: inside brackets it is a slice's when an
    /// operand stands directly before it, so that `a[:n]` and `a[1 : :n]` still take a parameter.
    fn colon(&self, second: u8, rest: &[u8]) -> (TokenKind, usize) {
        let slice = self.brackets > 0 && self.follows(|b| continues_word(b) || b")]\"'".contains(&b));
        if begins_word(second) && !slice {
            (TokenKind::Parameter, word(rest, 1))
        } else if continues_word(second) && !self.postgres() {
            (TokenKind::OtherParameter, word(rest, 1))
        } else if second == b'=' {
            (TokenKind::Punct, 2)
        } else {
            (TokenKind::Punct, 1)
        }
    }

    /// `$1`, `$name`, or on PostgreSQL a `$tag$ … $tag$` string.
    fn dollar(&self, second: u8, rest: &[u8]) -> (TokenKind, usize) {
        if self.postgres() && !second.is_ascii_digit() {
            let tag = 1 + rest.iter().skip(1).take_while(|&&b| b != b'$' && continues_word(b)).count();
            if rest.get(tag) == Some(&b'$') {
                let delimiter = rest.get(..=tag).unwrap_or_default();
                return found(find(rest, delimiter, tag + 1), rest, TokenKind::String);
            }
        }
        match word(rest, 1) {
            1 => (TokenKind::Punct, 1),
            length => (TokenKind::OtherParameter, length),
        }
    }

    /// `?` and `?1`. PostgreSQL's `jsonb` has operators `?`, `?|` and `?&`: there only `?1` is surely no operator.
    fn question(&self, second: u8, rest: &[u8]) -> (TokenKind, usize) {
        let length = 1 + rest.iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
        let operator = self.postgres() && !second.is_ascii_digit();
        (if operator { TokenKind::Punct } else { TokenKind::OtherParameter }, length)
    }

    fn follows(&self, test: impl Fn(u8) -> bool) -> bool {
        self.at.checked_sub(1).and_then(|before| self.sql.as_bytes().get(before)).is_some_and(|&b| test(b))
    }

    /// PostgreSQL's `<@`, `@@` and the like.
    fn follows_operator(&self) -> bool {
        // The end of a comment is none.
        !self.after_comment && self.follows(|byte| b"+-*/<>=~!@#%^&|`?".contains(&byte))
    }
}

/// How many bytes from the first on, after `prefix` of them, belong to a name.
fn word(rest: &[u8], prefix: usize) -> usize {
    prefix + rest.iter().skip(prefix).take_while(|&&byte| continues_word(byte)).count()
}

/// Digits, fraction, exponent, hexadecimal, separators; and letters that follow directly, which no engine accepts.
fn number(rest: &[u8]) -> usize {
    let hexadecimal = matches!(rest, [b'0', b'x' | b'X', ..]);
    let mut length = word(rest, 0);
    if !hexadecimal && rest.get(length) == Some(&b'.') {
        length = word(rest, length + 1);
    }
    if let (false, Some([b'e' | b'E', b'+' | b'-', b'0'..=b'9'])) =
        (hexadecimal, rest.get(length.saturating_sub(1)..length + 2))
    {
        length = word(rest, length + 1);
    }
    length
}

/// A token that ends with `quote`, where two of them stand for one.
fn quoted(rest: &[u8], prefix: usize, quote: u8, kind: TokenKind) -> (TokenKind, usize) {
    let mut at = prefix;
    while let Some(length) = rest.get(at..).and_then(|r| r.iter().position(|&byte| byte == quote)) {
        at += length + 1;
        if rest.get(at) != Some(&quote) {
            return (kind, at);
        }
        at += 1;
    }
    (TokenKind::Unterminated, rest.len())
}

/// PostgreSQL's `E'…'`, where a backslash takes the next character along.
fn escaped(rest: &[u8]) -> (TokenKind, usize) {
    let mut at = 2;
    while let Some(&byte) = rest.get(at) {
        at += match (byte, rest.get(at + 1)) {
            (b'\\', _) | (b'\'', Some(b'\'')) => 2,
            (b'\'', _) => return (TokenKind::String, at + 1),
            _ => 1,
        };
    }
    (TokenKind::Unterminated, rest.len())
}

/// Where `needle` ends in `rest`, looked for from `from` on.
fn find(rest: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let place = rest.get(from..)?.windows(needle.len()).position(|window| window == needle)?;
    Some(from + place + needle.len())
}

fn found(end: Option<usize>, rest: &[u8], kind: TokenKind) -> (TokenKind, usize) {
    end.map_or((TokenKind::Unterminated, rest.len()), |end| (kind, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use TokenKind::*;

    fn kinds(sql: &str, dialect: Dialect) -> Vec<(TokenKind, &str)> {
        tokens(sql, dialect).map(|token| (token.kind, token.text)).collect()
    }

    fn sqlite(sql: &str) -> Vec<(TokenKind, &str)> {
        kinds(sql, Dialect::Sqlite)
    }

    fn postgres(sql: &str) -> Vec<(TokenKind, &str)> {
        kinds(sql, Dialect::Postgres)
    }

    #[test]
    fn a_statement_falls_into_words_names_strings_numbers_and_parameters() {
        assert_eq!(
            sqlite(r#"SELECT "a""b", [c d], `e``f`, 'it''s' FROM t WHERE x>=:y -- end"#),
            vec![
                (Word, "SELECT"),
                (Quoted, r#""a""b""#),
                (Punct, ","),
                (Quoted, "[c d]"),
                (Punct, ","),
                (Quoted, "`e``f`"),
                (Punct, ","),
                (String, "'it''s'"),
                (Word, "FROM"),
                (Word, "t"),
                (Word, "WHERE"),
                (Word, "x"),
                (Punct, ">="),
                (Parameter, ":y"),
                (Comment, "-- end"),
            ]
        );
    }

    #[test]
    fn names_lose_their_quotes_and_escapes() {
        let names = |sql: &'static str| -> Vec<std::string::String> {
            tokens(sql, Dialect::Sqlite).map(|token| token.name().into_owned()).collect()
        };
        assert_eq!(
            names(r#"a "b""c" `d``e` [f"g] 'h''i' :j x'00' """" "#),
            ["a", "b\"c", "d`e", "f\"g", "h'i", "j", "x'00'", "\""]
        );
    }

    #[test]
    fn nothing_inside_strings_names_and_comments_is_a_parameter() {
        for sql in ["':a'", "'12:30'", "\":not a param\"", "-- :a ? $1", "/* :a ' \" */", "x'3A61'"] {
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                let found = kinds(sql, dialect);
                assert_eq!(found.len(), 1, "{sql}: {found:?}");
                assert!(matches!(found[0].0, String | Quoted | Comment), "{sql}: {found:?}");
            }
        }
    }

    #[test]
    fn other_forms_of_parameters_are_told_apart() {
        assert_eq!(
            sqlite("? ?12 :1 @x $1 $x $ ="),
            vec![
                (OtherParameter, "?"),
                (OtherParameter, "?12"),
                (OtherParameter, ":1"),
                (OtherParameter, "@x"),
                (OtherParameter, "$1"),
                (OtherParameter, "$x"),
                (Punct, "$"),
                (Punct, "="),
            ]
        );
        assert_eq!(
            postgres("?1 @x $1 $x"),
            vec![
                (OtherParameter, "?1"),
                (OtherParameter, "@x"),
                (OtherParameter, "$1"),
                (OtherParameter, "$x")
            ]
        );
    }

    #[test]
    fn operators_with_colons_question_marks_and_at_signs_are_no_parameters() {
        for sql in [
            "a::text",
            "a -> 'b' ->> 'c'",
            "a := 1",
            "j ? 'key'",
            "j ?| b",
            "a <@b",
            "a @> b",
            "v @@q",
            "a[1:2]",
            "a[lo:hi]",
            "a[f(x):\"y\"]",
            "a[b[1]:c]",
        ] {
            let found = postgres(sql);
            assert!(found.iter().all(|(kind, _)| !matches!(kind, Parameter | OtherParameter)), "{found:?}");
        }
        assert_eq!(postgres("a::text")[1], (Cast, "::"));
        assert_eq!(sqlite("a->>'b'")[1], (Punct, "->>"));
    }

    #[test]
    fn a_parameter_needs_no_space_around_it() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for sql in ["LIMIT:n", "a=:n", "(:n)", "a||:n", ":n::int", "[ :n ]"] {
                let count = kinds(sql, dialect).iter().filter(|token| **token == (Parameter, ":n")).count();
                let name = sql.starts_with('[') && dialect == Dialect::Sqlite;
                assert_eq!(count, usize::from(!name), "{sql} {dialect:?}");
            }
        }
        for sql in ["ARRAY[:n]", "a[:n]", "a[1 : :n]", "a[x+:n]"] {
            assert!(postgres(sql).contains(&(Parameter, ":n")), "{sql}");
        }
    }

    #[test]
    fn block_comments_nest_on_postgresql_only() {
        assert_eq!(sqlite("/* a /* b */ c")[1], (Word, "c"));
        assert_eq!(postgres("/* a /* b */ c */ d")[1], (Word, "d"));
        assert_eq!(postgres("/* a /* b */ c")[0].0, Unterminated);
        assert_eq!(sqlite("/*/ a */ b")[1], (Word, "b"));
        assert_eq!(sqlite("/**/ b")[1], (Word, "b"));
    }

    #[test]
    fn postgresql_strings_have_escapes_and_dollar_quotes() {
        assert_eq!(postgres(r"E'a\'b' c"), vec![(String, r"E'a\'b'"), (Word, "c")]);
        assert_eq!(postgres(r"e'\\' c"), vec![(String, r"e'\\'"), (Word, "c")]);
        assert_eq!(postgres("$$a;'b$x$$ c"), vec![(String, "$$a;'b$x$$"), (Word, "c")]);
        assert_eq!(postgres("$é$ $$ :a $é$ c"), vec![(String, "$é$ $$ :a $é$"), (Word, "c")]);
        assert_eq!(postgres("a$b$c"), vec![(Word, "a$b$c")]);
        assert_eq!(sqlite(r"ESCAPE'\' c"), vec![(Word, "ESCAPE"), (String, r"'\'"), (Word, "c")]);
        assert_eq!(postgres(r"ESCAPE'\' c"), vec![(Word, "ESCAPE"), (String, r"'\'"), (Word, "c")]);
    }

    #[test]
    fn what_has_no_end_is_unterminated() {
        for sql in ["'a", "'a''", "\"a", "`a", "[a", "/* a", "/*", "x'0", "'é"] {
            assert_eq!(sqlite(sql), vec![(Unterminated, sql)]);
        }
        for sql in [r"E'a\'", "E'\\", "$a$ b $a", "$$", "$$ $"] {
            assert_eq!(postgres(sql), vec![(Unterminated, sql)]);
        }
    }

    #[test]
    fn numbers_are_one_token() {
        for sql in ["1", "1.5", ".5", "1.", "1e10", "1.5e-3", "1E+3", "0xFF", "1_000", "12ab"] {
            assert_eq!(sqlite(sql), vec![(Number, sql)]);
        }
        assert_eq!(sqlite("0xe-1").len(), 3);
        assert_eq!(sqlite("1--2"), vec![(Number, "1"), (Comment, "--2")]);
    }

    #[test]
    fn line_ends_marks_and_odd_characters_are_survived() {
        assert_eq!(sqlite("\u{feff}-- a\r\nB\r\n"), vec![(Comment, "-- a"), (Word, "B")]);
        assert_eq!(postgres("-- a\rB"), vec![(Comment, "-- a"), (Word, "B")]);
        assert_eq!(sqlite("-- a\rB"), vec![(Comment, "-- a\rB")]);
        assert_eq!(sqlite("größe = :größe"), vec![(Word, "größe"), (Punct, "="), (Parameter, ":größe")]);
        assert_eq!(sqlite("a\0b\\"), vec![(Word, "a"), (Punct, "\0"), (Word, "b"), (Punct, "\\")]);
        assert_eq!(sqlite(""), vec![]);
        assert_eq!(sqlite(" \t\r\n\u{feff}"), vec![]);
    }

    #[test]
    fn offsets_are_in_bytes() {
        let found: Vec<_> =
            tokens("é  'ü' x", Dialect::Sqlite).map(|token| (token.offset, token.end())).collect();
        assert_eq!(found, [(0, 2), (4, 8), (9, 10)]);
    }
}
