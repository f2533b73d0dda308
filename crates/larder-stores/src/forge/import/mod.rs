//! Leases that were kept as JSON Lines: read, held against what is known, and imported.

mod line;
mod record;

use super::lease::{Lease, LeaseStatus};
use super::trail::{self, Action, Change};
use super::{By, Id, find_lease, resolve_repository};
use crate::refusal::refuse;
use jiff::Timestamp;
use larder::{ErrorKind, Result, WriteTx, params};
use record::Record;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

const IMPORT: &str = "INSERT INTO leases
    (repository_id, holder, token, status, acquired_at, expires_at, released_at, created_at, updated_at)
    VALUES (:repository_id, :holder, :token, :status, :acquired_at, :expires_at, :released_at, :now, :now)
    ON CONFLICT (repository_id) DO UPDATE SET holder = excluded.holder, token = excluded.token,
        status = excluded.status, acquired_at = excluded.acquired_at, expires_at = excluded.expires_at,
        released_at = excluded.released_at, taken_from = NULL, updated_at = excluded.updated_at";

pub(super) const QUERIES: &[(&str, &str)] = &[("import::IMPORT", IMPORT)];

/// A line that was not imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BadLine {
    /// Its number, counted from 1.
    pub line: u64,
    /// Where on it, in characters or bytes from 1, where that is known.
    pub column: Option<u64>,
    /// What is wrong with it.
    pub reason: String,
}

/// A reason has at most so many characters: it repeats what the line says, and that may be a megabyte.
const LONGEST_REASON: usize = 300;

impl BadLine {
    fn new(line: u64, column: Option<u64>, reason: String) -> Self {
        Self { line, column: column.filter(|column| *column > 0), reason: tamed(&reason) }
    }
}

/// A text that repeats what came from outside, made fit for a terminal.
fn tamed(text: &str) -> String {
    let mut tamed = String::new();
    for letter in text.chars().take(LONGEST_REASON) {
        match letter {
            letter if letter.is_control() => tamed.extend(letter.escape_default()),
            letter => tamed.push(letter),
        }
    }
    if text.chars().nth(LONGEST_REASON).is_some() {
        tamed.push('…');
    }
    tamed
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Leases as they were read from JSON Lines, before they are held against a database.
///
/// Each line is an object with `repository` (an id, or `project/name`), `holder`, `acquired_at`, `expires_at`, and, where
/// there is one, `released_at` and `token`. Times are ISO 8601 with an offset. `docs/stores/forge.md` has the other names
/// that keys may have.
#[derive(Clone, Debug)]
pub struct LeaseFile {
    records: Vec<Record>,
    bad: Vec<BadLine>,
}

impl LeaseFile {
    /// Reads leases. A line that can't be understood is kept as a bad one.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when `reader` fails.
    pub fn read(reader: impl BufRead) -> Result<Self> {
        let mut file = Self { records: Vec::new(), bad: Vec::new() };
        line::each(reader, |(number, text)| match text.and_then(|text| record::read(number, &text)) {
            Ok(record) => file.records.push(record),
            Err(bad) => file.bad.push(bad),
        })?;
        Ok(file)
    }
}

/// What an import came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Imported {
    /// How many leases were written: one a repository.
    pub imported: u64,
    /// How many lines were good and told of an earlier lease of the same repository. Only the last is kept.
    pub superseded: u64,
    /// What was not imported, by line.
    pub bad: Vec<BadLine>,
}

/// An import that was to be whole had lines that are not good. Nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportRefused {
    /// The lines.
    pub bad: Vec<BadLine>,
}

impl fmt::Display for ImportRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bad.as_slice() {
            [] => write!(f, "nothing is wrong"),
            [one] => write!(f, "nothing was imported: {one}"),
            [first, _] => write!(f, "nothing was imported: {first}; and 1 more line"),
            [first, rest @ ..] => write!(f, "nothing was imported: {first}; and {} more lines", rest.len()),
        }
    }
}

impl std::error::Error for ImportRefused {}

