//! Every statement is prepared on the store's schema, and the frequent ones go by an index.

use crate::database;
use crate::plan::{goes_by, query, steps, understood};
use larder_kit::Place;
use larder_stores::journal::{QUERIES, TRAIL};

fn queries() -> impl Iterator<Item = (&'static str, &'static str)> {
    QUERIES.iter().copied().chain(TRAIL.queries())
}

larder_kit::engines! {
    fn every_statement_fits_the_schema(place: &Place) {
        let count = understood(place, &database(place), queries());
        assert!(count > 15, "{count}");
    }

    fn the_frequent_statements_go_by_an_index_and_sort_nothing(place: &Place) {
        let db = database(place);
        for (name, sqlite, postgres) in [
            ("run::BY_ID", "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)", "runs_pkey"),
            ("run::FINISH", "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)", "runs_pkey"),
            ("run::LIST", "SEARCH runs USING INDEX runs_created_at (created_at<?)", "runs_created_at"),
            (
                "run::LIST_BY_STATUS",
                "SEARCH runs USING INDEX runs_status (status=? AND created_at<?)",
                "runs_status",
            ),
            (
                "run::LEFT",
                "SEARCH runs USING COVERING INDEX runs_status (status=? AND created_at<?)",
                "runs_status",
            ),
            (
                "run::CLOSE_STEPS",
                "SEARCH run_steps USING INDEX run_steps_run_id (run_id=?)",
                "run_steps_run_id",
            ),
            ("step::START", "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)", "runs_pkey"),
            (
                "step::FINISH",
                "SEARCH run_steps USING INDEX sqlite_autoindex_run_steps_1 (step_id=?)",
                "run_steps_pkey",
            ),
            ("step::OF_RUN", "SEARCH run_steps USING INDEX run_steps_run_id (run_id=?)", "run_steps_run_id"),
            ("head", "SCAN audit_log", "audit_log_pkey"),
            ("last", "SCAN audit_log", "audit_log_pkey"),
            ("walk", "SCAN audit_log", "audit_log_pkey"),
        ] {
            let index = if place.is_postgres() { postgres } else { sqlite };
            let (name, sql) = query(place, queries(), name);
            goes_by(place, &db, (name, sql), index, &["audit_log"]);
            let steps = steps(place, &db, sql);
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE") || step.contains("Sort ")), "{name}: {steps:#?}");
        }
        // In the order of the number, which on SQLite is the table's own within one run.
        let index = "audit_log_run_id";
        goes_by(place, &db, query(place, queries(), "entry::OF_RUN"), index, &[]);
    }
}
