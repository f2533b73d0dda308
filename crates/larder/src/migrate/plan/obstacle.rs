//! What stands in the way of a plan, collected so that a person learns of everything at once.

use crate::error::{Error, ErrorKind, Result};

#[derive(Debug)]
struct Obstacle {
    kind: ErrorKind,
    message: String,
    help: String,
}

/// Everything that stands in the way.
#[derive(Debug, Default)]
pub(crate) struct Obstacles(Vec<Obstacle>);

impl Obstacles {
    pub(crate) fn add(&mut self, kind: ErrorKind, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Obstacle { kind, message: message.into(), help: help.into() });
    }

    /// The one error for all of them: of the kind of the most severe, which stands first.
    pub(crate) fn into_result(mut self) -> Result<()> {
        self.0.sort_by_key(|obstacle| severity(obstacle.kind));
        let Some(first) = self.0.first() else { return Ok(()) };
        if self.0.len() == 1 {
            return Err(Error::new(first.kind, &first.message).with_help(&first.help));
        }
        let mut message = format!("{} things stand in the way", self.0.len());
        for obstacle in &self.0 {
            message.push_str(&format!("\n  - {}: {}", obstacle.message, obstacle.help));
        }
        Err(Error::new(first.kind, message))
    }
}

/// The lower, the less may be done before it is mended.
fn severity(kind: ErrorKind) -> usize {
    const ORDER: [ErrorKind; 7] = [
        ErrorKind::SetConflict,
        ErrorKind::SchemaNewer,
        ErrorKind::MigrationUnfinished,
        ErrorKind::MigrationEdited,
        ErrorKind::MigrationMissing,
        ErrorKind::MigrationOutOfOrder,
        ErrorKind::InvalidMigration,
    ];
    ORDER.iter().position(|one| *one == kind).unwrap_or(ORDER.len())
}
