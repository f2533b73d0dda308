//! Was the database migrated by Larder, and how far?

use super::checkup::State;
use super::exam::Exam;
use super::file::MIGRATE;
use crate::error::Result;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    if let Some(set) = exam.sets.first() {
        exam.checkup().newest = set.newest_id()?;
    }
    let managed: bool =
        exam.one("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'")?;
    if managed { version(exam) } else { unmanaged(exam) }
}

fn version(exam: &mut Exam<'_>) -> Result<()> {
    let version = exam.reader()?.query_opt("SELECT schema_version FROM meta WHERE id = 1", &[])?;
    exam.checkup().schema_version = version;
    let newest = exam.checkup().newest.clone();
    let Some((version, newest)) = version.zip(newest) else { return Ok(()) };
    let number: i64 = newest.split('_').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    if version < number {
        exam.becomes(State::Pending);
        exam.warn(
            format!("the database is at version {version}, and the newest migration is {newest}"),
            MIGRATE,
        );
    } else if version > number {
        exam.becomes(State::Newer);
        exam.error(
            format!("the database is at version {version}, and this program knows none after {newest}"),
            "use the program that migrated it, or a newer one",
        );
    }
    Ok(())
}

fn unmanaged(exam: &mut Exam<'_>) -> Result<()> {
    let tables: i64 = exam.one(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    if tables == 0 {
        exam.becomes(State::Uninitialized);
        exam.info("not initialised yet: the database has no tables").fix = Some(MIGRATE.into());
    } else {
        exam.becomes(State::Unmanaged);
        exam.warn(
            format!(
                "the database has {tables} tables and no history of migrations: it was not made by Larder"
            ),
            "`larder baseline` adopts it at the migration that it corresponds to",
        );
    }
    Ok(())
}
