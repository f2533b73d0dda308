//! Every pair of statuses is tried, of runs and of units: what the table has happens, and of what it has not nothing does.

use crate::kit::{
    assert_agrees, bring_run, bring_unit, move_run, move_unit, names, run, run_of, snapshot, started, store,
    unit, unit_of, write,
};
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::workflow::{
    self, IllegalMove, NewRun, NewUnit, RunExists, RunFilter, RunNotReady, Status, Subject, UnitsOpen,
};

const TARGETS: [Status; 5] =
    [Status::Running, Status::Completed, Status::Failed, Status::Cancelled, Status::Interrupted];

larder_kit::engines! {
    fn a_run_moves_as_the_table_says_and_no_other_way(place: &Place) {
        let db = store(place);
        for from in Status::ALL.iter().copied() {
            for to in TARGETS {
                let id = run(&db, &format!("{from}-{to}"));
                write(&db, |tx| bring_run(tx, &id, from));
                let before = snapshot(&db);
                let result = db.write(|tx| move_run(tx, &id, to));
                if from.may_become(to) {
                    result.unwrap();
                    assert_eq!(run_of(&db, &id).status, to);
                } else {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Refused);
                    let reason = error.find::<IllegalMove>().unwrap();
                    assert_eq!(
                        (reason.subject, &reason.id, reason.from, reason.to),
                        (Subject::Run, &id, from, to)
                    );
                    assert_eq!(snapshot(&db), before);
                }
                assert_agrees(&db, &id);
            }
        }
    }

    fn a_unit_moves_as_the_table_says_and_no_other_way(place: &Place) {
        let db = store(place);
        let run = run(&db, "units");
        write(&db, |tx| workflow::start_run(tx, &run));
        for from in Status::ALL.iter().copied() {
            for to in TARGETS {
                let id = unit(&db, &run, &format!("{from}-{to}"));
                write(&db, |tx| bring_unit(tx, &id, from));
                let before = snapshot(&db);
                let result = db.write(|tx| move_unit(tx, &id, to));
                if from.may_become(to) {
                    result.unwrap();
                    assert_eq!(unit_of(&db, &id).status, to);
                } else {
                    let error = result.unwrap_err();
                    let reason = error.find::<IllegalMove>().unwrap();
                    assert_eq!((reason.subject, reason.from, reason.to), (Subject::Unit, from, to), "{error}");
                    assert_eq!(snapshot(&db), before);
                }
            }
        }
        assert_agrees(&db, &run);
    }

    fn what_is_refused_changes_nothing_also_where_the_transaction_goes_on(place: &Place) {
        let db = store(place);
        let (run, unit) = started(&db, "b");
        let before = snapshot(&db);
        write(&db, |tx| {
            workflow::start_unit(tx, &unit).unwrap_err();
            workflow::start_run(tx, &run).unwrap_err();
            workflow::complete_run(tx, &run).unwrap_err();
            workflow::create_unit(tx, &run, &NewUnit { unit_id: "a", ..NewUnit::default() }).unwrap_err();
            let twice = [NewUnit { unit_id: "x", ..NewUnit::default() }; 2];
            workflow::create_units(tx, &run, &twice).unwrap_err();
            Ok(())
        });
        assert_eq!(snapshot(&db), before);
    }

    fn times_and_reasons_stand_in_the_rows_and_a_new_start_keeps_the_first_time(place: &Place) {
        let db = store(place);
        let (run, unit) = started(&db, "b");
        let first = run_of(&db, &run).started_at.unwrap();
        write(&db, |tx| workflow::interrupt_run(tx, &run, "the power went"));
        let (r, u) = (run_of(&db, &run), unit_of(&db, &unit));
        assert_eq!((r.status, u.status), (Status::Interrupted, Status::Interrupted));
        assert_eq!((r.error.as_deref(), u.error.as_deref()), (Some("the power went"), Some("the power went")));
        assert_eq!((r.completed_at, u.completed_at), (None, None));
        write(&db, |tx| {
            workflow::start_run(tx, &run)?;
            workflow::start_unit(tx, &unit)?;
            workflow::fail_unit(tx, &unit, "no such file")?;
            workflow::complete_run(tx, &run)
        });
        let (r, u) = (run_of(&db, &run), unit_of(&db, &unit));
        assert_eq!((r.started_at, r.error), (Some(first), None));
        assert!(r.completed_at.unwrap() >= first);
        assert_eq!((u.status, u.error.as_deref()), (Status::Failed, Some("no such file")));
        assert_eq!(
            names(&db, &run),
            [
                "run_created",
                "unit_created a",
                "run_started",
                "unit_started a",
                "unit_interrupted a",
                "run_interrupted",
                "run_started",
                "unit_started a",
                "unit_failed a",
                "run_completed"
            ]
        );
        assert_agrees(&db, &run);
    }

    fn a_run_that_fails_or_is_cancelled_takes_its_open_units_along(place: &Place) {
        for failed in [true, false] {
            let place = &Place::new(place.engine());
            let db = store(place);
            let run = run(&db, "b");
            let names_of = ["d", "c", "b", "a"];
            let new = names_of.map(|unit_id| NewUnit { unit_id, ..NewUnit::default() });
            let units = write(&db, |tx| workflow::create_units(tx, &run, &new));
            write(&db, |tx| {
                workflow::start_run(tx, &run)?;
                bring_unit(tx, &units[0], Status::Completed)?;
                bring_unit(tx, &units[1], Status::Running)?;
                bring_unit(tx, &units[2], Status::Interrupted)
            });
            let before = names(&db, &run).len();
            write(&db, |tx| match failed {
                true => workflow::fail_run(tx, &run, "the disk is full"),
                false => workflow::cancel_run(tx, &run),
            });
            let end = if failed { "run_failed" } else { "run_cancelled" };
            assert_eq!(
                names(&db, &run)[before..],
                ["unit_cancelled a", "unit_cancelled b", "unit_cancelled c", end]
            );
            let statuses: Vec<_> = units.iter().map(|id| unit_of(&db, id).status).collect();
            assert_eq!(statuses[0], Status::Completed);
            assert!(statuses[1..].iter().all(|status| *status == Status::Cancelled));
            assert_agrees(&db, &run);
        }
    }

    fn a_run_is_completed_only_when_no_unit_is_open(place: &Place) {
        let db = store(place);
        let (run, unit) = started(&db, "b");
        let error = db.write(|tx| workflow::complete_run(tx, &run)).unwrap_err();
        assert_eq!(error.find::<UnitsOpen>().unwrap().open, 1);
        assert!(error.to_string().contains("1 unit is still open"), "{error}");
        write(&db, |tx| workflow::cancel_unit(tx, &unit));
        write(&db, |tx| workflow::complete_run(tx, &run));
    }

    fn a_unit_is_started_only_in_a_run_that_is_running_and_added_only_to_one_that_is_not_finished(place: &Place) {
        let db = store(place);
        let run = run(&db, "b");
        let unit = unit(&db, &run, "a");
        let error = db.write(|tx| workflow::start_unit(tx, &unit)).unwrap_err();
        assert_eq!(error.find::<RunNotReady>().unwrap().status, Status::Pending);
        write(&db, |tx| workflow::cancel_run(tx, &run));
        let error = db.write(|tx| workflow::start_unit(tx, &unit)).unwrap_err();
        assert!(error.find::<IllegalMove>().is_some());
        let error = db
            .write(|tx| workflow::create_unit(tx, &run, &NewUnit { unit_id: "b", ..NewUnit::default() }))
            .unwrap_err();
        assert_eq!(error.find::<RunNotReady>().unwrap().status, Status::Cancelled);
    }

    fn a_second_run_for_a_branch_is_refused_with_the_run_that_is_there(place: &Place) {
        let db = store(place);
        let first = run(&db, "b");
        let before = snapshot(&db);
        let new = NewRun { feature_branch: "b", repo_path: "/src/app", ..NewRun::default() };
        let error = db.write(|tx| workflow::create_run(tx, &new)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let reason = error.find::<RunExists>().unwrap();
        assert_eq!((reason.id.as_str(), reason.status), (first.as_str(), Status::Pending));
        assert!(error.help().unwrap().contains(&first), "{error}");
        assert_eq!(snapshot(&db), before);
        // Of another repository it is another branch.
        let other = NewRun { repo_path: "/src/other", ..new.clone() };
        write(&db, |tx| workflow::create_run(tx, &other));
        // The way out.
        write(&db, |tx| workflow::cancel_run(tx, &first));
        write(&db, |tx| workflow::discard_run(tx, &first));
        let again = write(&db, |tx| workflow::create_run(tx, &new));
        let found = db.read(|tx| workflow::find_run(tx, "b", "/src/app")).unwrap().unwrap();
        assert_eq!(found.id, again);
    }

    fn what_is_not_there_is_not_found(place: &Place) {
        let db = store(place);
        for to in TARGETS {
            for result in [db.write(|tx| move_run(tx, "none", to)), db.write(|tx| move_unit(tx, "none", to))] {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound);
                assert!(error.to_string().contains("none"), "{error}");
            }
        }
        assert!(db.read(|tx| workflow::find_run(tx, "none", "none")).unwrap().is_none());
        assert!(db.read(|tx| workflow::find_unit(tx, "none", "none")).unwrap().is_none());
        assert_eq!(db.read(|tx| workflow::replay(tx, "none")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(workflow::follow(&db, "none", 0).unwrap_err().kind(), ErrorKind::NotFound);
    }

    fn runs_and_units_are_listed_and_found(place: &Place) {
        let db = store(place);
        let config = serde_json::json!({ "model": "small" });
        let new = NewRun {
            id: Some("r1"),
            feature_branch: "one",
            repo_path: "/src/app",
            target_branch: "develop",
            tasks_dir: "work",
            parallelism: 3,
            config: Some(&config),
        };
        write(&db, |tx| workflow::create_run(tx, &new));
        let other =
            NewRun { id: Some("r2"), feature_branch: "two", repo_path: "/src/other", ..NewRun::default() };
        write(&db, |tx| workflow::create_run(tx, &other));
        write(&db, |tx| workflow::start_run(tx, "r2"));

        let found = run_of(&db, "r1");
        assert_eq!(
            (found.target_branch.as_str(), found.tasks_dir.as_str(), found.parallelism),
            ("develop", "work", 3)
        );
        assert_eq!(found.config_json.unwrap().0, config);
        assert_eq!(run_of(&db, "r2").owner.unwrap().0, workflow::Owner::this_process());

        let listed = |filter: RunFilter<'_>| {
            let runs = db.read(|tx| workflow::list_runs(tx, &filter)).unwrap();
            runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
        };
        let all = RunFilter::default();
        assert_eq!(listed(all), ["r2", "r1"]);
        assert_eq!(listed(RunFilter { status: Some(Status::Running), ..all }), ["r2"]);
        assert_eq!(listed(RunFilter { repo_path: Some("/src/app"), ..all }), ["r1"]);
        assert!(
            listed(RunFilter { repo_path: Some("/src/app"), status: Some(Status::Running), ..all }).is_empty()
        );
        assert_eq!(listed(RunFilter { limit: 1, ..all }), ["r2"]);

        let units = [
            NewUnit { id: Some("u1"), unit_id: "b", branch: Some("x"), worktree_path: Some("/w") },
            NewUnit { id: Some("u2"), unit_id: "a", ..NewUnit::default() },
        ];
        write(&db, |tx| workflow::create_units(tx, "r2", &units));
        write(&db, |tx| workflow::start_unit(tx, "u1"));
        let names = |status| {
            let units = db.read(|tx| workflow::list_units(tx, "r2", status)).unwrap();
            units.into_iter().map(|unit| unit.unit_id).collect::<Vec<_>>()
        };
        assert_eq!(names(None), ["a", "b"]);
        assert_eq!(names(Some(Status::Running)), ["b"]);
        let running = db.read(|tx| workflow::list_units_by_status(tx, Status::Running, 10)).unwrap();
        assert_eq!(running[0].id, "u1");
        write(&db, |tx| workflow::place_unit(tx, "u2", Some("y"), Some("/v")));
        let found = db.read(|tx| workflow::find_unit(tx, "r2", "a")).unwrap().unwrap();
        assert_eq!((found.branch.as_deref(), found.worktree_path.as_deref()), (Some("y"), Some("/v")));
    }

    fn many_units_are_created_at_once_each_with_its_event(place: &Place) {
        let db = store(place);
        let run = run(&db, "b");
        let unit_names: Vec<String> = (0..500).map(|n| format!("unit-{n:03}")).collect();
        let new: Vec<_> = unit_names.iter().map(|name| NewUnit { unit_id: name, ..NewUnit::default() }).collect();
        let ids = write(&db, |tx| workflow::create_units(tx, &run, &new));
        assert_eq!(ids.len(), 500);
        assert_eq!(unit_of(&db, &ids[499]).unit_id, "unit-499");
        assert_eq!(names(&db, &run).len(), 501);
        assert_agrees(&db, &run);
        assert!(write(&db, |tx| workflow::create_units(tx, &run, &[])).is_empty());
    }
}
