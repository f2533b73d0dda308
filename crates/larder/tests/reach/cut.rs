//! Statements that are stopped, answers and questions that are larger than any buffer, and servers that go away.

use super::open;
use larder::{Database, ErrorKind, params};
use larder_kit::postgres::Cluster;
use std::time::{Duration, Instant};

/// Texts that no socket holds at once, sent and had back.
pub(super) fn goes_both_ways(db: &Database) {
    for size in [10_000_usize, 3_000_000] {
        let text: String = ('a'..='z').cycle().take(size).collect();
        let back: String =
            db.query_one("SELECT CAST(:text AS text) || 'x'", params! { text: &text }).unwrap();
        assert_eq!(back.len(), size + 1);
        assert!(back.starts_with(&text));
    }
    let rows: Vec<i64> =
        db.query_all("SELECT CAST(n AS bigint) FROM generate_series(1, 200000) AS n", &[]).unwrap();
    assert_eq!(rows.iter().sum::<i64>(), 200_000 * 200_001 / 2);
}

/// A statement that would run for a minute.
pub(super) fn is_stopped(url: &str) {
    use larder::driver::postgres::{Place, Postgres, Settings};
    use larder::driver::{Access, Driver as _};
    let driver = Postgres { place: Place::parse(url).unwrap(), settings: Settings::default() };
    let mut connection = driver.connect(Access::Write).unwrap();
    let interrupter = connection.interrupter();
    let begun = Instant::now();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            let watch = driver.connect(Access::Read).unwrap();
            let mut watch = watch;
            let mut running = false;
            while !running && begun.elapsed() < Duration::from_secs(50) {
                let sql = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()";
                watch.query(sql, &[], &mut |_| { running = true; Ok(std::ops::ControlFlow::Break(())) }).unwrap();
            }
            interrupter.interrupt();
        });
        connection
            .query("SELECT CAST(pg_sleep(60) AS text)", &[], &mut |_| Ok(std::ops::ControlFlow::Continue(())))
    });
    result.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(55));
    // The connection goes on.
    connection.query("SELECT 1", &[], &mut |_| Ok(std::ops::ControlFlow::Continue(()))).unwrap();
}

#[test]
fn a_statement_is_stopped_from_another_thread() {
    let cluster = Cluster::start();
    is_stopped(&cluster.url());
    is_stopped(&cluster.tcp_url_of("postgres"));
}

#[test]
fn what_is_larger_than_the_buffers_goes_both_ways() {
    let cluster = Cluster::start();
    goes_both_ways(&open(&cluster.url()).unwrap());
    goes_both_ways(&open(&cluster.tcp_url_of("postgres")).unwrap());
}

#[test]
fn a_server_that_is_killed_is_noticed_and_found_again() {
    let cluster = Cluster::start();
    let db = open(&cluster.tcp_url_of("postgres")).unwrap();
    assert_eq!(db.query_one::<i64>("SELECT CAST(1 AS bigint)", &[]).unwrap(), 1);
    cluster.kill();
    let error = db.query_one::<i64>("SELECT CAST(1 AS bigint)", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    cluster.start_again();
    assert_eq!(db.query_one::<i64>("SELECT CAST(2 AS bigint)", &[]).unwrap(), 2);
}
