//! The line before the writer: nobody waits for ever, and each gets its turn.

use crate::crowd::{Crowd, waiting};
use crate::kit::Subject;
use crate::kit::watchdog::bounded;
use crate::{LIMIT, all, everywhere, insert, pair, pairs, tables};
use larder::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(200);

/// Those who were done before it are told when it is done; those who came meanwhile are not done with them.
#[test]
fn a_long_closure_holds_its_neighbours_no_longer_than_it_lasts() {
    bounded(LIMIT, || {
        let subject = Subject::file();
        let (faulty, db) = crate::commit::open(&subject);
        let crowd = Crowd::held_by(&db, |tx| pair(tx, 0));
        let early = crowd.writes(|tx| pair(tx, 1));
        let (began, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let long = crowd.writes(move |tx| {
            began.send(()).unwrap();
            let _ = ended.recv();
            pair(tx, 2)
        });
        let first = crowd.release();
        begun.recv().unwrap();
        let late: Vec<_> = (3..=12).map(|n| waiting(&db, move |db| db.write(|tx| pair(tx, n)))).collect();
        // Longer than any batch goes on taking more.
        std::thread::sleep(Duration::from_millis(120));
        drop(end);
        for done in [first, early, long].into_iter().chain(late) {
            done.join().unwrap().unwrap();
        }
        let calls = crate::commit::transactions(&faulty.log());
        let of = |n: i64| {
            // The values are not in the log, the number of rows is.
            calls
                .iter()
                .take(usize::try_from(n).unwrap())
                .flatten()
                .filter(|call| call.starts_with("execute"))
                .count()
        };
        assert!(calls.len() >= 2, "{calls:?}");
        assert!(of(1) <= 6, "those who came late were taken in: {calls:?}");
        assert_eq!(pairs(&db).len(), 13);
    });
}

#[test]
fn waiting_behind_one_transaction_for_too_long_is_busy() {
    everywhere(|subject| {
        let db = subject.open_with(|settings| settings.busy_timeout = SHORT);
        tables(&db);
        let crowd = Crowd::held_by(&db, |tx| pair(tx, 0));
        let runs = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let closures: Vec<_> = (1..=4)
            .map(|n| {
                let runs = Arc::clone(&runs);
                crowd.writes(move |tx| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    pair(tx, n)
                })
            })
            .collect();
        let statement = crowd.comes(|db| db.execute("INSERT INTO t (n) VALUES (5)", &[]));
        let exclusive = crowd.comes(larder::backup::vacuum);
        for closure in closures {
            let error = closure.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
            assert!(error.is_transient() && error.help().is_some());
            assert!(error.message().contains("one transaction of this program takes that long"), "{error}");
        }
        assert_eq!(statement.join().unwrap().unwrap_err().kind(), ErrorKind::Busy);
        assert_eq!(exclusive.join().unwrap().unwrap_err().kind(), ErrorKind::Busy);
        assert!(start.elapsed() >= SHORT);
        // Nor are they run when it is free again.
        crowd.release().join().unwrap().unwrap();
        for n in 10..20 {
            db.write(|tx| pair(tx, n)).unwrap();
        }
        assert_eq!(runs.load(Ordering::Relaxed), 0);
        assert_eq!(pairs(&db), [0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    });
}

/// A line that moves is no reason to give up, however long it is.
#[test]
fn a_line_that_moves_is_waited_in() {
    bounded(LIMIT, || {
        let subject = Subject::file();
        let db = subject.open_with(|settings| settings.busy_timeout = 5 * SHORT);
        tables(&db);
        let crowd = Crowd::held(&db);
        let members: Vec<_> = (0..10)
            .map(|n| {
                crowd.writes(move |tx| {
                    std::thread::sleep(SHORT * 3 / 4);
                    pair(tx, n)
                })
            })
            .collect();
        crowd.release().join().unwrap().unwrap();
        for member in members {
            member.join().unwrap().unwrap();
        }
        assert_eq!(pairs(&db).len(), 10);
    });
}

/// It would wait for itself: the thread that is waited for stands in the line behind who waits.
#[test]
fn waiting_inside_a_write_for_another_thread_that_writes_ends() {
    everywhere(|subject| {
        let db = subject.open_with(|settings| settings.busy_timeout = SHORT);
        tables(&db);
        let other = db.clone();
        let kind = db
            .write(|tx| {
                pair(tx, 1)?;
                let inner = other.clone();
                let thread = std::thread::spawn(move || inner.write(|tx| pair(tx, 2)));
                Ok(thread.join().unwrap().unwrap_err().kind())
            })
            .unwrap();
        assert_eq!(kind, ErrorKind::Busy);
        assert_eq!(pairs(&db), [1]);
    });
}

/// The same where both stood in the line before, so that whoever leads may have taken them together.
#[test]
fn waiting_inside_a_write_for_the_next_in_the_line_ends() {
    everywhere(|subject| {
        let db = subject.open_with(|settings| settings.busy_timeout = SHORT);
        tables(&db);
        let crowd = Crowd::held(&db);
        let (say, hear) = mpsc::channel();
        let waits = crowd.writes(move |tx| {
            let heard: larder::Result<i64> = hear.recv().unwrap();
            pair(tx, 1)?;
            Ok(heard.map_err(|error| error.kind()))
        });
        let next = crowd.comes(move |db| say.send(db.write(|tx| pair(tx, 2))).unwrap());
        crowd.release().join().unwrap().unwrap();
        assert_eq!(waits.join().unwrap().unwrap(), Err(ErrorKind::Busy));
        next.join().unwrap();
        assert_eq!(all(&db), [1]);
        db.write(|tx| insert(tx, 3)).unwrap();
        assert_eq!(all(&db), [1, 3]);
    });
}

#[test]
fn no_thread_starves() {
    bounded(LIMIT, || {
        let subject = Subject::file();
        let db = subject.open();
        tables(&db);
        let stop = AtomicBool::new(false);
        let counts = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..32_i64 {
                let (db, stop, counts) = (&db, &stop, &counts);
                scope.spawn(move || {
                    let mut count = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let n = thread << 32 | count;
                        if thread % 4 == 0 {
                            db.execute("INSERT INTO t (n) VALUES (:n)", larder::params! { n }).unwrap();
                        } else {
                            db.write(|tx| insert(tx, n)).unwrap();
                        }
                        count += 1;
                    }
                    counts.lock().unwrap().push(count);
                });
            }
            std::thread::sleep(Duration::from_secs(2));
            stop.store(true, Ordering::Relaxed);
        });
        let counts = counts.into_inner().unwrap();
        let (sum, least) = (counts.iter().sum::<i64>(), counts.iter().min().unwrap());
        assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), sum);
        assert!(least * 32 * 10 > sum, "one wrote {least} rows of {sum}: {counts:?}");
    });
}
