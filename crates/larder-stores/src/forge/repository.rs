//! Repositories: found by their id, which never changes, or by project and name, which may.

use super::missing::{missing, unless_referred};
use super::name::{check, taken};
use super::trail::{self, Action, Change};
use super::{By, Id, InUse, Page, find_lease};
use crate::refusal::refuse;
use jiff::Timestamp;
use larder::{Error, ErrorKind, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

/// A repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Repository {
    /// Its id. It never changes, and is never given to another, also not after the repository is gone.
    pub repository_id: Id,
    /// The project that it belongs to.
    pub project_id: Id,
    /// Its name, which no other of its project has.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The branch that is shown first.
    pub default_branch: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A repository to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewRepository<'a> {
    /// Its id; made when `None`.
    pub repository_id: Option<Id>,
    /// The project that it belongs to.
    pub project_id: Id,
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub description: Option<&'a str>,
    /// The branch that is shown first; `main` when `None`.
    pub default_branch: Option<&'a str>,
}

impl<'a> NewRepository<'a> {
    /// One named `name` in a project, with nothing else said.
    pub fn named(project_id: Id, name: &'a str) -> Self {
        Self { repository_id: None, project_id, name, description: None, default_branch: None }
    }
}

/// What is to change in a repository. What is `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct UpdateRepository<'a> {
    /// What it is for; `Some(None)` removes that.
    pub description: Option<Option<&'a str>>,
    /// The branch that is shown first.
    pub default_branch: Option<&'a str>,
}

macro_rules! columns {
    () => {
        "repository_id, project_id, name, description, default_branch, created_at, updated_at"
    };
}

const CREATE: &str = concat!(
    "INSERT INTO repositories (",
    columns!(),
    ") VALUES (:id, :project_id, :name, :description, :default_branch, :now, :now) RETURNING ",
    columns!()
);
const FIND: &str = concat!("SELECT ", columns!(), " FROM repositories WHERE repository_id = :id");
const NAMED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM repositories WHERE project_id = (SELECT id FROM projects WHERE name = :project) AND name = :name"
);
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM repositories WHERE project_id = :project_id AND name > :after ORDER BY name LIMIT :limit"
);
const UPDATE: &str = concat!(
    "UPDATE repositories SET description = :description, default_branch = :default_branch, updated_at = :now
    WHERE repository_id = :id RETURNING ",
    columns!()
);
const RENAME: &str = concat!(
    "UPDATE repositories SET project_id = :project_id, name = :name, updated_at = :now
    WHERE repository_id = :id RETURNING ",
    columns!()
);
const DELETE: &str = concat!("DELETE FROM repositories WHERE repository_id = :id RETURNING ", columns!());
const PATH: &str = "SELECT projects.name || '/' || repositories.name FROM repositories
    JOIN projects ON projects.id = repositories.project_id WHERE repository_id = :id";
const RELATED: &str = "SELECT count(*) FROM repository_relationships WHERE related_id = :id";
const BELONGINGS: &str = "SELECT
    (SELECT count(*) FROM object_metadata WHERE repository_id = :id) AS objects,
    (SELECT count(*) FROM mirrors WHERE repository_id = :id) AS mirrors,
    (SELECT count(*) FROM repository_relationships WHERE repository_id = :id) AS relationships";

pub(super) const QUERIES: &[(&str, &str)] = &[
    ("repository::CREATE", CREATE),
    ("repository::FIND", FIND),
    ("repository::NAMED", NAMED),
    ("repository::LIST", LIST),
    ("repository::UPDATE", UPDATE),
    ("repository::RENAME", RENAME),
    ("repository::DELETE", DELETE),
    ("repository::PATH", PATH),
    ("repository::RELATED", RELATED),
    ("repository::BELONGINGS", BELONGINGS),
];

pub(super) const ENTITY: &str = "repository";

/// An id was asked for that belonged to a repository which is gone. Tokens of its leases may still be about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdUsed {
    /// The id.
    pub repository_id: Id,
}

