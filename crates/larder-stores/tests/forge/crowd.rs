//! 64 threads want one lease. The same run with a wrong way of granting (read, then write) must be caught.

use crate::kit::{clock, repositories, store, verified};
use jiff::{SignedDuration, Timestamp};
use larder::{Database, ErrorKind, Isolation, params};
use larder_kit::Place;
use larder_stores::forge::{self, By, Held, Id, NotHolder};
use larder_stores::{Clock, ManualClock};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

const THREADS: usize = 64;
const ATTEMPTS: usize = 40;
const TERM: SignedDuration = SignedDuration::from_millis(20);

/// A lease somebody was told to have: from when, and until when or until it was given back.
#[derive(Clone, Copy, Debug)]
struct Grant {
    token: i64,
    from: Timestamp,
    until: Timestamp,
}

/// A way to grant: `None` when somebody else has the lease.
type Acquire<'a> = &'a (dyn Fn(&Database, By<'_>, Id) -> Option<Grant> + Sync);

/// What came of a run: all grants, and by how much they break the promise.
struct Outcome {
    grants: usize,
    refused: usize,
    overlaps: usize,
    doubled: usize,
}

/// Each thread by the one clock of the test, which each moves on; without one, by the clock that all really share.
fn run(db: Database, clock: Option<&ManualClock>, acquire: Acquire<'_>) -> Outcome {
    let [id] = repositories(&db, ["a"]);
    let (grants, refused, start) = (Mutex::new(Vec::new()), AtomicUsize::new(0), Barrier::new(THREADS));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (db, grants, refused, start) = (&db, &grants, &refused, &start);
            scope.spawn(move || {
                let name = format!("thread-{thread}");
                let by = clock.map_or(By::new(&name), |clock| By::new(&name).clock(clock));
                start.wait();
                for attempt in 0..ATTEMPTS {
                    match clock {
                        Some(clock) => {
                            clock.advance(SignedDuration::from_micros(100 + (thread * 7 + attempt) as i64));
                        }
                        None => {
                            thread::sleep(std::time::Duration::from_micros((thread * 7 + attempt) as u64))
                        }
                    }
                    let Some(mut grant) = acquire(db, by, id) else {
                        refused.fetch_add(1, Ordering::Relaxed);
                        continue;
                    };
                    // Every other lease is given back; the rest are left to run out.
                    if (thread + attempt) % 2 == 0 {
                        match db.write(|tx| forge::release_lease(tx, by, id, grant.token)) {
                            Ok(lease) => grant.until = lease.expires_at,
                            Err(error) => assert!(error.find::<NotHolder>().is_some(), "{error}"),
                        }
                    }
                    grants.lock().unwrap().push(grant);
                }
            });
        }
    });
    verified(&db);
    let mut grants = grants.into_inner().unwrap();
    grants.sort_by_key(|grant| (grant.token, grant.from));
    let overlaps = grants.windows(2).filter(|two| two[1].from < two[0].until).count();
    let tokens: BTreeSet<i64> = grants.iter().map(|grant| grant.token).collect();
    Outcome {
        grants: grants.len(),
        refused: refused.into_inner(),
        overlaps,
        doubled: grants.len() - tokens.len(),
    }
}

fn acquire(db: &Database, by: By<'_>, id: Id) -> Option<Grant> {
    match db.write(|tx| forge::acquire_lease(tx, by, id, Some(TERM))) {
        Ok(lease) => Some(Grant { token: lease.token, from: lease.acquired_at, until: lease.expires_at }),
        Err(error) => {
            assert!(error.kind() == ErrorKind::Refused && error.find::<Held>().is_some(), "{error:?}");
            None
        }
    }
}

fn holds(outcome: &Outcome) {
    assert_eq!((outcome.overlaps, outcome.doubled), (0, 0));
    // It was a run at all: leases were had, and asked for in vain.
    assert!(outcome.grants > 10 && outcome.refused > 10, "{} {}", outcome.grants, outcome.refused);
    assert_eq!(outcome.grants + outcome.refused, THREADS * ATTEMPTS);
}

larder_kit::engines! {
    fn no_two_ever_have_the_lease_at_once(place: &Place) {
        holds(&run(store(place), Some(&clock()), &acquire));
    }

    /// On a server it is the server's own. A time is not asked for again while somebody waits, so nothing is granted early.
    fn no_two_have_it_at_once_by_the_clock_that_they_share(place: &Place) {
        holds(&run(store(place), None, &acquire));
    }

    /// Where each statement sees what is committed when it begins, which only a server can do.
    fn no_two_have_it_at_once_where_statements_see_what_is_committed(place: &Place) {
        let options = Database::options(place.url()).migrations(&forge::MIGRATIONS);
        let options = if place.is_postgres() { options.isolation(Isolation::ReadCommitted) } else { options };
        holds(&run(options.open().unwrap(), Some(&clock()), &acquire));
    }
}

