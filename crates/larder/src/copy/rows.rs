//! What is counted while rows go by, and who is told; and the rows themselves, from the source into the target.

use super::pair::Pair;
use super::report::{Phase, Progress};
use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::Stop;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How often the progress is told.
const OFTEN: Duration = Duration::from_millis(100);
/// After how many rows the clock is looked at.
const ROWS: u64 = 1024;

/// Who is told how far it is.
pub(super) type Told<'a> = Option<Box<dyn FnMut(&Progress) + 'a>>;

/// Tells how far it is, and hears when it is to stop.
pub(super) struct Teller<'a> {
    told: Told<'a>,
    stop: Stop,
    last: Option<Instant>,
    progress: Progress,
}

impl<'a> Teller<'a> {
    pub(super) fn new(told: Told<'a>, stop: Stop) -> Self {
        let progress = Progress {
            phase: Phase::Building,
            table: String::new(),
            at: 0,
            tables: 0,
            rows: 0,
            of_rows: 0,
            bytes: 0,
        };
        Self { told, stop, last: None, progress }
    }

    /// Another phase begins.
    pub(super) fn phase(&mut self, phase: Phase, tables: usize) -> Result<()> {
        if phase == Phase::Loading {
            self.progress.of_rows = self.progress.rows;
        }
        let of_rows = self.progress.of_rows;
        self.progress = Progress { phase, table: String::new(), at: 0, tables, rows: 0, of_rows, bytes: 0 };
        self.tell()
    }

    /// The next table begins.
    pub(super) fn table(&mut self, name: &str) -> Result<()> {
        self.progress.table = name.to_owned();
        self.progress.at += 1;
        if self.last.is_none_or(|last| last.elapsed() >= OFTEN) { self.tell() } else { self.check() }
    }

    /// A row has gone by.
    pub(super) fn row(&mut self, bytes: usize) -> Result<()> {
        self.progress.rows += 1;
        self.progress.bytes += u64::try_from(bytes).unwrap_or(0);
        if !self.progress.rows.is_multiple_of(ROWS) {
            return Ok(());
        }
        if self.last.is_none_or(|last| last.elapsed() >= OFTEN) { self.tell() } else { self.check() }
    }

    fn tell(&mut self) -> Result<()> {
        self.last = Some(Instant::now());
        if let Some(told) = &mut self.told {
            told(&self.progress);
        }
        self.check()
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.stop.is_asked() {
            return Err(Error::new(ErrorKind::Interrupted, "the copy was stopped; the target is as it was"));
        }
        Ok(())
    }
}

/// The content of a table: how much, and a hash that does not depend on the order of its rows. Each row's own hash is
/// SHA-256; these are added up, lane by lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    lanes: [u64; 4],
}

impl Sum {
    pub(super) fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        self.bytes += u64::try_from(row.len()).unwrap_or(0);
        self.add_hash(&hash(row));
    }

    fn add_hash(&mut self, hash: &[u8; 32]) {
        for (lane, part) in self.lanes.iter_mut().zip(hash.as_chunks::<8>().0) {
            *lane = lane.wrapping_add(u64::from_be_bytes(*part));
        }
    }

    pub(super) fn hex(&self) -> String {
        let mut text = String::new();
        for lane in self.lanes {
            // Writing to a String can't fail.
            let _ = write!(text, "{lane:016x}");
        }
        text
    }
}

pub(super) fn hash(row: &[u8]) -> [u8; 32] {
    Sha256::digest(row).into()
}

/// Loads the rows of a table.
pub(super) fn load(
    source: &mut dyn Connection,
    target: &mut dyn Connection,
    pair: &Pair,
    teller: &mut Teller<'_>,
) -> Result<u64> {
    Pair::columns(&pair.from, &pair.from_columns, false, |from| {
        Pair::columns(&pair.to, &pair.to_columns, true, |to| {
            target.load(to, &mut |rows| {
                source.unload(from, &mut |row| {
                    rows.row(row)?;
                    teller.row(0)?;
                    Ok(ControlFlow::Continue(()))
                })
            })
        })
    })
}
