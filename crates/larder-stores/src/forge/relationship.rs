//! What repositories are to each other.

use super::cycle;
use super::missing::{missing, unless_referred};
use super::trail::{self, Action, Change};
use super::{By, Id, Taken, find_repository};
use crate::refusal::refuse;
use crate::word::words;
use jiff::Timestamp;
use larder::{ConstraintKind, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

words! {
    /// What a repository is to the other.
    #[non_exhaustive]
    RelationshipKind("kind of relationship") {
        /// It was forked from the other.
        ForkOf = "fork_of",
        /// It has the other as a submodule.
        Submodule = "submodule",
        /// It was made from the other as a template.
        TemplateOf = "template_of",
        /// It is a copy of the other.
        MirrorOf = "mirror_of",
        /// It needs the other to be built or to run.
        DependsOn = "depends_on",
    }
}

impl RelationshipKind {
    /// True where no repository may come back to itself along relationships of this kind. Only what needs each other to run
    /// may do so in a circle: the others say which was there first, or what lies inside of what.
    pub fn forbids_cycles(self) -> bool {
        !matches!(self, Self::DependsOn)
    }
}

/// What a repository is to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Relationship {
    /// Its id.
    pub id: Id,
    /// The repository that is a fork, has the submodule, depends.
    pub repository_id: Id,
    /// The other.
    pub related_id: Id,
    /// What the one is to the other.
    pub kind: RelationshipKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A relationship to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewRelationship {
    /// Its id; made when `None`.
    pub id: Option<Id>,
    /// The repository that is a fork, has the submodule, depends.
    pub repository_id: Id,
    /// What the one is to the other.
    pub kind: RelationshipKind,
    /// The other.
    pub related_id: Id,
}

macro_rules! columns {
    () => {
        "id, repository_id, related_id, kind, created_at, updated_at"
    };
}

const CREATE: &str = concat!(
    "INSERT INTO repository_relationships (id, repository_id, related_id, kind, created_at, updated_at)
    VALUES (:id, :repository_id, :related_id, :kind, :now, :now) RETURNING ",
    columns!()
);
const FIND: &str = concat!("SELECT ", columns!(), " FROM repository_relationships WHERE id = :id");
const OF: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM repository_relationships WHERE repository_id = :repository_id ORDER BY kind, related_id"
);
const TO: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM repository_relationships WHERE related_id = :related_id ORDER BY kind, repository_id"
);
const DELETE: &str = concat!("DELETE FROM repository_relationships WHERE id = :id RETURNING ", columns!());

pub(super) const QUERIES: &[(&str, &str)] = &[
    ("relationship::CREATE", CREATE),
    ("relationship::FIND", FIND),
    ("relationship::OF", OF),
    ("relationship::TO", TO),
    ("relationship::DELETE", DELETE),
    ("cycle::REACH", cycle::REACH),
];

const ENTITY: &str = "relationship";

/// A repository can't be related to itself. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SelfRelated {
    /// The repository.
    pub repository_id: Id,
    /// What it was to be to itself.
    pub kind: RelationshipKind,
}

impl fmt::Display for SelfRelated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the repository {} can't be {} itself", self.repository_id, self.kind)
    }
}

impl std::error::Error for SelfRelated {}

/// Relates two repositories.
///
/// # Errors
/// [`SelfRelated`]; [`Cycle`](super::Cycle) with its path, where the kind forbids one; [`Taken`] where they are so related
/// already; [`Missing`](super::Missing) without one of them.
pub fn create_relationship(tx: &mut WriteTx<'_>, by: By<'_>, new: NewRelationship) -> Result<Relationship> {
    let NewRelationship { id, repository_id, kind, related_id } = new;
    if repository_id == related_id {
        return Err(refuse(SelfRelated { repository_id, kind }, "name two repositories"));
    }
    let now = by.change(tx)?;
    for repository in [repository_id, related_id] {
        find_repository(tx, repository)?.ok_or_else(|| missing("repository", repository))?;
    }
    if kind.forbids_cycles() {
        cycle::refuse_cycle(tx, repository_id, kind, related_id)?;
    }
    let id = id.unwrap_or_else(Id::new);
    let row = params! { id, repository_id, related_id, kind, now };
    let made: Relationship = tx.query_one(CREATE, row).map_err(|error| {
        let value = match error.constraint().map(|constraint| constraint.kind) {
            Some(ConstraintKind::PrimaryKey) => id.to_string(),
            Some(ConstraintKind::Unique) => format!("{repository_id} {kind} {related_id}"),
            _ => return unless_referred(error, "repository", related_id),
        };
        refuse(Taken { entity: ENTITY, value }, "it is so already")
    })?;
    record(tx, by, now, Action::Create, &made)?;
    Ok(made)
}

fn record(tx: &mut WriteTx<'_>, by: By<'_>, now: Timestamp, action: Action, of: &Relationship) -> Result<()> {
    let data = json!({ "kind": of.kind, "related_id": of.related_id });
    trail::record(tx, by, now, Change::of(action, ENTITY, of.id).repository(of.repository_id).data(data))
}

/// The relationship with this id.
///
/// # Errors
/// What the engine says.
pub fn find_relationship(tx: &mut ReadTx<'_>, id: Id) -> Result<Option<Relationship>> {
    tx.query_opt(FIND, params! { id })
}

/// What a repository is to others.
///
/// # Errors
/// What the engine says.
pub fn list_relationships(tx: &mut ReadTx<'_>, repository_id: Id) -> Result<Vec<Relationship>> {
    tx.query_all(OF, params! { repository_id })
}

/// What others are to a repository: its forks, who has it as a submodule, who depends on it.
///
/// # Errors
/// What the engine says.
pub fn list_relationships_to(tx: &mut ReadTx<'_>, related_id: Id) -> Result<Vec<Relationship>> {
    tx.query_all(TO, params! { related_id })
}

/// Removes a relationship. The two repositories stay.
///
/// # Errors
/// [`Missing`](super::Missing).
pub fn delete_relationship(tx: &mut WriteTx<'_>, by: By<'_>, id: Id) -> Result<Relationship> {
    let now = by.change(tx)?;
    let gone: Relationship = tx.query_opt(DELETE, params! { id })?.ok_or_else(|| missing(ENTITY, id))?;
    record(tx, by, now, Action::Delete, &gone)?;
    Ok(gone)
}
