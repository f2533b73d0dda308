//! What the schema itself holds: checks, triggers, references, and the indexes that the queries use.

use crate::kit::{repositories, store};
use larder::sql::text::{Dialect, Mapped};
use larder::{Database, Error, ErrorKind, Param, Value, params};
use larder_stores::forge::{self, Id, QUERIES};

/// A time in the form that the store has.
const AT: &str = "'2026-01-31T09:30:00.000000Z'";
const GOOD: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// What is said of a query, or of its plan.
fn asked(db: &Database, before: &str, sql: &str) -> Result<Vec<String>, Error> {
    let mapped = Mapped::new(sql, Dialect::Sqlite).unwrap();
    let params: Vec<Param<'_>> =
        mapped.names().iter().map(|name| (name.as_str(), &Value::Null as _)).collect();
    let sql = format!("{before} {sql}");
    let mut said = Vec::new();
    db.write(|tx| {
        said.clear();
        tx.query_each(&sql, &params, |row| {
            said.push(row.get::<String>("detail").unwrap_or_default());
            Ok(std::ops::ControlFlow::Continue(()))
        })
    })?;
    Ok(said)
}

fn query(name: &str) -> &'static str {
    let all = QUERIES.iter().flat_map(|group| group.iter());
    all.into_iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no query {name}")).1
}

