//! Is there a file, is it one, and can it be read?

use super::checkup::State;
use super::exam::Exam;
use crate::error::Result;
use std::io::ErrorKind;

pub(super) const MIGRATE: &str = "run `larder migrate`";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    if exam.in_memory {
        exam.becomes(State::Uninitialized);
        exam.info("not initialised yet: a database in memory is gone with the program that made it");
    }
    let Some(path) = exam.file.clone() else { return Ok(()) };
    let shown = path.display();
    let found = match std::fs::metadata(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            exam.becomes(State::Uninitialized);
            if path.symlink_metadata().is_ok() {
                exam.warn(
                    format!("not initialised yet: {shown} is a symbolic link to a file that is not there"),
                    "check where the link leads; `larder migrate` makes the database there",
                );
            } else {
                exam.info(format!("not initialised yet: there is no file {shown}")).fix =
                    Some(MIGRATE.into());
            }
            return Ok(());
        }
        Err(error) => {
            exam.becomes(State::Unreadable);
            exam.error(
                format!("{shown} can't be looked at: {error}"),
                "check the path, and the permissions of the folders above it",
            );
            return Ok(());
        }
    };
    if found.is_dir() {
        exam.becomes(State::NotADatabase);
        exam.error(format!("{shown} is a folder, not a database"), "name the file in it");
    } else if !found.is_file() {
        // Opening a pipe would wait for somebody at its other end.
        exam.becomes(State::NotADatabase);
        exam.error(format!("{shown} is not a plain file"), "name the file of the database");
    } else if found.len() == 0 {
        exam.becomes(State::Uninitialized);
        exam.info(format!("not initialised yet: {shown} is empty")).fix = Some(MIGRATE.into());
    }
    Ok(())
}
