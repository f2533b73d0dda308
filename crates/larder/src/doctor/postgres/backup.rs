//! How old is the newest backup that Larder made?

use crate::doctor::backup;
use crate::doctor::checkup::State;
use crate::doctor::exam::Exam;
use crate::error::Result;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    if exam.state() == State::Uninitialized {
        return Ok(());
    }
    let Some(folder) = exam.settings.backups.clone() else { return Ok(()) };
    let name: String = exam.one("SELECT pg_catalog.current_database()::text")?;
    backup::newest(exam, &folder, &format!("{name}-"));
    Ok(())
}
