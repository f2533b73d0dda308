//! The server dies under load and its replica takes over: the program goes on with the handle that it has, no acknowledged write is
//! lost, none is made twice, and of whatever nobody can know it is said so.
#![cfg(all(unix, feature = "postgres"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::watchdog::bounded;
use larder::{Database, ErrorKind, params};
use larder_kit::postgres::Cluster;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

const WRITERS: usize = 8;
/// How many rows each writes before the server dies, and how many after its replica took over.
const ROWS: u64 = 60;

/// What a writer was told of its rows.
#[derive(Debug, Default)]
struct Told {
    done: BTreeSet<String>,
    unknown: BTreeSet<String>,
    /// How often it was told that nothing was done and to try again.
    refused: u64,
}

#[derive(Default)]
struct Load {
    end: AtomicBool,
    done: [AtomicU64; WRITERS],
    reads: AtomicU64,
}

impl Load {
    /// Waits until each writer has had `ROWS` more acknowledged, and somebody has read; or one has ended, which is a failure
    /// that its end tells.
    fn goes_on(&self, writers: &[ScopedJoinHandle<'_, Told>]) {
        let from: Vec<u64> = self.done.iter().map(|done| done.load(Ordering::Acquire)).collect();
        let reads = self.reads.load(Ordering::Acquire);
        let more = |(done, from): (&AtomicU64, &u64)| done.load(Ordering::Acquire) >= from + ROWS;
        while !self.done.iter().zip(&from).all(more) || self.reads.load(Ordering::Acquire) == reads {
            if writers.iter().any(ScopedJoinHandle::is_finished) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn write(&self, db: &Database, writer: usize) -> Told {
        let mut told = Told::default();
        let insert = "INSERT INTO kept (name) VALUES (:name)";
        for row in 0.. {
            let name = format!("{writer}-{row}");
            loop {
                let written = match writer % 2 {
                    0 => db.execute(insert, params! { name }),
                    _ => db.write(|tx| tx.execute(insert, params! { name })),
                };
                match written.map_err(|error| (error.kind(), error)) {
                    Ok(_) => {
                        self.done[writer].fetch_add(1, Ordering::Release);
                        told.done.insert(name);
                        break;
                    }
                    Err((ErrorKind::UnknownOutcome, _)) => {
                        told.unknown.insert(name);
                        break;
                    }
                    // Nothing was done. Were that not so, the same name could not be written now.
                    Err((ErrorKind::Unavailable, _)) => told.refused += 1,
                    Err((_, error)) => panic!("{name}: {error:?}"),
                }
                if self.end.load(Ordering::Acquire) {
                    return told;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            if self.end.load(Ordering::Acquire) {
                break;
            }
        }
        told
    }

    fn read(&self, db: &Database) {
        let mut seen = 0;
        while !self.end.load(Ordering::Acquire) {
            match db.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM kept", &[])) {
                Ok(count) => {
                    assert!(count >= seen, "{seen} rows were there, and then {count}");
                    seen = count;
                    self.reads.fetch_add(1, Ordering::Release);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

mod postgres {
    use super::*;

    #[test]
    fn a_replica_takes_over_and_nothing_acknowledged_is_lost() {
        bounded(Duration::from_secs(60), || {
            let primary = Cluster::start();
            let replica = primary.replica();
            primary.client().batch_execute("CREATE TABLE kept (name TEXT PRIMARY KEY)").unwrap();
            primary.wait_for_replicas();
            let url = format!(
                "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/postgres?target_session_attrs=read-write",
                primary.port(),
                replica.port()
            );
            let db = Database::options(url).busy_timeout(Duration::from_secs(5)).open().unwrap();
            let load = Load::default();
            let told: Vec<Told> = std::thread::scope(|scope| {
                let (db, load) = (&db, &load);
                let writers: Vec<_> =
                    (0..WRITERS).map(|writer| scope.spawn(move || load.write(db, writer))).collect();
                scope.spawn(|| load.read(db));
                load.goes_on(&writers);
                primary.kill();
                replica.promote();
                load.goes_on(&writers);
                load.end.store(true, Ordering::Release);
                writers.into_iter().map(|writer| writer.join().unwrap()).collect()
            });

            let rows = replica.client().query("SELECT name FROM kept", &[]).unwrap();
            let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
            assert_eq!(there.len(), rows.len());
            let done: BTreeSet<_> = told.iter().flat_map(|told| told.done.iter().cloned()).collect();
            let unknown: BTreeSet<_> = told.iter().flat_map(|told| told.unknown.iter().cloned()).collect();
            let lost: Vec<_> = done.difference(&there).collect();
            assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
            let unasked: Vec<_> =
                there.iter().filter(|name| !done.contains(*name) && !unknown.contains(*name)).collect();
            assert!(unasked.is_empty(), "there, and nobody was told: {unasked:?}");
            let refused: u64 = told.iter().map(|told| told.refused).sum();
            assert!(
                refused + unknown.len() as u64 > 0,
                "the server's end was not noticed, so nothing was shown"
            );
            let came = unknown.intersection(&there).count();
            println!(
                "{} acknowledged, all there; of {} unknown outcomes {came} had come about; told {refused} times to try again",
                done.len(),
                unknown.len()
            );
        });
    }
}
