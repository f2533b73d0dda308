//! Indexes that were never finished, and references without one.

use super::{MINE, named};
use crate::doctor::exam::Exam;
use crate::error::Result;

const INVALID: &str = "SELECT n.nspname::text || '.' || c.relname, EXISTS (SELECT 1 FROM \
    pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid) FROM pg_catalog.pg_index x \
    JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE NOT x.indisvalid AND c.relkind = 'i' AND {mine} ORDER BY 1";

// The columns that point must be the first of some index, in any order. Small tables are read whole anyway.
const MISSING: &str = "SELECT t.relname::text || ' (' || (SELECT pg_catalog.string_agg(a.attname, ', ' ORDER BY a.attnum) \
     FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) || ')' \
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
    WHERE k.contype = 'f' AND k.conparentid = 0 AND {mine} AND (t.relkind = 'p' OR t.reltuples >= 1000 OR t.relpages >= 50) \
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index x WHERE x.indrelid = k.conrelid AND x.indisvalid AND x.indpred IS NULL \
     AND (SELECT pg_catalog.array_agg(i.n ORDER BY i.n) FROM pg_catalog.unnest(x.indkey::int2[]) WITH ORDINALITY AS i (n, at) \
      WHERE i.at <= pg_catalog.cardinality(k.conkey)) = (SELECT pg_catalog.array_agg(f.n ORDER BY f.n) FROM \
      pg_catalog.unnest(k.conkey) AS f (n))) ORDER BY 1";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    for (name, built) in exam.all::<(String, bool)>(&INVALID.replace("{mine}", MINE))? {
        if built {
            exam.info(format!("the index {name} is being built"));
        } else {
            exam.warn(
                format!("the index {name} is invalid: its CREATE INDEX CONCURRENTLY failed, and it costs every write and serves no read"),
                format!("`DROP INDEX {name}` and make it again, or `REINDEX INDEX CONCURRENTLY {name}`"),
            );
        }
    }
    let missing: Vec<String> = exam.all(&MISSING.replace("{mine}", MINE))?;
    if !missing.is_empty() {
        exam.info(format!(
            "without an index on the columns that point, each DELETE of what they point at reads the whole table: {}",
            named(&missing)
        ))
        .fix = Some("make an index on them, or leave it where nothing is ever deleted".into());
    }
    Ok(())
}
