//! What a statement does, by its first words.

use super::Dialect;
use super::cursor::Cursor;
use super::token::Token;

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// SELECT, and WITH … SELECT.
    Select,
    /// VALUES as a statement of its own.
    Values,
    /// A WITH that writes in one of its parts (PostgreSQL), or whose main verb is missing. Any other WITH has the verb
    /// of its main statement.
    With,
    /// EXPLAIN.
    Explain,
    /// INSERT, also INSERT OR REPLACE.
    Insert,
    /// REPLACE.
    Replace,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// CREATE of anything.
    Create,
    /// ALTER of anything.
    Alter,
    /// DROP of anything.
    Drop,
    /// PRAGMA.
    Pragma,
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, also ROLLBACK TO a savepoint; ABORT.
    Rollback,
    /// SAVEPOINT.
    Savepoint,
    /// RELEASE.
    Release,
    /// ATTACH.
    Attach,
    /// DETACH.
    Detach,
    /// VACUUM.
    Vacuum,
    /// REINDEX.
    Reindex,
    /// ANALYZE.
    Analyze,
    /// Anything else, and no statement at all.
    Other,
}

const VERBS: [(&str, Verb); 24] = [
    ("SELECT", Verb::Select),
    ("INSERT", Verb::Insert),
    ("UPDATE", Verb::Update),
    ("DELETE", Verb::Delete),
    ("WITH", Verb::With),
    ("VALUES", Verb::Values),
    ("REPLACE", Verb::Replace),
    ("CREATE", Verb::Create),
    ("ALTER", Verb::Alter),
    ("DROP", Verb::Drop),
    ("EXPLAIN", Verb::Explain),
    ("PRAGMA", Verb::Pragma),
    ("BEGIN", Verb::Begin),
    ("COMMIT", Verb::Commit),
    ("END", Verb::Commit),
    ("ROLLBACK", Verb::Rollback),
    ("ABORT", Verb::Rollback),
    ("SAVEPOINT", Verb::Savepoint),
    ("RELEASE", Verb::Release),
    ("ATTACH", Verb::Attach),
    ("DETACH", Verb::Detach),
    ("VACUUM", Verb::Vacuum),
    ("REINDEX", Verb::Reindex),
    ("ANALYZE", Verb::Analyze),
];

impl Verb {
    /// The verb of the first statement of `sql`.
    pub fn of(sql: &str, dialect: Dialect) -> Self {
        let mut cursor = Cursor::new(sql, dialect);
        while cursor.eat_punct("(") || cursor.eat_punct(";") {}
        if cursor.eat_all(&["START", "TRANSACTION"]) {
            return Self::Begin;
        }
        match cursor.advance().and_then(Self::of_word) {
            Some(Self::With) => main_of_with(cursor),
            verb => verb.unwrap_or(Self::Other),
        }
    }

    fn of_word(token: Token<'_>) -> Option<Self> {
        VERBS.iter().find(|(word, _)| token.is(word)).map(|(_, verb)| *verb)
    }

    /// True for what begins, ends or marks a transaction or a savepoint.
    pub fn is_transaction_control(self) -> bool {
        matches!(self, Self::Begin | Self::Commit | Self::Rollback | Self::Savepoint | Self::Release)
    }

    /// True for INSERT, REPLACE, UPDATE and DELETE.
    pub fn writes_rows(self) -> bool {
        matches!(self, Self::Insert | Self::Replace | Self::Update | Self::Delete)
    }

    /// True for CREATE, ALTER and DROP.
    pub fn changes_schema(self) -> bool {
        matches!(self, Self::Create | Self::Alter | Self::Drop)
    }
}

/// The main verb of a WITH, whose parts were not yet stepped over. It stands directly behind the parenthesis that closes
/// the last part; a part may be called `replace`, but then a comma or WITH stands before it.
fn main_of_with(mut cursor: Cursor<'_>) -> Verb {
    let (mut depth, mut writes) = (0_u32, false);
    let mut before: Option<Token<'_>> = None;
    while let Some(token) = cursor.advance() {
        let closed = before.is_some_and(|b| b.is_punct(")"));
        let opened = before.is_some_and(|b| b.is_punct("("));
        match (token.text, depth) {
            ("(", _) => depth += 1,
            (")", _) => depth = depth.saturating_sub(1),
            (";", 0) => break,
            (_, 0) if closed => match Verb::of_word(token) {
                Some(verb) if verb.writes_rows() => return verb,
                Some(verb @ (Verb::Select | Verb::Values)) => return if writes { Verb::With } else { verb },
                _ => {}
            },
            // A function `replace(…)` is no write.
            (_, 1..) if closed || opened => {
                writes |= ["INSERT", "UPDATE", "DELETE", "MERGE"].iter().any(|word| token.is(word));
            }
            _ => {}
        }
        before = Some(token);
    }
    Verb::With
}

