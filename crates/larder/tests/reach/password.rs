//! Passwords: each way of asking, right, wrong and missing.

use super::{open, told};
use larder::ErrorKind;
use larder_kit::postgres::Cluster;

const ACCESS: &str = "
local all postgres trust
host all scram 127.0.0.1/32 scram-sha-256
host all old 127.0.0.1/32 md5
host all clear 127.0.0.1/32 password
";

#[test]
fn each_way_of_asking_for_a_password() {
    let cluster = Cluster::with().access(ACCESS).start();
    cluster
        .client()
        .batch_execute(
            "CREATE ROLE scram LOGIN PASSWORD 'hunter2'; CREATE ROLE clear LOGIN PASSWORD 'hunter2';
             SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD 'hunter2'",
        )
        .unwrap();
    let url = |login: &str| format!("postgres://{login}@127.0.0.1:{}/postgres", cluster.port());
    for user in ["scram", "old", "clear"] {
        open(&url(&format!("{user}:hunter2"))).unwrap();
        let said = told(&url(&format!("{user}:hunter22")), ErrorKind::CannotOpen);
        assert!(said.contains(&format!("password authentication failed for user \"{user}\"")), "{said}");
        assert!(said.contains("see that user and password are right"), "{said}");
        let said = told(&url(user), ErrorKind::CannotOpen);
        assert!(said.contains("asks for a password") && said.contains("PGPASSWORD"), "{said}");
    }
    let said = told(&url("nobody:hunter2"), ErrorKind::CannotOpen);
    assert!(said.contains("pg_hba.conf"), "{said}");
    // A refusal is the answer: no other host is asked.
    let two = format!("postgres://scram:hunter3@127.0.0.1:{0},127.0.0.1:{0}/postgres", cluster.port());
    assert!(!told(&two, ErrorKind::CannotOpen).contains("none of the servers"));
}
