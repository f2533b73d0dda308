//! Streams: one snapshot, no more rows in hand than need be, and an end at once when nobody wants it.

use super::blocking::ENDLESS;
use super::{ADD, COUNT, Place, bounded, in_each, one_thread};
use futures_core::Stream;
use larder::{Database, ErrorKind, params};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const NUMBERS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last) SELECT i FROM n";

/// 5,000 rows.
const FILL: &str = "INSERT INTO t (n) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
                    SELECT i FROM n";

#[test]
fn all_rows_come_in_their_order() {
    in_each(async |db| {
        for last in [1, 127, 128, 129, 20_000_i64] {
            let mut rows = db.stream::<i64>(NUMBERS, params! { last });
            let mut expected = 1;
            while let Some(row) = rows.next().await {
                assert_eq!(row.unwrap(), expected);
                expected += 1;
            }
            assert_eq!(expected, last + 1);
            assert!(rows.next().await.is_none());
        }
        let mut none = db.stream::<i64>("SELECT n FROM t", &[]);
        assert!(none.next().await.is_none());
    });
}

#[test]
fn a_stream_sees_one_state() {
    in_each(async |db| {
        db.execute(FILL, &[]).await.unwrap();
        let mut rows = db.stream::<(i64, i64)>("SELECT id, n FROM t ORDER BY id", &[]);
        rows.next().await.unwrap().unwrap();
        db.execute("DELETE FROM t WHERE n > 10", &[]).await.unwrap();
        let mut seen = 1;
        while let Some(row) = rows.next().await {
            row.unwrap();
            seen += 1;
        }
        assert_eq!(seen, 5000);
        assert_eq!(db.query_one::<i64>(COUNT, &[]).await.unwrap(), 10);
    });
}

/// It keeps the log from being moved, and whoever looks for the reason is told where the stream was asked for.
#[test]
fn a_stream_that_rests_is_named() {
    bounded(|| {
        let place = Place::new();
        let db = place.open_with(place.options().long_read(Duration::from_millis(50)));
        one_thread().block_on(async {
            db.execute(FILL, &[]).await.unwrap();
            let line = line!() + 1;
            let mut rows = db.stream::<i64>("SELECT n FROM t", &[]);
            rows.next().await.unwrap().unwrap();
            let long = loop {
                db.execute("INSERT INTO t (n) VALUES (zeroblob(1000000))", &[]).await.unwrap();
                if let Some(long) = db.database().stats().log.long_reads.pop() {
                    break long;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
            let place = format!("tests/task/stream.rs:{line}:");
            assert!(long.place.contains(&place), "{long}");
        });
    });
}

/// The statement has no end. Were the rows collected, or the read not ended, neither would this.
#[test]
fn rows_are_not_read_far_ahead_and_a_dropped_stream_ends() {
    in_each(async |db| {
        for _ in 0..20 {
            let mut rows = db.stream::<i64>(NUMBERS, params! { last: i64::MAX });
            for expected in 1..500 {
                assert_eq!(rows.next().await.unwrap().unwrap(), expected);
            }
        }
        let _unpolled = db.stream::<i64>(NUMBERS, params! { last: i64::MAX });
    });
}

/// It gives no row, so nothing but the stop ends it; and the runtime waits for it.
#[test]
fn a_statement_that_gives_no_row_yet_is_stopped() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let runtime = one_thread();
        let mut rows = db.stream::<i64>(ENDLESS, &[]);
        {
            let _inside = runtime.enter();
            let mut context = Context::from_waker(Waker::noop());
            assert!(matches!(Pin::new(&mut rows).poll_next(&mut context), Poll::Pending));
        }
        std::thread::sleep(Duration::from_millis(100));
        drop(rows);
        drop(runtime);
        assert_eq!(db.database().query_one::<i64>(COUNT, &[]).unwrap(), 0);
    });
}

#[test]
fn an_error_is_the_last_item() {
    in_each(async |db| {
        let mut rows = db.stream::<i64>("SELECT x FROM t", &[]);
        assert_eq!(rows.next().await.unwrap().unwrap_err().kind(), ErrorKind::Statement);
        assert!(rows.next().await.is_none());

        db.execute(ADD, params! { n: 1 }).await.unwrap();
        db.execute(ADD, params! { n: "two" }).await.unwrap();
        let mut rows = db.stream::<i64>("SELECT n FROM t ORDER BY id", &[]);
        assert_eq!(rows.next().await.unwrap().unwrap(), 1);
        assert_eq!(rows.next().await.unwrap().unwrap_err().kind(), ErrorKind::Conversion);
        assert!(rows.next().await.is_none());

        let mut rows = db.stream::<i64>(NUMBERS, params! { last: u64::MAX });
        assert_eq!(rows.next().await.unwrap().unwrap_err().kind(), ErrorKind::Parameter);
        assert!(rows.next().await.is_none());

        let mut rows = db.stream::<i64>("DELETE FROM t RETURNING n", &[]);
        assert_eq!(rows.next().await.unwrap().unwrap_err().kind(), ErrorKind::ReadOnly);
    });
}

/// A panic while rows are read must not look like their end.
#[test]
fn a_panic_is_no_end() {
    #[derive(Debug)]
    struct Bomb;
    impl<'de> serde::Deserialize<'de> for Bomb {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("in the row's own code");
        }
    }
    in_each(async |db| {
        let mut rows = db.stream::<Bomb>("SELECT 1", &[]);
        let task = tokio::spawn(async move { rows.next().await.is_none() });
        assert!(task.await.unwrap_err().is_panic());
    });
}

/// The one connection of a database in memory is not kept from others while a stream rests.
#[test]
fn a_resting_stream_keeps_nobody_from_writing_in_memory() {
    in_each(async |_| {
        let db = Database::open(":memory:").unwrap().to_async();
        db.execute("CREATE TABLE t (n)", &[]).await.unwrap();
        let mut rows = db.stream::<i64>(NUMBERS, params! { last: 1000 });
        assert_eq!(rows.next().await.unwrap().unwrap(), 1);
        db.execute(ADD, params! { n: 1 }).await.unwrap();
        let mut seen = 1;
        while let Some(row) = rows.next().await {
            row.unwrap();
            seen += 1;
        }
        assert_eq!(seen, 1000);
    });
}

/// However many streams rest, a read has a connection at once: it would otherwise hold the thread that polls. Each that
/// waited would take 50 ms.
#[test]
fn streams_that_rest_keep_no_read_waiting() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        one_thread().block_on(async {
            let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
            let mut streams: Vec<_> = (0..40).map(|_| db.stream::<i64>(numbers, &[])).collect();
            for stream in &mut streams {
                assert_eq!(stream.next().await.unwrap().unwrap(), 1);
            }
            let start = std::time::Instant::now();
            for _ in 0..400 {
                db.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM t", &[])).await.unwrap();
                db.database().query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap();
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        });
    });
}