/// Looks whether the lease is free, and takes it in a transaction of its own. In the first round all have looked before
/// anybody takes it, so that what may happen does.
fn read_then_write(
    db: &Database,
    by: By<'_>,
    id: Id,
    all_have_looked: &Barrier,
    looks: &AtomicUsize,
) -> Option<Grant> {
    let last = db.read(|tx| forge::find_lease(tx, id)).unwrap();
    let now = by.now();
    if looks.fetch_add(1, Ordering::SeqCst) < THREADS {
        all_have_looked.wait();
    }
    if last.as_ref().is_some_and(|last| last.is_live(now)) {
        return None;
    }
    let (token, until) = (last.map_or(0, |last| last.token) + 1, now + TERM);
    let sql = "INSERT INTO leases (repository_id, holder, token, status, acquired_at, expires_at)
        VALUES (:id, :holder, :token, 'held', :now, :until)
        ON CONFLICT (repository_id) DO UPDATE SET holder = excluded.holder, token = CASE WHEN leases.token > excluded.token THEN leases.token ELSE excluded.token END,
            status = 'held', acquired_at = excluded.acquired_at, expires_at = excluded.expires_at, released_at = NULL";
    db.execute(sql, params! { id, holder: by.actor, token, now, until }).unwrap();
    Some(Grant { token, from: now, until })
}

larder_kit::engines! {
    fn the_wrong_way_is_caught_by_the_same_run(place: &Place) {
        let (barrier, looks) = (Barrier::new(THREADS), AtomicUsize::new(0));
        let outcome = run(store(place), Some(&clock()), &|db, by, id| read_then_write(db, by, id, &barrier, &looks));
        assert!(outcome.overlaps >= THREADS / 2, "{} overlaps in {}", outcome.overlaps, outcome.grants);
        assert!(outcome.doubled >= THREADS - 1, "{} doubled in {}", outcome.doubled, outcome.grants);
    }
}

#[test]
fn the_clock_is_read_under_the_lock_of_a_file() {
    /// Looks at the lock each time it is asked: another connection must not be able to write.
    struct Looking<'a> {
        other: &'a Database,
        locked: AtomicUsize,
    }
    impl Clock for Looking<'_> {
        fn now(&self) -> Timestamp {
            let error = self.other.execute("UPDATE projects SET description = 'x'", &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Busy);
            self.locked.fetch_add(1, Ordering::SeqCst);
            crate::kit::time(crate::kit::START)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forge.db").display().to_string();
    let db = Database::options(&path).migrations(&forge::MIGRATIONS).open().unwrap();
    let [id] = repositories(&db, ["a"]);
    let other = Database::options(&path).busy_timeout(std::time::Duration::ZERO).open().unwrap();
    let clock = Looking { other: &other, locked: AtomicUsize::new(0) };
    let by = By::new("ada").clock(&clock);
    let lease = db.write(|tx| forge::acquire_lease(tx, by, id, None)).unwrap();
    db.write(|tx| forge::check_token(tx, by, id, lease.token)).unwrap();
    db.write(|tx| forge::release_lease(tx, by, id, lease.token)).unwrap();
    assert_eq!(clock.locked.load(Ordering::SeqCst), 3);
}

larder_kit::engines! {
    /// Who writes under a lease has it to the end of his transaction, also where its time is up meanwhile.
    fn nobody_is_granted_a_lease_under_a_write_that_it_guards(place: &Place) {
        for isolation in [Isolation::Serializable, Isolation::ReadCommitted] {
            let place = &Place::new(place.engine());
            let options = Database::options(place.url()).migrations(&forge::MIGRATIONS);
            let options = if place.is_postgres() { options.isolation(isolation) } else { options };
            let db = options.open().unwrap();
            let [id] = repositories(&db, ["a"]);
            let clock = clock();
            let (ada, grace) = (By::new("ada").clock(&clock), By::new("grace").clock(&clock));
            let lease = db.write(|tx| forge::acquire_lease(tx, ada, id, Some(TERM))).unwrap();
            let steps = Mutex::new(Vec::new());
            thread::scope(|scope| {
                db.write(|tx| {
                    steps.lock().unwrap().clear();
                    forge::check_token(tx, ada, id, lease.token)?;
                    clock.advance(TERM);
                    scope.spawn(|| {
                        let lease = db.write(|tx| forge::acquire_lease(tx, grace, id, Some(TERM))).unwrap();
                        steps.lock().unwrap().push("granted");
                        assert_eq!((lease.token, lease.taken_from.as_deref()), (2, Some("ada")));
                    });
                    thread::sleep(std::time::Duration::from_millis(100));
                    steps.lock().unwrap().push("written");
                    tx.execute("UPDATE projects SET description = 'x'", &[])
                })
                .unwrap();
            });
            assert_eq!(steps.into_inner().unwrap(), ["written", "granted"]);
            verified(&db);
        }
    }
}
