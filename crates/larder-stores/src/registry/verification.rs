//! Whether contracts still hold.

use super::contract::{contract, contracts, to_judge};
use super::schema::{Reading, read_schema};
use super::{Contract, ContractStatus, VerificationStatus};
use crate::refusal::refuse;
use jiff::Timestamp;
use larder::{Database, ErrorKind, Json, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// A verification, as it stands in the table `verifications`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verification {
    /// Its number.
    pub id: i64,
    /// The contract that was verified.
    pub contract_id: i64,
    /// When.
    pub verified_at: Timestamp,
    /// What it found.
    pub status: VerificationStatus,
    /// The hashes, or why there is none.
    pub details: Option<Json<Details>>,
    /// The commit that was checked out.
    pub git_commit: Option<String>,
}

/// What a verification compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Details {
    /// The path of the schema.
    #[serde(default)]
    pub schema_path: String,
    /// The hash that was agreed before, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_hash: Option<String>,
    /// The hash that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_hash: Option<String>,
    /// Why there is no hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The hash that was found is the agreed one from now on: it was the first, or somebody accepted the drift.
    #[serde(default)]
    pub accepted: bool,
}

/// A contract as it is after a verification, and the verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verified {
    /// The contract.
    pub contract: Contract,
    /// What was found.
    pub verification: Verification,
}

/// There is no schema to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NothingToVerify {
    /// The contract names no file.
    NoPath {
        /// The contract.
        contract_id: i64,
    },
    /// The contract names another file than the one that was read.
    Moved {
        /// The contract.
        contract_id: i64,
        /// The path that was read.
        read: String,
    },
    /// A schema without a hash can't be accepted.
    NoHash {
        /// The contract.
        contract_id: i64,
        /// Why there is none.
        problem: String,
    },
}

impl fmt::Display for NothingToVerify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPath { contract_id } => write!(f, "contract {contract_id} names no file with its schema"),
            Self::Moved { contract_id, read } => {
                write!(f, "the schema of contract {contract_id} is no longer `{read}`")
            }
            Self::NoHash { contract_id, problem } => {
                write!(f, "the schema of contract {contract_id} can't be accepted: {problem}")
            }
        }
    }
}

impl std::error::Error for NothingToVerify {}

pub(super) const INSERT: &str =
    "INSERT INTO verifications (contract_id, verified_at, status, details, git_commit)
VALUES (:contract_id, :now, :status, :details, :git_commit)
RETURNING *";
pub(super) const UPDATE_CONTRACT: &str = "UPDATE contracts SET status = :status, schema_hash = :schema_hash, last_verified = :now WHERE id = :id RETURNING *";
pub(super) const UPDATE_TOOL: &str = "UPDATE tools SET last_verified = :now WHERE id = :id";
pub(super) const OF_CONTRACT: &str =
    "SELECT * FROM verifications WHERE contract_id = :contract_id ORDER BY id DESC LIMIT :limit";

/// The two statuses and the hash that is agreed afterwards: what a reading means for a contract that had agreed on `agreed`.
/// The first hash that is found is taken as the agreed one.
fn judge(
    agreed: Option<&str>,
    reading: &Reading,
    accept: bool,
) -> (VerificationStatus, ContractStatus, Option<String>) {
    match &reading.found {
        Ok(found) if accept || agreed.is_none_or(|agreed| agreed == found) => {
            (VerificationStatus::Pass, ContractStatus::Valid, Some(found.clone()))
        }
        Ok(_) => (VerificationStatus::Drift, ContractStatus::Drift, agreed.map(str::to_owned)),
        Err(problem) => {
            let status = if problem.is_broken() { ContractStatus::Broken } else { ContractStatus::Unknown };
            (VerificationStatus::Fail, status, agreed.map(str::to_owned))
        }
    }
}

/// Records what a reading means for the contract: a verification, the contract's status, and when its tool was last verified. A
/// contract without a hash takes the one that was found. The commit that is kept with it is `git_commit` or, where that is `None`,
/// the one that is checked out where the schema lies.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Refused`] with [`NothingToVerify`] when the contract names no file, or meanwhile another
/// than the one that was read.
pub fn record_verification(
    tx: &mut WriteTx<'_>,
    contract_id: i64,
    reading: &Reading,
    git_commit: Option<&str>,
) -> Result<Verified> {
    record(tx, contract_id, reading, git_commit, false)
}

