//! How far is it until transaction numbers run out?

use crate::doctor::exam::Exam;
use crate::error::Result;

// The server stops taking writes three million short of 2^31, and forces vacuums from autovacuum_freeze_max_age on.
const ASKED: &str = "SELECT pg_catalog.age(datfrozenxid)::bigint, pg_catalog.mxid_age(datminmxid)::bigint, \
    pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint FROM pg_catalog.pg_database \
    WHERE datname = pg_catalog.current_database()";
const END: i64 = 1 << 31;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let (transactions, members, forced): (i64, i64, i64) = exam.one(ASKED)?;
    let age = transactions.max(members);
    let part = age * 100 / END;
    let fix = "end old transactions, prepared ones and replication slots nobody uses, then `VACUUM (FREEZE)` the oldest tables";
    if age > END / 4 * 3 {
        exam.error(
            format!("the oldest transaction number is {part} % of the way to where the server takes no more writes"),
            fix,
        );
    } else if age > forced * 2 {
        exam.warn(
            format!("the oldest transaction number is {age} transactions old: autovacuum does not get to freeze it"),
            fix,
        );
    }
    Ok(())
}
