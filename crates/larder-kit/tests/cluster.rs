//! A server of a test's own: what may be done to it, and that nothing of it stays.
#![cfg(all(unix, feature = "place"))]
#![allow(clippy::unwrap_used, reason = "a test")]

use larder_kit::postgres::{Cluster, client};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn what_was_committed_is_there_after_a_kill_and_a_restart() {
    let cluster = Cluster::start();
    let mut before = cluster.client();
    before.batch_execute("CREATE TABLE t (x int); INSERT INTO t VALUES (1)").unwrap();
    cluster.kill();
    assert!(before.batch_execute("SELECT 1").is_err());
    assert!(client(&cluster.url()).is_err());
    cluster.start_again();
    cluster.client().batch_execute("INSERT INTO t VALUES (2)").unwrap();
    cluster.restart();
    let count: i64 = client(&cluster.tcp_url_of("postgres"))
        .unwrap()
        .query_one("SELECT count(*) FROM t", &[])
        .unwrap()
        .get(0);
    assert_eq!(count, 2);
}

#[test]
fn a_replica_follows_and_takes_over() {
    let primary = Cluster::start();
    let replica = primary.replica();
    primary.wait_for_replicas();
    primary.client().batch_execute("CREATE TABLE t (x int); INSERT INTO t VALUES (1)").unwrap();
    assert!(replica.client().batch_execute("INSERT INTO t VALUES (2)").is_err());
    primary.kill();
    replica.promote();
    replica.client().batch_execute("INSERT INTO t VALUES (3)").unwrap();
    let count: i64 = replica.client().query_one("SELECT count(*) FROM t", &[]).unwrap().get(0);
    assert_eq!(count, 2);
}

#[test]
fn it_is_set_up_as_asked() {
    let access = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let cluster = Cluster::with().set("work_mem", "123kB").access(access).file("note", "text").start();
    let mut inside = cluster.client();
    assert_eq!(inside.query_one("SHOW work_mem", &[]).unwrap().get::<_, String>(0), "123kB");
    assert_eq!(std::fs::read_to_string(cluster.data().join("note")).unwrap(), "text");
    inside.batch_execute("CREATE ROLE other LOGIN PASSWORD 'secret'").unwrap();
    let url = |password: &str| format!("postgres://other:{password}@127.0.0.1:{}/postgres", cluster.port());
    assert!(client(&url("secret")).is_ok());
    assert!(client(&url("wrong")).is_err());
}

const TOLD: &str = "LARDER_KIT_CHILD";

/// Does nothing unless it is the child of the next test.
#[test]
#[allow(clippy::print_stdout, reason = "a child speaks through its output")]
fn child() {
    if std::env::var_os(TOLD).is_some() {
        let cluster = Cluster::start();
        println!("\nfolder: {}\nurl: {}", cluster.socket_folder().display(), cluster.url());
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[test]
fn nothing_stays_of_a_process_that_was_killed() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(TOLD, "yes").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut folder, mut url) = (None, None);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // No line more than there is: the next comes never.
    while url.is_none() {
        let line = lines.next().unwrap().unwrap();
        folder = line.strip_prefix("folder: ").map(str::to_owned).or(folder);
        url = line.strip_prefix("url: ").map(str::to_owned);
    }
    let (folder, url) = (folder.unwrap(), url.unwrap());
    client(&url).unwrap().batch_execute("SELECT 1").unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while std::path::Path::new(&folder).exists() {
        assert!(Instant::now() < end, "{folder} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(client(&url).is_err());
}