impl fmt::Display for IdUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the id {} belonged to a repository that is gone", self.repository_id)
    }
}

impl std::error::Error for IdUsed {}

/// Makes a repository.
///
/// # Errors
/// [`Missing`](super::Missing) without its project, [`InvalidName`](super::InvalidName), [`Taken`](super::Taken), and
/// [`IdUsed`] for an id that the trail knows of one that is gone.
pub fn create_repository(tx: &mut WriteTx<'_>, by: By<'_>, new: NewRepository<'_>) -> Result<Repository> {
    let NewRepository { repository_id, project_id, name, description, default_branch } = new;
    check(ENTITY, name)?;
    let default_branch = branch(default_branch.unwrap_or("main"))?;
    let (id, now) = (repository_id.unwrap_or_else(Id::new), by.change(tx)?);
    if repository_id.is_some() && find_repository(tx, id)?.is_none() && trail::knows(tx, id)? {
        return Err(refuse(IdUsed { repository_id: id }, "leave the id out, so that a new one is made"));
    }
    let row = params! { id, project_id, name, description, default_branch, now };
    let repository: Repository = tx
        .query_one(CREATE, row)
        .map_err(|error| taken(unless_referred(error, "project", project_id), ENTITY, id, name))?;
    let data = json!({ "project_id": project_id, "name": name });
    trail::record(tx, by, now, Change::of(Action::Create, ENTITY, id).repository(id).data(data))?;
    Ok(repository)
}

fn branch(name: &str) -> Result<&str> {
    if name.is_empty() || name.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Error::new(ErrorKind::Parameter, format!("{name:?} can't be the name of a branch")));
    }
    Ok(name)
}

/// The repository with this id.
///
/// # Errors
/// What the engine says.
pub fn find_repository(tx: &mut ReadTx<'_>, id: Id) -> Result<Option<Repository>> {
    tx.query_opt(FIND, params! { id })
}

/// The repository of this name in the project of that name.
///
/// # Errors
/// What the engine says.
pub fn find_repository_named(tx: &mut ReadTx<'_>, project: &str, name: &str) -> Result<Option<Repository>> {
    tx.query_opt(NAMED, params! { project, name })
}

/// `project/name` of a repository, for people; `None` without the repository.
///
/// # Errors
/// What the engine says.
pub fn repository_path(tx: &mut ReadTx<'_>, id: Id) -> Result<Option<String>> {
    tx.query_opt(PATH, params! { id })
}

/// The repository that a person means: by its id, or as `project/name`.
///
/// # Errors
/// [`Missing`](super::Missing) when there is none, and an [`InvalidId`](super::InvalidId) for what is neither.
pub fn resolve_repository(tx: &mut ReadTx<'_>, text: &str) -> Result<Repository> {
    let found = match text.split_once('/') {
        Some((project, name)) => find_repository_named(tx, project, name)?,
        None => {
            let id = text.parse().map_err(|error: Error| {
                error.with_help("a repository is named by its id, or as project/name")
            })?;
            find_repository(tx, id)?
        }
    };
    found.ok_or_else(|| {
        missing(ENTITY, text)
            .with_help("`larder repo list` shows those that there are, and `larder repo add` makes one")
    })
}

/// Repositories of a project by their names; `page.after` is a name.
///
/// # Errors
/// What the engine says.
pub fn list_repositories(tx: &mut ReadTx<'_>, project_id: Id, page: Page<'_>) -> Result<Vec<Repository>> {
    tx.query_all(LIST, params! { project_id, after: page.after, limit: page.limit })
}

