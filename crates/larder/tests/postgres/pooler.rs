//! Through PgBouncer in transaction mode, where each transaction may meet another server process.

use super::{Subject, driver, failure, one, rows, run};
use larder::driver::{Access, Driver};
use larder::{ErrorKind, Value, params};
use larder_kit::postgres::Bouncer;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn statements_run_without_names_for_many_at_once() {
    let subject = Subject::new();
    let direct = subject.place.direct_url();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TYPE mood AS ENUM ('sad', 'glad')");
    run(&mut *it, "CREATE TABLE t (n bigint, m mood, at timestamptz, d bytea)");
    let bouncer = Bouncer::start(&direct);
    let (_, database) = direct.rsplit_once('/').unwrap();
    let url = bouncer.url_of(database.split('?').next().unwrap());
    let done = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8_i64 {
            let (url, done) = (&url, &done);
            scope.spawn(move || {
                let mut it = driver(url).connect(Access::Write).unwrap();
                for round in 0..30 {
                    let n = thread * 1000 + round;
                    let at: jiff::Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
                    it.execute(
                        "INSERT INTO t (n, m, at, d) VALUES (:n, :m, :at, :d)",
                        params! { n, m: "glad", at, d: [0u8, 255] },
                    )
                    .unwrap();
                    let row = rows(&mut *it, "SELECT n, m, at, d, n > 0 FROM t WHERE n = :n", params! { n })
                        .unwrap();
                    let expected = [
                        Value::Integer(n),
                        Value::Text("glad".into()),
                        Value::Text("2026-01-31T09:30:00.000000Z".into()),
                        Value::Blob(vec![0, 255]),
                        Value::Integer((n > 0).into()),
                    ];
                    assert_eq!(row, [expected]);
                    it.begin(Access::Read).unwrap();
                    one(&mut *it, "SELECT count(*) FROM t WHERE m = :m", params! { m: "glad" });
                    it.commit().unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
                assert!(!it.is_prepared("SELECT n, m, at, d, n > 0 FROM t WHERE n = :n"));
            });
        }
    });
    assert_eq!(done.load(Ordering::Relaxed), 240);
    let mut reader = driver(&url).connect(Access::Read).unwrap();
    for _ in 0..3 {
        assert_eq!(failure(reader.execute("DELETE FROM t", &[])).kind(), ErrorKind::ReadOnly);
    }
    assert_eq!(one(&mut *reader, "SELECT count(*) FROM t", &[]), Value::Integer(240));
    let held = reader.lock("x").unwrap();
    assert_eq!(failure(it.lock("x")).kind(), ErrorKind::Busy);
    drop(held);
    it.lock("x").unwrap();
}

#[test]
fn settings_that_a_pooler_does_not_pass_on_are_refused_with_a_way_out() {
    let subject = Subject::new();
    let direct = subject.place.direct_url();
    let bouncer = Bouncer::start(&direct);
    let (_, database) = direct.rsplit_once('/').unwrap();
    let url = bouncer.url_of(database.split('?').next().unwrap());
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options=-c%20search_path%3Dmine");
    let error = driver(&url).connect(Access::Write).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CannotOpen);
    assert!(error.help().unwrap().contains("ALTER ROLE"), "{error:?}");
}
