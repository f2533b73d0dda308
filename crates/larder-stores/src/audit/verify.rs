//! Is the chain whole?

use super::anchor::Anchor;
use super::chain::Chain;
use super::check;
use super::hash::Head;
use super::trail::Trail;
use larder::{Error, ErrorKind, ReadTx, Result, Row, ValueRef};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::ControlFlow;

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verification {
    /// The table of the trail.
    pub trail: String,
    /// So many entries from the first on follow from one another.
    pub entries: u64,
    /// The last of them; 0 and zeros where there is none.
    pub head: Head,
    /// The first entry that is broken.
    pub broken: Option<Broken>,
}

/// The first entry of a trail that is broken. Nothing behind it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Broken {
    /// Its number.
    pub seq: i64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum Fault {
    /// Its hash is not that of what it holds and of the entries before: it was changed, or one took its place.
    Changed,
    /// There is no entry of this number, and there are later ones.
    Missing,
    /// It has a number that no entry can have, or that another has too.
    Inserted,
    /// A column holds what this tool never writes there.
    Unreadable {
        /// The column.
        column: String,
        /// What it holds, in words.
        found: String,
    },
    /// The trail ends before the entry of the anchor: this one and those up to the anchor's were removed.
    Cut {
        /// The number of the anchor.
        anchor: i64,
    },
    /// There is no such table, or something else under its name: the trail is gone, with all its entries.
    Gone,
    /// The table has lost a column, or its name: what it held is gone from every entry.
    Lacking {
        /// The column.
        column: String,
    },
    /// The chain is whole and is not the one of the anchor: this entry or earlier ones were written anew.
    Rewritten,
}

impl Verification {
    /// True when nothing is broken.
    pub fn is_whole(&self) -> bool {
        self.broken.is_none()
    }
}

/// Reads the whole trail and computes its chain anew, up to the first entry that is broken, and holds it against anchors:
/// `None`, one or many.
///
/// Whatever the table holds, a broken trail is no error of this call.
///
/// # Errors
/// [`ErrorKind::Config`] for the anchor of another trail; or what the engine says.
pub fn verify<'a>(
    tx: &mut ReadTx<'_>,
    trail: &Trail,
    anchors: impl IntoIterator<Item = &'a Anchor>,
) -> Result<Verification> {
    let mut anchors: Vec<&Anchor> = anchors.into_iter().collect();
    if let Some(other) = anchors.iter().find(|anchor| anchor.trail != trail.table) {
        return Err(Error::new(
            ErrorKind::Config,
            format!("the anchor is one of {} and the trail is {}", other.trail, trail.table),
        ));
    }
    let fault = match super::exists(tx, trail)? {
        false => Some(Fault::Gone),
        true => check::lacking(tx, trail)?.map(|column| Fault::Lacking { column: column.into() }),
    };
    if let Some(fault) = fault {
        let broken = Some(Broken { seq: 1, fault });
        return Ok(Verification { trail: trail.table.into(), entries: 0, head: Head::START, broken });
    }
    anchors.sort_by_key(|anchor| anchor.seq);
    let mut anchors = anchors.into_iter().peekable();
    let mut chain = Chain::new(trail, Head::START);
    let mut good = Head::START;
    let mut broken = None;
    tx.query_each(trail.walk, &[], |row| {
        if let Err(found) = entry(&row, trail, &mut chain) {
            broken = Some(found);
            return Ok(ControlFlow::Break(()));
        }
        let head = chain.head();
        while let Some(anchor) = anchors.next_if(|anchor| anchor.seq <= head.seq) {
            if (anchor.seq, anchor.hash) != (head.seq, head.hash) {
                broken = Some(Broken { seq: anchor.seq, fault: Fault::Rewritten });
                return Ok(ControlFlow::Break(()));
            }
        }
        good = head;
        Ok(ControlFlow::Continue(()))
    })?;
    if broken.is_none() {
        broken = anchors.next().map(|anchor| Broken {
            seq: good.seq.saturating_add(1),
            fault: Fault::Cut { anchor: anchor.seq },
        });
    }
    let entries = u64::try_from(good.seq).unwrap_or_default();
    Ok(Verification { trail: trail.table.into(), entries, head: good, broken })
}

/// Holds a row against the chain, of which it is the head afterwards.
fn entry(row: &Row<'_>, trail: &Trail, chain: &mut Chain) -> std::result::Result<(), Broken> {
    let seq = chain.begin();
    let broken = |fault| Err(Broken { seq, fault });
    let unreadable = |column: &str, at: usize| {
        let found = row.value(at).map_or("text that is not UTF-8", ValueRef::kind);
        broken(Fault::Unreadable { column: column.into(), found: found.into() })
    };
    match row.value(0) {
        Ok(ValueRef::Integer(found)) if found == seq => {}
        Ok(ValueRef::Integer(found)) if found > seq => return broken(Fault::Missing),
        Ok(ValueRef::Integer(found)) => return Err(Broken { seq: found, fault: Fault::Inserted }),
        _ => return unreadable("seq", 0),
    }
    for (at, column) in (2..).zip(trail.columns) {
        if row.value(at).map_or(true, |value| chain.value(column, value).is_err()) {
            return unreadable(column.name, at);
        }
    }
    let hash = chain.seal().hex();
    match row.value(1) {
        Ok(ValueRef::Text(digits)) if digits.as_bytes() == hash.as_bytes() => Ok(()),
        Ok(ValueRef::Text(_)) => broken(Fault::Changed),
        _ => unreadable("hash", 1),
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match &self.fault {
            Fault::Changed => write!(
                f,
                "entry {seq} was changed: its hash is not that of what it holds and of the entries before it"
            ),
            Fault::Missing => write!(f, "entry {seq} is missing, and there are later ones"),
            Fault::Inserted => {
                write!(f, "an entry was put in with the number {seq}, which is not the next one")
            }
            Fault::Unreadable { column, found } => {
                write!(f, "entry {seq} was changed: its column {column} holds {found}")
            }
            Fault::Cut { anchor } if *anchor == seq => {
                write!(f, "entry {seq} is missing: the anchor knows it, and the trail ends before it")
            }
            Fault::Cut { anchor } => write!(
                f,
                "entry {seq} is missing: the anchor knows entries up to {anchor}, and the trail ends before it"
            ),
            Fault::Gone => {
                write!(f, "entry {seq} is missing: the table of the trail is gone, with all its entries")
            }
            Fault::Lacking { column } => write!(
                f,
                "entry {seq} was changed: the table of the trail has no column {column}, so what every entry held there is gone"
            ),
            Fault::Rewritten => write!(
                f,
                "entry {seq} is not the one of the anchor: the trail was written anew, from there or from an earlier entry on"
            ),
        }
    }
}