/// Changes what is said about a repository.
///
/// # Errors
/// [`Missing`](super::Missing).
pub fn update_repository(
    tx: &mut WriteTx<'_>,
    by: By<'_>,
    id: Id,
    update: UpdateRepository<'_>,
) -> Result<Repository> {
    let now = by.change(tx)?;
    let before = find_repository(tx, id)?.ok_or_else(|| missing(ENTITY, id))?;
    let description = update.description.unwrap_or(before.description.as_deref());
    let default_branch = branch(update.default_branch.unwrap_or(&before.default_branch))?;
    let repository: Repository = tx.query_one(UPDATE, params! { id, description, default_branch, now })?;
    let data = json!({ "description": description, "default_branch": default_branch });
    trail::record(tx, by, now, Change::of(Action::Update, ENTITY, id).repository(id).data(data))?;
    Ok(repository)
}

/// Gives a repository another name in its project.
///
/// # Errors
/// [`Missing`](super::Missing), [`InvalidName`](super::InvalidName), [`Taken`](super::Taken).
pub fn rename_repository(tx: &mut WriteTx<'_>, by: By<'_>, id: Id, name: &str) -> Result<Repository> {
    check(ENTITY, name)?;
    let now = by.change(tx)?;
    let before = find_repository(tx, id)?.ok_or_else(|| missing(ENTITY, id))?;
    place(tx, (by, now), before.clone(), before.project_id, name, Action::Rename)
}

/// Moves a repository to another project, under the name that it has.
///
/// # Errors
/// [`Missing`](super::Missing), also without that project; [`Taken`](super::Taken) where one has the name there.
pub fn move_repository(tx: &mut WriteTx<'_>, by: By<'_>, id: Id, project_id: Id) -> Result<Repository> {
    let now = by.change(tx)?;
    let before = find_repository(tx, id)?.ok_or_else(|| missing(ENTITY, id))?;
    let name = before.name.clone();
    place(tx, (by, now), before, project_id, &name, Action::Move)
}

fn place(
    tx: &mut WriteTx<'_>,
    (by, now): (By<'_>, Timestamp),
    before: Repository,
    project_id: Id,
    name: &str,
    action: Action,
) -> Result<Repository> {
    let id = before.repository_id;
    let repository: Repository = tx
        .query_one(RENAME, params! { id, project_id, name, now })
        .map_err(|error| taken(unless_referred(error, "project", project_id), ENTITY, id, name))?;
    let data = match action {
        Action::Move => json!({ "from": before.project_id, "to": project_id }),
        _ => json!({ "from": before.name, "to": name }),
    };
    trail::record(tx, by, now, Change::of(action, ENTITY, id).repository(id).data(data))?;
    Ok(repository)
}

#[derive(Serialize, Deserialize)]
struct Belongings {
    objects: u64,
    mirrors: u64,
    relationships: u64,
}

/// Removes a repository with what is kept of it: its objects, its mirrors, what it is to others, and its lease. The trail
/// stays, and says how much went with it.
///
/// # Errors
/// [`Missing`](super::Missing); [`Held`](super::Held) while somebody has the lease; [`InUse`] while others are forks of it,
/// have it as a submodule or are related to it otherwise.
pub fn delete_repository(tx: &mut WriteTx<'_>, by: By<'_>, id: Id) -> Result<Repository> {
    let now = by.judge(tx)?;
    if let Some(held) = find_lease(tx, id)?.and_then(|lease| lease.refuses(by, now)) {
        return Err(refuse(held, "wait until it is released, or its time is up"));
    }
    let related: u64 = tx.query_one(RELATED, params! { id })?;
    if related > 0 {
        let reason = InUse { entity: ENTITY, id, by: "relationships of others", count: related };
        return Err(refuse(reason, "remove those first"));
    }
    let gone: Belongings = tx.query_one(BELONGINGS, params! { id })?;
    let repository: Repository = tx.query_opt(DELETE, params! { id })?.ok_or_else(|| missing(ENTITY, id))?;
    let data = json!({ "project_id": repository.project_id, "name": repository.name, "with": gone });
    trail::record(tx, by, now, Change::of(Action::Delete, ENTITY, id).repository(id).data(data))?;
    Ok(repository)
}
