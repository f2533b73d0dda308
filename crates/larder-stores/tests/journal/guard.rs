//! The guard of a step: whatever way it is left, the step is recorded.

use crate::{database, start};
use larder::{Database, ErrorKind};
use larder_kit::Place;
use larder_stores::journal::{self, Ending, RunStep, Status};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

fn only_step(db: &Database, run_id: &str) -> RunStep {
    let mut steps = db.read(|tx| journal::steps(tx, run_id)).unwrap();
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

larder_kit::engines! {
    fn finished_and_failed_steps_stay_as_they_were_said_to_be(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let done = journal::step(&db, &run.run_id, "a").unwrap().finish(&json!({ "rows": 1 })).unwrap();
        assert_eq!((done.status, done.stats.unwrap().0), (Status::Completed, json!({ "rows": 1 })));
        let failed = journal::step(&db, &run.run_id, "b").unwrap().fail("disk", &Value::Null).unwrap();
        assert_eq!((failed.status, failed.error.as_deref(), failed.stats), (Status::Failed, Some("disk"), None));
    }

    fn a_step_that_is_left_early_failed(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let leave = || -> Result<u32, std::num::ParseIntError> {
            let _step = journal::step(&db, &run.run_id, "a").unwrap();
            "x".parse()
        };
        assert!(leave().is_err());
        let step = only_step(&db, &run.run_id);
        assert_eq!((step.status, step.error.as_deref()), (Status::Failed, Some("it was left before its end")));
        assert!(step.duration().is_some());
    }

    fn a_step_in_which_something_panics_failed(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _step = journal::step(&db, &run.run_id, "a").unwrap();
            // Without the hook that prints.
            resume_unwind(Box::new("boom"))
        }));
        assert!(panicked.is_err());
        let step = only_step(&db, &run.run_id);
        assert_eq!((step.status, step.error.as_deref()), (Status::Failed, Some("a panic ended it")));
    }

    fn a_panic_inside_a_transaction_around_which_the_step_stands_is_recorded(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _step = journal::step(&db, &run.run_id, "a").unwrap();
            db.write::<()>(|_| resume_unwind(Box::new("boom")))
        }));
        assert!(panicked.is_err());
        assert_eq!(only_step(&db, &run.run_id).status, Status::Failed);
    }

    fn a_step_dropped_inside_a_transaction_waits_for_nothing_and_stays_until_its_run_ends(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let mut step = Some(journal::step(&db, &run.run_id, "a").unwrap());
        db.write(|_| {
            drop(step.take());
            Ok(())
        })
        .unwrap();
        assert_eq!(only_step(&db, &run.run_id).status, Status::Running);
        db.write(|tx| journal::finish_run(tx, &run.run_id, Ending::failed("x"))).unwrap();
        assert_eq!(only_step(&db, &run.run_id).status, Status::Failed);

        let run = start(&db);
        let mut step = Some(journal::step(&db, &run.run_id, "b").unwrap());
        let error = db.read(|_| step.take().unwrap().finish(&Value::Null)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Nested);
    }

    fn a_step_finished_inside_a_transaction_follows_its_commit_or_its_rollback(place: &Place) {
        let db = database(place);
        for commits in [true, false] {
            let run = start(&db);
            let step = journal::step(&db, &run.run_id, "a").unwrap();
            let _ = db.write(|tx| {
                journal::finish_step(tx, step.id(), Ending::completed(), &json!(1))?;
                if commits { Ok(()) } else { Err(larder::Error::other("no")) }
            });
            drop(step);
            let expected = if commits { Status::Completed } else { Status::Failed };
            assert_eq!(only_step(&db, &run.run_id).status, expected);
        }
    }

    fn a_step_of_a_closed_database_is_dropped_in_silence(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let step = journal::step(&db, &run.run_id, "a").unwrap();
        db.clone().close().unwrap();
        drop(step);
    }
}
