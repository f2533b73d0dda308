//! The doctor's look at leases.

use super::{LEASE_TERM, Lease, columns};
use crate::audit;
use crate::clock::{self, SystemClock};
use crate::forge::trail::TRAIL;
use jiff::Timestamp;
use larder::doctor::{Findings, Inspection};
use larder::{ReadTx, Result, params};

pub(super) const PAST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM leases WHERE status = 'held' AND expires_at <= :now ORDER BY expires_at LIMIT 10"
);
pub(super) const PAST_COUNT: &str =
    "SELECT count(*) FROM leases WHERE status = 'held' AND expires_at <= :now";
pub(super) const AHEAD_COUNT: &str =
    "SELECT count(*) FROM leases WHERE status = 'held' AND expires_at > :latest";
pub(super) const AHEAD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM leases WHERE status = 'held' AND expires_at > :latest ORDER BY expires_at DESC LIMIT 10"
);

/// Which leases are past their time, and which end later than a lease can?
#[derive(Debug)]
pub(crate) struct LeaseCheck;

impl Inspection for LeaseCheck {
    fn name(&self) -> &'static str {
        "forge_lease"
    }

    fn inspect(&self, tx: &mut ReadTx<'_>, findings: &mut Findings) -> Result<()> {
        // Where the trail is, the other tables of the store are.
        if !audit::exists(tx, &TRAIL)? {
            return Ok(());
        }
        let now = clock::agreed(tx, &SystemClock)?;
        look(tx, now, findings)
    }
}

fn look(tx: &mut ReadTx<'_>, now: Timestamp, findings: &mut Findings) -> Result<()> {
    let past: u64 = tx.query_one(PAST_COUNT, params! { now })?;
    if past > 0 {
        let some: Vec<Lease> = tx.query_all(PAST, params! { now })?;
        findings.warn(
            match past {
                1 => format!("a lease is past its time and was not given back: {}", listed(&some, past)),
                _ => {
                    format!(
                        "{past} leases are past their time and were not given back: {}",
                        listed(&some, past)
                    )
                }
            },
            "look whether their holders are still there; the next `larder lease acquire` takes one over",
        );
    }
    let latest = now.saturating_add(LEASE_TERM).unwrap_or(Timestamp::MAX);
    let ahead: u64 = tx.query_one(AHEAD_COUNT, params! { latest })?;
    if ahead > 0 {
        let some: Vec<Lease> = tx.query_all(AHEAD, params! { latest })?;
        let which = match ahead {
            1 => "a lease ends".to_owned(),
            _ => format!("{ahead} leases end"),
        };
        findings.warn(
            format!(
                "{which} later than in the 72 hours that one can last, so a clock was ahead when it was granted, or is \
                 behind now: {}",
                listed(&some, ahead)
            ),
            "set the clocks; a holder can give a lease back with `larder lease release`",
        );
    }
    Ok(())
}

fn listed(leases: &[Lease], all: u64) -> String {
    let shown =
        |lease: &Lease| format!("{} of {} until {:.0}", lease.repository_id, lease.holder, lease.expires_at);
    let mut text = leases.iter().map(shown).collect::<Vec<_>>().join(", ");
    let more = all.saturating_sub(leases.len() as u64);
    if more > 0 {
        text.push_str(&format!(", and {more} more"));
    }
    text
}
