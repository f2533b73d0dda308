//! Transactions that were prepared for a two-phase commit, and neither committed nor rolled back.

use super::time;
use crate::doctor::exam::Exam;
use crate::error::Result;

const ASKED: &str = "SELECT gid, extract(epoch FROM pg_catalog.clock_timestamp() - prepared)::bigint, owner::text \
    FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database() ORDER BY prepared";
/// In seconds.
const LEFT: i64 = 60;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    for (name, age, owner) in exam.all::<(String, i64, String)>(ASKED)? {
        if age >= LEFT {
            exam.warn(
                format!("the transaction `{name}` of {owner} was prepared {} ago and left: its locks outlast every restart", time(age)),
                format!("find out what became of the others of it, then `COMMIT PREPARED '{name}'` or `ROLLBACK PREPARED '{name}'`"),
            );
        } else {
            exam.info(format!("the transaction `{name}` of {owner} is prepared"));
        }
    }
    Ok(())
}
