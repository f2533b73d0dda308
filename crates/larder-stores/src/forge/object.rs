//! What is known of the objects of a repository, by their oids.

use super::missing::{missing, unless_referred};
use super::repository;
use super::trail::{self, Action, Change};
use super::{By, Id, Page, find_repository};
use crate::refusal::refuse;
use crate::word::words;
use jiff::Timestamp;
use larder::{ConstraintKind, Error, ErrorKind, FailedRow, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

words! {
    /// What an object is.
    #[non_exhaustive]
    ObjectKind("kind of object") {
        /// The bytes of a file.
        Blob = "blob",
        /// A folder.
        Tree = "tree",
        /// A commit.
        Commit = "commit",
        /// An annotated tag.
        Tag = "tag",
    }
}

/// What is known of an object of a repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Object {
    /// The repository that has it.
    pub repository_id: Id,
    /// Its name: SHA-1 or SHA-256 in lower-case hexadecimal.
    pub oid: String,
    /// What it is.
    pub kind: ObjectKind,
    /// How many bytes it has, uncompressed and without its header.
    pub size: u64,
    /// The pack that it lies in; `None` where it lies by itself.
    pub pack: Option<String>,
    /// When it was first put.
    pub created_at: Timestamp,
    /// When its place was changed last.
    pub updated_at: Timestamp,
}

/// An object to be put.
#[derive(Clone, Copy, Debug)]
pub struct NewObject<'a> {
    /// Its name: 40 or 64 lower-case hexadecimal digits.
    pub oid: &'a str,
    /// What it is.
    pub kind: ObjectKind,
    /// How many bytes it has, uncompressed and without its header.
    pub size: u64,
    /// The pack that it lies in; `None` where it lies by itself.
    pub pack: Option<&'a str>,
}

/// What a batch of objects came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Put {
    /// How many were given.
    pub given: u64,
    /// How many of those are new, or lie elsewhere now. The others were known.
    pub written: u64,
}

macro_rules! columns {
    () => {
        "repository_id, oid, kind, size, pack, created_at, updated_at"
    };
}

// Writes kind and size too, so that the trigger refuses an object that is said to be another than it is.
const PUT: &str = "INSERT INTO object_metadata (repository_id, oid, kind, size, pack, created_at, updated_at)
    VALUES (:repository_id, :oid, :kind, :size, :pack, :now, :now)
    ON CONFLICT (repository_id, oid) DO UPDATE SET
        kind = excluded.kind, size = excluded.size, pack = excluded.pack, updated_at = excluded.updated_at
    WHERE object_metadata.pack IS DISTINCT FROM excluded.pack
        OR object_metadata.kind <> excluded.kind OR object_metadata.size <> excluded.size";
const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM object_metadata WHERE repository_id = :repository_id AND oid = :oid"
);
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM object_metadata WHERE repository_id = :repository_id AND oid > :after ORDER BY oid LIMIT :limit"
);
const HOLDERS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM object_metadata WHERE oid = :oid ORDER BY repository_id LIMIT :limit"
);
const DELETE: &str = "DELETE FROM object_metadata WHERE repository_id = :repository_id AND oid = :oid";

pub(super) const QUERIES: &[(&str, &str)] = &[
    ("object::PUT", PUT),
    ("object::FIND", FIND),
    ("object::LIST", LIST),
    ("object::HOLDERS", HOLDERS),
    ("object::DELETE", DELETE),
];

const ENTITY: &str = "object";

/// An oid that nothing can have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidOid {
    /// The text.
    pub value: String,
}

impl fmt::Display for InvalidOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no oid: it has 40 or 64 lower-case hexadecimal digits", self.value)
    }
}

impl std::error::Error for InvalidOid {}

/// An object was said to have another kind or size than it was put with. Nothing of the batch was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectDiffers {
    /// Its number in the batch, counted from 1.
    pub row: u64,
}

impl fmt::Display for ObjectDiffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {} of the batch is known with another kind or size", self.row)
    }
}

impl std::error::Error for ObjectDiffers {}