/// Imports leases. What is good is written, with an entry in the trail for each; what is not is in [`Imported::bad`]. With
/// `strict` one bad line is enough that nothing is written.
///
/// - A live lease that is known here is never overwritten, nor one that began later.
/// - Of several lines for a repository the one that began last counts. Two whose times overlap are told: the later is bad.
/// - A token stays what it is, and must be higher than any that was granted here; a line without one gets the next.
/// - Repositories must be there. A lease in the future is refused.
///
/// # Errors
/// With `strict`, [`ImportRefused`].
pub fn import_leases(tx: &mut WriteTx<'_>, by: By<'_>, file: &LeaseFile, strict: bool) -> Result<Imported> {
    let now = by.judge(tx)?;
    let mut bad = file.bad.clone();
    let mut of_repository: BTreeMap<Id, Vec<&Record>> = BTreeMap::new();
    for record in &file.records {
        match resolve_repository(tx, &record.repository) {
            Ok(repository) => of_repository.entry(repository.repository_id).or_default().push(record),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Parameter) => {
                bad.push(BadLine::new(record.line, None, error.message().to_owned()));
            }
            Err(error) => return Err(error),
        }
    }
    let mut superseded = 0;
    let mut last = Vec::new();
    for (id, records) in of_repository {
        let known = find_lease(tx, id)?;
        let (kept, good) = settle(records, known.as_ref(), now, &mut bad);
        superseded += good.saturating_sub(1);
        last.extend(kept.map(|(record, token)| (id, record, token)));
    }
    bad.sort_by_key(|bad| bad.line);
    if strict && !bad.is_empty() {
        return Err(refuse(
            ImportRefused { bad },
            "correct the lines, or import what is good without `strict`",
        ));
    }
    write(tx, by, now, &last)?;
    Ok(Imported { imported: last.len() as u64, superseded, bad })
}

/// The lease of a repository that began last, with its token, and how many are good. Each is held against the one before
/// it, and the first against what is known.
fn settle<'r>(
    mut records: Vec<&'r Record>,
    known: Option<&Lease>,
    now: Timestamp,
    bad: &mut Vec<BadLine>,
) -> (Option<(&'r Record, i64)>, u64) {
    records.sort_by_key(|record| (record.acquired_at, record.line));
    let mut last: Option<(&Record, i64)> = None;
    let mut good = 0;
    for record in records {
        let highest = last.map_or(known.map_or(0, |known| known.token), |(_, token)| token);
        let reason = match (last, known) {
            _ if record.acquired_at > now => "it begins in the future".to_owned(),
            _ if record.released && record.ends_at > now => "it was given back in the future".to_owned(),
            (_, Some(known)) if known.is_live(now) => {
                format!("{} holds the lease here until {:.0}", known.holder, known.expires_at)
            }
            (_, Some(known)) if known.acquired_at >= record.acquired_at => {
                format!("a later lease is known here, of {} from {:.0} on", known.holder, known.acquired_at)
            }
            (None, Some(known)) if known.expires_at > record.acquired_at => {
                format!("it overlaps with the lease of {} that is known here", known.holder)
            }
            (Some((last, _)), _) if record.acquired_at < last.ends_at => {
                format!("it overlaps with the lease of {} on line {}", last.holder, last.line)
            }
            _ => match record.token.or(highest.checked_add(1)) {
                Some(token) if token > highest => {
                    last = Some((record, token));
                    good += 1;
                    continue;
                }
                token => {
                    let token = token.map(|token| format!(" {token}")).unwrap_or_default();
                    format!("its token{token} is not higher than {highest}, which was granted before")
                }
            },
        };
        bad.push(BadLine::new(record.line, None, reason));
    }
    (last, good)
}

fn write(tx: &mut WriteTx<'_>, by: By<'_>, now: Timestamp, leases: &[(Id, &Record, i64)]) -> Result<()> {
    tx.insert_many(IMPORT, |rows| {
        for (repository_id, record, token) in leases {
            let Record { holder, acquired_at, ends_at, released, .. } = record;
            let status = if *released { LeaseStatus::Released } else { LeaseStatus::Held };
            let released_at = released.then_some(ends_at);
            rows.push(params! {
                repository_id, holder, token, status, acquired_at, expires_at: ends_at, released_at, now
            })?;
        }
        Ok(())
    })?;
    let entry = |(id, record, token): &(Id, &Record, i64)| {
        let data = json!({
            "line": record.line, "holder": record.holder, "token": token, "until": record.ends_at,
            "released": record.released,
        });
        Change::of(Action::Import, "lease", *id).repository(*id).data(data)
    };
    trail::record_many(tx, by, now, leases.iter().map(entry))
}
