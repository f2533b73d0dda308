//! What can't go yet.

use super::Id;
use std::fmt;

/// Something can't be removed as long as others need it. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InUse {
    /// What was to go: `project`.
    pub entity: &'static str,
    /// Its id.
    pub id: Id,
    /// What needs it: `repositories`.
    pub by: &'static str,
    /// How many of those.
    pub count: u64,
}

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {} can't be removed: {} {} need it", self.entity, self.id, self.count, self.by)
    }
}

impl std::error::Error for InUse {}
