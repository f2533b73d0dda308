//! 64 threads want one lease. The same run with a wrong way of granting (read, then write) must be caught.

use crate::kit::{clock, repositories, verified};
use jiff::{SignedDuration, Timestamp};
use larder::{Database, ErrorKind, params};
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

fn run(acquire: Acquire<'_>) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::options(folder.path().join("forge.db").display().to_string())
        .migrations(&forge::MIGRATIONS)
        .open()
        .unwrap();
    let [id] = repositories(&db, ["a"]);
    let clock: ManualClock = clock();
    let (grants, refused, start) = (Mutex::new(Vec::new()), AtomicUsize::new(0), Barrier::new(THREADS));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (db, clock, grants, refused, start) = (&db, &clock, &grants, &refused, &start);
            scope.spawn(move || {
                let name = format!("thread-{thread}");
                let by = By::new(&name).clock(clock);
                start.wait();
                for attempt in 0..ATTEMPTS {
                    clock.advance(SignedDuration::from_micros(100 + (thread * 7 + attempt) as i64));
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

#[test]
fn no_two_ever_have_the_lease_at_once() {
    let outcome = run(&|db, by, id| match db.write(|tx| forge::acquire_lease(tx, by, id, Some(TERM))) {
        Ok(lease) => Some(Grant { token: lease.token, from: lease.acquired_at, until: lease.expires_at }),
        Err(error) => {
            assert!(error.kind() == ErrorKind::Refused && error.find::<Held>().is_some(), "{error:?}");
            None
        }
    });
    assert_eq!((outcome.overlaps, outcome.doubled), (0, 0));
    // It was a run at all: leases were had, and asked for in vain.
    assert!(outcome.grants > 10 && outcome.refused > 10, "{} {}", outcome.grants, outcome.refused);
    assert_eq!(outcome.grants + outcome.refused, THREADS * ATTEMPTS);
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
        ON CONFLICT (repository_id) DO UPDATE SET holder = excluded.holder, token = max(leases.token, excluded.token),
            status = 'held', acquired_at = excluded.acquired_at, expires_at = excluded.expires_at, released_at = NULL";
    db.execute(sql, params! { id, holder: by.actor, token, now, until }).unwrap();
    Some(Grant { token, from: now, until })
}

#[test]
fn the_wrong_way_is_caught_by_the_same_run() {
    let (barrier, looks) = (Barrier::new(THREADS), AtomicUsize::new(0));
    let outcome = run(&|db, by, id| read_then_write(db, by, id, &barrier, &looks));
    assert!(outcome.overlaps >= THREADS / 2, "{} overlaps in {}", outcome.overlaps, outcome.grants);
    assert!(outcome.doubled >= THREADS - 1, "{} doubled in {}", outcome.doubled, outcome.grants);
}

#[test]
fn the_clock_is_read_under_the_lock() {
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
