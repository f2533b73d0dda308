//! Two images of a table: what of the one is not in the other.

use super::image::{ColumnImage, Image, Kept, NULL};
use crate::migrate::loss::{Loss, LossKind};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

/// What `before` has and `after` has not. `renames` are the columns that the migration's text renames, from and to. `None`
/// where row must be compared with row, and an image has not kept its rows though they are not too many to keep.
pub(super) fn losses(
    table: &str,
    before: &Image,
    after: &Image,
    renames: &[(String, String)],
    keyed: bool,
    last_word: bool,
) -> Option<Vec<Loss>> {
    let mut losses = Vec::new();
    let mut common: Vec<Common<'_>> = Vec::new();
    for (at, column) in before.columns.iter().enumerate() {
        let there = after.column(&column.name);
        let there = there.or_else(|| renamed(before, after, column, renames, &common));
        match there {
            Some((there, now)) => common.push(Common { before: at, after: there, was: column, is: now }),
            None => {
                losses.push(Loss::new(LossKind::Column, format!("{table}.{}", column.name), column.values()));
            }
        }
    }
    // What was never there can't be lost. Without a key, columns that hold the same values may hold them in other rows.
    let same = before.rows == after.rows && common.iter().all(|column| column.was.same(column.is));
    if before.rows == 0 || (keyed && same) {
        return Some(losses);
    }
    match (&before.kept, &after.kept) {
        (Some(was), Some(is)) if keyed => match by_key(table, before, was, after, is, &common) {
            Some(found) => losses.extend(found),
            None => losses.extend(by_content(table, before, was, after, is, &common)),
        },
        (Some(was), Some(is)) => losses.extend(by_content(table, before, was, after, is, &common)),
        _ if last_word => {
            let found = by_numbers(table, before, after, &common);
            if found.is_empty() && !keyed {
                // Too large to look which row has what.
                losses.push(Loss { at_least: true, ..Loss::new(LossKind::Rows, table, 0) });
            }
            losses.extend(found);
        }
        _ => return None,
    }
    Some(losses)
}

/// The new column that a column was renamed to: as the text says, or because it has all its values, of which there must be
/// different ones, and is not taken for another.
fn renamed<'a>(
    before: &Image,
    after: &'a Image,
    column: &ColumnImage,
    renames: &[(String, String)],
    taken: &[Common<'_>],
) -> Option<(usize, &'a ColumnImage)> {
    let said = renames.iter().find(|(from, _)| from.eq_ignore_ascii_case(&column.name));
    if let Some((_, to)) = said {
        return after.column(to);
    }
    let mut new = after.columns.iter().enumerate().filter(|(at, candidate)| {
        before.column(&candidate.name).is_none() && !taken.iter().any(|common| common.after == *at)
    });
    new.find(|(_, candidate)| column.varied && candidate.same(column))
}

struct Common<'a> {
    before: usize,
    after: usize,
    was: &'a ColumnImage,
    is: &'a ColumnImage,
}

/// Row by row, those with one key beside each other. `None` where the key does not tell rows apart after all.
fn by_key(
    table: &str,
    before: &Image,
    was: &Kept,
    after: &Image,
    is: &Kept,
    common: &[Common<'_>],
) -> Option<Vec<Loss>> {
    let mut places: HashMap<u64, usize, foldhash::fast::FixedState> = HashMap::default();
    for (place, key) in was.keys.iter().enumerate() {
        match places.entry(*key) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(free) => free.insert(place),
        };
    }
    let mut counts = vec![[0_u64; 3]; common.len()];
    let rows = is.keys.iter().zip(is.values.chunks_exact(after.columns.len()));
    for (key, now) in rows {
        let Some(place) = places.remove(key) else { continue };
        let start = place * before.columns.len();
        let then = was.values.get(start..start + before.columns.len())?;
        for (column, [nulled, retyped, overwritten]) in common.iter().zip(&mut counts) {
            let (then, now) = (then.get(column.before)?, now.get(column.after)?);
            match (then & 7, now & 7) {
                _ if then == now => {}
                (class, _) if class == u64::from(NULL) => {}
                (_, class) if class == u64::from(NULL) => *nulled += 1,
                (a, b) if a != b => *retyped += 1,
                _ => *overwritten += 1,
            }
        }
    }
    let mut losses = Vec::new();
    if !places.is_empty() {
        losses.push(Loss::new(LossKind::Rows, table, places.len() as u64));
    }
    for (column, counts) in common.iter().zip(&counts) {
        let kinds = [LossKind::Nulled, LossKind::Retyped, LossKind::Overwritten];
        for (kind, count) in kinds.into_iter().zip(counts) {
            if *count > 0 {
                losses.push(Loss::new(kind, format!("{table}.{}", column.was.name), *count));
            }
        }
    }
    Some(losses)
}