/// What a PRAGMA statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pragma {
    /// Its name in lower case, without the schema.
    pub name: String,
    /// True where a value or an argument follows: `PRAGMA x = 1`, `PRAGMA x(1)`.
    pub has_value: bool,
}

impl Pragma {
    /// True where it changes something; some pragmas take an argument and only answer, or do their work at once.
    pub fn is_setting(&self) -> bool {
        const QUESTIONS: [&str; 14] = [
            "data_version",
            "foreign_key_check",
            "foreign_key_list",
            "incremental_vacuum",
            "index_info",
            "index_list",
            "index_xinfo",
            "integrity_check",
            "optimize",
            "quick_check",
            "table_info",
            "table_list",
            "table_xinfo",
            "wal_checkpoint",
        ];
        self.has_value && !QUESTIONS.contains(&self.name.as_str())
    }
}

/// What the first statement of `sql` names, if it is a PRAGMA.
pub fn pragma(sql: &str) -> Option<Pragma> {
    let mut cursor = Cursor::new(sql, Dialect::Sqlite);
    if !cursor.eat("PRAGMA") {
        return None;
    }
    let (_, name) = cursor.qualified_name()?;
    let has_value = cursor.eat_punct("=") || cursor.eat_punct("(");
    Some(Pragma { name, has_value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(sql: &str) -> Verb {
        Verb::of(sql, Dialect::Sqlite)
    }

    #[test]
    fn the_first_word_tells() {
        for (word, verb) in VERBS.iter().filter(|(_, verb)| *verb != Verb::With) {
            assert_eq!(sqlite(&format!("/* a */ {} x", word.to_lowercase())), *verb);
        }
        assert_eq!(sqlite("-- x\r\n ( (SELECT 1))"), Verb::Select);
        assert_eq!(sqlite("start  transaction"), Verb::Begin);
        for sql in ["", ";", "-- SELECT", "\"SELECT\" 1", "START x", "COPY t", "'SELECT'", ":select"] {
            assert_eq!(sqlite(sql), Verb::Other, "{sql}");
        }
    }

    #[test]
    fn with_has_the_verb_of_its_main_statement() {
        for (sql, verb) in [
            ("WITH a AS (SELECT 1) SELECT * FROM a", Verb::Select),
            (
                "WITH RECURSIVE a(n) AS (VALUES (1) UNION SELECT n FROM a) INSERT INTO t SELECT * FROM a",
                Verb::Insert,
            ),
            ("WITH a AS (SELECT 1), b(x, y) AS MATERIALIZED (SELECT 2, 3) UPDATE t SET c = 1", Verb::Update),
            ("WITH a AS (SELECT replace('x', 'y', 'z')) /* INSERT */ DELETE FROM t", Verb::Delete),
            ("WITH a AS (SELECT 1), replace AS (SELECT 2) SELECT 1", Verb::Select),
            ("WITH a AS (SELECT (replace(1, 2, 3))) VALUES (1)", Verb::Values),
            ("WITH a AS (SELECT 1) REPLACE INTO t VALUES (1)", Verb::Replace),
            ("WITH a AS (SELECT ')' /* ) */ ) SELECT 1", Verb::Select),
            ("WITH a AS (SELECT 1)", Verb::With),
            ("WITH a AS (SELECT 1); SELECT 2", Verb::With),
            ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", Verb::With),
            ("WITH a AS (WITH b AS (SELECT 1) UPDATE t SET c = 1 RETURNING *) SELECT * FROM a", Verb::With),
            ("WITH a AS (SELECT * FROM t FOR UPDATE) SELECT * FROM a", Verb::Select),
        ] {
            assert_eq!(sqlite(sql), verb, "{sql}");
        }
    }

    #[test]
    fn the_helpers_sort_the_verbs() {
        for sql in
            ["BEGIN IMMEDIATE", "START TRANSACTION", "end", "ROLLBACK TO x", "SAVEPOINT x", "RELEASE x"]
        {
            assert!(sqlite(sql).is_transaction_control(), "{sql}");
        }
        assert!(!sqlite("SELECT 1").is_transaction_control());
        assert!(sqlite("INSERT OR REPLACE INTO t VALUES (1)").writes_rows());
        assert!(sqlite("DROP VIEW v").changes_schema());
    }

    #[test]
    fn a_pragma_is_named_with_or_without_its_value() {
        for (sql, name, has_value) in [
            ("PRAGMA main.foreign_keys = OFF", "foreign_keys", true),
            ("pragma Foreign_Keys(0)", "foreign_keys", true),
            ("PRAGMA /* = */ \"foreign_keys\" -- = 1", "foreign_keys", false),
            ("\u{feff}PRAGMA user_version;", "user_version", false),
        ] {
            assert_eq!(pragma(sql), Some(Pragma { name: name.into(), has_value }), "{sql}");
        }
        for sql in ["", "PRAGMA", "PRAGMA = 1", "SELECT 1", "PRAGMA main.", "-- PRAGMA a"] {
            assert_eq!(pragma(sql), None, "{sql}");
        }
    }
}
