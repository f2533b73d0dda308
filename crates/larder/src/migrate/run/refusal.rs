//! What can't stand in a migration, found before anything runs, and what to do instead.

mod server;

use crate::driver::Action;
use crate::migrate::history::TABLES;
use crate::sql::text::{
    Dialect, Pragma, Statement, TableEvent, TokenKind, Verb, pragma, tables_claimed, tokens,
};
pub(super) use server::{Build, adds_a_value, is_harmless, takes_no_transaction};

/// True where one of Larder's own tables was made, dropped or changed.
pub(super) fn touches_own(actions: &[Action]) -> bool {
    let own = |name: &str| TABLES.iter().any(|own| name.eq_ignore_ascii_case(own));
    actions.iter().any(|action| match action {
        Action::Create { table, .. }
        | Action::Drop { table, .. }
        | Action::Alter { table }
        | Action::DropColumn { table, .. }
        | Action::Insert { table }
        | Action::Update { table, .. }
        | Action::Delete { table } => own(table),
        Action::Pragma { .. } | Action::Transaction | Action::Attach => false,
    })
}

/// A statement that makes or drops a table with the name of one of Larder's own, were it only a temporary one.
pub(super) fn claims(statement: &Statement<'_>, dialect: Dialect) -> Option<Refusal> {
    // Most statements name neither, and need no closer look.
    let names = |own: &str| {
        statement.text.as_bytes().windows(own.len()).any(|part| part.eq_ignore_ascii_case(own.as_bytes()))
    };
    if !statement.verb.changes_schema() || !TABLES.iter().any(|own| names(own)) {
        return None;
    }
    let own = |name: &String| TABLES.contains(&name.as_str());
    let claims = |event: &TableEvent| match event {
        TableEvent::Create { name, .. } | TableEvent::Drop { name } => own(name),
        TableEvent::Rename { from, to } => own(from) || own(to),
    };
    tables_claimed(statement.text, dialect).ok()?.iter().any(claims).then_some(OWN)
}

pub(super) type Refusal = (&'static str, &'static str);

pub(super) const OWN: Refusal = (
    "`schema_migrations` and `meta` are Larder's own tables, which a migration may read and not change",
    "use another name for a table of your own; mend the history with `larder repair`",
);

pub(super) const ATTACH: Refusal = (
    "a migration can't attach another database",
    "migrate each database by itself, and copy between them in the program",
);

/// Why a statement can't stand in a migration, and what to do instead.
pub(super) fn refusal(statement: &Statement<'_>, dialect: Dialect, in_transaction: bool) -> Option<Refusal> {
    if dialect == Dialect::Postgres {
        return server::refusal(statement, in_transaction);
    }
    match statement.verb {
        verb if verb.is_transaction_control() && in_transaction => Some((
            "a migration can't begin or end a transaction: Larder commits it together with its row in the history",
            "remove the statement",
        )),
        verb if verb.is_transaction_control() => Some((
            "a migration outside a transaction can't have one of its own: each of its statements commits by itself",
            "remove the statement, or put what belongs together into a migration without the directive",
        )),
        Verb::Attach | Verb::Detach => Some(ATTACH),
        Verb::Create if makes_temporary_trigger(statement.text) => Some((
            "a temporary trigger does what nobody can measure, and is gone with the connection",
            "write what it would do as statements of the migration",
        )),
        Verb::Vacuum if in_transaction => Some((
            "VACUUM can't run inside a transaction",
            "put it into a migration of its own that begins with `-- larder: no-transaction`, or run `larder vacuum`",
        )),
        Verb::Pragma => pragma(statement.text).and_then(|pragma| refused_pragma(&pragma, in_transaction)),
        _ => None,
    }
}

fn makes_temporary_trigger(sql: &str) -> bool {
    let mut words = tokens(sql, Dialect::Sqlite).filter(|token| token.kind != TokenKind::Comment).skip(1);
    words.next().is_some_and(|word| word.is("TEMP") || word.is("TEMPORARY"))
        && words.next().is_some_and(|word| word.is("TRIGGER"))
}

pub(super) fn refused_pragma(pragma: &Pragma, in_transaction: bool) -> Option<Refusal> {
    if !pragma.is_setting() {
        return None;
    }
    match pragma.name.as_str() {
        // Lasts until the end of the transaction, and harms nobody: foreign keys are off anyway.
        "defer_foreign_keys" => None,
        "foreign_keys" => Some((
            "PRAGMA foreign_keys does nothing inside a transaction",
            "remove it: Larder switches foreign keys off around a migration, and looks for orphans before it commits",
        )),
        "legacy_alter_table" => Some((
            "PRAGMA legacy_alter_table keeps SQLite from rewriting references to a renamed table",
            "remove it: Larder switches it on where a rebuild needs it",
        )),
        "user_version" => {
            Some(("PRAGMA user_version belongs to Larder, which keeps the schema version there", "remove it"))
        }
        "writable_schema" => Some((
            "PRAGMA writable_schema lets a typing error destroy the database",
            "rebuild the table instead",
        )),
        _ if in_transaction => Some((
            "a PRAGMA in a migration does nothing inside a transaction, or outlives it on this connection only",
            "set it in the options with which the database is opened; one that changes the file (auto_vacuum, page_size) \
             goes into a migration that begins with `-- larder: no-transaction`",
        )),
        "journal_mode" | "synchronous" | "locking_mode" => Some((
            "this PRAGMA is a setting of the connection, which Larder sets when it opens the database",
            "set it in the options with which the database is opened",
        )),
        _ => None,
    }
}
