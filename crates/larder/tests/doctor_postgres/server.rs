//! What is wrong with a server.

use crate::{finds_nothing, look, names};
use larder::doctor::{Severity, State};
use larder_kit::postgres::Cluster;

#[test]
fn settings_that_lose_data() {
    let cluster = Cluster::with()
        .set("synchronous_commit", "off")
        .set("autovacuum", "off")
        .set("password_encryption", "md5")
        .start();
    let checkup = look(&cluster.url());
    for name in ["fsync", "full_page_writes", "synchronous_commit", "autovacuum", "password_encryption"] {
        names(&checkup, "setting", Severity::Warning, &format!("{name} is "));
    }
    names(&checkup, "setting", Severity::Info, "data checksums are off");
}

#[test]
fn the_role_and_its_password() {
    let cluster = Cluster::start();
    names(&look(&cluster.url()), "role", Severity::Warning, "postgres, a superuser");
    for made in [
        "CREATE ROLE app LOGIN VALID UNTIL 'tomorrow'",
        "CREATE DATABASE app OWNER app",
        "CREATE ROLE guest LOGIN",
    ] {
        cluster.client().batch_execute(made).unwrap();
    }
    let app = cluster.url_of("app").replace("postgres@", "app@");
    let checkup = look(&app);
    let finding = names(&checkup, "role", Severity::Warning, "the password of app ends in");
    assert!(!finding.message.contains("superuser"));
    // As the finding advises.
    cluster.client().batch_execute("ALTER ROLE app VALID UNTIL 'infinity'").unwrap();
    finds_nothing(&look(&app), "role");
    let guest = cluster.url_of("app").replace("postgres@", "guest@");
    names(&look(&guest), "role", Severity::Info, "guest may not make tables");
}

#[test]
fn connections_that_run_out_and_transactions_that_were_left() {
    let cluster = Cluster::with().set("max_connections", "12").set("max_prepared_transactions", "2").start();
    finds_nothing(&look(&cluster.url()), "connection");
    let held: Vec<_> = (0..7).map(|_| cluster.client()).collect();
    names(&look(&cluster.url()), "connection", Severity::Warning, "of 9 connections are taken");
    drop(held);
    cluster.client().batch_execute("BEGIN; CREATE TABLE t (a int); PREPARE TRANSACTION 'left over'").unwrap();
    let checkup = look(&cluster.url());
    let finding = checkup.findings.iter().find(|finding| finding.check == "prepared").unwrap();
    assert!(finding.message.contains("`left over` of postgres is prepared"), "{finding:?}");
}

#[test]
fn replicas_and_slots() {
    let cluster = Cluster::start();
    finds_nothing(&look(&cluster.url()), "replication");
    cluster.client().batch_execute("SELECT pg_create_physical_replication_slot('nobodys', true)").unwrap();
    names(
        &look(&cluster.url()),
        "replication",
        Severity::Warning,
        "nobody uses the replication slot nobodys",
    );
    cluster.set("synchronous_standby_names", "away");
    names(&look(&cluster.url()), "replication", Severity::Error, "none is there: writes hang");
    cluster.set("synchronous_standby_names", "");
    let replica = cluster.replica();
    names(&look(&replica.url()), "engine", Severity::Info, "this server is a replica");
}

#[test]
fn transaction_numbers_that_run_out() {
    let cluster =
        Cluster::with().set("autovacuum_freeze_max_age", "100000").set("autovacuum_naptime", "1d").start();
    finds_nothing(&look(&cluster.url()), "wraparound");
    let block = "DO $$ BEGIN FOR i IN 1..1000 LOOP BEGIN INSERT INTO t VALUES (i); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$";
    let mut client = cluster.client();
    client.batch_execute("CREATE UNLOGGED TABLE t (a int)").unwrap();
    for _ in 0..201 {
        client.batch_execute(block).unwrap();
    }
    names(&look(&cluster.url()), "wraparound", Severity::Warning, "autovacuum does not get to freeze it");
}

#[test]
fn a_server_that_is_not_there_and_a_database_that_is_not() {
    let cluster = Cluster::start();
    let missing = look(&cluster.url_of("nowhere"));
    assert_eq!(
        (missing.state, missing.checked.as_slice()),
        (State::Uninitialized, ["migrations", "open"].as_slice())
    );
    names(&missing, "open", Severity::Info, "not initialised yet");
    cluster.stop();
    let gone = look(&cluster.url());
    assert_eq!((gone.state, gone.ok), (State::Unreadable, false));
    names(&gone, "open", Severity::Error, "");
}
