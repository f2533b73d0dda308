//! How large is the write-ahead log, and does it have its database?

use super::checkup::State;
use super::exam::{Exam, bytes, size_of};
use crate::db::log_holder::log_holders;
use crate::error::Result;

/// Larger than Larder's checkpoints leave it at the most, with the usual threshold and pages of 4 KiB.
const LARGE: u64 = crate::driver::LOG_FILE as u64 * 1000 * 5000;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let Some(log) = exam.beside("-wal") else { return Ok(()) };
    let size = size_of(&log);
    if size > 0 && exam.size() == 0 && exam.state() == State::Uninitialized {
        exam.error(
            format!("{} holds {} of a database whose file is gone", log.display(), bytes(size)),
            "bring the database's file back beside it, or move it away to keep it: a database that is made here anew \
             deletes it",
        );
    } else if size > LARGE && exam.state() == State::Ready {
        large(exam, size);
    }
    Ok(())
}

fn large(exam: &mut Exam<'_>, size: u64) {
    let mut message = format!(
        "the write-ahead log has grown to {}: a reader that stays open keeps it from being moved into the file, or \
         checkpoints fail, or one transaction was large",
        bytes(size)
    );
    // Nothing is open here yet: if this process is among them, it is not for the examination.
    let readers = exam.file.as_deref().and_then(log_holders).unwrap_or_default();
    if !readers.is_empty() {
        let names: Vec<String> = readers.iter().map(ToString::to_string).collect();
        message = format!("{message}; reading it now: {}", names.join(", "));
    }
    let mut fixed = false;
    if exam.settings.fix {
        match checkpoint(exam) {
            Ok(true) => fixed = true,
            Ok(false) => {
                message.push_str("; a checkpoint could not finish now, for somebody is reading or writing")
            }
            Err(error) => message = format!("{message}; a checkpoint failed: {}", error.message()),
        }
    }
    exam.warn(message, "end long reads, then run `larder doctor --fix`, which moves the log into the file")
        .fixed = fixed;
}

/// True when the log is empty afterwards.
fn checkpoint(exam: &mut Exam<'_>) -> Result<bool> {
    let writer = exam.writer()?;
    writer.with_writer(|connection| {
        let mut busy = 1;
        connection.query("PRAGMA wal_checkpoint(TRUNCATE)", &[], &mut |row| {
            busy = row.get::<i64>(0)?;
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        Ok(busy == 0)
    })
}
