//! The trail: an entry for every change, in the transaction of the change.

use super::{By, Id};
use crate::audit::{self, Trail};
use crate::word::words;
use jiff::Timestamp;
use larder::{Json, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};

/// The trail of the forge: each entry covers the one before, so that [`verify`](crate::audit::verify()) finds the first that
/// was changed.
pub static TRAIL: Trail = audit::trail!(audit_entries:
    created_at text, actor text, action text, entity_kind text, entity_id text, repository_id text, data_json text);

words! {
    /// What was done, as an entry of the trail says it.
    #[non_exhaustive]
    Action("action") {
        /// Made.
        Create = "create",
        /// Changed.
        Update = "update",
        /// Given another name.
        Rename = "rename",
        /// Moved to another project.
        Move = "move",
        /// Removed.
        Delete = "delete",
        /// Objects were put, as a batch.
        Put = "put",
        /// A free lease was granted.
        Acquire = "acquire",
        /// A lease whose time was up was granted to another.
        TakeOver = "take_over",
        /// A lease was given back.
        Release = "release",
        /// Leases were imported.
        Import = "import",
    }
}

/// An entry of the trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its number: 1, 2, 3, without a gap.
    pub seq: i64,
    /// When.
    pub created_at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what: `project`, `repository`, `lease`, `object`, `mirror`, `relationship`.
    pub entity_kind: String,
    /// The id of that; for leases and objects, that of their repository.
    pub entity_id: Id,
    /// The repository that it is about, if any.
    pub repository_id: Option<Id>,
    /// More about it.
    pub data_json: Option<Json<serde_json::Value>>,
}

const OF_REPOSITORY: &str =
    "SELECT seq, created_at, actor, action, entity_kind, entity_id, repository_id, data_json
    FROM audit_entries WHERE repository_id = :repository_id AND seq < :before ORDER BY seq DESC LIMIT :limit";
const KNOWS: &str =
    "SELECT count(*) FROM (SELECT 1 FROM audit_entries WHERE repository_id = :repository_id LIMIT 1) AS one";

pub(super) const QUERIES: &[(&str, &str)] =
    &[("trail::OF_REPOSITORY", OF_REPOSITORY), ("trail::KNOWS", KNOWS)];

/// The entries about a repository, the newest first; `before` is the number below which they begin, `None` for the end.
///
/// # Errors
/// What the engine says.
pub fn list_audit_entries(
    tx: &mut ReadTx<'_>,
    repository_id: Id,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>> {
    tx.query_all(OF_REPOSITORY, params! { repository_id, before: before.unwrap_or(i64::MAX), limit })
}

/// True when something was ever noted about a repository.
pub(super) fn knows(tx: &mut ReadTx<'_>, repository_id: Id) -> Result<bool> {
    tx.query_one::<u64>(KNOWS, params! { repository_id }).map(|found| found > 0)
}

/// What is to be noted.
pub(super) struct Change {
    action: Action,
    entity: &'static str,
    id: Id,
    repository: Option<Id>,
    data: Option<serde_json::Value>,
}

impl Change {
    pub(super) fn of(action: Action, entity: &'static str, id: Id) -> Self {
        Self { action, entity, id, repository: None, data: None }
    }

    pub(super) fn repository(self, id: Id) -> Self {
        Self { repository: Some(id), ..self }
    }

    pub(super) fn data(self, data: serde_json::Value) -> Self {
        Self { data: Some(data), ..self }
    }
}

/// Notes many changes; `at` is from [`By::change`], which has taken the turn.
pub(super) fn record_many(
    tx: &mut WriteTx<'_>,
    by: By<'_>,
    at: Timestamp,
    changes: impl IntoIterator<Item = Change>,
) -> Result<()> {
    audit::append_many_in_turn(tx, &TRAIL, |entries| {
        for Change { action, entity, id, repository, data } in changes {
            entries.push(params! {
                created_at: at, actor: by.actor, action, entity_kind: entity, entity_id: id, repository_id: repository,
                data_json: data,
            })?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Notes a change; `at` is from [`By::change`], which has taken the turn.
pub(super) fn record(tx: &mut WriteTx<'_>, by: By<'_>, at: Timestamp, change: Change) -> Result<()> {
    let Change { action, entity, id, repository, data } = change;
    audit::append_in_turn(
        tx,
        &TRAIL,
        params! {
            created_at: at, actor: by.actor, action, entity_kind: entity, entity_id: id, repository_id: repository,
            data_json: data,
        },
    )?;
    Ok(())
}
