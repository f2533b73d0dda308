//! Constraints that rows may break that were there before, and triggers that are switched off.

use super::{MINE, named};
use crate::doctor::exam::Exam;
use crate::error::Result;

const UNVALIDATED: &str = "SELECT k.conname::text || ' of ' || t.relname FROM pg_catalog.pg_constraint k \
    JOIN pg_catalog.pg_class t ON t.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
    WHERE NOT k.convalidated AND k.conparentid = 0 AND {mine} ORDER BY 1";
// The triggers behind a foreign key are the server's own.
const DISABLED: &str = "SELECT DISTINCT t.relname::text, g.tgisinternal FROM pg_catalog.pg_trigger g \
    JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
    WHERE g.tgenabled = 'D' AND {mine} ORDER BY 1";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let open: Vec<String> = exam.all(&UNVALIDATED.replace("{mine}", MINE))?;
    if !open.is_empty() {
        exam.warn(
            format!("rows from before may break what was added as NOT VALID: {}", named(&open)),
            "`ALTER TABLE … VALIDATE CONSTRAINT …`, which lets others read and write meanwhile",
        );
    }
    for (table, internal) in exam.all::<(String, bool)>(&DISABLED.replace("{mine}", MINE))? {
        if internal {
            exam.error(
                format!("the foreign keys of {table} are switched off: rows may point at nothing"),
                format!("`ALTER TABLE {table} ENABLE TRIGGER ALL`, then look for rows that point at nothing"),
            );
        } else {
            exam.warn(
                format!("a trigger of {table} is switched off"),
                format!("`ALTER TABLE {table} ENABLE TRIGGER …`, or drop it"),
            );
        }
    }
    Ok(())
}
