//! Which tables a script makes, drops and renames, read from its text alone.

use super::cursor::Cursor;
use super::split::split;
use super::token::tokens;
use super::{Dialect, TextError};

/// What a statement does to the list of tables. Names are in lower case, without quotes and without their schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableEvent {
    /// CREATE TABLE, also VIRTUAL.
    Create {
        /// The table.
        name: String,
        /// True with IF NOT EXISTS.
        if_not_exists: bool,
        /// True for a table that ends with its connection.
        temp: bool,
    },
    /// DROP TABLE.
    Drop {
        /// The table.
        name: String,
    },
    /// ALTER TABLE … RENAME TO.
    Rename {
        /// Its name before.
        from: String,
        /// Its name afterwards.
        to: String,
    },
}

/// What the statements of `script` do to the list of tables, in their order. What PostgreSQL's `DO` blocks and functions
/// do inside their strings is not seen.
pub fn tables_claimed(script: &str, dialect: Dialect) -> Result<Vec<TableEvent>, TextError> {
    let mut events = Vec::new();
    for statement in split(script, dialect)? {
        let cursor = Cursor::new(statement.text, dialect);
        // A statement that stops in the middle of a name is left to the engine to refuse.
        let _ = read(cursor, &mut events);
    }
    Ok(events)
}

/// True if `word` stands in `script` as a keyword or unquoted name, in any case, outside strings, quoted names and
/// comments.
pub fn mentions_word(script: &str, word: &str, dialect: Dialect) -> bool {
    tokens(script, dialect).any(|token| token.is(word))
}

fn read(mut cursor: Cursor<'_>, events: &mut Vec<TableEvent>) -> Option<()> {
    if cursor.eat("CREATE") {
        create(cursor, events)
    } else if cursor.eat_all(&["DROP", "TABLE"]) {
        cursor.eat_all(&["IF", "EXISTS"]);
        loop {
            let (_, name) = cursor.qualified_name()?;
            events.push(TableEvent::Drop { name });
            if !cursor.eat_punct(",") {
                return Some(());
            }
        }
    } else if cursor.eat_all(&["ALTER", "TABLE"]) {
        cursor.eat_all(&["IF", "EXISTS"]);
        cursor.eat("ONLY");
        let (_, from) = cursor.qualified_name()?;
        // PostgreSQL's mark for "with its partitions".
        cursor.eat_punct("*");
        if cursor.eat_all(&["RENAME", "TO"]) {
            let (_, to) = cursor.qualified_name()?;
            events.push(TableEvent::Rename { from, to });
        }
        Some(())
    } else {
        None
    }
}

fn create(mut cursor: Cursor<'_>, events: &mut Vec<TableEvent>) -> Option<()> {
    let mut temp = false;
    while !cursor.eat("TABLE") {
        let token = cursor.advance()?;
        if token.is("TEMP") || token.is("TEMPORARY") {
            temp = true;
        } else if !["VIRTUAL", "UNLOGGED", "GLOBAL", "LOCAL", "FOREIGN"].iter().any(|word| token.is(word)) {
            return None;
        }
    }
    let if_not_exists = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let (schema, name) = cursor.qualified_name()?;
    temp |= schema.is_some_and(|schema| schema == "temp" || schema == "pg_temp");
    events.push(TableEvent::Create { name, if_not_exists, temp });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(name: &str) -> TableEvent {
        TableEvent::Create { name: name.into(), if_not_exists: false, temp: false }
    }

    fn dropped(name: &str) -> TableEvent {
        TableEvent::Drop { name: name.into() }
    }

    fn renamed(from: &str, to: &str) -> TableEvent {
        TableEvent::Rename { from: from.into(), to: to.into() }
    }

    fn sqlite(script: &str) -> Vec<TableEvent> {
        tables_claimed(script, Dialect::Sqlite).unwrap()
    }

    #[test]
    fn a_rebuild_is_seen_in_order() {
        let script = "\u{feff}-- CREATE TABLE no(a);\r\n\
            CREATE TABLE \"Users_New\"(id, note DEFAULT 'DROP TABLE x;');\n\
            INSERT INTO users_new SELECT * FROM users;\n\
            DROP TABLE users; ALTER TABLE users_new /* x */ RENAME TO [Users];";
        let events = vec![create("users_new"), dropped("users"), renamed("users_new", "users")];
        assert_eq!(sqlite(script), events);
    }

    #[test]
    fn all_forms_of_create_are_seen() {
        let event = |if_not_exists, temp| TableEvent::Create { name: "t".into(), if_not_exists, temp };
        for (sql, expected) in [
            ("create table if not exists T(a)", event(true, false)),
            ("CREATE TEMP TABLE t AS SELECT 1", event(false, true)),
            ("CREATE TEMPORARY TABLE IF NOT EXISTS main . t(a)", event(true, true)),
            ("CREATE TABLE temp.t(a)", event(false, true)),
            ("CREATE TABLE 't'(a)", event(false, false)),
            ("CREATE TABLE `main`.`t`(a)", event(false, false)),
            ("CREATE VIRTUAL TABLE t USING fts5(a)", event(false, false)),
        ] {
            assert_eq!(sqlite(sql), [expected], "{sql}");
        }
        let found = tables_claimed("CREATE UNLOGGED TABLE public.t (a int)", Dialect::Postgres).unwrap();
        assert_eq!(found, [event(false, false)]);
    }

    #[test]
    fn other_statements_say_nothing_about_tables() {
        for sql in [
            "CREATE INDEX i ON t(a)",
            "CREATE VIEW v AS SELECT 1",
            "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; DELETE FROM t; END",
            "DROP VIEW v",
            "ALTER TABLE t RENAME COLUMN a TO b",
            "ALTER TABLE t RENAME a TO b",
            "ALTER TABLE t ADD COLUMN c",
            "SELECT 'CREATE TABLE t(a)'",
            "EXPLAIN CREATE TABLE t(a)",
            "CREATE TABLE",
            "CREATE TABLE main.",
            "DROP TABLE",
            "ALTER TABLE t RENAME TO",
            "CREATE",
        ] {
            assert_eq!(sqlite(sql), [], "{sql}");
        }
    }

    #[test]
    fn lists_and_options_of_postgresql_are_read() {
        let script =
            "DROP TABLE IF EXISTS a, public.\"B\" CASCADE; ALTER TABLE IF EXISTS ONLY c * RENAME TO d";
        let found = tables_claimed(script, Dialect::Postgres).unwrap();
        assert_eq!(found, [dropped("a"), dropped("b"), renamed("c", "d")]);
    }

    #[test]
    fn a_script_that_does_not_end_is_an_error() {
        assert_eq!(tables_claimed("CREATE TABLE t(a); 'x", Dialect::Sqlite).unwrap_err().offset, 19);
    }

    #[test]
    fn a_word_is_mentioned_only_as_code() {
        for (script, mentioned) in [
            ("insert or Replace into t values (1)", true),
            ("SELECT 'REPLACE', \"REPLACE\" -- REPLACE\n/* REPLACE */", false),
            ("SELECT replaced", false),
        ] {
            assert_eq!(mentions_word(script, "REPLACE", Dialect::Sqlite), mentioned, "{script}");
        }
    }
}
