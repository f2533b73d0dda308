//! Giving back.

use super::{Lease, LeaseStatus, NotHolder, columns, find_lease};
use crate::forge::lease::acquire::ENTITY;
use crate::forge::trail::{self, Action, Change};
use crate::forge::{By, Id};
use crate::refusal::refuse;
use larder::{Result, WriteTx, params};
use serde_json::json;

// The row stays, for the token that is in it. A clock that was set back never makes the lease last longer.
pub(super) const RELEASE: &str = concat!(
    "UPDATE leases SET status = 'released', released_at = :now,
        expires_at = CASE WHEN expires_at < :now THEN expires_at ELSE :now END, updated_at = :now
    WHERE repository_id = :repository_id AND status = 'held' AND holder = :holder AND token = :token
    RETURNING ",
    columns!()
);

/// Gives a lease back: `by.actor` must hold it, with the token that it was granted with. One whose time is up can be given
/// back as long as nobody has taken it over.
///
/// # Errors
/// [`NotHolder`] for anybody else, with another token, and when it was given back already.
pub fn release_lease(tx: &mut WriteTx<'_>, by: By<'_>, repository_id: Id, token: i64) -> Result<Lease> {
    let now = by.judge(tx)?;
    let released: Option<Lease> =
        tx.query_opt(RELEASE, params! { now, repository_id, holder: by.actor, token })?;
    let Some(lease) = released else {
        let last = find_lease(tx, repository_id)?;
        let reason = NotHolder {
            repository_id,
            actor: by.actor.to_owned(),
            token,
            current: last.as_ref().map_or(0, |last| last.token),
            released: last.as_ref().is_some_and(|last| last.status == LeaseStatus::Released),
            holder: last.map(|last| last.holder),
        };
        return Err(refuse(reason, "only who holds a lease can give it back, with its token"));
    };
    let data = json!({ "token": token });
    let change = Change::of(Action::Release, ENTITY, repository_id).repository(repository_id).data(data);
    trail::record(tx, by, now, change)?;
    Ok(lease)
}
