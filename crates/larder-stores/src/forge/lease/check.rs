//! Fencing: a write is good only with the token of the lease in force.

use super::{LeaseStatus, StaleToken};
use crate::engine::PerEngine;
use crate::forge::{By, Id};
use crate::refusal::refuse;
use jiff::Timestamp;
use larder::{Result, WriteTx, params};
use serde::Deserialize;

/// Where writers run side by side the row is held until the commit: who would be granted the lease meanwhile waits for that.
pub(super) const TOKEN: PerEngine = PerEngine {
    sqlite: "SELECT token, status, expires_at FROM leases WHERE repository_id = :repository_id",
    postgres: "SELECT token, status, expires_at FROM leases WHERE repository_id = :repository_id FOR SHARE",
};

#[derive(Deserialize)]
struct Current {
    token: i64,
    status: LeaseStatus,
    expires_at: Timestamp,
}

/// Refuses a write that comes with another token than that of the lease in force. Call it in the transaction of the write
/// itself: then nobody can be granted the lease in between.
///
/// What is guarded and lies outside this database (an object store, a remote) should keep the highest token that it has
/// seen and refuse a lower one by itself.
///
/// # Errors
/// [`StaleToken`].
pub fn check_token(tx: &mut WriteTx<'_>, by: By<'_>, repository_id: Id, token: i64) -> Result<()> {
    let sql = TOKEN.on(tx);
    let current: Option<Current> = tx.query_opt(sql, params! { repository_id })?;
    // After that, which may have waited.
    let now = by.agreed(tx)?;
    let good = current.as_ref().is_some_and(|current| {
        current.token == token && current.status == LeaseStatus::Held && current.expires_at > now
    });
    if good {
        return Ok(());
    }
    let reason = StaleToken {
        repository_id,
        token,
        current: current.as_ref().map_or(0, |current| current.token),
        released: current.as_ref().is_some_and(|current| current.status == LeaseStatus::Released),
        until: current.map(|current| current.expires_at),
    };
    Err(refuse(reason, "stop writing: another may have the lease now"))
}
