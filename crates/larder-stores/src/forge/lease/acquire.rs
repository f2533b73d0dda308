//! Granting.

use super::{Held, InvalidTerm, LEASE_TERM, Lease, columns, find_lease};
use crate::forge::missing::{missing, unless_referred};
use crate::forge::repository;
use crate::forge::trail::{self, Action, Change};
use crate::forge::{By, Id};
use crate::refusal::refuse;
use jiff::SignedDuration;
use larder::sql::text::Dialect;
use larder::{Error, ErrorKind, Result, WriteTx, params};
use serde_json::json;

// The whole decision is this one statement. It finds the row free, or changes nothing and gives no row; and the token grows
// in the row that is there, so that no two grants ever have the same.
pub(super) const ACQUIRE: &str = concat!(
    "INSERT INTO leases (repository_id, holder, token, status, acquired_at, expires_at, created_at, updated_at)
    VALUES (:repository_id, :holder, 1, 'held', :now, :until, :now, :now)
    ON CONFLICT (repository_id) DO UPDATE SET
        taken_from = CASE WHEN leases.status = 'held' THEN leases.holder END,
        holder = excluded.holder, token = leases.token + 1, status = 'held', acquired_at = excluded.acquired_at,
        expires_at = excluded.expires_at, released_at = NULL, updated_at = excluded.updated_at
    WHERE leases.status = 'released' OR leases.expires_at <= excluded.acquired_at
    RETURNING ",
    columns!()
);

pub(in crate::forge) const ENTITY: &str = "lease";

/// Grants `by.actor` the lease of a repository for `term`, at most [`LEASE_TERM`]; `None` is that. The clock is read here,
/// inside the transaction: what waited for the lock does not judge by an older time.
///
/// The lease is free when there was none, when the last was given back, and when its time is up; then the trail says from
/// whom it was taken over. Its token is higher than that of every grant before.
///
/// # Errors
/// [`Held`](super::Held) with who has it and until when, also when that is `by.actor`: a lease is not renewed, and not
/// granted twice. [`Missing`](crate::forge::Missing) without the repository, [`InvalidTerm`].
pub fn acquire_lease(
    tx: &mut WriteTx<'_>,
    by: By<'_>,
    repository_id: Id,
    term: Option<SignedDuration>,
) -> Result<Lease> {
    let term = term.unwrap_or(LEASE_TERM);
    let invalid = || {
        let reason = InvalidTerm { term };
        Error::new(ErrorKind::Parameter, reason.to_string())
            .with_help("a term is at least a millisecond and at most 72 hours")
            .with_cause(reason)
    };
    if term < SignedDuration::from_millis(1) || term > LEASE_TERM {
        return Err(invalid());
    }
    let now = by.judge(tx)?;
    let until = now.checked_add(term).map_err(|_| invalid())?;
    // Where writers run side by side, who only asks does not wait for those whose writes the lease guards (`check_token`), as
    // the statement that grants would. What is seen here stays so: no lease changes out of turn.
    if tx.dialect() == Dialect::Postgres
        && let Some(held) = find_lease(tx, repository_id)?.and_then(|lease| lease.refuses(by, now))
    {
        return Err(is_held(held));
    }
    let granted: Option<Lease> = tx
        .query_opt(ACQUIRE, params! { repository_id, holder: by.actor, now, until })
        .map_err(|error| unless_referred(error, repository::ENTITY, repository_id))?;
    let Some(lease) = granted else {
        let held = find_lease(tx, repository_id)?.ok_or_else(|| missing(ENTITY, repository_id))?;
        // What the statement judged by the kept digits of the time, this does too.
        return Err(match held.refuses(by, now) {
            Some(held) => is_held(held),
            None => Error::new(ErrorKind::Internal, "a lease that is free was not granted"),
        });
    };
    let (action, data) = match &lease.taken_from {
        Some(from) => {
            (Action::TakeOver, json!({ "token": lease.token, "until": lease.expires_at, "from": from }))
        }
        None => (Action::Acquire, json!({ "token": lease.token, "until": lease.expires_at })),
    };
    let change = Change::of(action, ENTITY, repository_id).repository(repository_id).data(data);
    trail::record(tx, by, now, change)?;
    Ok(lease)
}

fn is_held(held: Held) -> Error {
    let help = match held.yours {
        true => "a lease is not renewed: go on with this one, or give it back and ask again",
        false => "wait until it is given back, or its time is up",
    };
    refuse(held, help)
}
