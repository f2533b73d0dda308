//! Mirrors: where a repository is copied from or to, and how that went.

use super::missing::{missing, unless_referred};
use super::name::{check, taken};
use super::remote;
use super::trail::{self, Action, Change};
use super::{By, Id};
use crate::refusal::refuse;
use crate::word::words;
use jiff::Timestamp;
use larder::{ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

words! {
    /// Which way a mirror copies.
    #[non_exhaustive]
    Direction("direction") {
        /// From the remote.
        Pull = "pull",
        /// To the remote.
        Push = "push",
    }
}

words! {
    /// How a mirror stands.
    #[non_exhaustive]
    MirrorStatus("status of a mirror") {
        /// It was never copied, or is to be again.
        Pending = "pending",
        /// It is being copied.
        Syncing = "syncing",
        /// The last copy succeeded.
        Synced = "synced",
        /// The last copy failed.
        Failed = "failed",
        /// It is not to be copied.
        Paused = "paused",
    }
}

/// A mirror of a repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mirror {
    /// Its id.
    pub id: Id,
    /// The repository.
    pub repository_id: Id,
    /// Its name, which no other mirror of the repository has.
    pub name: String,
    /// The other side, without any secret.
    pub remote_url: String,
    /// Which way it copies.
    pub direction: Direction,
    /// How it stands.
    pub status: MirrorStatus,
    /// When a copy succeeded last.
    pub last_synced_at: Option<Timestamp>,
    /// Why the last copy failed.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A mirror to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewMirror<'a> {
    /// Its id; made when `None`.
    pub id: Option<Id>,
    /// The repository.
    pub repository_id: Id,
    /// Its name: `origin`.
    pub name: &'a str,
    /// The other side: a URL without any secret, or `user@host:path`.
    pub remote_url: &'a str,
    /// Which way it copies.
    pub direction: Direction,
}

macro_rules! columns {
    () => {
        "id, repository_id, name, remote_url, direction, status, last_synced_at, last_error, created_at, updated_at"
    };
}

const CREATE: &str = concat!(
    "INSERT INTO mirrors (id, repository_id, name, remote_url, direction, status, created_at, updated_at)
    VALUES (:id, :repository_id, :name, :remote_url, :direction, 'pending', :now, :now) RETURNING ",
    columns!()
);
const FIND: &str = concat!("SELECT ", columns!(), " FROM mirrors WHERE id = :id");
const NAMED: &str =
    concat!("SELECT ", columns!(), " FROM mirrors WHERE repository_id = :repository_id AND name = :name");
const LIST: &str =
    concat!("SELECT ", columns!(), " FROM mirrors WHERE repository_id = :repository_id ORDER BY name");
const OF_STATUS: &str =
    concat!("SELECT ", columns!(), " FROM mirrors WHERE status = :status ORDER BY id LIMIT :limit");
const RENAME: &str =
    concat!("UPDATE mirrors SET name = :name, updated_at = :now WHERE id = :id RETURNING ", columns!());
const POINT: &str = concat!(
    "UPDATE mirrors SET remote_url = :remote_url, updated_at = :now WHERE id = :id RETURNING ",
    columns!()
);
const MOVE: &str = concat!(
    "UPDATE mirrors SET status = :to,
        last_synced_at = CASE WHEN :to = 'synced' THEN :now ELSE last_synced_at END,
        last_error = CASE WHEN :to = 'failed' THEN :error WHEN :to = 'paused' THEN last_error END,
        updated_at = :now
    WHERE id = :id AND status = :from RETURNING ",
    columns!()
);
const DELETE: &str = concat!("DELETE FROM mirrors WHERE id = :id RETURNING ", columns!());

pub(super) const QUERIES: &[(&str, &str)] = &[
    ("mirror::CREATE", CREATE),
    ("mirror::FIND", FIND),
    ("mirror::NAMED", NAMED),
    ("mirror::LIST", LIST),
    ("mirror::OF_STATUS", OF_STATUS),
    ("mirror::RENAME", RENAME),
    ("mirror::POINT", POINT),
    ("mirror::MOVE", MOVE),
    ("mirror::DELETE", DELETE),
];

