//! The transaction that is open, and what of it the server knows. Whatever opens or ends a level is sent with the next
//! statement, so an empty transaction sends nothing.

use crate::driver::{Access, Isolation};
use std::borrow::Cow;

/// A statement that opens or ends something.
pub(super) type Control = Cow<'static, str>;

/// The savepoint around a single statement.
pub(super) const GUARD: &str = "SAVEPOINT larder_statement";
/// Its end where the statement succeeded.
pub(super) const UNGUARD: &str = "RELEASE SAVEPOINT larder_statement";

struct Level {
    access: Access,
    /// The server has it.
    sent: bool,
    /// Those who listen are told of it when it is committed.
    announced: bool,
}

/// Tells those who listen.
pub(super) const ANNOUNCE: &str = "NOTIFY larder";

/// The open transaction with its savepoints.
#[derive(Default)]
pub(super) struct Transaction {
    levels: Vec<Level>,
    /// What the server has still to be told before anything else.
    queue: Vec<Control>,
    /// A statement failed, and the server refuses all until the innermost level is rolled back.
    failed: bool,
    /// All of it is over, or has to be run again from its beginning.
    lost: bool,
}

impl Transaction {
    pub(super) fn depth(&self) -> usize {
        self.levels.len()
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Nothing can be run in it.
    pub(super) fn is_refused(&self) -> bool {
        self.lost || self.failed
    }

    /// The outermost level only reads.
    pub(super) fn is_reading(&self) -> bool {
        self.levels.first().is_some_and(|level| level.access == Access::Read)
    }

    /// The server knows nothing of it yet.
    pub(super) fn is_unsent(&self) -> bool {
        self.levels.first().is_some_and(|level| !level.sent)
    }

    /// The server knows all of it.
    pub(super) fn is_told(&self) -> bool {
        self.queue.is_empty() && self.levels.iter().all(|level| level.sent)
    }

    pub(super) fn begin(&mut self, access: Access) {
        self.levels.push(Level { access, sent: false, announced: false });
    }

    /// What the server has to be told before the next statement; `settings` follow the beginning of the outermost level.
    pub(super) fn due(&self, isolation: Isolation, settings: &[Control]) -> Vec<Control> {
        let mut due = self.queue.clone();
        for (depth, level) in self.levels.iter().enumerate().filter(|(_, level)| !level.sent) {
            if depth == 0 {
                due.push(Cow::Borrowed(opening(level.access, isolation)));
                due.extend_from_slice(settings);
            } else {
                due.push(Cow::Owned(format!("SAVEPOINT larder_{depth}")));
            }
        }
        due
    }

    /// The server was told what was due.
    pub(super) fn told(&mut self) {
        self.queue.clear();
        for level in &mut self.levels {
            level.sent = true;
        }
    }

    /// A statement failed and did nothing; the server undoes it before the next.
    pub(super) fn undo_statement(&mut self) {
        self.queue.push(Cow::Borrowed("ROLLBACK TO SAVEPOINT larder_statement"));
        self.queue.push(Cow::Borrowed(UNGUARD));
    }

    pub(super) fn fail(&mut self) {
        self.failed = true;
    }

    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// The first statement of all did nothing: it begins again.
    pub(super) fn restart(&mut self) {
        self.failed = false;
        self.queue = vec![Cow::Borrowed("ROLLBACK")];
        for level in &mut self.levels {
            level.sent = false;
        }
    }

    /// Tells those who listen when the innermost level is committed, and those around it.
    pub(super) fn announce(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.announced = true;
        }
    }

    /// What is to be sent to commit the outermost level; `None` where there is nothing to be sent.
    pub(super) fn commit_outermost(&mut self) -> Option<Vec<Control>> {
        let level = self.levels.first()?;
        let mut due = std::mem::take(&mut self.queue);
        if level.announced {
            due.push(Cow::Borrowed(ANNOUNCE));
        }
        if level.sent {
            due.push(Cow::Borrowed("COMMIT"));
        }
        (!due.is_empty()).then_some(due)
    }

    /// Commits a savepoint.
    pub(super) fn release(&mut self) {
        let Some(level) = self.levels.pop() else { return };
        if let Some(outer) = self.levels.last_mut() {
            outer.announced |= level.announced;
        }
        if level.sent {
            let depth = self.levels.len();
            self.queue.push(Cow::Owned(format!("RELEASE SAVEPOINT larder_{depth}")));
        }
    }

    /// Rolls a savepoint back.
    pub(super) fn roll_back_savepoint(&mut self) {
        if self.levels.pop().is_some_and(|level| level.sent) {
            let depth = self.levels.len();
            self.queue.push(Cow::Owned(format!("ROLLBACK TO SAVEPOINT larder_{depth}")));
            self.queue.push(Cow::Owned(format!("RELEASE SAVEPOINT larder_{depth}")));
            self.failed = false;
        }
    }

    /// It is over.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }
}

/// How a transaction begins. One that reads sees one snapshot.
fn opening(access: Access, isolation: Isolation) -> &'static str {
    match (access, isolation) {
        (Access::Read, _) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        (Access::Write, Isolation::Serializable) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        (Access::Write, Isolation::ReadCommitted) => "BEGIN ISOLATION LEVEL READ COMMITTED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(transaction: &Transaction) -> String {
        transaction.due(Isolation::Serializable, &[]).join("; ")
    }

    #[test]
    fn what_is_empty_is_never_sent() {
        let mut transaction = Transaction::default();
        transaction.begin(Access::Write);
        transaction.begin(Access::Write);
        transaction.release();
        assert_eq!(due(&transaction), "BEGIN ISOLATION LEVEL SERIALIZABLE");
        assert_eq!(transaction.commit_outermost(), None);
    }

    #[test]
    fn what_is_announced_in_a_savepoint_goes_with_the_commit_or_not_at_all() {
        let mut transaction = Transaction::default();
        transaction.begin(Access::Write);
        for kept in [false, true] {
            transaction.begin(Access::Write);
            transaction.announce();
            if kept {
                transaction.release()
            } else {
                transaction.roll_back_savepoint()
            }
            let due = transaction.levels[0].announced;
            assert_eq!(due, kept);
        }
        transaction.told();
        assert_eq!(transaction.commit_outermost().unwrap().join("; "), "NOTIFY larder; COMMIT");
    }

    #[test]
    fn ends_of_savepoints_go_with_the_next_statement() {
        let mut transaction = Transaction::default();
        transaction.begin(Access::Write);
        transaction.begin(Access::Write);
        assert_eq!(due(&transaction), "BEGIN ISOLATION LEVEL SERIALIZABLE; SAVEPOINT larder_1");
        transaction.told();
        transaction.fail();
        transaction.roll_back_savepoint();
        assert!(!transaction.is_refused());
        transaction.begin(Access::Write);
        assert_eq!(
            due(&transaction),
            "ROLLBACK TO SAVEPOINT larder_1; RELEASE SAVEPOINT larder_1; SAVEPOINT larder_1"
        );
        transaction.told();
        transaction.release();
        assert_eq!(transaction.commit_outermost().unwrap().join("; "), "RELEASE SAVEPOINT larder_1; COMMIT");
    }
}
