//! A database for a test: fresh, its own, and gone afterwards.
#![cfg(feature = "place")]
#![allow(clippy::unwrap_used, reason = "a test")]

use larder_kit::postgres::{Bouncer, Server, client};
use larder_kit::{Engine, Place};

fn databases(server: &str) -> Vec<String> {
    let rows = client(server).unwrap().query("SELECT datname::text FROM pg_database", &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn a_place_is_empty_its_own_and_gone_afterwards() {
    let (one, other) = (Place::new(Engine::Postgres), Place::new(Engine::Postgres));
    assert_ne!(one.url(), other.url());
    one.client().batch_execute("CREATE TABLE t (x int)").unwrap();
    assert!(other.client().batch_execute("SELECT * FROM t").is_err());
    let server = Server::of_this_run().unwrap().direct_url_of("postgres");
    let named =
        |place: &Place| place.direct_url().rsplit_once('/').unwrap().1.split('?').next().unwrap().to_owned();
    let (name, held) = (named(&one), one.client());
    assert!(databases(&server).contains(&name));
    drop(one);
    drop(held);
    assert!(!databases(&server).contains(&name));
    assert!(databases(&server).contains(&named(&other)));
}

#[test]
fn a_file_is_not_there_yet() {
    let place = Place::new(Engine::Sqlite);
    assert!(!std::path::Path::new(place.url()).exists());
    assert!(place.folder().is_dir() && !place.is_postgres());
    let folder = place.folder().to_owned();
    drop(place);
    assert!(!folder.exists());
}

#[test]
fn a_bouncer_stands_before_every_database() {
    let place = Place::new(Engine::Postgres);
    let bouncer = Bouncer::start(&place.direct_url());
    let url = place.direct_url();
    let name = url.rsplit_once('/').unwrap().1.split('?').next().unwrap();
    for url in [bouncer.url_of(name), bouncer.tcp_url_of(name)] {
        let mut client = client(&url).unwrap();
        // Two transactions may go to two servers: what one sets for its session the other need not see, but this table it does.
        client.batch_execute("CREATE TABLE IF NOT EXISTS t (x int); INSERT INTO t VALUES (1)").unwrap();
    }
    assert_eq!(place.client().query_one("SELECT count(*) FROM t", &[]).unwrap().get::<_, i64>(0), 2);
    let mut admin = client(&bouncer.url_of("pgbouncer")).unwrap();
    let rows = admin.simple_query("SHOW DATABASES").unwrap();
    assert!(rows.len() > 1, "{rows:?}");
}