#[test]
fn every_query_is_understood() {
    let db = store();
    let mut count = 0;
    for (name, sql) in QUERIES.iter().flat_map(|group| group.iter()) {
        asked(&db, "EXPLAIN", sql).unwrap_or_else(|error| panic!("{name}: {error}"));
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn frequent_questions_are_answered_by_an_index() {
    let db = store();
    for (name, plan) in [
        ("project::NAMED", "SEARCH projects USING INDEX sqlite_autoindex_projects_2 (name=?)"),
        ("project::LIST", "SEARCH projects USING INDEX sqlite_autoindex_projects_2 (name>?)"),
        (
            "project::REPOSITORIES",
            "SEARCH repositories USING COVERING INDEX sqlite_autoindex_repositories_2 (project_id=?)",
        ),
        (
            "repository::FIND",
            "SEARCH repositories USING INDEX sqlite_autoindex_repositories_1 (repository_id=?)",
        ),
        (
            "repository::NAMED",
            "SEARCH repositories USING INDEX sqlite_autoindex_repositories_2 (project_id=? AND name=?)",
        ),
        (
            "repository::LIST",
            "SEARCH repositories USING INDEX sqlite_autoindex_repositories_2 (project_id=? AND name>?)",
        ),
        (
            "repository::RELATED",
            "SEARCH repository_relationships USING COVERING INDEX repository_relationships_related_id (related_id=?)",
        ),
        ("lease::FIND", "SEARCH leases USING INDEX sqlite_autoindex_leases_1 (repository_id=?)"),
        ("lease::TOKEN", "SEARCH leases USING INDEX sqlite_autoindex_leases_1 (repository_id=?)"),
        ("lease::RELEASE", "SEARCH leases USING INDEX sqlite_autoindex_leases_1 (repository_id=?)"),
        ("lease::LIVE", "SEARCH leases USING INDEX leases_status_expires_at (status=? AND expires_at>?)"),
        ("lease::EXPIRED", "SEARCH leases USING INDEX leases_status_expires_at (status=? AND expires_at<?)"),
        ("object::FIND", "SEARCH object_metadata USING PRIMARY KEY (repository_id=? AND oid=?)"),
        ("object::LIST", "SEARCH object_metadata USING PRIMARY KEY (repository_id=? AND oid>?)"),
        ("object::HOLDERS", "SEARCH object_metadata USING INDEX object_metadata_oid (oid=?)"),
        ("mirror::LIST", "SEARCH mirrors USING INDEX sqlite_autoindex_mirrors_2 (repository_id=?)"),
        (
            "mirror::NAMED",
            "SEARCH mirrors USING INDEX sqlite_autoindex_mirrors_2 (repository_id=? AND name=?)",
        ),
        ("mirror::OF_STATUS", "SEARCH mirrors USING INDEX mirrors_status_id (status=?)"),
        (
            "relationship::OF",
            "SEARCH repository_relationships USING INDEX sqlite_autoindex_repository_relationships_2 (repository_id=?)",
        ),
        (
            "relationship::TO",
            "SEARCH repository_relationships USING INDEX repository_relationships_related_id (related_id=?)",
        ),
        (
            "cycle::REACH",
            "SEARCH next USING COVERING INDEX sqlite_autoindex_repository_relationships_2 (repository_id=? AND kind=?)",
        ),
        (
            "trail::OF_REPOSITORY",
            "SEARCH audit_entries USING INDEX audit_entries_repository_id (repository_id=? AND rowid<?)",
        ),
        (
            "trail::KNOWS",
            "SEARCH audit_entries USING COVERING INDEX audit_entries_repository_id (repository_id=?)",
        ),
    ] {
        let said = asked(&db, "EXPLAIN QUERY PLAN", query(name)).unwrap();
        assert!(said.iter().any(|step| step == plan), "{name}: {said:#?}");
        let scans = said
            .iter()
            .filter(|step| step.starts_with("SCAN") && !step.contains("reach") && !step.contains("one"));
        assert_eq!(scans.count(), 0, "{name}: {said:#?}");
        // What is listed in part is in its order already: the rest is not even read.
        let sorted = said.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(!sorted || !query(name).contains("LIMIT"), "{name}: {said:#?}");
    }
}

/// What an id that is no ULID looks like.
fn bad_ids() -> Vec<String> {
    let mut bad = vec![
        String::new(),
        GOOD.to_lowercase(),
        GOOD[1..].to_owned(),
        format!("{GOOD}0"),
        format!("8{}", &GOOD[1..]),
        format!("Z{}", &GOOD[1..]),
        format!("{}é", &GOOD[1..]),
        format!("{} ", &GOOD[1..]),
        format!("{GOOD}\0and more"),
    ];
    bad.extend(["I", "L", "O", "U", "-"].map(|letter| format!("{}{letter}", &GOOD[1..])));
    bad
}

#[test]
fn every_id_of_the_schema_must_be_a_ulid() {
    let db = store();
    let [a, b] = repositories(&db, ["a", "b"]);
    let (a, b) = (a.to_string(), b.to_string());
    let project: String = db.query_one("SELECT id FROM projects", &[]).unwrap();
    let insert = |table: &str, id: &str| {
        let (sql, params): (_, &[Param<'_>]) = match table {
            "projects" => ("INSERT INTO projects (id, name) VALUES (:id, 'x')", params! { id }),
            "repositories" => (
                "INSERT INTO repositories (repository_id, project_id, name) VALUES (:id, :project, 'x')",
                params! { id, project },
            ),
            "mirrors" => (
                "INSERT INTO mirrors (id, repository_id, name, remote_url, direction) VALUES (:id, :a, 'x', 'u', 'pull')",
                params! { id, a },
            ),
            "repository_relationships" => (
                "INSERT INTO repository_relationships (id, repository_id, related_id, kind) VALUES (:id, :a, :b, 'fork_of')",
                params! { id, a, b },
            ),
            _ => (
                "INSERT INTO audit_entries (seq, created_at, actor, action, entity_kind, entity_id, repository_id, hash)
                 VALUES ((SELECT max(seq) + 1 FROM audit_entries), 't', 'a', 'b', 'c', :a, :id, printf('%064d', 0))",
                params! { a, id },
            ),
        };
        db.write(|tx| {
            tx.execute(sql, params)?;
            // What was good is not to be kept.
            Err::<(), _>(Error::new(ErrorKind::Application, "good"))
        })
        .unwrap_err()
    };
    for table in ["projects", "repositories", "mirrors", "repository_relationships", "audit_entries"] {
        assert_eq!(insert(table, GOOD).kind(), ErrorKind::Application, "{table}");
        for bad in bad_ids() {
            let error = insert(table, &bad);
            assert_eq!(error.kind(), ErrorKind::Constraint, "{table} took {bad:?}: {error}");
            assert!(bad == GOOD.to_lowercase() || bad.parse::<Id>().is_err(), "{bad:?}");
        }
    }
}

#[test]
fn other_columns_hold_only_what_they_may() {
    let db = store();
    let [a, b] = repositories(&db, ["a", "b"]);
    let (a, b) = (a.to_string(), b.to_string());
    let refused = |sql: &str| {
        let sql = sql.replace("{a}", &a).replace("{b}", &b).replace("{id}", GOOD).replace("{t}", AT);
        let error = db.execute(&sql, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Constraint, "{sql}: {error}");
    };
    refused("UPDATE repositories SET repository_id = '{id}' WHERE name = 'a'");
    refused("UPDATE projects SET id = '{id}'");
    refused("UPDATE repositories SET name = ''");
    refused("UPDATE repositories SET name = 'x/y' WHERE name = 'a'");
    refused("UPDATE repositories SET name = 'b' WHERE name = 'a'");
    refused("DELETE FROM projects");
    let lease = "INSERT INTO leases (repository_id, holder, token, status, acquired_at, expires_at, released_at) VALUES";
    refused(&format!("{lease} ('{{a}}', '', 1, 'held', {{t}}, {{t}}, NULL)"));
    refused(&format!("{lease} ('{{a}}', 'x', 0, 'held', {{t}}, {{t}}, NULL)"));
    refused(&format!("{lease} ('{{a}}', 'x', 1, 'lost', {{t}}, {{t}}, NULL)"));
    refused(&format!("{lease} ('{{a}}', 'x', 1, 'held', {{t}}, {{t}}, {{t}})"));
    refused(&format!("{lease} ('{{a}}', 'x', 1, 'released', {{t}}, {{t}}, NULL)"));
    refused(&format!("{lease} ('{{id}}', 'x', 1, 'held', {{t}}, {{t}}, NULL)"));
    for other in ["t", "2026-01-31 09:30:00", "2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000000+0"] {
        refused(&format!("{lease} ('{{a}}', 'x', 1, 'held', {{t}}, '{other}', NULL)"));
        refused(&format!("{lease} ('{{a}}', 'x', 1, 'released', {{t}}, {{t}}, '{other}')"));
    }
    db.execute(&format!("{lease} ('{a}', 'x', 7, 'held', {AT}, {AT}, NULL)"), &[]).unwrap();
    refused("UPDATE leases SET token = 6");
    refused("UPDATE leases SET repository_id = '{b}'");
    refused("DELETE FROM leases");
    let object = "INSERT INTO object_metadata (repository_id, oid, kind, size) VALUES";
    let oid = "0".repeat(40);
    refused(&format!("{object} ('{{a}}', '{}', 'blob', 1)", &oid[1..]));
    refused(&format!("{object} ('{{a}}', '{}A', 'blob', 1)", &oid[1..]));
    refused(&format!("{object} ('{{a}}', '{oid}', 'file', 1)"));
    refused(&format!("{object} ('{{a}}', '{oid}', 'blob', -1)"));
    db.execute(&format!("{object} ('{a}', '{oid}', 'blob', 1)"), &[]).unwrap();
    refused("UPDATE object_metadata SET size = 2");
    refused("UPDATE object_metadata SET kind = 'tree'");
    let relation = "INSERT INTO repository_relationships (id, repository_id, related_id, kind) VALUES";
    refused(&format!("{relation} ('{{id}}', '{{a}}', '{{a}}', 'fork_of')"));
    refused(&format!("{relation} ('{{id}}', '{{a}}', '{{b}}', 'friend_of')"));
    db.execute(&format!("{relation} ('{GOOD}', '{a}', '{b}', 'fork_of')"), &[]).unwrap();
    refused("DELETE FROM repositories WHERE name = 'b'");
    refused("UPDATE audit_entries SET actor = 'x'");
    refused("DELETE FROM audit_entries");
    // With its repository a lease goes all the same.
    db.execute("DELETE FROM repositories WHERE name = 'a'", &[]).unwrap();
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM leases", &[]).unwrap(), 0);
}

#[test]
fn updated_at_follows_by_itself_and_leaves_an_explicit_time_alone() {
    let db = store();
    repositories(&db, ["a"]);
    let old = "2000-01-01T00:00:00.000000Z";
    let updated = || db.query_one::<String>("SELECT updated_at FROM repositories", &[]).unwrap();
    db.execute("UPDATE repositories SET updated_at = :old", params! { old }).unwrap();
    assert_eq!(updated(), old);
    db.execute("UPDATE repositories SET description = 'x'", &[]).unwrap();
    let now = updated();
    assert!(now.as_str() > "2001" && now.len() == old.len() && now.ends_with("000Z"), "{now}");
    db.execute("UPDATE repositories SET description = 'y', updated_at = :old", params! { old }).unwrap();
    assert_eq!(updated(), old);
    // A row that only SQL made has times of the same form.
    db.execute("INSERT INTO projects (id, name) VALUES (:id, 'x')", params! { id: GOOD }).unwrap();
    let project = db.read(|tx| forge::find_project_named(tx, "x")).unwrap().unwrap();
    assert_eq!(project.id.to_string(), GOOD);
    assert_eq!(project.created_at, project.updated_at);
}

#[test]
fn updated_at_never_goes_back_by_itself_and_its_triggers_end() {
    let db = store();
    let updated = || db.query_one::<String>("SELECT updated_at FROM projects", &[]).unwrap();
    repositories(&db, ["a"]);
    let ahead = "2999-01-01T00:00:00.000000Z";
    db.execute("UPDATE projects SET updated_at = :ahead", params! { ahead }).unwrap();
    db.execute("UPDATE projects SET description = 'x'", &[]).unwrap();
    assert_eq!(updated(), ahead);
    // Several changes within the millisecond that the trigger counts in, where triggers fire triggers.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forge.db").display().to_string();
    let recursive =
        Database::options(path).migrations(&forge::MIGRATIONS).pragma("recursive_triggers", "ON").open();
    let db = recursive.unwrap();
    repositories(&db, ["a"]);
    db.write(|tx| {
        for _ in 0..200 {
            tx.execute("UPDATE projects SET description = 'x'", &[])?;
        }
        Ok(())
    })
    .unwrap();
}
