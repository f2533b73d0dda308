//! Tables that are empty after a crash.

use super::{MINE, named};
use crate::doctor::exam::Exam;
use crate::error::Result;

const ASKED: &str = "SELECT n.nspname::text || '.' || c.relname FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND {mine} ORDER BY 1";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let found: Vec<String> = exam.all(&ASKED.replace("{mine}", MINE))?;
    if !found.is_empty() {
        exam.warn(
            format!(
                "unlogged tables are emptied when the server crashes, and are not on replicas: {}",
                named(&found)
            ),
            "`ALTER TABLE … SET LOGGED`, unless what they hold can be made again",
        );
    }
    Ok(())
}
