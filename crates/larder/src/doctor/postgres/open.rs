//! Can the server be reached, and the database on it be opened?

use crate::doctor::checkup::State;
use crate::doctor::exam::Exam;
use crate::error::{ErrorKind, Result};

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let refused = match exam.open() {
        Ok(database) => {
            exam.database = Some(database);
            return Ok(());
        }
        Err(error) => error,
    };
    let help = refused.help().unwrap_or("see the server's log").to_owned();
    if refused.kind() == ErrorKind::NotInitialized {
        exam.becomes(State::Uninitialized);
        exam.info(format!("not initialised yet: {}", refused.message())).fix = Some(help);
    } else {
        exam.becomes(State::Unreadable);
        exam.error(refused.message(), help);
    }
    Ok(())
}
