//! The doctor's look at a trail.

use super::Trail;
use super::verify::verify;
use crate::engine::PerEngine;
use larder::doctor::{Findings, Inspection};
use larder::{ReadTx, Result, params};

/// Is the chain of a trail whole? A database without the table has nothing to be looked at.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) trail: &'static Trail,
}

impl Inspection for Check {
    fn name(&self) -> &'static str {
        self.name
    }

    fn inspect(&self, tx: &mut ReadTx<'_>, findings: &mut Findings) -> Result<()> {
        if !exists(tx, self.trail)? {
            return Ok(());
        }
        if let Some(broken) = verify(tx, self.trail, None)?.broken {
            findings.error(
                format!("the audit trail {} is broken: {broken}", self.trail.table),
                "keep a copy of the file, compare the entry with a backup, and find out who can write the file",
            );
        }
        Ok(())
    }
}

/// Each engine has a catalogue of its own.
pub(super) const EXISTS: PerEngine = PerEngine {
    sqlite: "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = :table",
    postgres: "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass(:table) AND relkind IN ('r', 'p')",
};

/// Whether the database has the table of a trail.
///
/// # Errors
/// What the engine says.
pub fn exists(tx: &mut ReadTx<'_>, trail: &Trail) -> Result<bool> {
    let sql = EXISTS.on(tx);
    Ok(tx.query_one::<i64>(sql, params! { table: trail.table })? > 0)
}

/// Of the catalogue too; also the columns that are hidden from `SELECT *`, for the statements on the trail name theirs.
pub(super) const COLUMNS: PerEngine = PerEngine {
    sqlite: "SELECT name FROM pragma_table_xinfo(:table)",
    postgres: "SELECT attname FROM pg_catalog.pg_attribute
        WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped",
};

/// The first column of a trail that its table lacks.
pub(super) fn lacking(tx: &mut ReadTx<'_>, trail: &Trail) -> Result<Option<&'static str>> {
    let sql = COLUMNS.on(tx);
    let there: Vec<String> = tx.query_all(sql, params! { table: trail.table })?;
    let mut wanted = ["seq", "hash"].into_iter().chain(trail.columns.iter().map(|column| column.name));
    Ok(wanted.find(|wanted| !there.iter().any(|name| name.eq_ignore_ascii_case(wanted))))
}
