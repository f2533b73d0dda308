//! What can't stand in a migration for PostgreSQL.

use super::Refusal;
use crate::migrate::history::TABLES;
use crate::sql::text::{Dialect, Statement, Token, TokenKind, Verb, tokens};

/// Why a statement can't stand in a migration, and what to do instead.
pub(super) fn refusal(statement: &Statement<'_>, in_transaction: bool) -> Option<Refusal> {
    let words = Words::of(statement.text);
    match statement.verb {
        Verb::Commit | Verb::Rollback if words.at(1, "PREPARED") => return Some(TWO_PHASES),
        verb if verb.is_transaction_control() && in_transaction => {
            return Some((
                "a migration can't begin or end a transaction: Larder commits it together with its row in the history",
                "remove the statement",
            ));
        }
        verb if verb.is_transaction_control() => {
            return Some((
                "a migration outside a transaction can't have one of its own: each of its statements commits by itself",
                "remove the statement, or put what belongs together into a migration without the directive",
            ));
        }
        verb if verb.writes_rows() && words.writes_own() => return Some(super::OWN),
        _ => {}
    }
    if words.begin(&["PREPARE", "TRANSACTION"]) {
        return Some(TWO_PHASES);
    }
    if words.at(0, "TRUNCATE") && words.names_own() {
        return Some(super::OWN);
    }
    if words.at(0, "COPY") && (words.has("STDIN") || words.has("STDOUT")) {
        return Some((
            "COPY from or to the client has nothing to read from in a migration",
            "write the rows as INSERT, or load them with the program after the migration",
        ));
    }
    if words.at(0, "SET") && !["LOCAL", "CONSTRAINTS"].iter().any(|word| words.at(1, word)) {
        return Some((
            "SET outlives the migration on this connection, which the program goes on with",
            "write SET LOCAL, which ends with the migration; or ALTER ROLE, or ALTER DATABASE, to set it for good",
        ));
    }
    if words.at(0, "SET") && !in_transaction && words.at(1, "LOCAL") {
        return Some((
            "SET LOCAL does nothing outside a transaction",
            "set it in the URL of the database, or with ALTER ROLE",
        ));
    }
    if words.at(0, "RESET") {
        return Some((
            "RESET outlives the migration on this connection, which the program goes on with",
            "remove it: what SET LOCAL has set ends with the migration",
        ));
    }
    if statement.verb.writes_rows() && words.writes_catalogue() {
        return Some((
            "the tables of the server's catalogue are not to be written to: what is lost there nobody can measure, or put back",
            "write the ALTER, CREATE or DROP that does it",
        ));
    }
    if statement.text.starts_with('\\') {
        return Some((
            "what begins with a backslash is a command of psql, which the server does not know",
            "write it as SQL, or run the file with psql",
        ));
    }
    if ["DISCARD", "LISTEN", "UNLISTEN", "DEALLOCATE", "PREPARE"].iter().any(|word| words.at(0, word)) {
        return Some((
            "the statement is about this connection, which the program goes on with",
            "remove it: a migration is about the database",
        ));
    }
    if in_transaction && takes_no_transaction(statement.text) {
        return Some((
            "PostgreSQL refuses this statement inside a transaction",
            "put it into a migration of its own that begins with `-- larder: no-transaction`",
        ));
    }
    if words.builds_concurrently() && words.index_name().is_none() {
        return Some((
            "an index that is built concurrently needs a name: a build that fails leaves it behind, and by its name it is \
             found again",
            "write CREATE INDEX CONCURRENTLY name ON …",
        ));
    }
    None
}

const TWO_PHASES: Refusal = (
    "a migration can't prepare a transaction to be committed later",
    "remove the statement: Larder commits a migration together with its row in the history",
);

/// True for what PostgreSQL runs only outside a transaction.
pub(in crate::migrate::run) fn takes_no_transaction(sql: &str) -> bool {
    let words = Words::of(sql);
    let concurrently = words.has("CONCURRENTLY");
    match words.word(0).to_ascii_uppercase().as_str() {
        "VACUUM" => true,
        // Of a materialized view it is an ordinary statement.
        "CREATE" if words.builds_concurrently() => true,
        "CREATE" => ["DATABASE", "TABLESPACE", "SUBSCRIPTION"].iter().any(|what| words.at(1, what)),
        "DROP" if words.at(1, "INDEX") => concurrently,
        "DROP" => ["DATABASE", "TABLESPACE", "SUBSCRIPTION"].iter().any(|what| words.at(1, what)),
        "ALTER" if words.at(1, "TABLE") => words.has("DETACH") && concurrently,
        "ALTER" if words.at(1, "DATABASE") => words.has("TABLESPACE"),
        "ALTER" => words.at(1, "SYSTEM"),
        "REINDEX" => concurrently || words.has("DATABASE") || words.has("SYSTEM") || words.has("SCHEMA"),
        // Of one table it is an ordinary statement.
        "CLUSTER" => words.at(1, "") || (words.at(1, "VERBOSE") && words.at(2, "")),
        _ => false,
    }
}

