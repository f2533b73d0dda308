//! A database that the program itself has open.

use super::{Place, fill};
use larder::doctor::{Settings, State, examine_open};
use larder::{Database, ErrorKind};

#[test]
fn what_a_handle_was_used_for_stands_in_its_checkup() {
    let place = Place::new();
    let db = place.open();
    fill(&db, 10);
    let before = db.stats();
    db.write(|tx| tx.execute("DELETE FROM note WHERE id = 1", &[])).unwrap();
    for _ in 0..3 {
        db.query_one::<i64>("SELECT count(*) FROM note", &[]).unwrap();
    }
    let checkup = examine_open(&db, &[], &Settings::default()).unwrap();
    let stats = checkup.stats.as_ref().unwrap();
    assert_eq!((stats.writes, stats.commits), (before.writes + 1, before.commits + 1));
    assert_eq!(stats.reads, before.reads + 3);
    assert_eq!(stats.statements, before.statements + 4);
    // The statement was prepared once, and was at hand twice.
    assert_eq!(stats.cache_hits, before.cache_hits + 2);
    assert_eq!(serde_json::to_value(&checkup).unwrap()["stats"]["reads"], stats.reads);
    // Nothing else is there when it is not examined through its handle.
    assert!(serde_json::to_value(place.examine()).unwrap().get("stats").is_none());
    db.execute("DELETE FROM note WHERE id = 2", &[]).unwrap();
}

#[test]
fn in_memory_and_closed() {
    let db = Database::open(":memory:").unwrap();
    db.execute("CREATE TABLE t (n)", &[]).unwrap();
    let checkup = examine_open(&db, &[], &Settings::default()).unwrap();
    assert_ne!(checkup.state, State::Damaged);
    assert_eq!(checkup.stats.unwrap().writes, 1);
    let before = db.stats().reads;
    db.read(|tx| tx.query_all::<i64>("SELECT n FROM t", &[])).unwrap();
    db.query_all::<i64>("SELECT n FROM t", &[]).unwrap();
    assert_eq!(db.stats().reads, before + 2);
    let other = db.clone();
    db.close().unwrap();
    assert_eq!(examine_open(&other, &[], &Settings::default()).unwrap_err().kind(), ErrorKind::Closed);
}
