//! Splitting a script into its statements.

use super::token::{Token, TokenKind, tokens};
use super::{Dialect, TextError, Verb, refuse_nul};

/// One statement of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement<'a> {
    /// From its first token to its last: without comments around it and without its semicolon.
    pub text: &'a str,
    /// Where in the script `text` begins, in bytes.
    pub offset: usize,
    /// The line of the script on which it begins, counted from 1.
    pub line: usize,
    /// What it does.
    pub verb: Verb,
}

/// The statements of `script` in their order. Empty ones, and rests that are only comments, are left out.
///
/// A semicolon ends a statement unless it stands in a string, a quoted name or a comment; in the body of SQLite's
/// `CREATE TRIGGER … BEGIN … END`; or, on PostgreSQL, in parentheses or in `BEGIN ATOMIC … END`. A body that is never
/// closed takes the rest of the script, and the engine then says what is wrong with it.
pub fn split(script: &str, dialect: Dialect) -> Result<Vec<Statement<'_>>, TextError> {
    refuse_nul(script)?;
    let mut statements = Vec::new();
    let mut lines = Lines { script, at: 0, line: 1 };
    let mut boundary = Boundary::new(dialect);
    let mut span: Option<(usize, usize)> = None;
    let mut push = |span: &mut Option<(usize, usize)>| {
        let Some((start, end)) = span.take() else { return };
        let text = script.get(start..end).unwrap_or_default();
        let line = lines.at(start);
        statements.push(Statement { text, offset: start, line, verb: Verb::of(text, dialect) });
    };
    for token in tokens(script, dialect) {
        match token.kind {
            TokenKind::Comment => {}
            TokenKind::Unterminated => return Err(TextError::unterminated(token)),
            _ if boundary.ends_with(token) => {
                push(&mut span);
                boundary = Boundary::new(dialect);
            }
            _ => span = Some((span.map_or(token.offset, |(start, _)| start), token.end())),
        }
    }
    push(&mut span);
    Ok(statements)
}

/// Counts lines on the way through a script.
struct Lines<'a> {
    script: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, offset: usize) -> usize {
        let passed = self.script.as_bytes().get(self.at..offset).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at = offset;
        self.line
    }
}

/// Knows which semicolon ends the statement whose tokens it was shown.
struct Boundary {
    state: State,
    dialect: Dialect,
    /// Open parentheses. Only PostgreSQL has semicolons inside them (`CREATE RULE … DO (…; …)`); on SQLite a forgotten
    /// parenthesis must not swallow the rest of the script.
    parentheses: u32,
}

/// For SQLite this is the automaton of its own `sqlite3_complete`: a trigger ends with `; END ;`. A CASE's END needs no
/// counting, since no semicolon stands before it.
#[derive(Clone, Copy)]
enum State {
    Start,
    Create,
    Plain,
    Trigger,
    TriggerSemicolon,
    TriggerEnd,
    Function,
    FunctionBegin,
    /// PostgreSQL's `BEGIN ATOMIC`, with how many END it still needs.
    Atomic(u32),
}

impl Boundary {
    fn new(dialect: Dialect) -> Self {
        Self { state: State::Start, dialect, parentheses: 0 }
    }

    fn ends_with(&mut self, token: Token<'_>) -> bool {
        let semicolon = token.is_punct(";");
        if self.dialect == Dialect::Postgres && token.kind == TokenKind::Punct {
            match token.text {
                "(" => self.parentheses += 1,
                ")" => self.parentheses = self.parentheses.saturating_sub(1),
                _ => {}
            }
        }
        match self.state {
            State::Trigger | State::TriggerSemicolon if semicolon => self.state = State::TriggerSemicolon,
            State::Atomic(_) if semicolon => {}
            _ if semicolon => return self.parentheses == 0,
            _ => self.state = self.next(token),
        }
        false
    }

