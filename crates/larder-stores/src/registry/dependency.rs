//! Who depends on whom.

use super::tool::no_tool;
use super::{DependencyType, tool};
use jiff::Timestamp;
use larder::{ConstraintKind, Error, ErrorKind, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};

/// A dependency, as it stands in the table `dependencies`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dependency {
    /// Its number.
    pub id: i64,
    /// The tool that needs the other.
    pub consumer_id: String,
    /// The tool that is needed.
    pub provider_id: String,
    /// How it is used.
    #[serde(rename = "type")]
    pub kind: DependencyType,
    /// Which versions will do, in the words of the consumer's ecosystem: `^1.2`.
    pub version_constraint: Option<String>,
    /// The consumer works without it.
    pub optional: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// The import that brought it; empty for one that was added by itself.
    pub source: String,
}

/// A dependency to add.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDependency<'a> {
    /// The tool that needs the other.
    pub consumer_id: &'a str,
    /// The tool that is needed. It may be the same.
    pub provider_id: &'a str,
    /// How it is used.
    pub kind: DependencyType,
    /// Which versions will do.
    pub version_constraint: Option<&'a str>,
    /// The consumer works without it.
    pub optional: bool,
}

impl<'a> NewDependency<'a> {
    /// `consumer_id` requires `provider_id`, in any version.
    pub fn new(consumer_id: &'a str, provider_id: &'a str, kind: DependencyType) -> Self {
        Self { consumer_id, provider_id, kind, version_constraint: None, optional: false }
    }
}

pub(super) const INSERT: &str =
    "INSERT INTO dependencies (consumer_id, provider_id, type, version_constraint, optional, created_at)
VALUES (:consumer_id, :provider_id, :kind, :version_constraint, :optional, :now)
RETURNING *";
pub(super) const DELETE: &str = "DELETE FROM dependencies WHERE id = :id";
pub(super) const OF_CONSUMER: &str =
    "SELECT * FROM dependencies WHERE consumer_id = :id ORDER BY provider_id, id";
pub(super) const OF_PROVIDER: &str =
    "SELECT * FROM dependencies WHERE provider_id = :id ORDER BY consumer_id, id";

/// Adds a dependency and gives its row.
///
/// # Errors
/// [`ErrorKind::NotFound`] when one of the tools is not there; [`ErrorKind::Constraint`] when the consumer already depends on the
/// provider in this way.
pub fn add_dependency(tx: &mut WriteTx<'_>, new: NewDependency<'_>) -> Result<Dependency> {
    let NewDependency { consumer_id, provider_id, kind, version_constraint, optional } = new;
    let now = Timestamp::now();
    let values = params! { consumer_id, provider_id, kind, version_constraint, optional, now };
    // In a savepoint, for after a statement that failed PostgreSQL answers no other before something was rolled back.
    let error = match tx.savepoint(|tx| tx.query_one(INSERT, values)) {
        Ok(row) => return Ok(row),
        Err(error) => error,
    };
    match error.constraint().map(|broken| broken.kind) {
        Some(ConstraintKind::ForeignKey) => {
            let there = tool(tx, consumer_id)?.is_some();
            Err(no_tool(if there { provider_id } else { consumer_id }))
        }
        Some(ConstraintKind::Unique) => Err(Error::new(
            ErrorKind::Constraint,
            format!("`{consumer_id}` already depends on `{provider_id}` ({kind})"),
        )
        .with_help("remove that dependency first")
        .with_cause(error)),
        _ => Err(error),
    }
}

/// Removes a dependency by its number.
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub fn remove_dependency(tx: &mut WriteTx<'_>, id: i64) -> Result<()> {
    if tx.execute(DELETE, params! { id })? == 0 {
        return Err(Error::new(ErrorKind::NotFound, format!("there is no dependency {id}"))
            .with_help("list a tool's dependencies to see their numbers"));
    }
    Ok(())
}

/// What the tool `id` depends on, by the providers' ids.
///
/// # Errors
/// What the engine says.
pub fn dependencies_of(tx: &mut ReadTx<'_>, id: &str) -> Result<Vec<Dependency>> {
    tx.query_all(OF_CONSUMER, params! { id })
}

/// What depends on the tool `id`, by the consumers' ids.
///
/// # Errors
/// What the engine says.
pub fn dependents_of(tx: &mut ReadTx<'_>, id: &str) -> Result<Vec<Dependency>> {
    tx.query_all(OF_PROVIDER, params! { id })
}
