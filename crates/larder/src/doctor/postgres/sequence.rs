//! Sequences that are near their end, by their own bound or by the type of the column that they fill.

use super::MINE;
use crate::doctor::exam::Exam;
use crate::error::Result;

const ASKED: &str = "SELECT n.nspname::text || '.' || c.relname, \
    coalesce(CASE WHEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') \
    THEN pg_catalog.pg_sequence_last_value(c.oid) END, s.seqstart), s.seqmin, s.seqmax, s.seqincrement, s.seqcycle, \
    CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END \
    FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') \
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 \
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE {mine} ORDER BY 1";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    type Row = (String, Option<i64>, i64, i64, i64, bool, Option<i64>);
    for (name, last, min, max, step, cycle, column) in exam.all::<Row>(&ASKED.replace("{mine}", MINE))? {
        // Who may not read it learns nothing of it.
        let Some(last) = last.filter(|_| !cycle) else { continue };
        let top = column.map_or(max, |column| column.min(max));
        let (used, whole) =
            if step > 0 { (last.max(0), top) } else { (last.min(0).saturating_neg(), min.saturating_neg()) };
        let part = i128::from(used) * 100 / i128::from(whole.max(1));
        let fix = "change the column's type and the sequence's to bigint (it rewrites the table), or CYCLE where numbers may come again";
        if part >= 95 {
            exam.error(
                format!("the sequence {name} has used {part} % of its numbers: soon no row can be added"),
                fix,
            );
        } else if part >= 75 {
            exam.warn(format!("the sequence {name} has used {part} % of its numbers"), fix);
        }
    }
    Ok(())
}