fn check_oid(oid: &str) -> Result<()> {
    let digits = oid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if digits && matches!(oid.len(), 40 | 64) {
        return Ok(());
    }
    let invalid = InvalidOid { value: oid.to_owned() };
    Err(Error::new(ErrorKind::Parameter, invalid.to_string()).with_cause(invalid))
}

/// Puts many objects of a repository, all or none, with one entry in the trail where something is new. One that is known gets
/// its new place.
///
/// # Errors
/// [`InvalidOid`]; [`ObjectDiffers`] for one that is known with another kind or size; [`Missing`](super::Missing) without
/// the repository.
pub fn put_objects<'a>(
    tx: &mut WriteTx<'_>,
    by: By<'_>,
    repository_id: Id,
    objects: impl IntoIterator<Item = NewObject<'a>>,
) -> Result<Put> {
    let (now, repository) = (by.change(tx)?, repository_id.to_string());
    let mut given = 0;
    let put = tx.insert_many(PUT, |rows| {
        for NewObject { oid, kind, size, pack } in objects {
            check_oid(oid)?;
            rows.push(params! { repository_id: repository, oid, kind, size, pack, now })?;
            given += 1;
        }
        Ok(())
    });
    let written = put.map_err(|error| differs(unless_referred(error, repository::ENTITY, repository_id)))?;
    // Nothing was changed, and what was not changed may not even be there.
    if written == 0 {
        find_repository(tx, repository_id)?.ok_or_else(|| missing(repository::ENTITY, repository_id))?;
        return Ok(Put { given, written });
    }
    let data = json!({ "given": given, "written": written });
    let change = Change::of(Action::Put, ENTITY, repository_id).repository(repository_id).data(data);
    trail::record(tx, by, now, change)?;
    Ok(Put { given, written })
}

fn differs(error: Error) -> Error {
    let by_trigger = error.constraint().is_some_and(|found| found.kind == ConstraintKind::Other);
    match error.find::<FailedRow>() {
        Some(failed) if by_trigger => {
            let reason = ObjectDiffers { row: failed.first };
            refuse(reason, "the name of an object is made from its bytes: look which of the two is wrong")
        }
        _ => error,
    }
}

/// An object of a repository.
///
/// # Errors
/// What the engine says.
pub fn find_object(tx: &mut ReadTx<'_>, repository_id: Id, oid: &str) -> Result<Option<Object>> {
    tx.query_opt(FIND, params! { repository_id, oid })
}

/// Objects of a repository by their oids; `page.after` is an oid.
///
/// # Errors
/// What the engine says.
pub fn list_objects(tx: &mut ReadTx<'_>, repository_id: Id, page: Page<'_>) -> Result<Vec<Object>> {
    tx.query_all(LIST, params! { repository_id, after: page.after, limit: page.limit })
}

/// The same object wherever it is, by the ids of the repositories that have it.
///
/// # Errors
/// What the engine says.
pub fn list_object_holders(tx: &mut ReadTx<'_>, oid: &str, limit: u32) -> Result<Vec<Object>> {
    tx.query_all(HOLDERS, params! { oid, limit })
}

/// Forgets objects of a repository, with one entry in the trail where there were any; gives how many. What is not known is
/// passed over.
///
/// # Errors
/// What the engine says.
pub fn delete_objects<'a>(
    tx: &mut WriteTx<'_>,
    by: By<'_>,
    repository_id: Id,
    oids: impl IntoIterator<Item = &'a str>,
) -> Result<u64> {
    let (now, repository) = (by.change(tx)?, repository_id.to_string());
    let mut deleted = 0;
    for oid in oids {
        deleted += tx.execute(DELETE, params! { repository_id: repository, oid })?;
    }
    if deleted == 0 {
        return Ok(0);
    }
    let change = Change::of(Action::Delete, ENTITY, repository_id)
        .repository(repository_id)
        .data(json!({ "deleted": deleted }));
    trail::record(tx, by, now, change)?;
    Ok(deleted)
}
