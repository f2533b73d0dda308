//! What a crash left running is marked, and what a living process runs is not.

use crate::kit::{assert_agrees, names, run, run_of, started, store, unit_of, write};
use larder_kit::Place;
use larder_stores::workflow::{self, Owner, Recovery, Status};

/// A process that is surely gone: it was waited for.
fn gone() -> Owner {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let me = Owner::this_process();
    Owner { pid: child.id(), started: me.started.as_ref().map(|started| format!("{started}9")), ..me }
}

larder_kit::engines! {
    fn a_run_of_a_living_process_is_left_alone_and_one_of_a_dead_is_taken(place: &Place) {
        let db = store(place);
        let (mine, my_unit) = started(&db, "mine");
        let dead = run(&db, "dead");
        write(&db, |tx| workflow::start_run_as(tx, &dead, &gone()));
        let elsewhere = run(&db, "elsewhere");
        let other = Owner { host: "another-machine".into(), started: Some("another-boot/7".into()), ..gone() };
        write(&db, |tx| workflow::start_run_as(tx, &elsewhere, &other));
        let nobody = run(&db, "nobody");
        write(&db, |tx| workflow::start_run(tx, &nobody));
        db.execute("UPDATE runs SET owner = NULL WHERE id = :id", larder::params! { id: nobody }).unwrap();
        let pending = run(&db, "pending");

        let mut recovered = write(&db, |tx| workflow::recover(tx, Recovery::Dead));
        recovered.left.sort();
        let mut wanted = [dead.clone(), nobody.clone()];
        wanted.sort();
        assert_eq!(recovered.runs, wanted);
        assert_eq!(recovered.units, 0);
        let mut left = [mine.clone(), elsewhere.clone()];
        left.sort();
        assert_eq!(recovered.left, left);
        assert_eq!(unit_of(&db, &my_unit).status, Status::Running);
        let found = run_of(&db, &dead);
        assert_eq!(found.status, Status::Interrupted);
        assert!(found.error.unwrap().contains("is gone"));

        let recovered = write(&db, |tx| workflow::recover(tx, Recovery::All));
        assert_eq!((recovered.runs.len(), recovered.units), (2, 1));
        assert!(recovered.left.is_empty());
        assert_eq!(unit_of(&db, &my_unit).status, Status::Interrupted);
        assert_eq!(run_of(&db, &pending).status, Status::Pending);
        assert_eq!(names(&db, &mine)[4..], ["unit_interrupted a", "run_interrupted"]);
        for run in [&mine, &dead, &elsewhere, &nobody, &pending] {
            assert_agrees(&db, run);
        }
        // Nothing is left to be done, and what was interrupted goes on.
        assert!(write(&db, |tx| workflow::recover(tx, Recovery::All)).runs.is_empty());
        write(&db, |tx| {
            workflow::start_run(tx, &mine)?;
            workflow::start_unit(tx, &my_unit)?;
            workflow::complete_unit(tx, &my_unit)?;
            workflow::complete_run(tx, &mine)
        });
        assert_agrees(&db, &mine);
    }

    fn an_owner_that_cannot_be_read_keeps_no_other_run_from_being_recovered(place: &Place) {
        let db = store(place);
        let mut runs = ["{}", "null", "5", "1e999"].map(|owner| {
            let (run, _) = started(&db, owner);
            db.execute("UPDATE runs SET owner = :owner WHERE id = :run", larder::params! { owner, run }).unwrap();
            run
        });
        runs.sort();
        let dead = run(&db, "dead");
        write(&db, |tx| workflow::start_run_as(tx, &dead, &gone()));
        let recovered = write(&db, |tx| workflow::recover(tx, Recovery::Dead));
        assert_eq!((recovered.runs, recovered.left), (vec![dead], runs.to_vec()));
        let recovered = write(&db, |tx| workflow::recover(tx, Recovery::All));
        assert_eq!((recovered.runs, recovered.units), (runs.to_vec(), 4));
        for run in &runs {
            assert_agrees(&db, run);
        }
    }
}
