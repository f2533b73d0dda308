//! Does the planner know the tables, and is what was deleted cleaned up?

use super::{MINE, named};
use crate::doctor::exam::Exam;
use crate::error::Result;

/// A table of fewer rows is read fast whatever the planner thinks.
const MANY: i64 = 10_000;

// Changes since the last ANALYZE are counted by the server, and lost with a crash.
const NEVER: &str = "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid WHERE c.relkind IN ('r', 'm') AND {mine} \
    AND s.n_live_tup + s.n_dead_tup >= {many} AND ((s.last_analyze IS NULL AND s.last_autoanalyze IS NULL) \
    OR s.n_mod_since_analyze > greatest({many}, c.reltuples)) ORDER BY 1, 2";
const DEAD: &str = "SELECT n.nspname::text || '.' || c.relname, s.n_dead_tup, s.n_live_tup FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid WHERE c.relkind IN ('r', 'm') AND {mine} \
    AND s.n_dead_tup >= {many} AND s.n_dead_tup > s.n_live_tup / 2 ORDER BY s.n_dead_tup DESC";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let asked = |sql: &str| sql.replace("{mine}", MINE).replace("{many}", &MANY.to_string());
    let never: Vec<(String, String)> = exam.all(&asked(NEVER))?;
    if !never.is_empty() {
        let fixed = exam.settings.fix
            && never.iter().all(|(schema, table)| {
                let path = crate::schema::qualified(schema, table);
                exam.writer().and_then(|writer| writer.execute(&format!("ANALYZE {path}"), &[])).is_ok()
            });
        let names: Vec<String> = never.iter().map(|(schema, table)| format!("{schema}.{table}")).collect();
        let finding = exam.info(format!(
            "the planner does not know how these tables are by now, so queries may use a bad plan: {}",
            named(&names)
        ));
        finding.fix = Some(
            "run `larder doctor --fix`, or `ANALYZE`; autovacuum does it by itself after a while".into(),
        );
        finding.fixed = fixed;
    }
    for (name, dead, live) in exam.all::<(String, i64, i64)>(&asked(DEAD))? {
        exam.warn(
            format!("{name} holds {dead} dead rows beside {live} live ones: what was deleted or changed is not cleaned up"),
            format!("`VACUUM {name}`; where they stay, an old transaction, a prepared one or a replication slot keeps them"),
        );
    }
    Ok(())
}
