//! Does the planner know how large the tables are?

use super::exam::Exam;
use crate::error::Result;

/// A database of fewer pages is read fast whatever the planner thinks.
const LARGE: i64 = 1000;
/// A table of fewer rows too.
const MANY: i64 = 10_000;

/// Gathers statistics for every table that lacks them or has grown tenfold, from a sample of each.
const GATHER: &str = "PRAGMA optimize(0x10012)";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let pages: i64 = exam.one("PRAGMA page_count")?;
    let indexes: i64 = exam.one("SELECT count(*) FROM sqlite_schema WHERE type = 'index'")?;
    if pages < LARGE || indexes == 0 {
        return Ok(());
    }
    let message = if exam.one("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'")? {
        match outgrown(exam)? {
            Some(table) => format!("the statistics are old: {table} has grown more than tenfold since"),
            None => return Ok(()),
        }
    } else {
        "no statistics were ever gathered, so queries may use a bad index".to_owned()
    };
    let fixed = exam.settings.fix && exam.writer().and_then(|writer| writer.execute(GATHER, &[])).is_ok();
    let finding = exam.info(message);
    finding.fix =
        Some("run `larder doctor --fix`, or `PRAGMA optimize` from the program now and then".into());
    finding.fixed = fixed;
    Ok(())
}

/// A table whose newest row has a far higher number than it had rows when the statistics were gathered. Tables without
/// such numbers are passed over.
fn outgrown(exam: &mut Exam<'_>) -> Result<Option<String>> {
    const KNOWN: &str = "SELECT t.name, max(CAST(s.stat AS INTEGER)) FROM sqlite_stat1 AS s \
                         JOIN pragma_table_list AS t ON t.name = s.tbl AND t.schema = 'main' \
                         WHERE t.type = 'table' AND NOT t.wr GROUP BY 1 ORDER BY 1";
    let known: Vec<(String, Option<i64>)> = exam.all(KNOWN)?;
    for (table, rows) in known {
        let newest = format!("SELECT max(rowid) FROM \"{}\"", table.replace('"', "\"\""));
        let newest: Option<i64> = exam.one(&newest)?;
        if newest.is_some_and(|newest| newest > MANY && newest / 10 > rows.unwrap_or(0)) {
            return Ok(Some(table));
        }
    }
    Ok(None)
}
