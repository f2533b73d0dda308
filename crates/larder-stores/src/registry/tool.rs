//! Tools.

use super::ToolType;
use crate::refusal::refuse;
use jiff::Timestamp;
use larder::{Error, ErrorKind, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A tool, as it stands in the table `tools`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tool {
    /// What it is told by: of its owner's choice, or an import's (`cargo:serde@1.0.0`).
    pub id: String,
    /// Its name. Several may have the same one.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ToolType,
    /// Its version.
    pub version: Option<String>,
    /// How likely it does its work when it is called, from 0 to 1.
    pub reliability: f64,
    /// How much there is to mend in it; what a point is, its owner decides.
    pub debt_score: i64,
    /// The file that describes it: a `Cargo.toml`, a `package.json`.
    pub manifest_path: Option<String>,
    /// It stands for something that is not there yet.
    pub stub: bool,
    /// When one of its contracts was last verified.
    pub last_verified: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A tool to add. [`NewTool::new`] has the defaults of the schema.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTool<'a> {
    /// What it is told by; `None`: a new ULID.
    pub id: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Where it lies.
    pub path: &'a str,
    /// What it is.
    pub kind: ToolType,
    /// Its version.
    pub version: Option<&'a str>,
    /// From 0 to 1.
    pub reliability: f64,
    /// How much there is to mend.
    pub debt_score: i64,
    /// The file that describes it.
    pub manifest_path: Option<&'a str>,
    /// It is not there yet.
    pub stub: bool,
}

impl<'a> NewTool<'a> {
    /// A tool of `name` at `path`: reliability 0.95, no debt, no stub.
    pub fn new(name: &'a str, path: &'a str, kind: ToolType) -> Self {
        Self {
            id: None,
            name,
            path,
            kind,
            version: None,
            reliability: DEFAULT_RELIABILITY,
            debt_score: 0,
            manifest_path: None,
            stub: false,
        }
    }

    /// The same with an id of the caller's choice.
    #[must_use]
    pub fn id(mut self, id: &'a str) -> Self {
        self.id = Some(id);
        self
    }
}

/// The reliability of a tool of which nothing else is known.
pub(super) const DEFAULT_RELIABILITY: f64 = 0.95;

/// What to change of a tool; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolChange<'a> {
    /// A new name.
    pub name: Option<&'a str>,
    /// A new place.
    pub path: Option<&'a str>,
    /// Another type.
    pub kind: Option<ToolType>,
    /// Another version.
    pub version: Option<&'a str>,
    /// Another reliability, from 0 to 1.
    pub reliability: Option<f64>,
    /// Another debt.
    pub debt_score: Option<i64>,
    /// Another manifest.
    pub manifest_path: Option<&'a str>,
    /// Whether it is a stub.
    pub stub: Option<bool>,
}

/// Which tools to list; what is `None` does not matter. The default is all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolFilter<'a> {
    /// Of this type.
    pub kind: Option<ToolType>,
    /// Stubs only, or none of them.
    pub stub: Option<bool>,
    /// Of exactly this name.
    pub name: Option<&'a str>,
}

/// A reliability that is not between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct NoProbability {
    /// What was given.
    pub reliability: f64,
}

impl fmt::Display for NoProbability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a reliability of {} is not between 0 and 1", self.reliability)
    }
}

impl std::error::Error for NoProbability {}

pub(super) const INSERT: &str =
    "INSERT INTO tools (id, name, path, type, version, reliability, debt_score, manifest_path, stub, created_at, updated_at)
VALUES (:id, :name, :path, :kind, :version, :reliability, :debt_score, :manifest_path, :stub, :now, :now)
RETURNING *";
pub(super) const UPDATE: &str = "UPDATE tools SET name = coalesce(:name, name), path = coalesce(:path, path),
  type = coalesce(:kind, type), version = coalesce(:version, version), reliability = coalesce(:reliability, reliability),
  debt_score = coalesce(:debt_score, debt_score), manifest_path = coalesce(:manifest_path, manifest_path),
  stub = coalesce(:stub, stub), updated_at = :now
WHERE id = :id RETURNING *";
pub(super) const DELETE: &str = "DELETE FROM tools WHERE id = :id";
pub(super) const BY_ID: &str = "SELECT * FROM tools WHERE id = :id";
pub(super) const ALL: &str = "SELECT * FROM tools ORDER BY id";
pub(super) const BY_NAME: &str = "SELECT * FROM tools WHERE name = :name ORDER BY id";
pub(super) const BY_TYPE: &str = "SELECT * FROM tools WHERE type = :kind ORDER BY id";
pub(super) const BY_STUB: &str = "SELECT * FROM tools WHERE stub = :stub ORDER BY id";