/// True for what can lose nothing, as far as its first words tell.
pub(in crate::migrate::run) fn is_harmless(sql: &str) -> bool {
    let words = Words::of(sql);
    match words.word(0).to_ascii_uppercase().as_str() {
        "CREATE" => !words.has("REPLACE"),
        "ALTER" => words.at(1, "TYPE") && words.has("ADD") && words.has("VALUE"),
        "INSERT" => !words.has("CONFLICT"),
        "ANALYZE" | "COMMENT" | "GRANT" | "REVOKE" | "REINDEX" | "REFRESH" | "VACUUM" | "CLUSTER" => true,
        _ => takes_no_transaction(sql),
    }
}

/// True for ALTER TYPE … ADD VALUE: what comes after may use the value only once it is committed.
pub(in crate::migrate::run) fn adds_a_value(sql: &str) -> bool {
    let words = Words::of(sql);
    words.begin(&["ALTER", "TYPE"])
        && words.0.windows(2).any(|two| matches!(two, [a, b] if a.is("ADD") && b.is("VALUE")))
}

/// An index that is built concurrently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::migrate::run) struct Build {
    /// Its name, as the catalogue has it.
    pub(in crate::migrate::run) name: String,
    /// Its table, as SQL names it.
    pub(in crate::migrate::run) table: String,
}

impl Build {
    /// What a CREATE INDEX CONCURRENTLY builds.
    pub(in crate::migrate::run) fn of(sql: &str) -> Option<Self> {
        let words = Words::of(sql);
        if !words.builds_concurrently() {
            return None;
        }
        let mut rest =
            words.0.iter().skip_while(|token| !token.is("ON")).skip(1).skip_while(|token| token.is("ONLY"));
        let mut table = rest.next()?.text.to_owned();
        while rest.next().is_some_and(|token| token.is_punct(".")) {
            table = format!("{table}.{}", rest.next()?.text);
        }
        Some(Self { name: words.index_name()?, table })
    }
}

/// The tokens of a statement that are no comments.
struct Words<'a>(Vec<Token<'a>>);

impl<'a> Words<'a> {
    fn of(sql: &'a str) -> Self {
        let means = |token: &Token<'_>| token.kind != TokenKind::Comment && !token.is_punct(";");
        Self(tokens(sql, Dialect::Postgres).filter(means).collect())
    }

    fn word(&self, at: usize) -> &'a str {
        self.0.get(at).filter(|token| token.kind == TokenKind::Word).map_or("", |token| token.text)
    }

    /// True where this keyword stands there; the empty one behind the end.
    fn at(&self, at: usize, word: &str) -> bool {
        match self.0.get(at) {
            Some(token) => token.is(word),
            None => word.is_empty(),
        }
    }

    fn begin(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(at, word)| self.at(at, word))
    }

    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|token| token.is(word))
    }

    /// CREATE [UNIQUE] INDEX CONCURRENTLY
    fn builds_concurrently(&self) -> bool {
        let at = 1 + usize::from(self.at(1, "UNIQUE"));
        self.at(0, "CREATE") && self.at(at, "INDEX") && self.at(at + 1, "CONCURRENTLY")
    }

    fn names_own(&self) -> bool {
        self.0.iter().any(is_own)
    }

    /// True where the table that rows are written to is one of Larder's own.
    fn writes_own(&self) -> bool {
        let (space, table) = self.target();
        table.or(space).is_some_and(is_own)
    }

    /// True where that is one of the server's own.
    fn writes_catalogue(&self) -> bool {
        let system = |token: &Token<'_>| folded(token).starts_with("pg_");
        match self.target() {
            (Some(space), Some(_)) => folded(space) == "pg_catalog",
            (table, _) => table.is_some_and(system),
        }
    }

    /// The table that rows are written to: its name, or its schema and its name.
    fn target(&self) -> (Option<&Token<'a>>, Option<&Token<'a>>) {
        let mut rest =
            self.0.iter().skip_while(|token| !token.is("INTO") && !token.is("FROM") && !token.is("UPDATE"));
        rest.next();
        let mut rest = rest.skip_while(|token| token.is("ONLY"));
        let first = rest.next();
        let dot = rest.next().is_some_and(|token| token.is_punct("."));
        (first, if dot { rest.next() } else { None })
    }

    /// The name of the index that a CREATE INDEX gives it.
    fn index_name(&self) -> Option<String> {
        let at = self.0.iter().position(|token| token.is("INDEX"))?;
        let mut rest = self.0.get(at + 1..)?.iter().peekable();
        for word in ["CONCURRENTLY", "IF", "NOT", "EXISTS"] {
            rest.next_if(|token| token.is(word));
        }
        let name = rest.next().filter(|token| !token.is("ON"))?;
        matches!(name.kind, TokenKind::Word | TokenKind::Quoted).then(|| folded(name))
    }
}

