//! Leases, one at a time.

use crate::kit::{clock, entries, reason, repositories, store, time, told, verified};
use jiff::SignedDuration;
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::forge::{
    self, By, Held, InvalidTerm, LEASE_TERM, LeaseStatus, Missing, NotHolder, StaleToken,
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

larder_kit::engines! {
    fn a_lease_lasts_72_hours_and_then_anybody_may_take_it_over(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [id] = repositories(&db, ["a"]);
        let (ada, grace) = (By::new("ada").clock(&clock), By::new("grace").clock(&clock));
        let first = db.write(|tx| forge::acquire_lease(tx, ada, id, None)).unwrap();
        assert_eq!((first.token, first.status, first.taken_from.as_deref()), (1, LeaseStatus::Held, None));
        assert_eq!(first.expires_at, time("2026-02-03T09:30:00Z"));

        clock.advance(LEASE_TERM - SignedDuration::from_micros(1));
        let error = db.write(|tx| forge::acquire_lease(tx, grace, id, None)).unwrap_err();
        let held: Held = reason(&error, ErrorKind::Refused);
        assert_eq!(
            (held.holder.as_str(), held.until, held.token, held.yours),
            ("ada", first.expires_at, 1, false)
        );
        assert_eq!(
            error.message(),
            format!("the repository {id} is leased by ada until 2026-02-03T09:30:00Z, token 1")
        );

        clock.advance(SignedDuration::from_micros(1));
        let second = db.write(|tx| forge::acquire_lease(tx, grace, id, None)).unwrap();
        assert_eq!((second.token, second.taken_from.as_deref()), (2, Some("ada")));
        assert_eq!(told(&db, id)[1..], ["ada acquire lease", "grace take_over lease"]);
        assert_eq!(entries(&db, id)[2].data_json.clone().unwrap().0["from"], "ada");
        verified(&db);
    }

    fn the_holder_does_not_get_it_again(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [id] = repositories(&db, ["a"]);
        let ada = By::new("ada").clock(&clock);
        let acquire = || db.write(|tx| forge::acquire_lease(tx, ada, id, Some(HOUR)));
        let lease = acquire().unwrap();
        clock.advance(SignedDuration::from_mins(59));
        let held: Held = reason(&acquire().unwrap_err(), ErrorKind::Refused);
        assert!(held.yours);
        assert_eq!((held.token, held.until), (1, lease.expires_at));
        assert_eq!(db.read(|tx| forge::find_lease(tx, id)).unwrap(), Some(lease));
        clock.advance(SignedDuration::from_mins(1));
        assert_eq!(acquire().unwrap().token, 2);
    }

    fn only_the_holder_gives_it_back_and_the_token_goes_on_growing(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [id, never] = repositories(&db, ["a", "b"]);
        let (ada, grace) = (By::new("ada").clock(&clock), By::new("grace").clock(&clock));
        db.write(|tx| forge::acquire_lease(tx, ada, id, None)).unwrap();
        let refused = |by, id, token| {
            let error = db.write(|tx| forge::release_lease(tx, by, id, token)).unwrap_err();
            reason::<NotHolder>(&error, ErrorKind::Refused)
        };
        assert_eq!(refused(grace, id, 1).holder.as_deref(), Some("ada"));
        assert_eq!(refused(ada, id, 2).current, 1);
        assert_eq!(refused(ada, never, 1).holder, None);
        clock.advance(HOUR);
        let released = db.write(|tx| forge::release_lease(tx, ada, id, 1)).unwrap();
        assert_eq!(released.status, LeaseStatus::Released);
        assert_eq!((released.released_at, released.expires_at), (Some(clock_now(&clock)), clock_now(&clock)));
        assert!(refused(ada, id, 1).released);
        // At once, and without waiting for a clock that was set back.
        clock.advance(-HOUR);
        let next = db.write(|tx| forge::acquire_lease(tx, grace, id, None)).unwrap();
        assert_eq!((next.token, next.taken_from, next.released_at), (2, None, None));
        assert_eq!(told(&db, id)[1..], ["ada acquire lease", "ada release lease", "grace acquire lease"]);
    }
}

fn clock_now(clock: &larder_stores::ManualClock) -> jiff::Timestamp {
    larder_stores::Clock::now(clock)
}

larder_kit::engines! {
    fn one_whose_time_is_up_can_be_given_back_until_it_is_taken_over(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [id] = repositories(&db, ["a"]);
        let (ada, grace) = (By::new("ada").clock(&clock), By::new("grace").clock(&clock));
        let first = db.write(|tx| forge::acquire_lease(tx, ada, id, Some(HOUR))).unwrap();
        clock.advance(HOUR + HOUR);
        let released = db.write(|tx| forge::release_lease(tx, ada, id, 1)).unwrap();
        assert_eq!(released.expires_at, first.expires_at);
        let second = db.write(|tx| forge::acquire_lease(tx, ada, id, Some(HOUR))).unwrap();
        clock.advance(HOUR + HOUR);
        db.write(|tx| forge::acquire_lease(tx, grace, id, Some(HOUR))).unwrap();
        let error = db.write(|tx| forge::release_lease(tx, ada, id, second.token)).unwrap_err();
        assert_eq!(reason::<NotHolder>(&error, ErrorKind::Refused).holder.as_deref(), Some("grace"));
    }

    fn a_term_has_bounds_and_a_repository_must_be_there(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        let ada = By::new("ada");
        let long = LEASE_TERM + SignedDuration::from_micros(1);
        for term in [SignedDuration::ZERO, -HOUR, long, SignedDuration::MAX] {
            let error = db.write(|tx| forge::acquire_lease(tx, ada, id, Some(term))).unwrap_err();
            assert_eq!(reason::<InvalidTerm>(&error, ErrorKind::Parameter).term, term);
        }
        let error = db.write(|tx| forge::acquire_lease(tx, ada, forge::Id::new(), None)).unwrap_err();
        assert_eq!(reason::<Missing>(&error, ErrorKind::NotFound).entity, "repository");
        assert_eq!(db.read(|tx| forge::find_lease(tx, id)).unwrap(), None);
    }

    fn a_guarded_write_is_refused_with_an_old_token(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [id] = repositories(&db, ["a"]);
        let (ada, grace) = (By::new("ada").clock(&clock), By::new("grace").clock(&clock));
        let write = |by, token| {
            db.write(|tx| {
                forge::check_token(tx, by, id, token)?;
                forge::rename_repository(tx, by, id, &format!("by-{token}"))
            })
        };
        let stale = |by, token| reason::<StaleToken>(&write(by, token).unwrap_err(), ErrorKind::Refused);
        assert_eq!(stale(ada, 1).until, None);
        db.write(|tx| forge::acquire_lease(tx, ada, id, Some(HOUR))).unwrap();
        write(ada, 1).unwrap();
        clock.advance(HOUR);
        assert_eq!(stale(ada, 1).current, 1);
        db.write(|tx| forge::acquire_lease(tx, grace, id, Some(HOUR))).unwrap();
        assert_eq!(stale(ada, 1).current, 2);
        assert_eq!(write(grace, 2).unwrap().name, "by-2");
        db.write(|tx| forge::release_lease(tx, grace, id, 2)).unwrap();
        assert!(stale(grace, 2).released);
    }

    fn leases_are_listed_by_how_they_stand(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a, b, c] = repositories(&db, ["a", "b", "c"]);
        let ada = By::new("ada").clock(&clock);
        db.write(|tx| {
            forge::acquire_lease(tx, ada, a, Some(HOUR))?;
            forge::acquire_lease(tx, ada, b, None)?;
            let given = forge::acquire_lease(tx, ada, c, None)?;
            forge::release_lease(tx, ada, c, given.token)
        })
        .unwrap();
        let now = clock.advance(HOUR);
        db.read(|tx| {
            let ids =
                |leases: Vec<forge::Lease>| leases.iter().map(|lease| lease.repository_id).collect::<Vec<_>>();
            assert_eq!(ids(forge::list_live_leases(tx, now, 10)?), [b]);
            assert_eq!(ids(forge::list_expired_leases(tx, now, 10)?), [a]);
            assert_eq!(forge::list_leases(tx, None, 2)?.len(), 2);
            assert_eq!(forge::list_leases(tx, Some(a.max(b).max(c)), 2)?.len(), 0);
            Ok(())
        })
        .unwrap();
    }
}

larder_kit::engines! {
    fn granting_is_one_statement_and_the_trail_two(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        let counted = |f: &dyn Fn()| {
            let before = db.stats().statements;
            f();
            db.stats().statements - before
        };
        let empty = counted(&|| db.write(|_| Ok(())).unwrap());
        let grant = counted(&|| {
            db.write(|tx| forge::acquire_lease(tx, By::new("ada"), id, None)).unwrap();
        });
        // Where many write at a time: its turn, the server's clock, and a look whether somebody has the lease.
        let before = if place.is_postgres() { 3 } else { 0 };
        assert_eq!(grant - empty, before + 3);
    }
}

larder_kit::engines! {
    fn the_trail_tells_the_end_that_the_lease_has(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        // With digits that are not kept.
        let clock = larder_stores::ManualClock::at(time("2026-01-31T09:30:00.123456789Z"));
        let ada = By::new("ada").clock(&clock);
        let lease = db.write(|tx| forge::acquire_lease(tx, ada, id, None)).unwrap();
        let entry = entries(&db, id).pop().unwrap();
        assert_eq!(entry.created_at, lease.acquired_at);
        assert_eq!(entry.data_json.unwrap().0["until"], lease.expires_at.to_string());
    }
}