/// Adds a tool and gives its row.
///
/// # Errors
/// [`ErrorKind::Refused`] with [`NoProbability`], [`ErrorKind::Config`] for an id or a name that is empty,
/// [`ErrorKind::Constraint`] when the id is taken.
pub fn add_tool(tx: &mut WriteTx<'_>, new: NewTool<'_>) -> Result<Tool> {
    check_reliability(new.reliability)?;
    let made = if new.id.is_none() { ulid::Ulid::generate().to_string() } else { String::new() };
    let id = new.id.unwrap_or(&made);
    filled("id", id)?;
    filled("name", new.name)?;
    let NewTool { name, path, kind, version, reliability, debt_score, manifest_path, stub, .. } = new;
    let now = Timestamp::now();
    tx.query_one(
        INSERT,
        params! { id, name, path, kind, version, reliability, debt_score, manifest_path, stub, now },
    )
    .map_err(|error| match error.kind() {
        ErrorKind::Constraint => Error::new(ErrorKind::Constraint, format!("there is a tool `{id}` already"))
            .with_help("give another id, or change the one that is there")
            .with_cause(error),
        _ => error,
    })
}

/// Changes a tool and gives its row.
///
/// # Errors
/// [`ErrorKind::NotFound`], [`ErrorKind::Refused`] with [`NoProbability`], [`ErrorKind::Config`] for an empty name.
pub fn update_tool(tx: &mut WriteTx<'_>, id: &str, change: ToolChange<'_>) -> Result<Tool> {
    if let Some(reliability) = change.reliability {
        check_reliability(reliability)?;
    }
    if let Some(name) = change.name {
        filled("name", name)?;
    }
    let ToolChange { name, path, kind, version, reliability, debt_score, manifest_path, stub } = change;
    let now = Timestamp::now();
    tx.query_opt(
        UPDATE,
        params! { id, name, path, kind, version, reliability, debt_score, manifest_path, stub, now },
    )?
    .ok_or_else(|| no_tool(id))
}

/// Removes a tool with its dependencies (both ways), its contracts and their verifications.
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub fn remove_tool(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    if tx.execute(DELETE, params! { id })? == 0 {
        return Err(no_tool(id));
    }
    Ok(())
}

/// The tool `id`, if it is there.
///
/// # Errors
/// What the engine says.
pub fn tool(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<Tool>> {
    tx.query_opt(BY_ID, params! { id })
}

/// The tools that `filter` lets through, by their ids.
///
/// # Errors
/// What the engine says.
pub fn tools(tx: &mut ReadTx<'_>, filter: &ToolFilter<'_>) -> Result<Vec<Tool>> {
    // The index that leaves the fewest; the rest is looked at here, so that each query has one plan.
    let found: Vec<Tool> = match *filter {
        ToolFilter { name: Some(name), .. } => tx.query_all(BY_NAME, params! { name })?,
        ToolFilter { kind: Some(kind), .. } => tx.query_all(BY_TYPE, params! { kind })?,
        ToolFilter { stub: Some(stub), .. } => tx.query_all(BY_STUB, params! { stub })?,
        _ => tx.query_all(ALL, &[])?,
    };
    let fits = |tool: &Tool| {
        filter.kind.is_none_or(|kind| tool.kind == kind) && filter.stub.is_none_or(|stub| tool.stub == stub)
    };
    Ok(found.into_iter().filter(fits).collect())
}

/// The one tool that `text` means: the one with that id, else the only one of that name.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is none; [`ErrorKind::Config`] with their ids when several have the name.
pub fn find_tool(tx: &mut ReadTx<'_>, text: &str) -> Result<Tool> {
    if let Some(tool) = tool(tx, text)? {
        return Ok(tool);
    }
    let mut named = tools(tx, &ToolFilter { name: Some(text), ..ToolFilter::default() })?;
    match (named.pop(), named.len()) {
        (Some(tool), 0) => Ok(tool),
        (None, _) => Err(no_tool(text)),
        (Some(last), more) => {
            named.push(last);
            let ids: Vec<&str> = named.iter().take(5).map(|tool| tool.id.as_str()).collect();
            let and = if named.len() > 5 { ", …" } else { "" };
            Err(Error::new(ErrorKind::Config, format!("{} tools have the name `{text}`", more + 1))
                .with_help(format!("give the id of one: {}{and}", ids.join(", "))))
        }
    }
}

pub(super) fn no_tool(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no tool `{id}`"))
        .with_help("`larder tool list` shows those that there are")
}

pub(super) fn filled(what: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::new(ErrorKind::Config, format!("the {what} is empty")).with_help("give one"));
    }
    Ok(())
}

fn check_reliability(reliability: f64) -> Result<()> {
    if (0.0..=1.0).contains(&reliability) {
        return Ok(());
    }
    Err(refuse(NoProbability { reliability }, "give a number such as 0.95"))
}
