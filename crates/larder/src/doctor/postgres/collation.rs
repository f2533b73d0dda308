//! Do indexes on texts still have the order that the system's library gives?

use super::named;
use crate::doctor::exam::Exam;
use crate::error::Result;

/// Of the database, from version 15 on.
const DATABASE: &str = "SELECT datcollversion, pg_catalog.pg_database_collation_actual_version(oid) \
    FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
const COLLATIONS: &str = "SELECT DISTINCT c.collname::text FROM pg_catalog.pg_collation c \
    JOIN pg_catalog.pg_attribute a ON a.attcollation = c.oid AND a.attnum > 0 \
    WHERE c.collversion IS NOT NULL AND c.collversion <> pg_catalog.pg_collation_actual_version(c.oid) ORDER BY 1";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let number: i64 = exam.one("SELECT pg_catalog.current_setting('server_version_num')::bigint")?;
    if number >= 150_000 {
        let (then, now): (Option<String>, Option<String>) = exam.one(DATABASE)?;
        if let (Some(then), Some(now)) = (then, now)
            && then != now
        {
            exam.error(
                format!(
                    "the database was made with version {then} of its collation, and the system now has {now}: indexes on \
                     texts may miss rows, and let the same value in twice"
                ),
                "`REINDEX DATABASE CONCURRENTLY`, then `ALTER DATABASE … REFRESH COLLATION VERSION`",
            );
        }
    }
    let odd: Vec<String> = exam.all(COLLATIONS)?;
    if !odd.is_empty() {
        exam.error(
            format!("the system has another version of {} than their indexes were built with", named(&odd)),
            "`REINDEX` what uses them, then `ALTER COLLATION … REFRESH VERSION`",
        );
    }
    Ok(())
}