const ENTITY: &str = "mirror";

/// A mirror can't move from one status to the other. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IllegalMirrorMove {
    /// The mirror.
    pub id: Id,
    /// How it stands.
    pub from: MirrorStatus,
    /// How it was to stand.
    pub to: MirrorStatus,
}

impl fmt::Display for IllegalMirrorMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the mirror {} is {} and can't become {}", self.id, self.from, self.to)
    }
}

impl std::error::Error for IllegalMirrorMove {}

/// Makes a mirror, which is pending.
///
/// # Errors
/// [`SecretInUrl`](super::SecretInUrl), [`InvalidName`](super::InvalidName), [`Taken`](super::Taken);
/// [`Missing`](super::Missing) without the repository.
pub fn create_mirror(tx: &mut WriteTx<'_>, by: By<'_>, new: NewMirror<'_>) -> Result<Mirror> {
    let NewMirror { id, repository_id, name, remote_url, direction } = new;
    check(ENTITY, name)?;
    remote::check(remote_url)?;
    let (id, now) = (id.unwrap_or_else(Id::new), by.change(tx)?);
    let row = params! { id, repository_id, name, remote_url, direction, now };
    let mirror: Mirror = tx
        .query_one(CREATE, row)
        .map_err(|error| taken(unless_referred(error, "repository", repository_id), ENTITY, id, name))?;
    let data = json!({ "name": name, "remote_url": remote_url, "direction": direction });
    record(tx, by, now, Action::Create, &mirror, data)?;
    Ok(mirror)
}

fn record(
    tx: &mut WriteTx<'_>,
    by: By<'_>,
    now: Timestamp,
    action: Action,
    mirror: &Mirror,
    data: serde_json::Value,
) -> Result<()> {
    let change = Change::of(action, ENTITY, mirror.id).repository(mirror.repository_id).data(data);
    trail::record(tx, by, now, change)
}

/// The mirror with this id.
///
/// # Errors
/// What the engine says.
pub fn find_mirror(tx: &mut ReadTx<'_>, id: Id) -> Result<Option<Mirror>> {
    tx.query_opt(FIND, params! { id })
}

/// The mirror of a repository with this name.
///
/// # Errors
/// What the engine says.
pub fn find_mirror_named(tx: &mut ReadTx<'_>, repository_id: Id, name: &str) -> Result<Option<Mirror>> {
    tx.query_opt(NAMED, params! { repository_id, name })
}

/// The mirrors of a repository, by their names.
///
/// # Errors
/// What the engine says.
pub fn list_mirrors(tx: &mut ReadTx<'_>, repository_id: Id) -> Result<Vec<Mirror>> {
    tx.query_all(LIST, params! { repository_id })
}

/// Mirrors that stand so, by their ids: what is pending, what failed.
///
/// # Errors
/// What the engine says.
pub fn list_mirrors_by_status(tx: &mut ReadTx<'_>, status: MirrorStatus, limit: u32) -> Result<Vec<Mirror>> {
    tx.query_all(OF_STATUS, params! { status, limit })
}

/// Gives a mirror another name.
///
/// # Errors
/// [`Missing`](super::Missing), [`InvalidName`](super::InvalidName), [`Taken`](super::Taken).
pub fn rename_mirror(tx: &mut WriteTx<'_>, by: By<'_>, id: Id, name: &str) -> Result<Mirror> {
    check(ENTITY, name)?;
    let now = by.change(tx)?;
    let before = find_mirror(tx, id)?.ok_or_else(|| missing(ENTITY, id))?;
    let mirror: Mirror =
        tx.query_one(RENAME, params! { id, name, now }).map_err(|error| taken(error, ENTITY, id, name))?;
    record(tx, by, now, Action::Rename, &mirror, json!({ "from": before.name, "to": name }))?;
    Ok(mirror)
}