/// Rows without a key: each counts as lost that is not there any more with all the values that it had.
fn by_content(
    table: &str,
    before: &Image,
    was: &Kept,
    after: &Image,
    is: &Kept,
    common: &[Common<'_>],
) -> Vec<Loss> {
    let mut then = Rows::default();
    for row in was.values.chunks_exact(before.columns.len()) {
        *then
            .entry(common.iter().filter_map(|column| row.get(column.before).copied()).collect())
            .or_default() += 1;
    }
    let mut now = Rows::default();
    for row in is.values.chunks_exact(after.columns.len()) {
        let values: Vec<u64> = common.iter().filter_map(|column| row.get(column.after).copied()).collect();
        match then.get_mut(&values) {
            Some(count) if *count > 0 => *count -= 1,
            _ => *now.entry(values).or_default() += 1,
        }
    }
    then.retain(|_, count| *count > 0);
    let lost: u64 = filled(then, now).values().sum();
    if lost == 0 { Vec::new() } else { vec![Loss::new(LossKind::Rows, table, lost)] }
}

/// How often each row of values is there.
pub(super) type Rows = HashMap<Vec<u64>, u64, foldhash::fast::FixedState>;

/// What of `then` is left when those rows are taken away that are in `now` with a value in the place of a NULL: a column
/// that was filled has lost nothing.
pub(super) fn filled(mut then: Rows, now: Rows) -> Rows {
    let is_null = |value: &u64| value & 7 == u64::from(NULL);
    let mut now: Vec<(Vec<u64>, u64)> = now.into_iter().collect();
    let masks: BTreeSet<Vec<bool>> = then
        .keys()
        .map(|row| row.iter().map(is_null).collect::<Vec<_>>())
        .filter(|mask| mask.contains(&true))
        .collect();
    // Those with the fewest NULLs are the hardest to place.
    let mut masks: Vec<_> = masks.into_iter().collect();
    masks.sort_by_key(|mask| mask.iter().filter(|null| **null).count());
    // Each takes a look at all rows; beyond so many, a row too many is counted as lost rather than a minute spent.
    for mask in masks.into_iter().take(64) {
        let known = |row: &[u64]| -> Vec<u64> {
            row.iter().zip(&mask).filter(|(_, null)| !**null).map(|(value, _)| *value).collect()
        };
        let mut places: HashMap<Vec<u64>, Vec<usize>, foldhash::fast::FixedState> = HashMap::default();
        for (place, (row, _)) in now.iter().enumerate().filter(|(_, (_, count))| *count > 0) {
            places.entry(known(row)).or_default().push(place);
        }
        for (row, count) in &mut then {
            if !row.iter().map(is_null).eq(mask.iter().copied()) {
                continue;
            }
            for place in places.get(&known(row)).into_iter().flatten() {
                if let Some((_, free)) = now.get_mut(*place) {
                    let taken = (*free).min(*count);
                    *free -= taken;
                    *count -= taken;
                }
            }
        }
    }
    then
}

/// By the counts alone, which are lower bounds: what was lost and what was added may hide each other.
fn by_numbers(table: &str, before: &Image, after: &Image, common: &[Common<'_>]) -> Vec<Loss> {
    let mut losses = Vec::new();
    let mut add = |kind, object: String, count: u64| {
        let mut loss = Loss::new(kind, object, count);
        loss.at_least = true;
        losses.push(loss);
    };
    let gone = before.rows.saturating_sub(after.rows);
    if gone > 0 {
        add(LossKind::Rows, table.to_owned(), gone);
    }
    for column in common.iter().filter(|column| !column.was.same(column.is) && column.was.values() > 0) {
        let object = format!("{table}.{}", column.was.name);
        let fewer = column.was.values().saturating_sub(column.is.values()).saturating_sub(gone);
        let retyped = column.was.types.iter().zip(&column.is.types).skip(1);
        let retyped: u64 =
            retyped.map(|(was, is)| was.saturating_sub(*is)).sum::<u64>().saturating_sub(gone + fewer);
        match (fewer, retyped) {
            (0, 0) if gone == 0 => add(LossKind::Overwritten, object, 1),
            (0, 0) => {}
            (0, count) => add(LossKind::Retyped, object, count),
            (count, _) => add(LossKind::Nulled, object, count),
        }
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(names: &[&str], rows: &[&[u64]]) -> Image {
        let mut image = Image { rows: rows.len() as u64, kept: Some(Kept::default()), ..Image::default() };
        image.columns = names
            .iter()
            .enumerate()
            .map(|(at, name)| ColumnImage {
                name: (*name).into(),
                types: [0, rows.len() as u64, 0, 0, 0],
                digest: rows.iter().map(|row| row[at]).sum(),
                varied: true,
                ..ColumnImage::default()
            })
            .collect();
        for row in rows {
            let kept = image.kept.as_mut().unwrap();
            kept.keys.push(row[0]);
            kept.values.extend(row.iter().map(|value| value << 3 | 1));
        }
        image
    }

    #[test]
    fn rows_that_went_and_values_that_changed_are_counted_by_key() {
        let before = image(&["id", "a"], &[&[1, 10], &[2, 20], &[3, 30]]);
        let after = image(&["id", "a"], &[&[1, 11], &[3, 30], &[4, 40]]);
        let found = losses("t", &before, &after, &[], true, true).unwrap();
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["rows of t: 1 row", "column t.a: 1 value overwritten"]);
    }

    #[test]
    fn the_same_is_no_loss_and_a_renamed_column_is_none_either() {
        let before = image(&["id", "a"], &[&[1, 10], &[2, 20]]);
        assert!(losses("t", &before, &before, &[], true, false).unwrap().is_empty());
        let after = image(&["id", "b"], &[&[1, 10], &[2, 20]]);
        assert!(losses("t", &before, &after, &[], true, false).unwrap().is_empty());
        let dropped = image(&["id"], &[&[1], &[2]]);
        assert_eq!(
            losses("t", &before, &dropped, &[], true, false).unwrap()[0].to_string(),
            "column t.a: 2 values"
        );
    }

    #[test]
    fn without_rows_at_hand_the_answer_waits_or_is_a_lower_bound() {
        let mut before = image(&["id", "a"], &[&[1, 10], &[2, 20]]);
        let mut after = image(&["id", "a"], &[&[1, 10]]);
        (before.kept, after.kept) = (None, None);
        assert!(losses("t", &before, &after, &[], true, false).is_none());
        let found = losses("t", &before, &after, &[], true, true).unwrap();
        assert_eq!(found[0].to_string(), "rows of t: at least 1 row");
    }
}