/// A name as PostgreSQL keeps it: in small letters, unless it is in quotes.
fn folded(name: &Token<'_>) -> String {
    if name.kind == TokenKind::Quoted { name.name().into_owned() } else { name.text.to_lowercase() }
}

fn is_own(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Quoted) && TABLES.contains(&folded(token).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::text::split;

    fn refused(sql: &str, in_transaction: bool) -> bool {
        let statements = split(sql, Dialect::Postgres).unwrap();
        refusal(&statements[0], in_transaction).is_some()
    }

    #[test]
    fn what_takes_no_transaction_is_refused_in_one() {
        for sql in [
            "VACUUM",
            "VACUUM (FULL) t",
            "create index concurrently i on t (a)",
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
            "DROP INDEX CONCURRENTLY IF EXISTS i",
            "REINDEX TABLE CONCURRENTLY t",
            "REINDEX (VERBOSE, CONCURRENTLY) INDEX i",
            "REINDEX DATABASE d",
            "ALTER SYSTEM SET work_mem = '1MB'",
            "CREATE DATABASE d",
            "DROP TABLESPACE s",
            "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
            "ALTER DATABASE d SET TABLESPACE s",
            "CLUSTER",
            "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
        ] {
            assert!(refused(sql, true), "{sql}");
            assert!(!refused(sql, false), "{sql}");
        }
    }

    #[test]
    fn what_a_transaction_takes_is_not_refused() {
        for sql in [
            "CREATE INDEX i ON t (a)",
            "CREATE INDEX concurrent ON t (concurrently)",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
            "REINDEX TABLE t",
            "CLUSTER t USING i",
            "ALTER TYPE mood ADD VALUE 'new'",
            "ALTER TABLE t DETACH PARTITION p",
            "SET LOCAL search_path TO a",
            "SET CONSTRAINTS ALL DEFERRED",
            "INSERT INTO meta_data VALUES (1)",
            "DELETE FROM audit.pg_dumps",
            "INSERT INTO t SELECT id FROM schema_migrations",
            "SELECT * FROM meta",
            "DO $$ BEGIN PERFORM 1; END $$",
            "COPY t FROM '/tmp/x.csv'",
        ] {
            assert!(!refused(sql, true), "{sql}");
        }
    }

    #[test]
    fn the_connection_the_bookkeeping_and_the_transaction_are_larders() {
        for sql in [
            "SET work_mem = '1MB'",
            "SET SESSION AUTHORIZATION x",
            "LISTEN x",
            "DISCARD ALL",
            "RESET ALL",
            "\\d t",
            "DELETE FROM pg_class WHERE relname = 't'",
            "UPDATE pg_catalog.pg_attribute SET attname = 'b'",
            "BEGIN",
            "PREPARE TRANSACTION 'x'",
            "COMMIT PREPARED 'x'",
            "COPY t FROM STDIN",
            "INSERT INTO schema_migrations VALUES (1)",
            "UPDATE ONLY public.meta SET schema_version = 7",
            "DELETE FROM \"meta\"",
            "TRUNCATE a, meta",
        ] {
            assert!(refused(sql, true) && refused(sql, false), "{sql}");
        }
    }

    #[test]
    fn an_index_that_is_built_concurrently_needs_a_name() {
        assert!(refused("CREATE INDEX CONCURRENTLY ON t (a)", false));
        assert!(!refused("CREATE INDEX CONCURRENTLY \"on\" ON t (a)", false));
        let build = |sql| Build::of(sql).map(|build| (build.name, build.table));
        assert_eq!(
            build("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS Ab ON ONLY s.\"T\" USING btree (a)"),
            Some(("ab".into(), "s.\"T\"".into()))
        );
        assert_eq!(build("CREATE INDEX concurrently ON t (a)"), None);
        assert_eq!(build("CREATE INDEX i ON t (a)"), None);
    }
}
