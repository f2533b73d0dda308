//! Runs and steps: what is stored, how they move, what is refused.

use crate::many::many_times;
use crate::{database, start};
use jiff::Timestamp;
use larder::{ConstraintKind, ErrorKind, Json, params};
use larder_kit::Place;
use larder_stores::journal::{self, Ending, Filter, IllegalMove, NewRun, NewStep, Status};
use larder_stores::{canonical_hash, git_commit};
use proptest::prelude::*;
use serde_json::{Value, json};

larder_kit::engines! {
    fn a_run_is_read_back_as_it_was_started_and_ended(place: &Place) {
        let db = database(place);
        let args = ["import".to_owned(), "a b".to_owned()];
        let config = json!({ "jobs": 4, "db": { "password": "x" } });
        let git_sha = git_commit(env!("CARGO_MANIFEST_DIR"));
        let before = Timestamp::now();
        let run = db
            .write(|tx| {
                journal::start_run(
                    tx,
                    NewRun {
                        args: &args,
                        config: Some(&config),
                        git_sha: git_sha.as_deref(),
                        actor: Some("ada@laptop"),
                        ..NewRun::default()
                    },
                )
            })
            .unwrap();
        assert_eq!(run.run_id.len(), 26);
        assert_eq!((run.status, run.finished_at, run.error.as_deref()), (Status::Running, None, None));
        assert_eq!(
            (run.args.0.as_slice(), &run.git_sha, run.actor.as_deref()),
            (&args[..], &git_sha, Some("ada@laptop"))
        );
        let hash = canonical_hash(&json!({ "db": { "password": "***" }, "jobs": 4.0 }));
        assert_eq!(run.config_hash.as_deref(), Some(hash.as_str()));
        assert!(run.created_at.as_microsecond() >= before.as_microsecond());

        let ended = db.write(|tx| journal::finish_run(tx, &run.run_id, Ending::failed("no: token=x"))).unwrap();
        assert_eq!((ended.status, ended.error.as_deref()), (Status::Failed, Some("no: token=***")));
        assert!(ended.finished_at.unwrap() >= ended.created_at);
        assert_eq!(db.read(|tx| journal::run(tx, &run.run_id)).unwrap(), Some(ended));
        assert_eq!(db.read(|tx| journal::run(tx, "none")).unwrap(), None);
    }

    fn steps_come_in_the_order_in_which_they_began_with_their_figures(place: &Place) {
        let db = database(place);
        let run = start(&db);
        for name in ["load", "check", "store"] {
            let new = NewStep { run_id: &run.run_id, name, ..NewStep::default() };
            let step = db.write(|tx| journal::start_step(tx, new)).unwrap();
            assert_eq!((step.duration(), &step.stats), (None, &None));
            let stats = json!({ "name": name, "api_key": "x" });
            let ended =
                db.write(|tx| journal::finish_step(tx, &step.step_id, Ending::completed(), &stats)).unwrap();
            assert_eq!(ended.stats, Some(Json(json!({ "name": name, "api_key": "***" }))));
            assert!(ended.duration().is_some());
        }
        let steps = db.read(|tx| journal::steps(tx, &run.run_id)).unwrap();
        assert_eq!(steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["load", "check", "store"]);
    }

    fn a_clock_that_was_set_back_ends_nothing_before_it_began(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let ahead = "2999-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        db.execute("UPDATE runs SET created_at = :ahead", params! { ahead }).unwrap();
        let ended = db.write(|tx| journal::finish_run(tx, &run.run_id, Ending::completed())).unwrap();
        assert_eq!(ended.finished_at, Some(ahead));
    }

    fn what_is_recorded_afterwards_has_the_times_that_it_had(place: &Place) {
        let db = database(place);
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let run_id = db
            .write(|tx| {
                let run = journal::start_run(tx, NewRun { created_at: Some(at(0)), ..NewRun::default() })?;
                let new =
                    NewStep { run_id: &run.run_id, name: "a", started_at: Some(at(1)), ..NewStep::default() };
                let step = journal::start_step(tx, new)?;
                journal::finish_step(tx, &step.step_id, Ending::completed().at(at(3)), &Value::Null)?;
                journal::finish_run(tx, &run.run_id, Ending::completed().at(at(5))).map(|run| run.run_id)
            })
            .unwrap();
        let run = db.read(|tx| journal::run(tx, &run_id)).unwrap().unwrap();
        assert_eq!((run.created_at, run.finished_at), (at(0), Some(at(5))));
        let step = db.read(|tx| journal::steps(tx, &run_id)).unwrap().remove(0);
        assert_eq!(step.duration(), Some(std::time::Duration::from_secs(2)));
    }

    fn a_run_that_ends_ends_its_open_steps_and_takes_no_more(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let new = NewStep { run_id: &run.run_id, name: "load", ..NewStep::default() };
        db.write(|tx| journal::start_step(tx, new)).unwrap();
        db.write(|tx| journal::finish_run(tx, &run.run_id, Ending::completed())).unwrap();
        let steps = db.read(|tx| journal::steps(tx, &run.run_id)).unwrap();
        assert_eq!((steps.len(), steps[0].status), (1, Status::Failed));

        let error = db.write(|tx| journal::start_step(tx, new)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let why = error.find::<IllegalMove>().unwrap();
        assert_eq!((why.what, why.from, why.to), ("run", Status::Completed, Status::Running));
        let new = NewStep { run_id: "none", ..new };
        assert_eq!(db.write(|tx| journal::start_step(tx, new)).unwrap_err().kind(), ErrorKind::NotFound);
    }

    fn the_newest_runs_are_listed_first_page_by_page_and_by_status(place: &Place) {
        let db = database(place);
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        for number in 0..10_i64 {
            let run_id = format!("run-{number}");
            db.write(|tx| {
                journal::start_run(tx, NewRun { run_id: Some(&run_id), ..NewRun::default() })?;
                tx.execute(
                    "UPDATE runs SET created_at = :at WHERE run_id = :run_id",
                    params! { at: at(number), run_id },
                )?;
                if number % 2 == 0 {
                    journal::finish_run(tx, &run_id, Ending::completed())?;
                }
                Ok(())
            })
            .unwrap();
        }
        let list = |filter: Filter| -> Vec<String> {
            db.read(|tx| journal::list_runs(tx, &filter)).unwrap().into_iter().map(|run| run.run_id).collect()
        };
        assert_eq!(list(Filter { limit: 3, ..Filter::default() }), ["run-9", "run-8", "run-7"]);
        assert_eq!(list(Filter { limit: 2, before: at(7), ..Filter::default() }), ["run-6", "run-5"]);
        let running = Filter { status: Some(Status::Running), limit: 2, before: at(9) };
        assert_eq!(list(running), ["run-7", "run-5"]);
        assert_eq!(list(Filter { status: Some(Status::Failed), ..Filter::default() }), [""; 0]);
    }

    fn runs_that_a_dead_process_left_are_ended_and_younger_ones_are_not(place: &Place) {
        let db = database(place);
        let (old, young) = (start(&db), start(&db));
        let ahead = "2999-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        db.execute("UPDATE runs SET created_at = :ahead WHERE run_id = :id", params! { ahead, id: young.run_id })
            .unwrap();
        let new = NewStep { run_id: &old.run_id, name: "load", ..NewStep::default() };
        db.write(|tx| journal::start_step(tx, new)).unwrap();
        let ended = db.write(|tx| journal::recover(tx, ahead)).unwrap();
        assert_eq!(
            ended.iter().map(|run| (&run.run_id, run.status)).collect::<Vec<_>>(),
            [(&old.run_id, Status::Failed)]
        );
        assert_eq!(db.read(|tx| journal::steps(tx, &old.run_id)).unwrap()[0].status, Status::Failed);
        assert_eq!(db.read(|tx| journal::run(tx, &young.run_id)).unwrap().unwrap().status, Status::Running);
        assert_eq!(db.write(|tx| journal::recover(tx, ahead)).unwrap(), []);
    }

    fn the_schema_refuses_what_the_functions_never_write(place: &Place) {
        let db = database(place);
        let run_id = start(&db).run_id;
        let step = NewStep { run_id: &run_id, name: "load", ..NewStep::default() };
        db.write(|tx| journal::start_step(tx, step)).unwrap();
        for sql in [
            "UPDATE runs SET status = 'paused'",
            "UPDATE runs SET status = 'completed'",
            "UPDATE runs SET finished_at = '2026-01-01T00:00:00.000000Z'",
            "UPDATE runs SET config_hash = 'abc'",
            "UPDATE run_steps SET status = 'paused', finished_at = '2026-01-01T00:00:00.000000Z'",
            "UPDATE run_steps SET status = 'failed'",
        ] {
            let error = db.execute(sql, &[]).unwrap_err();
            assert_eq!(error.constraint().unwrap().kind, ConstraintKind::Check, "{sql}");
        }
        // On a server these are no checks: a column of JSON takes nothing else.
        for sql in ["UPDATE runs SET args_json = '['", "UPDATE run_steps SET stats_json = '{'"] {
            let error = db.execute(sql, &[]).unwrap_err();
            let kind = error.constraint().map(|broken| broken.kind);
            assert!(place.is_postgres() || kind == Some(ConstraintKind::Check), "{sql}: {error}");
        }
        let error = db.execute("UPDATE run_steps SET run_id = 'none'", &[]).unwrap_err();
        assert_eq!(error.constraint().unwrap().kind, ConstraintKind::ForeignKey);
    }
}

larder_kit::engines! {
    /// Whatever is asked, in whatever order: what has ended stays, to the last byte of its row.
    fn an_illegal_move_changes_no_row(place: &Place) {
        let inputs = prop::collection::vec((0..3_usize, 0..4_u8), 1..30);
        many_times(place.engine(), 200, inputs, |place, moves| {
            let db = database(place);
            let runs: Vec<String> = (0..3).map(|_| start(&db).run_id).collect();
            let mut steps: Vec<Vec<String>> = vec![Vec::new(); 3];
            type Row = (String, String, String, Option<String>, Option<String>);
            let rows = || -> (Vec<Row>, Vec<Row>) {
                db.read(|tx| Ok((
                    tx.query_all("SELECT run_id, created_at, status, finished_at, error FROM runs ORDER BY 1", &[])?,
                    tx.query_all("SELECT step_id, status, started_at, finished_at, error FROM run_steps ORDER BY 1", &[])?,
                ))).unwrap()
            };
            for (which, kind) in moves {
                let before = rows();
                let run_id = runs[which].as_str();
                let done = db.write(|tx| match kind {
                    0 => journal::finish_run(tx, run_id, Ending::completed()).map(|_| None),
                    1 => journal::finish_run(tx, run_id, Ending::failed("x")).map(|_| None),
                    2 => journal::start_step(tx, NewStep { run_id, name: "s", ..NewStep::default() }).map(|step| Some(step.step_id)),
                    _ => {
                        let step_id = steps[which].last().map_or("none", String::as_str);
                        journal::finish_step(tx, step_id, Ending::completed(), &json!(1)).map(|_| None)
                    }
                });
                match done {
                    Ok(started) => {
                        steps[which].extend(started);
                        prop_assert_ne!(rows(), before);
                    }
                    Err(error) => {
                        let expected = if error.find::<IllegalMove>().is_some() { ErrorKind::Refused } else { ErrorKind::NotFound };
                        prop_assert_eq!(error.kind(), expected);
                        prop_assert_eq!(rows(), before);
                    }
                }
            }
            // After all that, every run can end at most once more.
            for run_id in &runs {
                let _ = db.write(|tx| journal::finish_run(tx, run_id, Ending::completed()));
                let before = rows();
                prop_assert!(db.write(|tx| journal::finish_run(tx, run_id, Ending::failed("y"))).is_err());
                prop_assert_eq!(rows(), before);
            }
            Ok(())
        });
    }
}
