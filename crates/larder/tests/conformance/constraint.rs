//! A broken constraint is told with its sort, and with its table and columns where the engine names them.

use crate::kit::{Subject, number};
use larder::driver::{Access, Connection};
use larder::{Constraint, ConstraintKind, Database, Error, ErrorKind, params};

const SCHEMA: [&str; 3] = [
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE users (
        id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, first TEXT, last TEXT,
        age INTEGER CONSTRAINT adult CHECK (age >= 18), team INTEGER REFERENCES teams,
        UNIQUE (first, last))",
    "CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (a, b))",
];

const TRIGGER: &[&str] = &["CREATE TRIGGER no_teams_called_x BEFORE INSERT ON teams WHEN new.name = 'x'
     BEGIN SELECT RAISE(ABORT, 'no team is called x'); END"];

const SERVER_TRIGGER: &[&str] = &[
    "CREATE FUNCTION no_x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no team is called x'; END $$",
    "CREATE TRIGGER no_teams_called_x BEFORE INSERT ON teams FOR EACH ROW WHEN (new.name = 'x') EXECUTE FUNCTION no_x()",
];

fn filled(subject: &Subject) -> Database {
    let db = subject.open();
    for sql in SCHEMA.iter().chain(if subject.is_postgres() { SERVER_TRIGGER } else { TRIGGER }) {
        db.execute(sql, &[]).unwrap();
    }
    db.execute("INSERT INTO teams VALUES (1, 'red')", &[]).unwrap();
    db.execute("INSERT INTO users VALUES (1, 'a@example.org', 'Ada', 'L', 40, 1)", &[]).unwrap();
    db.execute("INSERT INTO pairs VALUES (1, 2)", &[]).unwrap();
    db
}

fn broken(db: &Database, sql: &str) -> (Error, Constraint) {
    let error = db.execute(sql, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Constraint, "{sql}: {error:?}");
    let constraint = error.constraint().unwrap().clone();
    (error, constraint)
}

fn assert_names(db: &Database, sql: &str, kind: ConstraintKind, table: &str, columns: &[&str]) {
    let (_, constraint) = broken(db, sql);
    assert_eq!(constraint.kind, kind, "{sql}");
    assert_eq!(constraint.table.as_deref(), Some(table), "{sql}");
    assert_eq!(constraint.columns, columns, "{sql}");
}

pub(crate) fn a_unique_value_is_named_with_its_table_and_columns(subject: &Subject) {
    let db = filled(subject);
    let email = "INSERT INTO users (id, email) VALUES (9, 'a@example.org')";
    assert_names(&db, email, ConstraintKind::Unique, "users", &["email"]);
    let pair = "INSERT INTO users (id, email, first, last) VALUES (9, 'b', 'Ada', 'L')";
    assert_names(&db, pair, ConstraintKind::Unique, "users", &["first", "last"]);
    db.execute("CREATE UNIQUE INDEX by_lower ON teams (lower(name))", &[]).unwrap();
    let (_, constraint) = broken(&db, "INSERT INTO teams VALUES (2, 'RED')");
    assert_eq!((constraint.kind, constraint.name.as_deref()), (ConstraintKind::Unique, Some("by_lower")));
}

pub(crate) fn a_primary_key_is_named(subject: &Subject) {
    let db = filled(subject);
    let rowid = "INSERT INTO teams VALUES (1, 'blue')";
    assert_names(&db, rowid, ConstraintKind::PrimaryKey, "teams", &["id"]);
    let pair = "INSERT INTO pairs VALUES (1, 2)";
    assert_names(&db, pair, ConstraintKind::PrimaryKey, "pairs", &["a", "b"]);
}

pub(crate) fn a_missing_value_is_named(subject: &Subject) {
    let db = filled(subject);
    let sql = "INSERT INTO users (id, email) VALUES (9, NULL)";
    assert_names(&db, sql, ConstraintKind::NotNull, "users", &["email"]);
}

pub(crate) fn a_check_is_named(subject: &Subject) {
    let db = filled(subject);
    let (error, constraint) = broken(&db, "UPDATE users SET age = 17");
    assert_eq!((constraint.kind, constraint.name.as_deref()), (ConstraintKind::Check, Some("adult")));
    assert!(error.message().contains("adult"), "{error}");
}

pub(crate) fn a_foreign_key_is_known_as_one(subject: &Subject) {
    let db = filled(subject);
    for sql in ["INSERT INTO users (id, email, team) VALUES (9, 'b', 99)", "DELETE FROM teams"] {
        assert_eq!(broken(&db, sql).1.kind, ConstraintKind::ForeignKey, "{sql}");
    }
}

pub(crate) fn a_strict_type_is_another_rule(subject: &Subject) {
    let db = filled(subject);
    db.execute("CREATE TABLE strict_ones (n INTEGER) STRICT", &[]).unwrap();
    for sql in ["INSERT INTO strict_ones VALUES ('text')", "INSERT INTO teams VALUES ('no number', 'blue')"] {
        assert_eq!(broken(&db, sql).1.kind, ConstraintKind::Other, "{sql}");
    }
}

pub(crate) fn a_trigger_is_another_rule(subject: &Subject) {
    let db = filled(subject);
    let (error, constraint) = broken(&db, "INSERT INTO teams VALUES (2, 'x')");
    assert_eq!(constraint.kind, ConstraintKind::Other);
    assert!(error.message().contains("no team is called x"), "{error}");
}

pub(crate) fn a_transaction_goes_on_after_a_constraint(subject: &Subject) {
    let db = filled(subject);
    db.write(|tx| {
        tx.execute("INSERT INTO teams VALUES (2, 'blue')", &[])?;
        // The first row of the two fits; the statement as a whole does nothing.
        let error = tx.execute("INSERT INTO teams VALUES (3, 'green'), (2, 'again')", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Constraint);
        tx.execute("INSERT INTO teams VALUES (4, :name)", params! { name: "white" })?;
        Ok(())
    })
    .unwrap();
    assert_eq!(db.query_all::<i64>("SELECT id FROM teams ORDER BY id", &[]).unwrap(), [1, 2, 4]);
}

pub(crate) fn a_foreign_key_that_waits_for_the_commit_rolls_back(subject: &Subject) {
    let db = filled(subject);
    db.execute(
        "CREATE TABLE late (id INTEGER PRIMARY KEY, team INTEGER REFERENCES teams DEFERRABLE INITIALLY DEFERRED)",
        &[],
    )
    .unwrap();
    let error = db.write(|tx| tx.execute("INSERT INTO late VALUES (1, 99)", &[])).unwrap_err();
    assert_eq!(error.constraint().unwrap().kind, ConstraintKind::ForeignKey, "{error:?}");
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM late", &[]).unwrap(), 0);

    // At the seam: the commit fails, the transaction is still there, and is rolled back.
    let mut connection: Box<dyn Connection> = subject.connect();
    connection
        .execute("CREATE TABLE IF NOT EXISTS teams (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", &[])
        .unwrap();
    connection
        .execute("CREATE TABLE later (team INTEGER REFERENCES teams DEFERRABLE INITIALLY DEFERRED)", &[])
        .unwrap();
    connection.begin(Access::Write).unwrap();
    connection.execute("INSERT INTO later VALUES (99)", &[]).unwrap();
    assert_eq!(connection.commit().unwrap_err().kind(), ErrorKind::Constraint);
    if !subject.is_postgres() {
        assert_eq!(number(connection.as_mut(), "SELECT count(*) FROM later"), 1);
    }
    connection.rollback().unwrap();
    assert_eq!(number(connection.as_mut(), "SELECT count(*) FROM later"), 0);
}
