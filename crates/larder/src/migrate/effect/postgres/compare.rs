//! What a table held before, beside what it holds now.

use super::fact::{Column, Facts, Table};
use super::look::{Looked, both, digest};
use super::need::{Need, Needs};
use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::effect::compare::{Rows, filled};
use crate::migrate::effect::measure::Seen;
use crate::migrate::history::one;
use crate::migrate::loss::{Loss, LossKind};
use crate::migrate::report::Effects;
use foldhash::fast::FixedState;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::ControlFlow;

pub(super) struct Comparison<'a> {
    pub(super) connection: &'a mut dyn Connection,
    pub(super) before: &'a Facts,
    pub(super) after: &'a Facts,
    pub(super) looked: &'a BTreeMap<i64, Looked>,
    pub(super) seen: &'a Seen,
    /// Tables by their old and their new name.
    pub(super) moved: BTreeMap<String, String>,
}

/// A column before and now.
type Pair<'a> = (&'a Column, &'a Column);

/// A statement has at most 1664 columns in its answer, and three are asked for each of the table's.
const AT_ONCE: usize = 200;
const ROOM: &str = "SELECT pg_catalog.current_setting('work_mem'), pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem'))";
const SET_ROOM: &str = "SELECT pg_catalog.set_config('work_mem', :room, true)";
/// For a join, in bytes and as a setting.
const ENOUGH: (i64, &str) = (64 << 20, "64MB");
/// So many rows without a key are looked at one by one, to tell a value that was filled in from one that is gone.
const FETCHED: u64 = 200_000;

