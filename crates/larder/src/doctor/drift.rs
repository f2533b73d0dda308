//! Is the schema the one that the applied migrations build?

use super::exam::Exam;
use super::leftover;
use crate::driver::Dialect;
use crate::error::Result;
use crate::migrate::{Migrator, Standing};
use crate::schema::{Change, Kind};

/// So many differences are named.
const NAMED: usize = 10;

/// The migrations are run in a database in memory, and its schema is compared with the live one.
pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    if exam.sets.is_empty() || exam.checkup().schema_version.is_none() || leftover::is_migrating(exam) {
        return Ok(());
    }
    let migrator = Migrator::new(exam.sets);
    let status = migrator.status(exam.reader()?)?;
    let known = |state| matches!(state, Standing::Applied | Standing::Pending | Standing::OutOfOrder);
    if !status.rows.iter().all(|row| known(row.state)) {
        // Their texts are not what ran, so that what they build proves nothing.
        return Ok(());
    }
    // A server has no database in memory: there it is a schema that nobody else sees and that is rolled back.
    let server = exam.dialect == Dialect::Postgres;
    if server && (status.rows.is_empty() || exam.one("SELECT pg_catalog.pg_is_in_recovery()")?) {
        return Ok(());
    }
    let database = if server { exam.writer()? } else { exam.reader()? };
    let verified = match migrator.verify(database) {
        // A migration that another process ran between the reading of the history and of the schema is no drift.
        Ok(changes) if !changes.is_empty() => migrator.verify(database),
        verified => verified,
    };
    let mut changes = match verified {
        Ok(changes) => changes,
        // A role that may not make a schema can do its own work all the same.
        Err(error) if server && crate::driver::is_forbidden(&error) => {
            let message = "whether the schema is what the migrations build was not looked at: for that, this role would have \
                           to make a schema";
            exam.info(message).fix = Some("run `larder doctor` as the role that migrates".into());
            return Ok(());
        }
        Err(error) => {
            exam.warn(
                format!(
                    "the migrations don't build a schema to compare with, on an empty database: {}",
                    error.message()
                ),
                error.help().unwrap_or("run `larder migrate` on a new file to see where they stop"),
            );
            return Ok(());
        }
    };
    let strangers = strangers(exam)?;
    if !strangers.is_empty() {
        exam.info(format!(
            "the database has migrations of {}, which were not given: whether tables were added by hand can't be told",
            strangers.join(", ")
        ));
        changes.retain(|change| change.kind() != Kind::Created);
    }
    // The text of a CREATE TABLE says the order, and so does the age of a column that was added. Both hold the same data.
    let is_order = |change: &Change| matches!(change, Change::ColumnsReordered { .. });
    let order: Vec<Change> = changes.extract_if(.., |change| is_order(change)).collect();
    if !order.is_empty() {
        let tables: Vec<&str> = order.iter().map(Change::table).take(NAMED).collect();
        exam.info(format!(
            "the columns stand in another order than the migrations build in {}; only a statement that does not name \
             its columns can tell",
            tables.join(", ")
        ));
    }
    let (more, less): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.kind() == Kind::Created);
    if !less.is_empty() {
        exam.error(
            format!("the schema is not what the migrations build; against that, somebody {}", listed(&less)),
            "undo it, or restore the newest backup from before; `larder verify` shows every difference",
        );
    }
    if !more.is_empty() {
        exam.warn(
            format!("the schema has more than the migrations build: somebody {}", listed(&more)),
            "write it as a migration and drop it here, or drop it; a later migration may trip on it",
        );
    }
    Ok(())
}

/// The sets in the history that this examination was not given.
fn strangers(exam: &Exam<'_>) -> Result<Vec<String>> {
    let mut names: Vec<String> = exam.all("SELECT DISTINCT set_name FROM schema_migrations ORDER BY 1")?;
    names.retain(|name| exam.sets.iter().all(|set| set.name() != name));
    Ok(names)
}

fn listed(changes: &[&Change]) -> String {
    let shown: Vec<String> = changes.iter().take(NAMED).map(ToString::to_string).collect();
    let more = changes.len().saturating_sub(NAMED);
    let shown = shown.join("; ");
    if more > 0 { format!("{shown}; and {more} more") } else { shown }
}
