//! What a commit has to survive is switched between transactions.

use crate::kit::{Subject, number, rows};
use larder::driver::{Access, Connection};
use larder::{Durability, ErrorKind};

fn synchronous(connection: &mut dyn Connection) -> i64 {
    number(connection, "PRAGMA synchronous")
}

/// What PostgreSQL's commits wait for.
fn waits(connection: &mut dyn Connection) -> String {
    connection.begin(Access::Write).unwrap();
    let found = rows(connection, "SHOW synchronous_commit", &[]).unwrap();
    connection.rollback().unwrap();
    format!("{:?}", found[0][0])
}

/// A server whose commits do not wait for its disk: only the durable ones do.
fn it_is_raised_on_a_server(subject: &Subject) {
    for (opened, full) in [("off", "on"), ("local", "local"), ("on", "on"), ("remote_apply", "remote_apply")]
    {
        let mut client = subject.place().client();
        let name: String = client.query_one("SELECT current_database()::text", &[]).unwrap().get(0);
        client.batch_execute(&format!("ALTER DATABASE {name} SET synchronous_commit = {opened}")).unwrap();
        let mut connection = subject.connect();
        let before = waits(connection.as_mut());
        assert!(before.contains(opened), "{before}");
        for _ in 0..2 {
            connection.set_durability(Durability::Normal).unwrap();
            assert_eq!(waits(connection.as_mut()), before, "{opened}");
            connection.set_durability(Durability::Full).unwrap();
            connection.set_durability(Durability::Full).unwrap();
            assert!(waits(connection.as_mut()).contains(full), "{opened}");
        }
    }
}

pub(crate) fn it_is_raised_and_comes_back(subject: &Subject) {
    if subject.is_postgres() {
        return it_is_raised_on_a_server(subject);
    }
    for (opened, full) in [("OFF", 2), ("NORMAL", 2), ("FULL", 2), ("EXTRA", 3)] {
        let driver = subject.driver(|settings| settings.pragmas.push(("synchronous".into(), opened.into())));
        let mut connection = driver.connect(Access::Write).unwrap();
        let before = synchronous(connection.as_mut());
        for _ in 0..2 {
            connection.set_durability(Durability::Normal).unwrap();
            assert_eq!(synchronous(connection.as_mut()), before, "{opened}");
            connection.set_durability(Durability::Full).unwrap();
            connection.set_durability(Durability::Full).unwrap();
            assert_eq!(synchronous(connection.as_mut()), full, "{opened}");
        }
    }
}

pub(crate) fn inside_a_transaction_it_is_refused(subject: &Subject) {
    let mut connection = subject.connect();
    for access in [Access::Read, Access::Write] {
        connection.begin(access).unwrap();
        for durability in [Durability::Normal, Durability::Full] {
            let error = connection.set_durability(durability).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Nested);
        }
        connection.commit().unwrap();
    }
    connection.set_durability(Durability::Full).unwrap();
    if !subject.is_postgres() {
        assert_eq!(synchronous(connection.as_mut()), 2);
    }
}
