//! After any history of legal moves, with illegal ones tried in between, the events replayed are what the rows say.

use crate::kit::{assert_agrees, move_run, move_unit, run, snapshot, store};
use crate::many::many_times;
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::workflow::{self, NewEvent, NewUnit, Owner, Recovery, Status};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Run(usize, Status),
    Unit(usize, Status),
    Create(usize, usize),
    Append(usize, usize),
    Recover(bool),
    /// A move and an event whose transaction is rolled back.
    RolledBack(usize, Status),
}

fn target() -> impl Strategy<Value = Status> {
    prop_oneof![
        4 => Just(Status::Running),
        2 => Just(Status::Completed),
        1 => Just(Status::Failed),
        1 => Just(Status::Cancelled),
        2 => Just(Status::Interrupted),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..3usize, target()).prop_map(|(run, to)| Act::Run(run, to)),
        6 => (0..8usize, target()).prop_map(|(unit, to)| Act::Unit(unit, to)),
        2 => (0..3usize, 0..4usize).prop_map(|(run, count)| Act::Create(run, count)),
        2 => (0..3usize, 0..5usize).prop_map(|(run, count)| Act::Append(run, count)),
        1 => any::<bool>().prop_map(Act::Recover),
        1 => (0..8usize, target()).prop_map(|(unit, to)| Act::RolledBack(unit, to)),
    ]
}

larder_kit::engines! {
    fn replay_equals_rows_and_what_is_refused_changes_nothing(place: &Place) {
        many_times(place.engine(), 200, prop::collection::vec(act(), 1..60), |place, acts| {
            let db = store(place);
            let runs: Vec<String> = (0..3).map(|n| run(&db, &format!("b{n}"))).collect();
            let mut units: Vec<String> = Vec::new();
            for act in acts {
                let before = snapshot(&db);
                let result = match &act {
                    Act::Run(run, to) => db.write(|tx| move_run(tx, &runs[*run], *to)),
                    Act::Unit(unit, to) => match units.get(*unit) {
                        Some(unit) => db.write(|tx| move_unit(tx, unit, *to)),
                        None => Ok(()),
                    },
                    Act::Create(run, count) => {
                        let names: Vec<String> = (0..*count).map(|n| format!("{}-{n}", units.len())).collect();
                        let new: Vec<_> =
                            names.iter().map(|name| NewUnit { unit_id: name, ..NewUnit::default() }).collect();
                        db.write(|tx| workflow::create_units(tx, &runs[*run], &new)).map(|ids| units.extend(ids))
                    }
                    Act::Append(run, count) => {
                        let events = vec![NewEvent::new("note"); *count];
                        db.write(|tx| workflow::append_many(tx, &runs[*run], &events)).map(drop)
                    }
                    Act::Recover(all) => {
                        let how = if *all { Recovery::All } else { Recovery::Dead };
                        db.write(|tx| workflow::recover(tx, how)).map(drop)
                    }
                    Act::RolledBack(unit, to) => match units.get(*unit) {
                        Some(unit) => db.write(|tx| {
                            move_unit(tx, unit, *to)?;
                            Err(larder::Error::other("no"))
                        }),
                        None => Ok(()),
                    },
                };
                if let Err(error) = result {
                    prop_assert!(matches!(error.kind(), ErrorKind::Refused | ErrorKind::Application), "{error:?}");
                    prop_assert_eq!(snapshot(&db), before);
                }
            }
            for run in &runs {
                assert_agrees(&db, run);
                let replay = db.read(|tx| workflow::replay(tx, run)).unwrap();
                let row = db.read(|tx| workflow::run(tx, run)).unwrap();
                prop_assert_eq!(replay.run.status, row.status);
                if row.status == Status::Running {
                    prop_assert_eq!(row.owner.unwrap().0, Owner::this_process());
                }
                // Nothing runs within what does not run, and nothing is open within what is finished.
                for unit in db.read(|tx| workflow::list_units(tx, run, None)).unwrap() {
                    prop_assert!(unit.status != Status::Running || row.status == Status::Running);
                    prop_assert!(unit.status.is_finished() || !row.status.is_finished());
                    prop_assert_eq!(replay.units[&unit.unit_id].status, unit.status);
                }
            }
            Ok(())
        });
    }
}
