//! Are there connections left?

use crate::doctor::exam::Exam;
use crate::error::Result;

// Of all databases: they share them. Without the right to see others' sessions, these are rows all the same.
const ASKED: &str = "SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'), \
    pg_catalog.current_setting('max_connections')::bigint, \
    pg_catalog.current_setting('superuser_reserved_connections')::bigint, \
    (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' AND state = 'idle')";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let (used, max, reserved, idle): (i64, i64, i64, i64) = exam.one(ASKED)?;
    let room = (max - reserved).max(1);
    if used * 10 >= room * 8 {
        exam.warn(
            format!("{used} of {room} connections are taken, {idle} of them idle: beyond that, programs are turned away"),
            "make the programs' pools smaller, put PgBouncer before the server, or raise max_connections",
        );
    }
    Ok(())
}