/// As [`record_verification`], and a hash other than the agreed one becomes the agreed one: the drift was meant.
///
/// # Errors
/// As there; [`ErrorKind::Refused`] with [`NothingToVerify`] too when the reading has no hash. Nothing is recorded then.
pub fn accept_schema(
    tx: &mut WriteTx<'_>,
    contract_id: i64,
    reading: &Reading,
    git_commit: Option<&str>,
) -> Result<Verified> {
    if let Err(problem) = &reading.found {
        let reason = NothingToVerify::NoHash { contract_id, problem: problem.to_string() };
        return Err(refuse(reason, "mend the file first, or name another"));
    }
    record(tx, contract_id, reading, git_commit, true)
}

fn record(
    tx: &mut WriteTx<'_>,
    contract_id: i64,
    reading: &Reading,
    git_commit: Option<&str>,
    accept: bool,
) -> Result<Verified> {
    let before = to_judge(tx, contract_id)?;
    match &before.schema_path {
        None => return Err(no_path(contract_id)),
        Some(path) if *path != reading.schema_path => {
            let reason = NothingToVerify::Moved { contract_id, read: reading.schema_path.clone() };
            return Err(refuse(reason, "verify it again"));
        }
        Some(_) => {}
    }
    let (found, status, schema_hash) = judge(before.schema_hash.as_deref(), reading, accept);
    let details = Json(Details {
        schema_path: reading.schema_path.clone(),
        old_hash: before.schema_hash.clone(),
        new_hash: reading.found.clone().ok(),
        problem: reading.found.as_ref().err().map(ToString::to_string),
        accepted: schema_hash != before.schema_hash,
    });
    let git_commit = git_commit.or(reading.git_commit.as_deref());
    let now = Timestamp::now();
    let verification =
        tx.query_one(INSERT, params! { contract_id, now, status: found, details, git_commit })?;
    let contract: Contract =
        tx.query_one(UPDATE_CONTRACT, params! { id: contract_id, status, schema_hash, now })?;
    tx.execute(UPDATE_TOOL, params! { id: contract.tool_id, now })?;
    Ok(Verified { contract, verification })
}

/// Verifies one contract: reads its schema, then records what was found in one transaction. A relative path starts at `base`.
///
/// # Errors
/// As [`record_verification`].
pub fn verify(db: &Database, contract_id: i64, base: &Path, git_commit: Option<&str>) -> Result<Verified> {
    with_reading(db, contract_id, base, |tx, reading| {
        record_verification(tx, contract_id, reading, git_commit)
    })
}

/// Reads the schema of one contract, and agrees on what is there.
///
/// # Errors
/// As [`accept_schema`].
pub fn accept(db: &Database, contract_id: i64, base: &Path, git_commit: Option<&str>) -> Result<Verified> {
    with_reading(db, contract_id, base, |tx, reading| accept_schema(tx, contract_id, reading, git_commit))
}

fn with_reading(
    db: &Database,
    contract_id: i64,
    base: &Path,
    mut record: impl FnMut(&mut WriteTx<'_>, &Reading) -> Result<Verified> + Send,
) -> Result<Verified> {
    let path = db.read(|tx| contract(tx, contract_id))?.schema_path.ok_or_else(|| no_path(contract_id))?;
    let reading = read_schema(base, &path);
    db.write(|tx| record(tx, &reading))
}

/// Verifies the contracts of one tool, or all there are: reads every schema first, then records everything in one transaction.
/// Contracts that name no file, or were changed meanwhile, are left out.
///
/// # Errors
/// What the engine says.
pub fn verify_all(
    db: &Database,
    tool_id: Option<&str>,
    base: &Path,
    git_commit: Option<&str>,
) -> Result<Vec<Verified>> {
    let contracts = db.read(|tx| contracts(tx, tool_id))?;
    let readings: Vec<(i64, Reading)> = contracts
        .iter()
        .filter_map(|contract| Some((contract.id, read_schema(base, contract.schema_path.as_deref()?))))
        .collect();
    db.write(|tx| {
        let mut all = Vec::with_capacity(readings.len());
        for (contract_id, reading) in &readings {
            match record_verification(tx, *contract_id, reading, git_commit) {
                Ok(verified) => all.push(verified),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Refused) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    })
}

/// The newest verifications of a contract, at most `limit`, the newest first.
///
/// # Errors
/// What the engine says.
pub fn verifications(tx: &mut ReadTx<'_>, contract_id: i64, limit: u32) -> Result<Vec<Verification>> {
    tx.query_all(OF_CONTRACT, params! { contract_id, limit })
}

fn no_path(contract_id: i64) -> larder::Error {
    refuse(NothingToVerify::NoPath { contract_id }, "add a contract with the path of its schema")
}
