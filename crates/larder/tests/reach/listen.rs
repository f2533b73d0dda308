//! Hearing what other sessions tell.

use larder::driver::Driver;
use larder::driver::postgres::{Place, Postgres, Settings};
use larder::{Database, ErrorKind};
use larder_kit::postgres::Cluster;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_listener_wakes_when_it_is_told_and_says_when_the_server_is_gone() {
    let cluster = Cluster::start();
    let postgres = Postgres { place: Place::parse(&cluster.url()).unwrap(), settings: Settings::default() };
    let mut listener = postgres.listen().unwrap().unwrap();
    assert!(!listener.wait(Duration::from_millis(10)).unwrap());
    let db = Database::options(cluster.url()).open().unwrap();
    let tell = || db.execute("NOTIFY larder", &[]).unwrap();
    tell();
    assert!(listener.wait(LONG).unwrap());
    // What was told together counts once.
    assert!(!listener.wait(Duration::ZERO).unwrap());
    std::thread::scope(|scope| {
        let heard = scope.spawn(|| listener.wait(LONG).unwrap());
        tell();
        assert!(heard.join().unwrap());
    });
    cluster.kill();
    assert_eq!(listener.wait(LONG).unwrap_err().kind(), ErrorKind::Unavailable);
}
