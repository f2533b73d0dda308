//! What no program means to do, and some do.

use super::{Subject, driver, failure, one, rows, run};
use larder::driver::{Access, Driver};
use larder::{ErrorKind, Value, ValueRef, params};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

#[test]
fn a_text_with_a_nul_is_refused_before_it_is_sent() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let process = super::process(&mut *it);
    for _ in 0..2 {
        assert_eq!(failure(it.execute("SELECT 1\0, 2", &[])).kind(), ErrorKind::Statement);
    }
    it.begin(Access::Write).unwrap();
    assert_eq!(failure(it.execute("SELECT 1\0, 2", &[])).kind(), ErrorKind::Statement);
    assert_eq!(super::process(&mut *it), process);
    it.commit().unwrap();
}

#[test]
fn more_parameters_than_the_protocol_can_count_are_refused() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TABLE t (a bigint)");
    let insert = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("(:p{n})")).collect();
        format!("INSERT INTO t VALUES {}", all.join(", "))
    };
    let values = vec![ValueRef::Integer(7); 70_000];
    let error = failure(it.execute_list(&insert(70_000), &values));
    assert_eq!(error.kind(), ErrorKind::Parameter, "{error:?}");
    assert!(error.help().unwrap().contains("65535"), "{error:?}");
    assert_eq!(it.execute_list(&insert(65_535), &values[..65_535]).unwrap(), 65_535);
    assert_eq!(one(&mut *it, "SELECT count(*) FROM t", &[]), Value::Integer(65_535));
}

#[test]
fn rows_without_columns_are_counted() {
    let subject = Subject::new();
    let mut it = subject.connect();
    for _ in 0..3 {
        let rows = rows(&mut *it, "SELECT FROM generate_series(1, 3)", &[]).unwrap();
        assert_eq!(rows, [const { Vec::<Value>::new() }; 3]);
    }
}

#[test]
fn a_flood_of_notices_is_passed_over() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(
        &mut *it,
        "DO $$ BEGIN FOR i IN 1..20000 LOOP RAISE NOTICE '% %', i, repeat('x', 100); END LOOP; END $$",
    );
    assert_eq!(one(&mut *it, "SELECT 1", &[]), Value::Integer(1));
}

/// What somebody has set for the role must change neither how a text is read nor what comes back.
#[test]
fn what_is_set_for_the_role_does_not_matter() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let database = match one(&mut *it, "SELECT current_database()", &[]) {
        Value::Text(name) => name,
        other => panic!("{other:?}"),
    };
    for setting in [
        "standard_conforming_strings = off",
        "escape_string_warning = off",
        "bytea_output = escape",
        "DateStyle = 'German, DMY'",
        "IntervalStyle = iso_8601",
        "TimeZone = 'Asia/Tokyo'",
        "extra_float_digits = -15",
    ] {
        run(&mut *it, &format!("ALTER DATABASE \"{database}\" SET {setting}"));
    }
    let mut it = subject.connect();
    let sql = r"SELECT 'a\' || :x || '\', '\x00ff5c'::bytea, '2026-01-31T09:30:00Z'::timestamptz,
                date '2026-01-31', interval '1 day', 0.1::float8 + 0.2::float8, 0.1::float4";
    let expected = vec![
        Value::Text(r"a\:x\".into()),
        Value::Blob(vec![0, 255, b'\\']),
        Value::Text("2026-01-31T09:30:00.000000Z".into()),
        Value::Text("2026-01-31".into()),
        Value::Text("1 day".into()),
        Value::Real(0.1 + 0.2),
        Value::Real(f64::from(0.1_f32)),
    ];
    for _ in 0..3 {
        let got = rows(&mut *it, sql, params! { x: ":x" }).unwrap();
        assert_eq!(got, std::slice::from_ref(&expected));
    }
}

/// An interrupt that comes when a statement has ended must not stop the one after it.
#[test]
fn an_interrupt_never_hits_the_next_statement() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let interrupter = it.interrupter();
    let over = AtomicBool::new(false);
    let seen = &over;
    thread::scope(|scope| {
        let (ask, asked) = mpsc::channel::<()>();
        scope.spawn(move || {
            while asked.recv().is_ok() {
                interrupter.interrupt();
                seen.store(true, Ordering::SeqCst);
            }
        });
        for n in 0..150_u32 {
            over.store(false, Ordering::SeqCst);
            ask.send(()).unwrap();
            // It may be stopped, or end before.
            let sleep = format!("SELECT pg_sleep({})", f64::from(n % 30) / 10_000.0);
            if let Err(error) = it.execute(&sleep, &[]) {
                assert_eq!(error.kind(), ErrorKind::Interrupted, "{error:?}");
            }
            // From here on nothing runs that anybody asked to stop, once the other thread has seen that.
            while !over.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            one(&mut *it, "SELECT 1 FROM pg_sleep(0.001)", &[]);
        }
    });
}

/// The server says that it ended the session while nothing ran in it: so the commit that met that did not happen.
#[test]
fn a_commit_after_the_server_ended_an_idle_transaction_did_not_happen() {
    let subject = Subject::new();
    let mut other = subject.connect();
    run(&mut *other, "CREATE TABLE t (a int)");
    let url = format!("{}?options=-c%20idle_in_transaction_session_timeout%3D50", subject.place.direct_url());
    let mut it = driver(&url).connect(Access::Write).unwrap();
    it.begin(Access::Write).unwrap();
    let process = super::process(&mut *it);
    run(&mut *it, "INSERT INTO t VALUES (1)");
    let there = "SELECT count(*) FROM pg_stat_activity WHERE pid = :process";
    while one(&mut *other, there, params! { process }) != Value::Integer(0) {
        thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(failure(it.commit()).kind(), ErrorKind::Unavailable);
    assert_eq!(one(&mut *other, "SELECT count(*) FROM t", &[]), Value::Integer(0));
}
