//! How far a run or a unit has come, and which moves are legal.

use crate::word::words;

words! {
    /// How far a run or a unit has come.
    Status("status of a run or a unit") {
        /// It was created and never started.
        Pending = "pending",
        /// Somebody works on it.
        Running = "running",
        /// It came to its end as it should.
        Completed = "completed",
        /// It went wrong, for good.
        Failed = "failed",
        /// It was called off.
        Cancelled = "cancelled",
        /// Who worked on it is gone, or let go of it. It can be started again.
        Interrupted = "interrupted",
    }
}

impl Status {
    /// True for the statuses that nothing leaves any more: completed, failed, cancelled.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The one table of legal moves, of runs and of units alike.
    ///
    /// | from | running | completed | failed | cancelled | interrupted |
    /// |---|---|---|---|---|---|
    /// | pending | yes | | yes | yes | |
    /// | running | | yes | yes | yes | yes |
    /// | interrupted | yes | | yes | yes | |
    /// | completed, failed, cancelled | | | | | |
    ///
    /// ```
    /// use larder_stores::workflow::Status;
    /// assert!(Status::Interrupted.may_become(Status::Running));
    /// assert!(!Status::Completed.may_become(Status::Running));
    /// ```
    pub fn may_become(self, to: Self) -> bool {
        match to {
            Self::Pending => false,
            Self::Running => matches!(self, Self::Pending | Self::Interrupted),
            Self::Completed | Self::Interrupted => self == Self::Running,
            Self::Failed | Self::Cancelled => !self.is_finished(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_moves_is_this_one() {
        let mut table = String::new();
        for from in Status::ALL {
            let to: Vec<_> =
                Status::ALL.iter().filter(|to| from.may_become(**to)).map(|to| to.as_str()).collect();
            table.push_str(&format!("{from}: {}\n", to.join(" ")));
        }
        let wanted = "pending: running failed cancelled\n\
                      running: completed failed cancelled interrupted\n\
                      completed: \n\
                      failed: \n\
                      cancelled: \n\
                      interrupted: running failed cancelled\n";
        assert_eq!(table, wanted);
    }
}
