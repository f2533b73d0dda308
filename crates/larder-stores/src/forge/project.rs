//! Projects: what repositories belong to.

use super::missing::missing;
use super::name::{check, taken};
use super::trail::{self, Action, Change};
use super::{By, Id, InUse, Page};
use crate::refusal::refuse;
use jiff::Timestamp;
use larder::{ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Project {
    /// Its id, which never changes.
    pub id: Id,
    /// Its name, which no other has.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A project to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewProject<'a> {
    /// Its id; made when `None`.
    pub id: Option<Id>,
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub description: Option<&'a str>,
}

const CREATE: &str = "INSERT INTO projects (id, name, description, created_at, updated_at)
    VALUES (:id, :name, :description, :now, :now)
    RETURNING id, name, description, created_at, updated_at";
const FIND: &str = "SELECT id, name, description, created_at, updated_at FROM projects WHERE id = :id";
const NAMED: &str = "SELECT id, name, description, created_at, updated_at FROM projects WHERE name = :name";
const LIST: &str = "SELECT id, name, description, created_at, updated_at FROM projects
    WHERE name > :after ORDER BY name LIMIT :limit";
const DESCRIBE: &str = "UPDATE projects SET description = :description, updated_at = :now WHERE id = :id
    RETURNING id, name, description, created_at, updated_at";
const RENAME: &str = "UPDATE projects SET name = :name, updated_at = :now WHERE id = :id
    RETURNING id, name, description, created_at, updated_at";
const DELETE: &str = "DELETE FROM projects WHERE id = :id
    RETURNING id, name, description, created_at, updated_at";
const REPOSITORIES: &str = "SELECT count(*) FROM repositories WHERE project_id = :id";

pub(super) const QUERIES: &[(&str, &str)] = &[
    ("project::CREATE", CREATE),
    ("project::FIND", FIND),
    ("project::NAMED", NAMED),
    ("project::LIST", LIST),
    ("project::DESCRIBE", DESCRIBE),
    ("project::RENAME", RENAME),
    ("project::DELETE", DELETE),
    ("project::REPOSITORIES", REPOSITORIES),
];

const ENTITY: &str = "project";

/// Makes a project.
///
/// # Errors
/// [`InvalidName`](super::InvalidName); [`Taken`](super::Taken) for a name or an id that another has.
pub fn create_project(tx: &mut WriteTx<'_>, by: By<'_>, new: NewProject<'_>) -> Result<Project> {
    let NewProject { id, name, description } = new;
    check(ENTITY, name)?;
    let (id, now) = (id.unwrap_or_else(Id::new), by.change(tx)?);
    let project: Project = tx
        .query_one(CREATE, params! { id, name, description, now })
        .map_err(|error| taken(error, ENTITY, id, name))?;
    trail::record(tx, by, now, Change::of(Action::Create, ENTITY, id).data(json!({ "name": name })))?;
    Ok(project)
}

/// The project with this id.
///
/// # Errors
/// What the engine says.
pub fn find_project(tx: &mut ReadTx<'_>, id: Id) -> Result<Option<Project>> {
    tx.query_opt(FIND, params! { id })
}

/// The project with this name.
///
/// # Errors
/// What the engine says.
pub fn find_project_named(tx: &mut ReadTx<'_>, name: &str) -> Result<Option<Project>> {
    tx.query_opt(NAMED, params! { name })
}

/// Projects by their names; `page.after` is a name.
///
/// # Errors
/// What the engine says.
pub fn list_projects(tx: &mut ReadTx<'_>, page: Page<'_>) -> Result<Vec<Project>> {
    tx.query_all(LIST, params! { after: page.after, limit: page.limit })
}

/// Says anew what a project is for, or with `None` no more.
///
/// # Errors
/// [`Missing`](super::Missing).
pub fn describe_project(
    tx: &mut WriteTx<'_>,
    by: By<'_>,
    id: Id,
    description: Option<&str>,
) -> Result<Project> {
    let now = by.change(tx)?;
    let project: Project =
        tx.query_opt(DESCRIBE, params! { id, description, now })?.ok_or_else(|| missing(ENTITY, id))?;
    let data = json!({ "description": description });
    trail::record(tx, by, now, Change::of(Action::Update, ENTITY, id).data(data))?;
    Ok(project)
}

/// Gives a project another name.
///
/// # Errors
/// [`Missing`](super::Missing), [`InvalidName`](super::InvalidName), [`Taken`](super::Taken).
pub fn rename_project(tx: &mut WriteTx<'_>, by: By<'_>, id: Id, name: &str) -> Result<Project> {
    check(ENTITY, name)?;
    let now = by.change(tx)?;
    let before = find_project(tx, id)?.ok_or_else(|| missing(ENTITY, id))?;
    let project: Project =
        tx.query_one(RENAME, params! { id, name, now }).map_err(|error| taken(error, ENTITY, id, name))?;
    let data = json!({ "from": before.name, "to": name });
    trail::record(tx, by, now, Change::of(Action::Rename, ENTITY, id).data(data))?;
    Ok(project)
}

/// Removes a project that has no repositories.
///
/// # Errors
/// [`Missing`](super::Missing); [`InUse`] as long as it has repositories.
pub fn delete_project(tx: &mut WriteTx<'_>, by: By<'_>, id: Id) -> Result<Project> {
    let now = by.change(tx)?;
    let repositories: u64 = tx.query_one(REPOSITORIES, params! { id })?;
    if repositories > 0 {
        let reason = InUse { entity: ENTITY, id, by: "repositories", count: repositories };
        return Err(refuse(reason, "delete them first"));
    }
    let project: Project = tx.query_opt(DELETE, params! { id })?.ok_or_else(|| missing(ENTITY, id))?;
    let data = json!({ "name": project.name });
    trail::record(tx, by, now, Change::of(Action::Delete, ENTITY, id).data(data))?;
    Ok(project)
}