    fn next(&self, token: Token<'_>) -> State {
        let any = |words: &[&str]| words.iter().any(|word| token.is(word));
        let sqlite = self.dialect == Dialect::Sqlite;
        match self.state {
            State::Start if any(&["EXPLAIN", "QUERY", "PLAN"]) => State::Start,
            State::Start if any(&["CREATE"]) => State::Create,
            State::Create if any(&["TEMP", "TEMPORARY", "OR", "REPLACE"]) => State::Create,
            State::Create if sqlite && any(&["TRIGGER"]) => State::Trigger,
            State::Create if !sqlite && any(&["FUNCTION", "PROCEDURE"]) => State::Function,
            State::Start | State::Create | State::Plain => State::Plain,
            State::TriggerSemicolon if any(&["END"]) => State::TriggerEnd,
            State::Trigger | State::TriggerSemicolon | State::TriggerEnd => State::Trigger,
            State::FunctionBegin if any(&["ATOMIC"]) => State::Atomic(1),
            State::Function | State::FunctionBegin if any(&["BEGIN"]) => State::FunctionBegin,
            State::Function | State::FunctionBegin => State::Function,
            State::Atomic(1) if any(&["END"]) => State::Plain,
            State::Atomic(open) if any(&["END"]) => State::Atomic(open - 1),
            State::Atomic(open) if any(&["CASE"]) => State::Atomic(open + 1),
            State::Atomic(open) => State::Atomic(open),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str, dialect: Dialect) -> Vec<&str> {
        split(script, dialect).unwrap().iter().map(|statement| statement.text).collect()
    }

    fn sqlite(script: &str) -> Vec<&str> {
        texts(script, Dialect::Sqlite)
    }

    fn postgres(script: &str) -> Vec<&str> {
        texts(script, Dialect::Postgres)
    }

    #[test]
    fn semicolons_end_statements_but_not_in_strings_names_and_comments() {
        assert_eq!(sqlite("SELECT 1; SELECT 2"), ["SELECT 1", "SELECT 2"]);
        assert_eq!(
            sqlite("SELECT ';' , \";\", [;], `;` /* ; */ -- ;\n, 'it''s;' ; SELECT 2;"),
            ["SELECT ';' , \";\", [;], `;` /* ; */ -- ;\n, 'it''s;'", "SELECT 2"]
        );
        assert_eq!(sqlite("-- it's\nSELECT 1; /* \" */ SELECT 2"), ["SELECT 1", "SELECT 2"]);
    }

    #[test]
    fn empty_statements_and_lone_comments_are_left_out() {
        for script in ["", ";", " ;; \n;", "-- only\n/* comments */", "\u{feff}", "\u{feff}-- x\r\n;"] {
            assert_eq!(sqlite(script), Vec::<&str>::new(), "{script:?}");
        }
        assert_eq!(sqlite(";;SELECT 1;-- rest\n;/* more */"), ["SELECT 1"]);
    }

    #[test]
    fn places_are_those_of_the_first_token() {
        let script =
            "\u{feff}-- größe\r\n/* a\r\n */ SELECT 1;\r\n\r\n  -- b\r\n  DROP TABLE t -- c\r\n ;\r\n";
        let found = split(script, Dialect::Sqlite).unwrap();
        let shown: Vec<_> = found.iter().map(|s| (s.text, s.line, s.verb)).collect();
        assert_eq!(shown, [("SELECT 1", 3, Verb::Select), ("DROP TABLE t", 6, Verb::Drop)]);
        for statement in found {
            assert!(script[statement.offset..].starts_with(statement.text));
        }
    }

    #[test]
    fn a_triggers_body_stays_whole() {
        let trigger = "CREATE TEMP TRIGGER [a b] AFTER UPDATE ON t WHEN CASE WHEN new.a THEN 1 ELSE 0 END BEGIN\n\
             -- it's; a comment END;\n\
             UPDATE t SET b = CASE a WHEN 1 THEN ';END;' ELSE (CASE WHEN 1 THEN 2 END) END;\n\
             SELECT CASE WHEN new.a THEN RAISE(ABORT, 'no; END;') END;\n\
             END";
        assert_eq!(sqlite(&format!("{trigger};\nSELECT 1")), [trigger, "SELECT 1"]);
        assert_eq!(sqlite(&format!("SELECT 1;{trigger}")), ["SELECT 1", trigger]);
        let explained = format!("EXPLAIN QUERY PLAN {trigger}");
        assert_eq!(sqlite(&format!("{explained} ; SELECT 1")), [explained.as_str(), "SELECT 1"]);
        let lower = "create trigger if not exists x before insert on t begin select 1;; end";
        assert_eq!(sqlite(&format!("{lower}/**/;commit")), [lower, "commit"]);
    }

    #[test]
    fn begin_and_end_outside_a_trigger_are_statements() {
        assert_eq!(
            sqlite("BEGIN; CREATE TABLE trigger_log(a); END; DROP TRIGGER t; SELECT 1"),
            ["BEGIN", "CREATE TABLE trigger_log(a)", "END", "DROP TRIGGER t", "SELECT 1"]
        );
    }

    #[test]
    fn an_unclosed_body_takes_the_rest() {
        let script = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT CASE 1 WHEN 1 THEN 2 END;";
        assert_eq!(sqlite(script), [script]);
    }

    #[test]
    fn an_open_parenthesis_ends_with_the_statement_on_sqlite() {
        assert_eq!(sqlite("SELECT (1; SELECT 2"), ["SELECT (1", "SELECT 2"]);
    }

    #[test]
    fn postgresql_bodies_stay_whole() {
        let function = "CREATE OR REPLACE FUNCTION f() RETURNS trigger AS $body$ BEGIN; 'x; END; $body$ LANGUAGE plpgsql";
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()";
        assert_eq!(postgres(&format!("{function};{trigger};SELECT 1")), [function, trigger, "SELECT 1"]);
        let atomic =
            "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
        assert_eq!(postgres(&format!("{atomic};SELECT 1")), [atomic, "SELECT 1"]);
        let rule = "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); DELETE FROM b)";
        assert_eq!(postgres(&format!("{rule};SELECT 1")), [rule, "SELECT 1"]);
    }

    #[test]
    fn what_has_no_end_is_an_error_at_its_beginning() {
        for (script, offset, message) in [
            ("SELECT 1; SELECT 'a; SELECT 2", 17, "this string does not end"),
            ("SELECT \"é", 7, "this quoted name does not end"),
            ("SELECT 1 /* é", 9, "this comment does not end"),
        ] {
            let error = split(script, Dialect::Sqlite).unwrap_err();
            assert_eq!((error.offset, error.message.as_str()), (offset, message), "{script}");
        }
        let error = split("DO $x$ a $y$", Dialect::Postgres).unwrap_err();
        assert_eq!((error.offset, error.message.as_str()), (3, "this dollar-quoted string does not end"));
    }

    #[test]
    fn a_nul_is_refused_wherever_it_stands() {
        for script in ["SELECT 1\0; DROP TABLE t", "/* \0 */ SELECT 1", "SELECT '\0'", "\0"] {
            let error = split(script, Dialect::Sqlite).unwrap_err();
            assert_eq!(error.offset, script.find('\0').unwrap());
        }
    }
}
