//! Was the database migrated by Larder, how far, and does its history fit the program's migrations?

use super::checkup::State;
use super::exam::Exam;
use super::file::MIGRATE;
use super::leftover;
use crate::driver::Dialect;
use crate::error::{ErrorKind, Result};
use crate::migrate::{Migrator, Standing, Status};

/// So many migrations are named.
const NAMED: usize = 5;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let managed: bool = exam.one(match exam.dialect {
        Dialect::Sqlite => {
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'"
        }
        Dialect::Postgres => "SELECT pg_catalog.to_regclass('schema_migrations') IS NOT NULL",
    })?;
    if managed { managed_by_larder(exam) } else { unmanaged(exam) }
}

fn unmanaged(exam: &mut Exam<'_>) -> Result<()> {
    let tables: i64 = exam.one(match exam.dialect {
        Dialect::Sqlite => {
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        }
        // Where it would migrate: other schemas may be other programs'.
        Dialect::Postgres => {
            "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p') AND n.nspname = pg_catalog.current_schema()"
        }
    })?;
    if tables == 0 {
        exam.becomes(State::Uninitialized);
        exam.info("not initialised yet: the database has no tables").fix = Some(MIGRATE.into());
    } else {
        exam.becomes(State::Unmanaged);
        let tables = if tables == 1 { "one table".to_owned() } else { format!("{tables} tables") };
        exam.warn(
            format!("the database has {tables} and no history of migrations: it was not made by Larder"),
            "`larder baseline` adopts it at the migration that it corresponds to",
        );
    }
    Ok(())
}

fn managed_by_larder(exam: &mut Exam<'_>) -> Result<()> {
    let status = match Migrator::new(exam.sets).status(exam.reader()?) {
        Ok(status) => status,
        // A table of that name that is somebody else's.
        Err(error) if error.kind() == ErrorKind::SetConflict => {
            exam.becomes(State::Unmanaged);
            let help = error.help().unwrap_or("rename it").to_owned();
            exam.error(error.message(), help);
            return Ok(());
        }
        Err(error) if crate::driver::is_forbidden(&error) => {
            exam.becomes(State::Unreadable);
            let help = error.help().unwrap_or("connect as the owner").to_owned();
            exam.error(error.message(), help);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    exam.checkup().schema_version = status.schema_version;
    if !status.initialized {
        exam.becomes(State::Uninitialized);
        exam.info("not initialised yet: the database has an empty history").fix = Some(MIGRATE.into());
        return Ok(());
    }
    newer(exam, &status);
    misfits(exam, &status);
    unfinished(exam, &status);
    let pending = named(&status, &[Standing::Pending]);
    if let Some((count, names)) = pending {
        exam.becomes(State::Pending);
        exam.warn(format!("{count} pending: {names}"), MIGRATE);
    }
    // What no single migration stands for: sets that contradict each other.
    if let Some(problem) = &status.problem
        && matches!(problem.kind(), ErrorKind::SetConflict | ErrorKind::Config | ErrorKind::InvalidMigration)
    {
        exam.error(problem.message(), problem.help().unwrap_or("change the sets that the program uses"));
    }
    Ok(())
}

fn newer(exam: &mut Exam<'_>, status: &Status) {
    let Some((_, names)) = named(status, &[Standing::Newer]) else { return };
    exam.becomes(State::Newer);
    let by =
        status.rows.iter().rfind(|row| row.state == Standing::Newer).and_then(|row| row.program.as_deref());
    exam.error(
        format!(
            "the database is newer than this program: {} applied {names}",
            by.unwrap_or("another program")
        ),
        "use a program at least as new as that one, or restore a backup from before",
    );
}

fn misfits(exam: &mut Exam<'_>, status: &Status) {
    if let Some((count, names)) = named(status, &[Standing::Edited]) {
        exam.error(
            format!("{count} edited or renamed after being applied: {names}"),
            "restore the text and the name, and write the change as a new migration; or accept what is there now with \
             `larder repair ID --accept-edited`",
        );
    }
    if let Some((count, names)) = named(status, &[Standing::Missing]) {
        exam.error(
            format!("{count} applied and not among the program's: {names}"),
            "bring the files back; a migration that was applied stays",
        );
    }
    if let Some((count, names)) = named(status, &[Standing::OutOfOrder]) {
        exam.becomes(State::Pending);
        exam.error(
            format!("{count} pending before others that are applied: {names}"),
            "give them numbers after those, or allow it once with `larder migrate --allow-out-of-order`",
        );
    }
}

fn unfinished(exam: &mut Exam<'_>, status: &Status) {
    let Some((_, names)) = named(status, &[Standing::Unfinished]) else { return };
    exam.becomes(State::Pending);
    if leftover::is_migrating(exam) {
        exam.info(format!("{names} runs now, outside a transaction"));
        return;
    }
    exam.error(
        format!("{names} runs outside a transaction and was begun but not finished"),
        "look at what it did, then go on with `larder repair ID --resume`, or settle it with `--mark-applied` or `--forget`",
    );
}

/// How many migrations stand like this, in words, and the first of them.
fn named(status: &Status, like: &[Standing]) -> Option<(String, String)> {
    let ids: Vec<&str> =
        status.rows.iter().filter(|row| like.contains(&row.state)).map(|row| row.id.as_str()).collect();
    let mut names = ids.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if ids.len() > NAMED {
        names = format!("{names} and {} more", ids.len() - NAMED);
    }
    match ids.len() {
        0 => None,
        1 => Some(("one migration is".into(), names)),
        more => Some((format!("{more} migrations are"), names)),
    }
}
