//! The names of the events that moves write.

use super::Status;
use super::refused::Subject;

/// Each with what it says: that a run or a unit was created (pending), or what it has become.
pub(super) const MOVES: [(&str, Subject, Status); 12] = [
    ("run_created", Subject::Run, Status::Pending),
    ("run_started", Subject::Run, Status::Running),
    ("run_completed", Subject::Run, Status::Completed),
    ("run_failed", Subject::Run, Status::Failed),
    ("run_cancelled", Subject::Run, Status::Cancelled),
    ("run_interrupted", Subject::Run, Status::Interrupted),
    ("unit_created", Subject::Unit, Status::Pending),
    ("unit_started", Subject::Unit, Status::Running),
    ("unit_completed", Subject::Unit, Status::Completed),
    ("unit_failed", Subject::Unit, Status::Failed),
    ("unit_cancelled", Subject::Unit, Status::Cancelled),
    ("unit_interrupted", Subject::Unit, Status::Interrupted),
];

/// What an event of that name says of the statuses; `None` for the application's own.
pub(super) fn read(event_type: &str) -> Option<(Subject, Status)> {
    MOVES.iter().find(|(name, ..)| *name == event_type).map(|(_, subject, to)| (*subject, *to))
}

/// Whether an application may not use the name.
pub(super) fn is_reserved(event_type: &str) -> bool {
    (event_type.starts_with("run_") || event_type.starts_with("unit_")) && read(event_type).is_some()
}

/// The name for a move.
pub(super) fn of_move(subject: Subject, to: Status) -> &'static str {
    let found = MOVES.iter().find(|(_, of, become_)| *of == subject && *become_ == to);
    found.map_or("run_created", |(name, ..)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_of_each_subject_has_a_name_of_its_own() {
        for subject in [Subject::Run, Subject::Unit] {
            for status in Status::ALL.iter().copied() {
                let name = of_move(subject, status);
                assert_eq!(read(name), Some((subject, status)));
                assert!(is_reserved(name) && name.starts_with(subject.as_str()));
            }
        }
        assert!(!is_reserved("run_paused") && !is_reserved("note"));
    }
}
