//! Is in the target what was read from the source? The target's rows are read back, in the transaction that wrote them.

use super::check::row_name;
use super::pair::Pair;
use super::rows::{Sum, Teller, hash};
use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::Row;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Compares a table with what the check saw at the source.
pub(super) fn verify(
    source: &mut dyn Connection,
    target: &mut dyn Connection,
    pair: &Pair,
    expected: &Sum,
    teller: &mut Teller<'_>,
) -> Result<()> {
    let mut found = Sum::default();
    each(target, pair, false, |bytes, _| {
        found.add(bytes);
        teller.row(bytes.len())
    })?;
    if found == *expected {
        return Ok(());
    }
    let first = first_difference(source, target, pair, teller)?;
    let message = format!(
        "the table {} is not in the target what it is at the source: {} rows and {} there{first}",
        pair.from.name, expected.rows, found.rows
    );
    Err(Error::new(ErrorKind::Corrupt, message).with_help(
        "nothing was kept; does the target's schema change values as they come in, as char(n) pads them?",
    ))
}

/// Hands over the rows of one side in the form in which they are compared. A value without one counts as what no value is.
fn each(
    connection: &mut dyn Connection,
    pair: &Pair,
    is_source: bool,
    mut with: impl FnMut(&[u8], Row<'_>) -> Result<()>,
) -> Result<()> {
    let (table, mut names) =
        if is_source { (&pair.from, pair.from_columns.clone()) } else { (&pair.to, pair.to_columns.clone()) };
    // Only a row of the source is ever named.
    let name = table.row_name.filter(|_| is_source);
    names.splice(0..0, name.map(str::to_owned));
    let skip = usize::from(name.is_some());
    let mut bytes = Vec::new();
    Pair::columns(table, &names, false, |columns| {
        connection.unload(columns, &mut |row| {
            bytes.clear();
            for (index, measure) in pair.measures.iter().enumerate() {
                if measure.bytes(row.value(index + skip)?, &mut bytes).is_err() {
                    bytes.push(u8::MAX);
                }
            }
            with(&bytes, row)?;
            Ok(ControlFlow::Continue(()))
        })
    })
}

/// In how many parts the rows are divided to find a difference without holding them all.
const PARTS: usize = 1 << 16;
/// How many parts that differ are looked at.
const LOOKED_AT: usize = 64;

/// Names the first row of the source that the target has not, in words to add to a message.
fn first_difference(
    source: &mut dyn Connection,
    target: &mut dyn Connection,
    pair: &Pair,
    teller: &Teller<'_>,
) -> Result<String> {
    let part = |hash: &[u8; 32]| usize::from(u16::from_be_bytes([hash[0], hash[1]]));
    let mut sides = [vec![0_u64; PARTS], vec![0_u64; PARTS]];
    let [ours, theirs] = &mut sides;
    for (parts, connection, is_source) in [(ours, &mut *source, true), (theirs, &mut *target, false)] {
        each(connection, pair, is_source, |bytes, _| {
            let hash = hash(bytes);
            if let (Some(sum), Some((low, _))) = (parts.get_mut(part(&hash)), hash.split_first_chunk::<8>()) {
                *sum = sum.wrapping_add(u64::from_be_bytes(*low) | 1);
            }
            Ok(())
        })?;
        teller.check()?;
    }
    let [ours, theirs] = &sides;
    let differ: BTreeSet<usize> = ours
        .iter()
        .zip(theirs)
        .enumerate()
        .filter(|(_, (ours, theirs))| ours != theirs)
        .map(|(at, _)| at)
        .take(LOOKED_AT)
        .collect();
    let mut there: BTreeMap<[u8; 32], u64> = BTreeMap::new();
    each(target, pair, false, |bytes, _| {
        let hash = hash(bytes);
        if differ.contains(&part(&hash)) {
            *there.entry(hash).or_default() += 1;
        }
        Ok(())
    })?;
    let mut first = None;
    let mut at = 0;
    each(source, pair, true, |bytes, row| {
        at += 1;
        let hash = hash(bytes);
        if first.is_none() && differ.contains(&part(&hash)) {
            match there.get_mut(&hash) {
                Some(count) if *count > 0 => *count -= 1,
                _ => first = Some(row_name(&pair.from, row, at)),
            }
        }
        Ok(())
    })?;
    Ok(first.map_or_else(
        || "; the target has rows that the source has not".to_owned(),
        |name| format!("; the first that differs is {name}"),
    ))
}
