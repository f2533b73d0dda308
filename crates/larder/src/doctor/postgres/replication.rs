//! Slots that keep the log for nobody, and replicas that are behind.

use crate::doctor::exam::{Exam, bytes};
use crate::error::Result;

const SLOTS: &str = "SELECT slot_name::text, active, coalesce(wal_status, ''), \
    greatest(0, pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() \
    ELSE pg_catalog.pg_current_wal_lsn() END, restart_lsn))::bigint FROM pg_catalog.pg_replication_slots ORDER BY 1";
// The address of a replica is shown to who may see it.
const REPLICAS: &str = "SELECT coalesce(nullif(application_name, ''), client_addr::text, '?'), coalesce(state, '?'), \
    greatest(0, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn))::bigint \
    FROM pg_catalog.pg_stat_replication WHERE replay_lsn IS NOT NULL ORDER BY 1";
const DELAY: &str = "SELECT extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())::bigint, \
    pg_catalog.pg_last_wal_receive_lsn() IS DISTINCT FROM pg_catalog.pg_last_wal_replay_lsn()";
const WAITED_FOR: &str = "SELECT pg_catalog.current_setting('synchronous_standby_names') <> '' AND NOT EXISTS (SELECT 1 FROM \
    pg_catalog.pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))";

/// So far behind, a replica answers with what is old.
const BEHIND: i64 = 64 << 20;
/// In seconds.
const LATE: i64 = 60;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    for (name, active, status, kept) in exam.all::<(String, bool, String, Option<i64>)>(SLOTS)? {
        let kept = bytes(kept.unwrap_or(0).unsigned_abs());
        if status == "lost" {
            exam.warn(
                format!("the replication slot {name} is lost: its replica can't follow any more"),
                format!("make that replica anew, and `SELECT pg_drop_replication_slot('{name}')`"),
            );
        } else if !active {
            exam.warn(
                format!("nobody uses the replication slot {name}, which keeps {kept} of the log and in time fills the disk"),
                format!("bring its replica back, or `SELECT pg_drop_replication_slot('{name}')`; max_slot_wal_keep_size bounds it"),
            );
        }
    }
    if exam.one("SELECT pg_catalog.pg_is_in_recovery()")? {
        let (late, behind): (Option<i64>, bool) = exam.one(DELAY)?;
        if let Some(late) = late.filter(|late| behind && *late > LATE) {
            exam.warn(
                format!("this replica is {} behind", super::time(late)),
                "see whether long queries hold it up, and the network to the primary",
            );
        }
        return Ok(());
    }
    for (name, state, behind) in exam.all::<(String, String, i64)>(REPLICAS)? {
        if behind > BEHIND {
            exam.warn(
                format!("the replica {name} ({state}) is {} of the log behind", bytes(behind.unsigned_abs())),
                "see whether long queries hold it up, and the network to it",
            );
        }
    }
    if exam.one(WAITED_FOR)? {
        exam.error(
            "commits wait for a synchronous replica, and none is there: writes hang",
            "bring the replica back, or take its name out of synchronous_standby_names",
        );
    }
    Ok(())
}