/// Points a mirror to another URL.
///
/// # Errors
/// [`Missing`](super::Missing), [`SecretInUrl`](super::SecretInUrl).
pub fn point_mirror(tx: &mut WriteTx<'_>, by: By<'_>, id: Id, remote_url: &str) -> Result<Mirror> {
    remote::check(remote_url)?;
    let now = by.change(tx)?;
    let before = find_mirror(tx, id)?.ok_or_else(|| missing(ENTITY, id))?;
    let mirror: Mirror = tx.query_one(POINT, params! { id, remote_url, now })?;
    let data = json!({ "from": before.remote_url, "to": remote_url });
    record(tx, by, now, Action::Update, &mirror, data)?;
    Ok(mirror)
}

/// A copy begins: the mirror is syncing.
///
/// # Errors
/// [`IllegalMirrorMove`] when it is syncing already, or paused; [`Missing`](super::Missing).
pub fn begin_sync(tx: &mut WriteTx<'_>, by: By<'_>, id: Id) -> Result<Mirror> {
    move_to(tx, by, id, MirrorStatus::Syncing, None)
}

/// The copy succeeded: the mirror is synced, from now.
///
/// # Errors
/// [`IllegalMirrorMove`] when it is not syncing; [`Missing`](super::Missing).
pub fn finish_sync(tx: &mut WriteTx<'_>, by: By<'_>, id: Id) -> Result<Mirror> {
    move_to(tx, by, id, MirrorStatus::Synced, None)
}

/// The copy failed, for this reason, in which the secrets of URLs are replaced. So is a copy ended that nobody is making
/// any more.
///
/// # Errors
/// [`IllegalMirrorMove`] when it is not syncing; [`Missing`](super::Missing).
pub fn fail_sync(tx: &mut WriteTx<'_>, by: By<'_>, id: Id, error: &str) -> Result<Mirror> {
    let error = remote::hide(error);
    move_to(tx, by, id, MirrorStatus::Failed, Some(&error))
}

/// The mirror is not to be copied until it is resumed.
///
/// # Errors
/// [`IllegalMirrorMove`] while it is syncing, and when it is paused already; [`Missing`](super::Missing).
pub fn pause_mirror(tx: &mut WriteTx<'_>, by: By<'_>, id: Id) -> Result<Mirror> {
    move_to(tx, by, id, MirrorStatus::Paused, None)
}

/// The mirror is to be copied again: it is pending.
///
/// # Errors
/// [`IllegalMirrorMove`] when it is not paused; [`Missing`](super::Missing).
pub fn resume_mirror(tx: &mut WriteTx<'_>, by: By<'_>, id: Id) -> Result<Mirror> {
    move_to(tx, by, id, MirrorStatus::Pending, None)
}

/// From where a mirror may become `to`.
fn may_become(from: MirrorStatus, to: MirrorStatus) -> bool {
    use MirrorStatus::{Failed, Paused, Pending, Synced, Syncing};
    match to {
        Syncing | Paused => matches!(from, Pending | Synced | Failed),
        Synced | Failed => from == Syncing,
        Pending => from == Paused,
    }
}

fn move_to(
    tx: &mut WriteTx<'_>,
    by: By<'_>,
    id: Id,
    to: MirrorStatus,
    error: Option<&str>,
) -> Result<Mirror> {
    let now = by.change(tx)?;
    let from = find_mirror(tx, id)?.ok_or_else(|| missing(ENTITY, id))?.status;
    let illegal = || refuse(IllegalMirrorMove { id, from, to }, "look how it stands");
    if !may_become(from, to) {
        return Err(illegal());
    }
    let moved: Option<Mirror> = tx.query_opt(MOVE, params! { to, now, error, id, from })?;
    let mirror = moved.ok_or_else(illegal)?;
    record(tx, by, now, Action::Update, &mirror, json!({ "from": from, "to": to, "error": error }))?;
    Ok(mirror)
}

/// Removes a mirror. The other side is left alone.
///
/// # Errors
/// [`Missing`](super::Missing).
pub fn delete_mirror(tx: &mut WriteTx<'_>, by: By<'_>, id: Id) -> Result<Mirror> {
    let now = by.change(tx)?;
    let mirror: Mirror = tx.query_opt(DELETE, params! { id })?.ok_or_else(|| missing(ENTITY, id))?;
    let data = json!({ "name": mirror.name, "remote_url": mirror.remote_url });
    record(tx, by, now, Action::Delete, &mirror, data)?;
    Ok(mirror)
}
