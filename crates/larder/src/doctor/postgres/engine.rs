//! Which server is it, and is it one that is kept up?

use crate::doctor::exam::Exam;
use crate::error::Result;

/// Older ones lack what Larder asks of the catalogue.
const OLDEST: i64 = 13;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let (number, version, whole): (i64, String, String) = exam
        .reader()?
        .query_one(
            "SELECT pg_catalog.current_setting('server_version_num')::bigint, pg_catalog.current_setting('server_version'), \
             pg_catalog.version()",
            &[],
        )?;
    let name =
        if whole.starts_with("PostgreSQL") { "PostgreSQL" } else { whole.split(' ').next().unwrap_or("") };
    let short = version.split(' ').next().unwrap_or(&version).to_owned();
    exam.checkup().engine = Some(format!("{name} {short}"));
    if number / 10_000 < OLDEST {
        exam.error(
            format!("{name} {short} is older than {OLDEST}, the oldest version that Larder works with"),
            "move to a newer major version with pg_upgrade, or by `pg_dump` and `pg_restore`",
        );
    }
    if exam.one("SELECT pg_catalog.pg_is_in_recovery()")? {
        exam.info("this server is a replica: it can only be read").fix =
            Some("name the primary in the URL to write, or both with target_session_attrs=read-write".into());
    }
    Ok(())
}
