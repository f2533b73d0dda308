//! A rollback journal that a crash left behind.

use super::checkup::State;
use super::exam::Exam;
use super::open;
use crate::error::Result;

/// The engine has told that the journal beside the database must be rolled back first, and may not do it as a reader.
pub(super) fn hot(exam: &mut Exam<'_>) -> Result<()> {
    let fixed = exam.settings.fix
        && exam.writer().and_then(|writer| writer.query_one::<i64>("PRAGMA schema_version", &[])).is_ok();
    exam.error(
        "a transaction was interrupted by a crash and its journal lies beside the database, which can't be read before \
         it is rolled back",
        "open it once for writing, or run `larder doctor --fix`: SQLite then rolls back by itself; never delete the -journal",
    )
    .fixed = fixed;
    if fixed {
        return open::check(exam);
    }
    exam.becomes(State::Unreadable);
    Ok(())
}
