//! Several hosts, the sort of session that is wanted, and hosts that do not answer.

use super::{open, told};
use larder::ErrorKind;
use larder_kit::postgres::Cluster;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A port where nobody listens.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn port(url: &str) -> larder::Result<i64> {
    open(url)?.query_one("SELECT CAST(current_setting('port') AS bigint)", &[])
}

#[test]
fn the_first_host_that_is_there_is_used() {
    let cluster = Cluster::start();
    let (dead, live) = (nobody(), cluster.port());
    let url = format!("postgres://postgres@127.0.0.1:{dead},127.0.0.1:{live}/postgres");
    assert_eq!(port(&url).unwrap(), i64::from(live));
    assert_eq!(port(&format!("{url}?load_balance_hosts=random")).unwrap(), i64::from(live));
    let said = told(
        &format!("postgres://postgres@127.0.0.1:{dead},%2Fnowhere:{dead}/postgres"),
        ErrorKind::Unavailable,
    );
    assert!(said.contains(&format!("127.0.0.1:{dead} can't be reached")), "{said}");
    assert!(said.contains(&format!("/nowhere:{dead} can't be reached")), "{said}");
    told("postgres://postgres@no-such-host.invalid/postgres", ErrorKind::Unavailable);
}

#[test]
fn target_session_attrs_chooses_between_a_primary_and_its_standby() {
    let primary = Cluster::start();
    let standby = primary.replica();
    let (first, second) = (i64::from(primary.port()), i64::from(standby.port()));
    let url = |wanted: &str| {
        format!(
            "postgres://postgres@127.0.0.1:{second},127.0.0.1:{first}/postgres?target_session_attrs={wanted}"
        )
    };
    assert_eq!(port(&url("any")).unwrap(), second);
    assert_eq!(port(&url("read-write")).unwrap(), first);
    assert_eq!(port(&url("primary")).unwrap(), first);
    assert_eq!(port(&url("read-only")).unwrap(), second);
    assert_eq!(port(&url("standby")).unwrap(), second);
    assert_eq!(port(&url("prefer-standby")).unwrap(), second);
    // Writing needs the primary.
    let alone = |port: i64, wanted: &str| {
        format!("postgres://postgres@127.0.0.1:{port}/postgres?target_session_attrs={wanted}")
    };
    let said = told(&alone(second, "read-write"), ErrorKind::Unavailable);
    assert!(said.contains("only reads; `target_session_attrs`"), "{said}");
    assert!(told(&alone(second, "primary"), ErrorKind::Unavailable).contains("is a standby"));
    assert!(told(&alone(first, "standby"), ErrorKind::Unavailable).contains("is no standby"));
    assert_eq!(port(&alone(first, "prefer-standby")).unwrap(), first);
    // A primary that was switched to reading.
    primary.set("default_transaction_read_only", "on");
    assert!(told(&alone(first, "read-write"), ErrorKind::Unavailable).contains("only reads"));
    assert_eq!(port(&alone(first, "read-only")).unwrap(), first);
}

#[test]
fn a_host_that_never_answers_is_given_up() {
    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let cluster = Cluster::start();
    let begun = Instant::now();
    for mode in ["disable", "prefer"] {
        let url = format!(
            "postgres://postgres@127.0.0.1:{silent_port},127.0.0.1:{}/postgres?connect_timeout=2&sslmode={mode}",
            cluster.port()
        );
        assert_eq!(port(&url).unwrap(), i64::from(cluster.port()));
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
    let said = told(
        &format!("postgres://postgres@127.0.0.1:{silent_port}/x?connect_timeout=2"),
        ErrorKind::Unavailable,
    );
    assert!(said.contains("did not answer in time"), "{said}");
}

#[test]
fn what_is_no_server_is_told() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in other.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = super::refusal(&format!("postgres://u@127.0.0.1:{port}/x"));
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::CannotOpen), "{error:?}");
    assert!(error.to_string().contains("no PostgreSQL server"), "{error:?}");
}

#[test]
fn a_missing_database_and_settings_of_sqlite() {
    let cluster = Cluster::start();
    let said = told(&cluster.url_of("shop"), ErrorKind::NotInitialized);
    assert!(
        said.contains("there is no database `shop`") && said.ends_with("make it: `createdb shop`"),
        "{said}"
    );
    let error = larder::Database::options(cluster.url()).pragma("cache_size", "-2000").open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`PRAGMA cache_size` is SQLite's"), "{error}");
    let db =
        larder::Database::options(cluster.url()).busy_timeout(Duration::from_millis(1234)).open().unwrap();
    assert_eq!(db.query_one::<String>("SELECT current_setting('lock_timeout')", &[]).unwrap(), "1234ms");
    let db =
        open(&format!("{}?options=-c%20lock_timeout%3D7s&application_name=till", cluster.url())).unwrap();
    assert_eq!(db.query_one::<String>("SELECT current_setting('lock_timeout')", &[]).unwrap(), "7s");
    assert_eq!(db.query_one::<String>("SELECT current_setting('application_name')", &[]).unwrap(), "till");
}
