//! How far a run or a unit has come, and which moves are legal.

use larder::sql::Given;
use larder::{Error, ErrorKind, Result, ToValue, ValueRef};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How far a run or a unit has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was created and never started.
    Pending,
    /// Somebody works on it.
    Running,
    /// It came to its end as it should.
    Completed,
    /// It went wrong, for good.
    Failed,
    /// It was called off.
    Cancelled,
    /// Who worked on it is gone, or let go of it. It can be started again.
    Interrupted,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled, Self::Interrupted];

    /// The word that the database holds: `running`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

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

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("there is no status `{text}`"))
                .with_help("it is pending, running, completed, failed, cancelled or interrupted")
        })
    }
}

impl ToValue for Status {
    fn to_value(&self) -> Result<Given<'_>> {
        Ok(Given::Borrowed(ValueRef::Text(self.as_str())))
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
                Status::ALL.into_iter().filter(|to| from.may_become(*to)).map(Status::as_str).collect();
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

    #[test]
    fn a_status_has_one_word_everywhere() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        let error = "done".parse::<Status>().unwrap_err();
        assert!(error.to_string().contains("`done`"), "{error}");
    }
}
