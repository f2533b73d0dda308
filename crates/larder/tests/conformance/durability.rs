//! What a commit has to survive is switched between transactions.

use crate::kit::{Subject, number};
use larder::driver::{Access, Connection};
use larder::{Durability, ErrorKind};

fn synchronous(connection: &mut dyn Connection) -> i64 {
    number(connection, "PRAGMA synchronous")
}

pub(crate) fn it_is_raised_and_comes_back(subject: &Subject) {
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
    assert_eq!(synchronous(connection.as_mut()), 2);
}