impl Comparison<'_> {
    fn tables(&mut self, needs: &Needs, effects: &mut Effects) -> Result<()> {
        for (oid, was) in &self.before.tables {
            if let Some(is) = self.after.tables.get(oid).filter(|is| is.name != was.name) {
                effects.changes.push(format!("keeps the rows of {} as {}", was.name, is.name));
                self.moved.insert(was.name.clone(), is.name.clone());
            }
        }
        let mut list: Vec<(&Table, i64, &Need)> = Vec::new();
        for (oid, need) in needs {
            list.extend(self.before.tables.get(oid).map(|was| (was, *oid, need)));
        }
        list.sort_by_key(|(was, ..)| &was.name);
        for (was, oid, need) in list {
            let Some(looked) = self.looked.get(&oid).filter(|looked| looked.serves(need)) else {
                return Err(Error::new(ErrorKind::Internal, format!("{} was not looked at", was.name)));
            };
            let after = self.after;
            let now = after.tables.get(&oid);
            let rebuilt = after.by_name(&was.name).filter(|(oid, _)| !self.before.tables.contains_key(oid));
            if let Some(is) = now {
                effects.losses.extend(self.compare(was, is, looked, true)?);
            } else if let Some((_, is)) = rebuilt {
                effects.losses.extend(self.compare(was, is, looked, false)?);
            } else if let Some(new) = self.find_moved(was, looked)? {
                effects.changes.push(format!("keeps the rows of {} as {new}", was.name));
                self.moved.insert(was.name.clone(), new);
            } else {
                effects.losses.push(Loss::new(LossKind::Table, &was.name, looked.rows));
            }
        }
        Ok(())
    }

    /// A server's usual share of memory for a join is a few megabytes, with which a large table is sorted on its disk.
    pub(super) fn tables_with_room(&mut self, needs: &Needs, effects: &mut Effects) -> Result<()> {
        let usual: Option<(String, i64)> = one(self.connection, ROOM)?;
        let usual = usual.filter(|(_, room)| *room < ENOUGH.0);
        if usual.is_some() {
            self.set_room(ENOUGH.1)?;
        }
        self.tables(needs, effects)?;
        usual.map_or(Ok(()), |(usual, _)| self.set_room(&usual))
    }

    fn set_room(&mut self, room: &str) -> Result<()> {
        self.connection.query(SET_ROOM, crate::params! { room }, &mut |_| Ok(ControlFlow::Continue(())))
    }

    /// The new table that has all columns of one that is gone, with the same contents.
    fn find_moved(&mut self, was: &Table, looked: &Looked) -> Result<Option<String>> {
        if looked.copy.is_none() {
            return Ok(None);
        }
        let after = self.after;
        let new = after.tables.iter().filter(|(oid, table)| {
            !self.before.tables.contains_key(*oid)
                && was.held().all(|column| table.column(&column.name).is_some())
                && !self.moved.values().any(|name| *name == table.name)
        });
        let candidates: Vec<&Table> = new.map(|(_, table)| table).collect();
        for table in candidates {
            if self.compare(was, table, looked, false)?.is_empty() {
                return Ok(Some(table.name.clone()));
            }
        }
        Ok(None)
    }

    /// What the table lost. It is the same one, or another that took its place.
    fn compare(&mut self, was: &Table, is: &Table, looked: &Looked, same: bool) -> Result<Vec<Loss>> {
        let mut losses = Vec::new();
        let mut pairs: Vec<Pair<'_>> = Vec::new();
        let mut gone = Vec::new();
        for column in was.held() {
            let by_name = || is.column(&column.name).or_else(|| is.column(self.new_name(was, column)?));
            let by_number = || is.columns.iter().find(|now| now.number == column.number);
            match if same { by_number() } else { by_name() } {
                Some(now) => pairs.push((column, now)),
                None => gone.push(column),
            }
        }
        let key: Option<Vec<Pair<'_>>> = was
            .key()
            .into_iter()
            .map(|column| pairs.iter().copied().find(|(was, _)| was.number == column.number))
            .collect();
        let key = match key {
            Some(key) if !key.is_empty() && self.is_unique(is, &key)? => key,
            _ => Vec::new(),
        };
        for column in gone {
            if let Some(now) = self.find_renamed(was, is, column, looked, &key, &pairs)? {
                pairs.push((column, now));
                continue;
            }
            let values = looked.values.get(&column.number).copied().unwrap_or(0);
            losses.push(Loss::new(LossKind::Column, format!("{}.{}", was.name, column.name), values));
        }
        pairs.sort_by_key(|(was, _)| was.number);
        if looked.rows == 0 {
            return Ok(losses);
        }
        match &looked.copy {
            Some(copy) if key.is_empty() => losses.extend(self.by_content(was, is, copy, &pairs)?),
            Some(copy) => losses.extend(self.by_key(was, is, copy, &key, &pairs)?),
            None if same && was.node != is.node => {
                let now: u64 =
                    one(self.connection, &format!("SELECT count(*) FROM {}", is.path()))?.unwrap_or(0);
                if now < looked.rows {
                    losses.push(Loss::new(LossKind::Rows, &was.name, looked.rows - now));
                }
            }
            None => {}
        }
        Ok(losses)
    }

    /// The name that the text of the migration gives a column.
    fn new_name(&self, was: &Table, column: &Column) -> Option<&str> {
        let renames = self.seen.renamed_columns.iter();
        renames
            .filter(|(table, from, _)| {
                table.eq_ignore_ascii_case(&was.name) && from.eq_ignore_ascii_case(&column.name)
            })
            .map(|(.., to)| to.as_str())
            .next_back()
    }

    /// Whether the columns tell the rows of the table apart.
    fn is_unique(&mut self, is: &Table, key: &[Pair<'_>]) -> Result<bool> {
        let mut now: Vec<i64> = is.key().iter().map(|column| column.number).collect();
        let mut asked: Vec<i64> = key.iter().map(|(_, now)| now.number).collect();
        now.sort_unstable();
        asked.sort_unstable();
        if now == asked {
            return Ok(true);
        }
        let list: Vec<String> = key.iter().map(|(_, now)| digest(now, "t")).collect();
        let list = list.join(", ");
        let sql =
            format!("SELECT NOT EXISTS (SELECT FROM {} AS t GROUP BY {list} HAVING count(*) > 1)", is.path());
        Ok(one(self.connection, &sql)?.unwrap_or(false))
    }

    /// A new column that has all values of one that is gone, of which there are different ones, row by row.
    fn find_renamed<'t>(
        &mut self,
        was: &Table,
        is: &'t Table,
        column: &Column,
        looked: &Looked,
        key: &[Pair<'_>],
        pairs: &[Pair<'_>],
    ) -> Result<Option<&'t Column>> {
        let Some(copy) = looked.copy.as_ref().filter(|_| !key.is_empty()) else { return Ok(None) };
        let new = is.held().filter(|now| {
            was.column(&now.name).is_none() && !pairs.iter().any(|(_, taken)| taken.number == now.number)
        });
        for now in new {
            let sql = format!(
                "SELECT count(DISTINCT b.c{0}) > 1 AND count(*) FILTER (WHERE a.c{0} IS DISTINCT FROM {1}) = 0 FROM {2}",
                column.number,
                both(column, now).0,
                joined(copy, is, key, &[(column, now)])
            );
            if one::<bool>(self.connection, &sql)?.unwrap_or(false) {
                return Ok(Some(now));
            }
        }
        Ok(None)
    }

    /// Row by row, those with one key beside each other.
    fn by_key(
        &mut self,
        was: &Table,
        is: &Table,
        copy: &str,
        key: &[Pair<'_>],
        pairs: &[Pair<'_>],
    ) -> Result<Vec<Loss>> {
        let mut losses = Vec::new();
        for (at, pairs) in pairs.chunks(AT_ONCE).enumerate() {
            let mut list = vec!["count(*) FILTER (WHERE a.there IS NULL)".to_owned()];
            for (column, now) in pairs {
                let (n, was) = (column.number, both(column, now).0);
                list.push(format!(
                    "count(*) FILTER (WHERE a.there AND b.c{n} IS NOT NULL AND a.c{n} IS NULL)"
                ));
                list.push(format!("count(*) FILTER (WHERE a.there AND {was} <> a.c{n})"));
            }
            let sql = format!("SELECT {} FROM {}", list.join(", "), joined(copy, is, key, pairs));
            let counts: Vec<u64> = one(self.connection, &sql)?.unwrap_or_default();
            let rows = counts.first().copied().unwrap_or(0);
            if rows > 0 && at == 0 {
                losses.push(Loss::new(LossKind::Rows, &was.name, rows));
            }
            for ((column, now), counts) in pairs.iter().zip(counts.get(1..).unwrap_or_default().chunks(2)) {
                let other = if column.sort == now.sort { LossKind::Overwritten } else { LossKind::Retyped };
                for (kind, count) in [LossKind::Nulled, other].into_iter().zip(counts) {
                    if *count > 0 {
                        losses.push(Loss::new(kind, format!("{}.{}", was.name, column.name), *count));
                    }
                }
            }
        }
        Ok(losses)
    }

    /// Rows without a key: each counts as lost that is not there any more with all the values that it had.
    fn by_content(&mut self, was: &Table, is: &Table, copy: &str, pairs: &[Pair<'_>]) -> Result<Vec<Loss>> {
        let text = |(was, now): &Pair<'_>| {
            let (then, now) = both(was, now);
            (format!("{then}::text COLLATE \"C\""), format!("{now}::text COLLATE \"C\""))
        };
        let (then, now): (Vec<String>, Vec<String>) = pairs.iter().map(text).unzip();
        let (then, now) = (
            format!("SELECT {} FROM {copy} AS b", then.join(", ")),
            format!("SELECT {} FROM {} AS t", now.join(", "), is.path()),
        );
        let (lost, new) = (format!("{then} EXCEPT ALL {now}"), format!("{now} EXCEPT ALL {then}"));
        let count = |sql: &str| format!("SELECT count(*) FROM ({sql}) AS x");
        let mut rows: u64 = one(self.connection, &count(&lost))?.unwrap_or(0);
        if rows == 0 {
            return Ok(Vec::new());
        }
        let added: u64 = one(self.connection, &count(&new))?.unwrap_or(0);
        if !pairs.is_empty() && rows.max(added) <= FETCHED {
            let (lost, new) = (self.fetch(&lost, pairs.len())?, self.fetch(&new, pairs.len())?);
            rows = filled(lost, new).values().sum();
        }
        Ok(if rows == 0 { Vec::new() } else { vec![Loss::new(LossKind::Rows, &was.name, rows)] })
    }

    fn fetch(&mut self, sql: &str, width: usize) -> Result<Rows> {
        let mut rows = Rows::default();
        let state = FixedState::with_seed(0x1a4d_e700);
        self.connection.query(sql, &[], &mut |row| {
            let mut values = Vec::with_capacity(width);
            for index in 0..width {
                let value: Option<&str> = row.get(index)?;
                // The lowest bits tell NULL from a text.
                values.push(value.map_or(0, |text| state.hash_one(text) << 3 | 3));
            }
            *rows.entry(values).or_default() += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }
}

/// The rows of the copy as `b`, and beside each, as `a`, the one of the table that has its key now.
fn joined(copy: &str, is: &Table, key: &[Pair<'_>], pairs: &[Pair<'_>]) -> String {
    let mut list = vec!["TRUE AS there".to_owned()];
    let mut on = Vec::new();
    for (was, now) in key {
        let (then, now) = both(was, now);
        list.push(format!("{now} AS k{}", was.number));
        on.push(format!("a.k{} = {then}", was.number));
    }
    list.extend(pairs.iter().map(|(was, now)| format!("{} AS c{}", both(was, now).1, was.number)));
    format!(
        "{copy} AS b LEFT JOIN (SELECT {} FROM {} AS t) AS a ON {}",
        list.join(", "),
        is.path(),
        on.join(" AND ")
    )
}
