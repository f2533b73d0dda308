//! What tools promise: contracts, and the schema that each was agreed on.

use super::tool::{filled, no_tool};
use super::{ContractStatus, ContractType};
use crate::engine::PerEngine;
use jiff::Timestamp;
use larder::{ConstraintKind, Error, ErrorKind, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};

/// A contract, as it stands in the table `contracts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Contract {
    /// Its number.
    pub id: i64,
    /// The tool that promises.
    pub tool_id: String,
    /// What it is about.
    pub contract_type: ContractType,
    /// Its name, the only one of its tool.
    pub name: String,
    /// The file with the schema; a relative one starts at the folder that is given when it is verified.
    pub schema_path: Option<String>,
    /// The hash that the schema had when it was agreed, see [`read_schema`](super::read_schema).
    pub schema_hash: Option<String>,
    /// When it was last verified.
    pub last_verified: Option<Timestamp>,
    /// What that found.
    pub status: ContractStatus,
}

/// A contract to add.
#[derive(Clone, Debug, PartialEq)]
pub struct NewContract<'a> {
    /// The tool that promises.
    pub tool_id: &'a str,
    /// What it is about.
    pub contract_type: ContractType,
    /// Its name, the only one of its tool.
    pub name: &'a str,
    /// The file with the schema.
    pub schema_path: Option<&'a str>,
    /// The hash that is agreed, 64 hexadecimal digits in small letters. `None`: the first verification takes what it finds.
    pub schema_hash: Option<&'a str>,
}

pub(super) const INSERT: &str =
    "INSERT INTO contracts (tool_id, contract_type, name, schema_path, schema_hash)
VALUES (:tool_id, :contract_type, :name, :schema_path, :schema_hash)
RETURNING *";
pub(super) const DELETE: &str = "DELETE FROM contracts WHERE id = :id";
pub(super) const BY_ID: &str = "SELECT * FROM contracts WHERE id = :id";
/// For who judges a contract and changes it by that. Where writers run side by side the row is held meanwhile.
pub(super) const TO_JUDGE: PerEngine =
    PerEngine { sqlite: BY_ID, postgres: "SELECT * FROM contracts WHERE id = :id FOR NO KEY UPDATE" };
pub(super) const OF_TOOL: &str = "SELECT * FROM contracts WHERE tool_id = :tool_id ORDER BY name";
pub(super) const ALL: &str = "SELECT * FROM contracts ORDER BY tool_id, name";

/// Adds a contract and gives its row. Its status is unknown until it is verified.
///
/// # Errors
/// [`ErrorKind::NotFound`] when the tool is not there; [`ErrorKind::Constraint`] when it has a contract of that name;
/// [`ErrorKind::Config`] for an empty name and for a hash that is none.
pub fn add_contract(tx: &mut WriteTx<'_>, new: NewContract<'_>) -> Result<Contract> {
    let NewContract { tool_id, contract_type, name, schema_path, schema_hash } = new;
    filled("name", name)?;
    if let Some(path) = schema_path {
        filled("path of the schema", path)?;
    }
    let is_hash =
        |hash: &str| hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if schema_hash.is_some_and(|hash| !is_hash(hash)) {
        return Err(Error::new(
            ErrorKind::Config,
            "the hash of a schema has 64 hexadecimal digits in small letters",
        )
        .with_help("leave it out: the first verification takes what it finds"));
    }
    let error = match tx.query_one(INSERT, params! { tool_id, contract_type, name, schema_path, schema_hash })
    {
        Ok(row) => return Ok(row),
        Err(error) => error,
    };
    match error.constraint().map(|broken| broken.kind) {
        Some(ConstraintKind::ForeignKey) => Err(no_tool(tool_id)),
        Some(ConstraintKind::Unique) => {
            Err(Error::new(ErrorKind::Constraint, format!("`{tool_id}` already has a contract `{name}`"))
                .with_help("give it another name, or remove the one that is there")
                .with_cause(error))
        }
        _ => Err(error),
    }
}

/// Removes a contract with its verifications.
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub fn remove_contract(tx: &mut WriteTx<'_>, id: i64) -> Result<()> {
    if tx.execute(DELETE, params! { id })? == 0 {
        return Err(no_contract(id));
    }
    Ok(())
}

/// The contract `id`.
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub fn contract(tx: &mut ReadTx<'_>, id: i64) -> Result<Contract> {
    tx.query_opt(BY_ID, params! { id })?.ok_or_else(|| no_contract(id))
}

/// The contract `id`, which nobody else changes until the commit.
pub(super) fn to_judge(tx: &mut WriteTx<'_>, id: i64) -> Result<Contract> {
    let sql = TO_JUDGE.on(tx);
    tx.query_opt(sql, params! { id })?.ok_or_else(|| no_contract(id))
}

/// The contracts of one tool, by their names; of all tools where `tool_id` is `None`.
///
/// # Errors
/// What the engine says.
pub fn contracts(tx: &mut ReadTx<'_>, tool_id: Option<&str>) -> Result<Vec<Contract>> {
    match tool_id {
        Some(tool_id) => tx.query_all(OF_TOOL, params! { tool_id }),
        None => tx.query_all(ALL, &[]),
    }
}

pub(super) fn no_contract(id: i64) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no contract {id}"))
        .with_help("list the contracts to see their numbers")
}
