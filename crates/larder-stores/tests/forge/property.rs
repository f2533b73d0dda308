//! Whatever is done in whatever order: what is refused changes no row, and tokens only grow.

use crate::kit::{clock, repositories, store, verified};
use crate::many::many_times;
use jiff::SignedDuration;
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::Clock;
use larder_stores::forge::{self, By, Held, LeaseStatus, NotHolder, StaleToken};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Acquire { who: usize, minutes: i64 },
    Release { who: usize, behind: i64 },
    Check { behind: i64 },
    Wait { minutes: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0usize..3, 1i64..90).prop_map(|(who, minutes)| Step::Acquire { who, minutes }),
        (0usize..3, -1i64..3).prop_map(|(who, behind)| Step::Release { who, behind }),
        (-1i64..3).prop_map(|behind| Step::Check { behind }),
        // A clock may be set back.
        (-20i64..60).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

const NAMES: [&str; 3] = ["ada", "grace", "edsger"];

larder_kit::engines! {
    fn what_is_refused_changes_nothing(place: &Place) {
        many_times(place.engine(), 150, proptest::collection::vec(step(), 1..40), |place, steps| {
            let (db, clock) = (store(place), clock());
            let [id] = repositories(&db, ["a"]);
            let mut token = 0;
            for step in steps {
                let find = || db.read(|tx| forge::find_lease(tx, id)).unwrap();
                let count = || db.query_one::<i64>("SELECT count(*) FROM audit_entries", &[]).unwrap();
                let before = (find(), count());
                let now = clock.now();
                let (refused, may) = match step {
                    Step::Wait { minutes } => {
                        clock.advance(SignedDuration::from_mins(minutes));
                        continue;
                    }
                    Step::Acquire { who, minutes } => {
                        let by = By::new(NAMES[who]).clock(&clock);
                        let term = Some(SignedDuration::from_mins(minutes));
                        let result = db.write(|tx| forge::acquire_lease(tx, by, id, term));
                        let may = !before.0.as_ref().is_some_and(|last| last.is_live(now));
                        if let Ok(lease) = &result {
                            prop_assert_eq!(lease.token, token + 1);
                            token = lease.token;
                        }
                        (result.err().map(|error| (error.find::<Held>().is_some(), error)), may)
                    }
                    Step::Release { who, behind } => {
                        let by = By::new(NAMES[who]).clock(&clock);
                        let result = db.write(|tx| forge::release_lease(tx, by, id, token - behind));
                        let may = behind == 0 && before.0.as_ref().is_some_and(|last| {
                            last.status == LeaseStatus::Held && last.holder == NAMES[who]
                        });
                        (result.err().map(|error| (error.find::<NotHolder>().is_some(), error)), may)
                    }
                    Step::Check { behind } => {
                        let by = By::new("anybody").clock(&clock);
                        let result = db.write(|tx| forge::check_token(tx, by, id, token - behind));
                        let may = behind == 0 && before.0.as_ref().is_some_and(|last| last.is_live(now));
                        prop_assert_eq!(&before, &(find(), count()));
                        (result.err().map(|error| (error.find::<StaleToken>().is_some(), error)), may)
                    }
                };
                prop_assert_eq!(refused.is_none(), may);
                if let Some((typed, error)) = refused {
                    prop_assert!(typed && error.kind() == ErrorKind::Refused, "{error:?}");
                    prop_assert_eq!(&before, &(find(), count()));
                }
            }
            verified(&db);
            Ok(())
        });
    }
}
