//! Leases: one writer a repository, for a time, with a token that only grows.
//!
//! A lease is granted for a term and never renewed by itself. Whoever holds one can't get it a second time: that would be a
//! renewal under another name. When its time is up anybody may take it over, and the token tells the old holder's writes
//! from the new one's: [`check_token`] refuses the old.

mod acquire;
mod check;
mod inspect;
mod refusal;
mod release;

pub use acquire::acquire_lease;
pub use check::check_token;
pub(crate) use inspect::LeaseCheck;
pub use refusal::{Held, InvalidTerm, NotHolder, StaleToken};
pub use release::release_lease;

use super::{By, Id};
use crate::word::words;
use jiff::{SignedDuration, Timestamp};
use larder::{ReadTx, Result, params};
use serde::{Deserialize, Serialize};

/// How long a lease lasts unless less is asked for, and the most that can be asked for: 72 hours.
pub const LEASE_TERM: SignedDuration = SignedDuration::from_hours(72);

words! {
    /// Whether a lease was given back. One that was not is free all the same when its time is up: [`Lease::is_live`].
    #[non_exhaustive]
    LeaseStatus("status of a lease") {
        /// Granted, and not given back.
        Held = "held",
        /// Given back.
        Released = "released",
    }
}

/// The lease of a repository: the one that is, or the last that was. A repository that was never leased has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lease {
    /// The repository.
    pub repository_id: Id,
    /// Who holds it, or held it last.
    pub holder: String,
    /// The fencing token: each grant of this repository has a higher one than all before.
    pub token: i64,
    /// Whether it was given back.
    pub status: LeaseStatus,
    /// When it was granted.
    pub acquired_at: Timestamp,
    /// When its time is up; once it was given back, when that was.
    pub expires_at: Timestamp,
    /// When it was given back.
    pub released_at: Option<Timestamp>,
    /// Who held it before and had not given it back when its time was up.
    pub taken_from: Option<String>,
    /// When the repository was first leased.
    pub created_at: Timestamp,
    /// When the row was changed last.
    pub updated_at: Timestamp,
}

impl Lease {
    /// True while nobody else can have it: it was not given back, and its time is not up at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.status == LeaseStatus::Held && self.expires_at > now
    }

    /// Why `by` can't have it at `now`.
    pub(super) fn refuses(&self, by: By<'_>, now: Timestamp) -> Option<Held> {
        self.is_live(now).then(|| Held {
            repository_id: self.repository_id,
            holder: self.holder.clone(),
            until: self.expires_at,
            token: self.token,
            yours: self.holder == by.actor,
        })
    }
}

macro_rules! columns {
    () => {
        "repository_id, holder, token, status, acquired_at, expires_at, released_at, taken_from, created_at, updated_at"
    };
}
use columns;

const FIND: &str = concat!("SELECT ", columns!(), " FROM leases WHERE repository_id = :repository_id");
const LIVE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM leases WHERE status = 'held' AND expires_at > :now ORDER BY expires_at LIMIT :limit"
);
const EXPIRED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM leases WHERE status = 'held' AND expires_at <= :now ORDER BY expires_at LIMIT :limit"
);
const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM leases WHERE repository_id > :after ORDER BY repository_id LIMIT :limit"
);

pub(super) const QUERIES: &[(&str, &str)] = &[
    ("lease::FIND", FIND),
    ("lease::LIVE", LIVE),
    ("lease::EXPIRED", EXPIRED),
    ("lease::ALL", ALL),
    ("lease::ACQUIRE", acquire::ACQUIRE),
    ("lease::RELEASE", release::RELEASE),
    ("lease::TOKEN (sqlite)", check::TOKEN.sqlite),
    ("lease::TOKEN (postgres)", check::TOKEN.postgres),
    ("clock::SERVER (postgres)", crate::clock::SERVER),
    ("lease::PAST", inspect::PAST),
    ("lease::PAST_COUNT", inspect::PAST_COUNT),
    ("lease::AHEAD_COUNT", inspect::AHEAD_COUNT),
    ("lease::AHEAD", inspect::AHEAD),
];

/// The lease of a repository, whatever its state.
///
/// # Errors
/// What the engine says.
pub fn find_lease(tx: &mut ReadTx<'_>, repository_id: Id) -> Result<Option<Lease>> {
    tx.query_opt(FIND, params! { repository_id })
}

/// The leases that somebody has at `now`, those first that end first.
///
/// # Errors
/// What the engine says.
pub fn list_live_leases(tx: &mut ReadTx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Lease>> {
    tx.query_all(LIVE, params! { now, limit })
}

/// The leases that were not given back though their time was up at `now`, the oldest first.
///
/// # Errors
/// What the engine says.
pub fn list_expired_leases(tx: &mut ReadTx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Lease>> {
    tx.query_all(EXPIRED, params! { now, limit })
}

/// All leases, whatever their state, by their repositories' ids; `after` is the last id of the page before.
///
/// # Errors
/// What the engine says.
pub fn list_leases(tx: &mut ReadTx<'_>, after: Option<Id>, limit: u32) -> Result<Vec<Lease>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    tx.query_all(ALL, params! { after, limit })
}
