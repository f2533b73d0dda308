//! Can the database be opened, and if not, why?

use super::checkup::State;
use super::exam::{Exam, RESTORE, size_of};
use super::{header, journal};
use crate::error::{Error, ErrorKind, Result};

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let refused = match exam.open() {
        Ok(database) => {
            exam.database = Some(database);
            return Ok(());
        }
        Err(error) => error,
    };
    match refused.kind() {
        ErrorKind::CannotOpen | ErrorKind::ReadOnly if is_hot(exam, &refused) => return journal::hot(exam),
        ErrorKind::Config | ErrorKind::Unsupported => {
            exam.becomes(State::Unreadable);
            exam.error(refused.message(), refused.help().unwrap_or("check the options"));
        }
        ErrorKind::Corrupt | ErrorKind::NotADatabase => damaged(exam, &refused),
        ErrorKind::Busy => {
            exam.becomes(State::Unreadable);
            exam.error(
                refused.message(),
                "end the program that holds it, or wait until it is done, and run doctor again",
            );
        }
        ErrorKind::CannotOpen | ErrorKind::ReadOnly => {
            exam.becomes(State::Unreadable);
            exam.error(
                format!("{}, though this user may read the file", refused.message()),
                "in WAL mode even a reader makes files beside the database: run doctor as the owner, or give this user \
                 permission to write in the folder and to the -wal and -shm there",
            );
        }
        _ => {
            exam.becomes(State::Unreadable);
            let help = refused.help().unwrap_or("see the cause in the program's log").to_owned();
            exam.error(refused.message(), help);
        }
    }
    Ok(())
}

/// Who only reads may not roll back what a crash interrupted, and is told that the database can't be written.
fn is_hot(exam: &Exam<'_>, refused: &Error) -> bool {
    let kinds = [Some(refused.kind()), refused.find::<Error>().map(Error::kind)];
    kinds.contains(&Some(ErrorKind::ReadOnly)) && exam.beside("-journal").as_deref().map_or(0, size_of) > 0
}

fn damaged(exam: &mut Exam<'_>, refused: &Error) {
    let seen = exam.file.as_deref().map_or(header::Seen::Whole, header::look);
    match seen {
        header::Seen::Foreign => {
            exam.becomes(State::NotADatabase);
            exam.error(
                "the file does not begin as a SQLite database does: it is another sort of file, is encrypted, or its \
                 beginning was overwritten",
                "check the path; if this was your database, restore the newest backup with `larder restore`",
            );
        }
        header::Seen::Short { expected, found } => {
            exam.becomes(State::Damaged);
            exam.error(
                format!("the file is truncated: its header says {expected} bytes, and it has {found}"),
                RESTORE,
            );
        }
        header::Seen::Whole => {
            exam.becomes(State::Damaged);
            exam.error(refused.message(), RESTORE);
        }
    }
}
