//! Every query is one that the schema knows, and the frequent ones go by an index.

use crate::kit::store;
use crate::plan::{goes_by, query, steps, understood};
use larder_kit::Place;
use larder_stores::workflow::QUERIES;

larder_kit::engines! {
    fn every_query_fits_the_schema(place: &Place) {
        let count = understood(place, &store(place), QUERIES.iter().copied());
        assert!(count > 40, "{count}");
    }

    fn the_frequent_queries_go_by_an_index(place: &Place) {
        let db = store(place);
        // Primary keys of text are the first index of their table on SQLite, the UNIQUE the second.
        let names = |table: &str, n: usize, postgres: &'static str| match place.is_postgres() {
            true => postgres.to_owned(),
            false => format!("sqlite_autoindex_{table}_{n}"),
        };
        let run_id = names("runs", 1, "runs_pkey");
        // Either of two indexes serves; in an empty table the server has no reason to prefer one.
        let run_branch = names("runs", 2, "Index Scan using runs_");
        let unit_id = names("units", 1, "units_pkey");
        let unit_name = names("units", 2, "units_run_id_unit_id_key");
        let event_number = names("events", 1, "events_run_id_sequence_key");
        for (name, index, by) in [
            ("event::ADVANCE", run_id.as_str(), "id=?"),
            ("event::FROM", &event_number, "run_id=? AND sequence>?"),
            ("event::LAST", &event_number, "run_id=?"),
            ("replay::MOVES", &event_number, "run_id=?"),
            ("replay::NUMBERS", &event_number, "run_id=?"),
            ("recover::RUNNING", "runs_status", "status=?"),
            ("run::STATUS", &run_id, "id=?"),
            ("run::START", &run_id, "id=?"),
            ("run::END", &run_id, "id=?"),
            ("run::BY_ID", &run_id, "id=?"),
            ("run::BY_BRANCH", &run_branch, "feature_branch=? AND repo_path=?"),
            ("run::OPEN_UNITS", &unit_name, "run_id=?"),
            ("unit::OF_RUN", &unit_name, "run_id=?"),
            ("unit::COMPLETE", &unit_id, "id=?"),
            ("unit::END", &unit_id, "id=?"),
            ("unit::BY_NAME", &unit_name, "run_id=? AND unit_id=?"),
            ("prune::NEXT", "runs_pruned_at", "pruned_at>?"),
            ("prune::DELETE_EVENTS", &event_number, "run_id=?"),
        ] {
            let step = if place.is_postgres() { index.to_owned() } else { format!("{index} ({by})") };
            goes_by(place, &db, query(place, QUERIES.iter().copied(), name), &step, &[]);
        }
        // Reading in order needs no sorting.
        for name in ["event::FROM", "event::LAST", "replay::MOVES", "prune::NEXT"] {
            let (_, sql) = query(place, QUERIES.iter().copied(), name);
            let steps = steps(place, &db, sql);
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE") || step.contains("Sort ")), "{name}: {steps:#?}");
        }
    }
}
