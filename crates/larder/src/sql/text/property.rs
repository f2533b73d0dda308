//! What holds for every text.

use proptest::prelude::*;

use super::*;

/// Pieces that make the readers change their state, in any order.
const PIECES: [&str; 63] = [
    "'",
    "\"",
    "`",
    "[",
    "]",
    "$",
    "$$",
    "$t$",
    "--",
    "/*",
    "*/",
    "\n",
    "\r\n",
    "\r",
    " ",
    ";",
    ":",
    "::",
    ":a",
    ":b",
    "?",
    "?1",
    "@x",
    "$1",
    "E'",
    "x'00'",
    "\\",
    "(",
    ")",
    ",",
    ".",
    "1",
    "1.5e+3",
    "0x",
    "é",
    "\u{feff}",
    "\u{a0}",
    "\t",
    "SELECT",
    "WITH",
    " AS ",
    "INSERT",
    "REPLACE",
    " CREATE ",
    " TEMP ",
    " TRIGGER ",
    " TABLE ",
    " BEGIN ",
    " END ",
    " CASE ",
    " ATOMIC ",
    " FUNCTION ",
    "DROP TABLE ",
    " RENAME TO ",
    "ALTER TABLE ",
    "PRAGMA ",
    "->>",
    "@",
    "-- larder:",
    " destructive ",
    "no-transaction",
    "=",
    "_",
];

fn dialect() -> impl Strategy<Value = Dialect> {
    prop_oneof![Just(Dialect::Sqlite), Just(Dialect::Postgres)]
}

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.as_slice()), 0..40).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => soup(), 1 => any::<String>(), 1 => "[ -~\0\n]{0,60}"]
}

proptest! {
    // Nothing of a failure is kept beside the source: the message has the input.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn nothing_panics(sql in text(), dialect in dialect()) {
        let _ = split(&sql, dialect);
        let _ = Verb::of(&sql, dialect);
        let _ = pragma(&sql);
        let _ = tables_claimed(&sql, dialect);
        if let Err(error) = directives(&sql, dialect) {
            prop_assert!(sql.get(error.offset..error.offset + error.length).is_some());
        }
        if let Ok(mapped) = Mapped::new(&sql, dialect) {
            prop_assert_eq!(mapped.resolve(mapped.names().iter().map(String::as_str)).ok(), Some(Slots::Same));
        }
    }

    #[test]
    fn a_tuple_repeated_has_the_parameters_repeated(
        tuple in text(), tail in prop_oneof![Just(String::new()), text()], dialect in dialect()
    ) {
        let sql = format!("INSERT INTO t VALUES ({tuple}) {tail}");
        let Ok(insert) = RowInsert::new(&sql, dialect) else { return Ok(()) };
        if insert.is_one_by_one() {
            return Ok(());
        }
        let width = insert.mapped().names().len();
        let many = insert.of_rows(3);
        let mapped = Mapped::new(&many, dialect).map_err(|error| TestCaseError::fail(format!("{many}: {error}")))?;
        let names: Vec<_> = (0..width * 3).map(|number| format!("p{number}")).collect();
        prop_assert_eq!(mapped.names(), names);
        let again = RowInsert::new(&insert.of_rows(1), dialect).map(|again| again.of_rows(3));
        prop_assert_eq!(again.ok(), Some(many));
    }

    #[test]
    fn tokens_and_the_space_between_them_are_the_text(sql in text(), dialect in dialect()) {
        let mut at = 0;
        for token in tokens(&sql, dialect) {
            prop_assert!(!token.text.is_empty());
            prop_assert_eq!(sql.get(token.offset..token.end()), Some(token.text));
            let gap = sql.get(at..token.offset);
            prop_assert!(gap.is_some_and(is_space), "{:?} before {:?}", gap, token);
            prop_assert!(token.kind != TokenKind::Unterminated || token.end() == sql.len());
            at = token.end();
        }
        prop_assert!(sql.get(at..).is_some_and(is_space));
    }

    #[test]
    fn statements_are_in_order_and_apart(sql in text(), dialect in dialect()) {
        let mut at = 0;
        for statement in split(&sql, dialect).unwrap_or_default() {
            prop_assert!(statement.offset >= at && !statement.text.is_empty());
            let end = statement.offset + statement.text.len();
            prop_assert_eq!(sql.get(statement.offset..end), Some(statement.text));
            let line = sql[..statement.offset].matches('\n').count() + 1;
            prop_assert_eq!(statement.line, line);
            at = end;
        }
    }

    #[test]
    fn statements_joined_again_split_into_the_same(sql in text(), dialect in dialect()) {
        let Ok(statements) = split(&sql, dialect) else { return Ok(()) };
        let texts: Vec<_> = statements.iter().map(|statement| statement.text).collect();
        let joined = texts.join(";\n");
        let again = split(&joined, dialect).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(again.iter().map(|statement| statement.text).collect::<Vec<_>>(), texts);
        prop_assert!(statements.iter().map(|s| s.verb).eq(again.iter().map(|s| s.verb)));
    }

    #[test]
    fn a_mapped_text_holds_no_name_and_every_number(sql in soup()) {
        let Ok(mapped) = Mapped::new(&sql, Dialect::Postgres) else { return Ok(()) };
        let tokens: Vec<_> = tokens(mapped.text(), Dialect::Postgres).collect();
        prop_assert!(tokens.iter().all(|token| token.kind != TokenKind::Parameter), "{:?}", mapped);
        for number in 1..=mapped.names().len() {
            let own = format!("${number}");
            let is_own = |t: &Token<'_>| t.kind == TokenKind::OtherParameter && t.text == own;
            prop_assert!(tokens.iter().any(is_own), "{:?}", mapped);
        }
    }
}

fn is_space(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t'..='\r' | '\u{feff}'))
}
