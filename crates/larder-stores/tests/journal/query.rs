//! Every statement is prepared on the store's schema, and the frequent ones go by an index.

use crate::database;
use larder_stores::journal::{QUERIES, TRAIL};

/// With a value in the place of each parameter, as a plan does not depend on which.
fn plan(name: &str) -> String {
    let (_, sql) = QUERIES.iter().find(|query| query.0 == name).unwrap();
    explained(sql)
}

fn explained(sql: &str) -> String {
    let mut text = String::new();
    let mut parts = sql.split(':');
    text.push_str(parts.next().unwrap());
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        text.push('1');
        text.push_str(&part[end..]);
    }
    let db = database();
    // A statement that writes is explained where one may write.
    let steps: Vec<(i64, i64, i64, String)> =
        db.write(|tx| tx.query_all(&format!("EXPLAIN QUERY PLAN {text}"), &[])).unwrap();
    steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_statement_fits_the_schema() {
    for (name, sql) in QUERIES.iter().copied().chain(TRAIL.queries()) {
        assert!(!explained(sql).contains("SCAN CONSTANT ROW"), "{name}");
    }
}

#[test]
fn the_frequent_statements_go_by_an_index_and_sort_nothing() {
    for (name, expected) in [
        ("run::BY_ID", "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)"),
        ("run::FINISH", "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)"),
        ("run::LIST", "SEARCH runs USING INDEX runs_created_at (created_at<?)"),
        ("run::LIST_BY_STATUS", "SEARCH runs USING INDEX runs_status (status=? AND created_at<?)"),
        ("run::LEFT", "SEARCH runs USING COVERING INDEX runs_status (status=? AND created_at<?)"),
        ("run::CLOSE_STEPS", "SEARCH run_steps USING INDEX run_steps_run_id (run_id=?)"),
        ("step::START", "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)"),
        ("step::FINISH", "SEARCH run_steps USING INDEX sqlite_autoindex_run_steps_1 (step_id=?)"),
        ("step::OF_RUN", "SEARCH run_steps USING INDEX run_steps_run_id (run_id=?)"),
        ("entry::OF_RUN", "SEARCH audit_log USING INDEX audit_log_run_id (run_id=?)"),
    ] {
        assert_eq!(plan(name), expected, "{name}");
    }
}
