//! Every query is one that the schema knows, and the frequent ones go by an index.

use crate::kit::memory;
use larder::sql::text::{Dialect, Mapped};
use larder::{Database, Param, Value};
use larder_stores::workflow::QUERIES;

/// What EXPLAIN QUERY PLAN says of it.
fn plan(db: &Database, sql: &str) -> Vec<String> {
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let mapped = Mapped::new(&sql, Dialect::Sqlite).unwrap();
    let params: Vec<Param<'_>> =
        mapped.names().iter().map(|name| (name.as_str(), &Value::Null as _)).collect();
    let rows: Vec<(i64, i64, i64, String)> =
        db.write(|tx| tx.query_all(&sql, &params)).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.into_iter().map(|(.., detail)| detail).collect()
}

#[test]
fn every_query_fits_the_schema() {
    let db = memory();
    for (_, sql) in QUERIES {
        plan(&db, sql);
    }
}

#[test]
fn the_frequent_queries_go_by_an_index() {
    let db = memory();
    let unique = |table: &str, n: usize| format!("sqlite_autoindex_{table}_{n}");
    // Primary keys of text are the first index of their table, the UNIQUE the second.
    let (run_id, run_branch) = (unique("runs", 1), unique("runs", 2));
    let (unit_id, unit_name, event_number) = (unique("units", 1), unique("units", 2), unique("events", 1));
    let wanted = [
        ("event::ADVANCE", vec![format!("SEARCH runs USING INDEX {run_id} (id=?)")]),
        ("event::FROM", vec![format!("SEARCH events USING INDEX {event_number} (run_id=? AND sequence>?)")]),
        ("event::LAST", vec![format!("SEARCH events USING INDEX {event_number} (run_id=?)")]),
        ("replay::MOVES", vec![format!("SEARCH events USING INDEX {event_number} (run_id=?)")]),
        ("replay::NUMBERS", vec![format!("SEARCH events USING COVERING INDEX {event_number} (run_id=?)")]),
        ("recover::RUNNING", vec!["SEARCH runs USING INDEX runs_status (status=?)".to_owned()]),
        ("run::STATUS", vec![format!("SEARCH runs USING INDEX {run_id} (id=?)")]),
        ("run::START", vec![format!("SEARCH runs USING INDEX {run_id} (id=?)")]),
        ("run::END", vec![format!("SEARCH runs USING INDEX {run_id} (id=?)")]),
        ("run::BY_ID", vec![format!("SEARCH runs USING INDEX {run_id} (id=?)")]),
        (
            "run::BY_BRANCH",
            vec![format!("SEARCH runs USING INDEX {run_branch} (feature_branch=? AND repo_path=?)")],
        ),
        ("run::BY_STATUS", vec!["SEARCH runs USING INDEX runs_status (status=?)".to_owned()]),
        ("run::BY_REPO", vec!["SEARCH runs USING INDEX runs_repo_path (repo_path=?)".to_owned()]),
        ("run::OPEN_UNITS", vec![format!("SEARCH units USING INDEX {unit_name} (run_id=?)")]),
        ("unit::OF_RUN", vec![format!("SEARCH units USING INDEX {unit_name} (run_id=?)")]),
        ("unit::BY_STATUS", vec!["SEARCH units USING INDEX units_status (status=?)".to_owned()]),
        ("unit::COMPLETE", vec![format!("SEARCH units USING INDEX {unit_id} (id=?)")]),
        ("unit::END", vec![format!("SEARCH units USING INDEX {unit_id} (id=?)")]),
        ("unit::BY_NAME", vec![format!("SEARCH units USING INDEX {unit_name} (run_id=? AND unit_id=?)")]),
        ("prune::NEXT", vec!["runs_pruned_at (pruned_at>?)".to_owned()]),
        (
            "prune::DELETE_EVENTS",
            vec![
                "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)".to_owned(),
                format!("{event_number} (run_id=?)"),
            ],
        ),
    ];
    for (name, steps) in wanted {
        let (_, sql) = QUERIES.iter().find(|(known, _)| *known == name).unwrap();
        let found = plan(&db, sql);
        for step in steps {
            assert!(found.iter().any(|found| found.contains(&step)), "{name}: {step} is not in {found:#?}");
        }
        assert!(
            !found.iter().any(|step| step.starts_with("SCAN") && !step.contains("INDEX")),
            "{name}: {found:#?}"
        );
    }
    // Reading in order needs no sorting.
    for name in ["event::FROM", "event::LAST", "replay::MOVES", "prune::NEXT"] {
        let (_, sql) = QUERIES.iter().find(|(known, _)| *known == name).unwrap();
        assert!(!plan(&db, sql).iter().any(|step| step.contains("TEMP B-TREE")), "{name}");
    }
}
