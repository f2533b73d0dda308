//! Copies that are only read.

use larder::{Database, ErrorKind};
use larder_kit::postgres::Cluster;
use std::time::{Duration, Instant};

const ON_REPLICA: &str = "SELECT pg_is_in_recovery()";

fn by_read(db: &Database) -> bool {
    db.read(|tx| tx.query_one(ON_REPLICA, &[])).unwrap()
}

fn straight(db: &Database) -> bool {
    db.query_one(ON_REPLICA, &[]).unwrap()
}

/// Until it is so; the first look may come too early.
fn becomes(is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn reads_go_to_the_replica_and_writes_to_the_primary() {
    let primary = Cluster::start();
    let replica = primary.replica();
    let db = Database::options(primary.url()).replica(replica.url()).open().unwrap();
    assert!(by_read(&db) && straight(&db));
    assert!(!by_read(&db.primary()) && !straight(&db.primary()));
    assert!(!db.write(|tx| tx.query_one::<bool>(ON_REPLICA, &[])).unwrap());
    assert!(db.health().unwrap().writable);

    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)", &[]).unwrap();
    db.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    let count = |db: &Database| db.query_one::<i64>("SELECT count(*) FROM t", &[]);
    assert_eq!(count(&db.primary()).unwrap(), 1);
    becomes(|| count(&db).is_ok_and(|count| count == 1));

    // A read inside a write, or another read, does not go back in time.
    assert!(!db.write(|_| Ok(by_read(&db))).unwrap());

    // A replica that is gone is passed over, and used again when it is back.
    replica.kill();
    for _ in 0..20 {
        assert!(!straight(&db));
    }
    assert!(!by_read(&db));
    replica.start_again();
    becomes(|| straight(&db));
    assert!(by_read(&db));
}

#[test]
fn two_replicas_take_turns_and_one_that_never_was_there_harms_nobody() {
    let primary = Cluster::start();
    let replica = primary.replica();
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    let db = Database::options(primary.url()).replica(nowhere).replica(replica.url()).open().unwrap();
    for _ in 0..20 {
        assert!(straight(&db));
        assert!(by_read(&db));
    }
}

#[test]
fn a_handle_on_a_replica_only_reads_and_knows_it() {
    let primary = Cluster::start();
    let replica = primary.replica();
    let db = Database::options(replica.url()).open().unwrap();
    assert!(!db.health().unwrap().writable);
    let refused = db.execute("CREATE TABLE t (id INTEGER)", &[]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{refused:?}");
}

#[test]
fn options_that_can_not_be_are_refused() {
    let sqlite = Database::options(":memory:").replica("postgres://localhost/x").open().unwrap_err();
    assert_eq!(sqlite.kind(), ErrorKind::Config);
    let none = Database::options("postgres://localhost/x").connections(0).open().unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Config);
}
