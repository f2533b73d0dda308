//! Who keeps a transaction open, and who waits?

use super::time;
use crate::doctor::exam::Exam;
use crate::error::Result;

/// In seconds: whoever is idle that long in a transaction has forgotten it.
const IDLE: i64 = 60;
/// In seconds.
const LONG: i64 = 600;

const OPEN: &str = "SELECT pid::bigint, coalesce(nullif(application_name, ''), 'without a name') AS program, \
    coalesce(usename::text, '?') AS role, coalesce(client_addr::text, 'the same machine') AS place, state, \
    extract(epoch FROM pg_catalog.clock_timestamp() - xact_start)::bigint AS since, \
    extract(epoch FROM pg_catalog.clock_timestamp() - state_change)::bigint AS still \
    FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() \
    AND backend_type = 'client backend' AND xact_start IS NOT NULL ORDER BY xact_start";
const WAITING: &str = "SELECT w.pid::bigint, extract(epoch FROM pg_catalog.clock_timestamp() - w.state_change)::bigint, \
    coalesce((SELECT pg_catalog.string_agg(DISTINCT CASE b.pid WHEN 0 THEN 'a prepared transaction' ELSE 'process ' || b.pid END, \
    ' and ') FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b (pid)), 'somebody') FROM pg_catalog.pg_stat_activity w \
    WHERE w.datname = pg_catalog.current_database() AND w.wait_event_type = 'Lock' \
    AND pg_catalog.clock_timestamp() - w.state_change > interval '10 seconds' ORDER BY w.state_change";

#[derive(serde::Deserialize)]
struct Open {
    pid: i64,
    program: String,
    role: String,
    place: String,
    state: Option<String>,
    since: i64,
    still: i64,
}

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    look(exam, IDLE, LONG)
}

fn look(exam: &mut Exam<'_>, forgotten: i64, long: i64) -> Result<()> {
    for open in exam.all::<Open>(OPEN)? {
        let Open { pid, program, role, place, state, since, still } = open;
        let who = format!("process {pid} ({program}, as {role}, from {place})");
        let idle = state.is_some_and(|state| state.starts_with("idle in transaction"));
        let fix = format!(
            "end the transaction in the program, or the connection with `SELECT pg_terminate_backend({pid})`; \
             idle_in_transaction_session_timeout does so by itself"
        );
        if idle && still >= forgotten {
            exam.warn(
                format!(
                    "{who} has been idle in a transaction for {}: its locks stay, and nothing that was deleted since it began \
                     can be cleaned up",
                    time(still)
                ),
                fix,
            );
        } else if since >= long {
            exam.warn(
                format!("{who} has had a transaction open for {}: nothing that was deleted since can be cleaned up", time(since)),
                fix,
            );
        }
    }
    for (pid, since, by) in exam.all::<(i64, i64, String)>(WAITING)? {
        exam.warn(
            format!("process {pid} has waited for {} for a lock that {by} holds", time(since)),
            "see what that one does in pg_stat_activity; lock_timeout bounds the wait",
        );
    }
    Ok(())
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;
    use crate::db::Database;
    use crate::doctor::Settings;
    use larder_kit::{Engine, Place};

    #[test]
    fn who_keeps_a_transaction_open_is_named() {
        let place = Place::new(Engine::Postgres);
        let mut other = place.client();
        other.batch_execute("SET application_name = 'forgetful'; BEGIN; SELECT 1").unwrap();
        let (options, settings) = (Database::options(place.url()), Settings::default());
        let mut exam = Exam::new(&options, &[], &settings).unwrap();
        exam.database = Some(exam.open().unwrap());
        look(&mut exam, IDLE, LONG).unwrap();
        assert_eq!(exam.checkup().findings, []);
        look(&mut exam, 0, LONG).unwrap();
        let [found] = exam.checkup().findings.as_slice() else { panic!("{:?}", exam.checkup()) };
        assert!(
            found.message.contains("(forgetful, as ") && found.message.contains("idle in a transaction"),
            "{found:?}"
        );
    }
}
