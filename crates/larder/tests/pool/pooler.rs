//! The same through PgBouncer in transaction mode.

use larder::{Database, params};
use larder_kit::postgres::{Bouncer, Cluster};
use std::time::Duration;

#[test]
fn a_hot_row_is_counted_and_the_commits_of_others_are_found() {
    let cluster = Cluster::start();
    let bouncer = Bouncer::start(&cluster.url());
    let url = bouncer.url_of("postgres");
    let (db, other) = (Database::options(&url).open().unwrap(), Database::options(&url).open().unwrap());
    db.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)", &[]).unwrap();
    db.execute("INSERT INTO t VALUES (1, 0)", &[]).unwrap();
    std::thread::scope(|scope| {
        for db in [&db, &other].repeat(4) {
            scope.spawn(move || {
                for _ in 0..25 {
                    db.write(|tx| {
                        let n: i64 = tx.query_one("SELECT n FROM t WHERE id = 1", &[])?;
                        tx.execute("UPDATE t SET n = :n WHERE id = 1", params! { n: n + 1 })
                    })
                    .unwrap();
                }
            });
        }
    });
    let value = |db: &Database| db.query_one::<i64>("SELECT n FROM t WHERE id = 1", &[]).unwrap();
    assert_eq!(value(&db), 200);

    let mut changes = db.changes().unwrap();
    for n in 0..3 {
        // The server is this test's own: nothing but what it does is heard of.
        while changes.wait(Duration::from_millis(500)).unwrap() {}
        other.execute("UPDATE t SET n = :n WHERE id = 1", params! { n }).unwrap();
        assert!(changes.wait(Duration::from_secs(20)).unwrap(), "the commit was not found");
        assert_eq!(value(&db), n);
    }
}
