//! The gate: what loses nothing passes, what loses something passes only if a person approved exactly that.

use super::Running;
use crate::backup;
use crate::driver::{Connection, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::effect::Baseline;
use crate::migrate::history::one;
use crate::migrate::loss::{Approval, Loss, approved, token};
use crate::migrate::migration::{Approves, Migration, Way};
use crate::migrate::plan::Step;
use crate::migrate::report::{Phase, Refused, Report};
use std::path::PathBuf;

/// What the gate says.
pub(super) enum Verdict {
    Harmless,
    /// Approved, by what.
    Approved(String),
}

/// A backup that was made before the transaction began.
pub(super) struct Ready {
    id: String,
    path: PathBuf,
    /// `PRAGMA data_version` then: the same number now means that nobody has committed in between. On a server, what the
    /// migration would lose: the same now means that it is still all there.
    stamp: String,
}

impl Running<'_, '_> {
    /// Lets a migration through or turns it back.
    pub(super) fn gate(&self, step: &Step, migration: &Migration, losses: &[Loss]) -> Result<Verdict> {
        if losses.is_empty() {
            return Ok(Verdict::Harmless);
        }
        let head = migration.approves(step.way);
        if let Some(by) =
            approved(&step.id, self.short(step, migration), losses, &self.settings.approvals, head)
        {
            return Ok(Verdict::Approved(by));
        }
        let token = token(&step.id, losses);
        let refused =
            Refused { id: step.id.clone(), losses: losses.to_vec(), token, report: Report::default() };
        let what = match step.way {
            Way::Up => "was rolled back",
            Way::Down => "was not led back",
        };
        let mut message = format!("{} {what}, for nobody approved what it would lose:", step.id);
        for loss in losses {
            message.push_str(&format!("\n  - {loss}"));
        }
        let help = format!(
            "to lose exactly this: --allow-destructive={}; or change the migration so that it loses nothing",
            refused.token
        );
        Err(Error::new(ErrorKind::ApprovalNeeded, message).with_help(help).with_cause(refused))
    }

    /// The id without its set, where there is one set only: with several, another's migration may be called the same.
    pub(super) fn short<'m>(&self, step: &'m Step, migration: &'m Migration) -> &'m str {
        if self.sets.len() == 1 { migration.id() } else { &step.id }
    }

    /// True where somebody approved of this migration beforehand: it will need a transaction of its own.
    pub(super) fn expects_loss(&self, step: &Step) -> Result<bool> {
        let (_, migration) = self.migration(step)?;
        let named = |id: &String| *id == step.id || id == self.short(step, migration);
        let given = self.settings.approvals.iter().any(|approval| match approval {
            Approval::Everything => false,
            Approval::Migration(id) | Approval::Exact { id, .. } => named(id),
        });
        Ok(given || *migration.approves(step.way) != Approves::Nothing)
    }

    /// Makes the backup that an approved loss needs. `None` where the transaction has to be begun anew first. There is
    /// none to make for a database in memory, or for a copy.
    #[allow(clippy::option_option, reason = "no answer yet, and the answer that there is no file to back up")]
    pub(super) fn back_up(
        &mut self,
        connection: &mut dyn Connection,
        baseline: &Baseline,
        step: &Step,
        losses: &[Loss],
    ) -> Result<Option<Option<PathBuf>>> {
        if connection.dialect() == Dialect::Postgres {
            return self.back_up_beside(connection, step, losses);
        }
        let Some(file) = self.database.file().map(std::path::Path::to_path_buf) else {
            return Ok(Some(None));
        };
        if self.settings.rehearsal || self.settings.backups.none {
            return Ok(Some(None));
        }
        let stamp = data_version(connection)?.to_string();
        if let Some(ready) = self.ready.take_if(|ready| ready.id == step.id && ready.stamp == stamp) {
            return Ok(Some(Some(ready.path)));
        }
        // A reader sees what is committed, which is the state before this transaction. In another journal mode than WAL a
        // reader and this writer stand in each other's way: then the backup is made first, and the migration run again.
        let inside = baseline.has_snapshot();
        if !inside {
            connection.rollback()?;
            connection.rollback()?;
        }
        self.tell(Phase::BackingUp);
        let path = self.write_backup(&file, &step.id)?;
        if inside {
            return Ok(Some(Some(path)));
        }
        let stamp = data_version(connection)?.to_string();
        self.ready = Some(Ready { id: step.id.clone(), path, stamp });
        Ok(None)
    }

    /// The same on a server, where whoever makes it reads by other connections: these would wait for what the migration holds
    /// and it for them. So it is made between two attempts, and counts if the second would lose the same.
    #[allow(clippy::option_option, reason = "as of `back_up`")]
    fn back_up_beside(
        &mut self,
        connection: &mut dyn Connection,
        step: &Step,
        losses: &[Loss],
    ) -> Result<Option<Option<PathBuf>>> {
        if self.settings.rehearsal || self.settings.backups.none {
            return Ok(Some(None));
        }
        let stamp = token(&step.id, losses);
        if let Some(ready) = self.ready.take_if(|ready| ready.id == step.id && ready.stamp == stamp) {
            return Ok(Some(Some(ready.path)));
        }
        connection.rollback()?;
        self.close(connection)?;
        if let Some(path) = self.back_up_now(&step.id)? {
            self.ready = Some(Ready { id: step.id.clone(), path, stamp });
        }
        Ok(None)
    }

    /// Makes the backup of a database that is no file, or lets it be made by whom the program names; `None` where nobody wants
    /// one.
    pub(super) fn back_up_now(&mut self, id: &str) -> Result<Option<PathBuf>> {
        if self.settings.backups.none {
            return Ok(None);
        }
        self.tell(Phase::BackingUp);
        let Some(back_up) = &mut self.settings.back_up else {
            // Beside no file is in the current folder.
            return self.write_backup(std::path::Path::new(""), id).map(Some);
        };
        back_up(self.database, &format!("before-{id}")).map(Some).map_err(|error| no_backup(id, error))
    }

    /// Makes a backup of what is committed, and removes the oldest beyond those to keep. Those that this run made stay: each
    /// is the only place where what its migration lost is still to be found.
    pub(super) fn write_backup(&self, file: &std::path::Path, id: &str) -> Result<PathBuf> {
        let settings = &self.settings.backups;
        let folder = settings.folder.clone().unwrap_or_else(|| file.with_file_name("backups"));
        let label = format!("before-{id}");
        let earlier: Vec<PathBuf> = self.report.done.iter().filter_map(|done| done.backup.clone()).collect();
        match backup::create_beside(self.database, &folder, Some(&label), settings.keep, &earlier) {
            Ok(backup) => Ok(backup.path),
            Err(error) => Err(no_backup(id, error)),
        }
    }

    /// The error of the migration that ended the run, with what had been done before and is committed.
    /// `rolled_back` tells whether nothing of it stayed.
    pub(super) fn explain(&self, id: &str, cause: Error, rolled_back: bool) -> Error {
        match cause.find::<Refused>() {
            Some(refused) => {
                let refused = Refused { report: self.report.clone(), ..refused.clone() };
                let help = cause.help().unwrap_or_default().to_owned();
                Error::new(cause.kind(), cause.message()).with_help(help).with_cause(refused)
            }
            None => self.failed(id, cause, rolled_back),
        }
    }
}

fn no_backup(id: &str, error: Error) -> Error {
    let help = error.help().unwrap_or("nothing was lost; mend that and migrate again");
    Error::new(error.kind(), format!("{id} was approved, but its backup failed: {}", error.message()))
        .with_help(format!("{help}; who has a backup goes on without one (Migrator::without_backup)"))
        .with_cause(error)
}

pub(super) fn data_version(connection: &mut dyn Connection) -> Result<i64> {
    Ok(one(connection, "PRAGMA data_version")?.unwrap_or(0))
}
