//! What the schema itself holds: checks, triggers, references, and the indexes that the queries use.

use crate::kit::{repositories, store};
use crate::plan::{goes_by, query, understood};
use larder::{Database, Error, ErrorKind, Param, params};
use larder_kit::Place;
use larder_stores::forge::{self, Id, QUERIES};

/// A time in the form that the store has.
const AT: &str = "'2026-01-31T09:30:00.000000Z'";
const GOOD: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn queries() -> impl Iterator<Item = (&'static str, &'static str)> {
    QUERIES.iter().flat_map(|group| group.iter().copied()).chain(forge::TRAIL.queries())
}

larder_kit::engines! {
    fn every_query_is_understood(place: &Place) {
        let count = understood(place, &store(place), queries());
        assert!(count > 40, "{count}");
    }

    fn frequent_questions_are_answered_by_an_index(place: &Place) {
        let db = store(place);
        for (name, sqlite, postgres) in [
            ("project::NAMED", "projects USING INDEX sqlite_autoindex_projects_2 (name=?)", "projects_name_key"),
            ("project::LIST", "projects USING INDEX sqlite_autoindex_projects_2 (name>?)", "projects_name_key"),
            (
                "project::REPOSITORIES",
                "repositories USING COVERING INDEX sqlite_autoindex_repositories_2 (project_id=?)",
                "repositories_project_id_name_key",
            ),
            (
                "repository::FIND",
                "repositories USING INDEX sqlite_autoindex_repositories_1 (repository_id=?)",
                "repositories_pkey",
            ),
            (
                "repository::NAMED",
                "repositories USING INDEX sqlite_autoindex_repositories_2 (project_id=? AND name=?)",
                "repositories_project_id_name_key",
            ),
            (
                "repository::LIST",
                "repositories USING INDEX sqlite_autoindex_repositories_2 (project_id=? AND name>?)",
                "repositories_project_id_name_key",
            ),
            (
                "repository::RELATED",
                "repository_relationships USING COVERING INDEX repository_relationships_related_id (related_id=?)",
                "repository_relationships_related_id",
            ),
            ("lease::FIND", "leases USING INDEX sqlite_autoindex_leases_1 (repository_id=?)", "leases_pkey"),
            ("lease::TOKEN", "leases USING INDEX sqlite_autoindex_leases_1 (repository_id=?)", "leases_pkey"),
            ("lease::RELEASE", "leases USING INDEX sqlite_autoindex_leases_1 (repository_id=?)", "leases_pkey"),
            (
                "lease::LIVE",
                "leases USING INDEX leases_status_expires_at (status=? AND expires_at>?)",
                "leases_status_expires_at",
            ),
            (
                "lease::EXPIRED",
                "leases USING INDEX leases_status_expires_at (status=? AND expires_at<?)",
                "leases_status_expires_at",
            ),
            (
                "object::FIND",
                "object_metadata USING PRIMARY KEY (repository_id=? AND oid=?)",
                "object_metadata_pkey",
            ),
            (
                "object::LIST",
                "object_metadata USING PRIMARY KEY (repository_id=? AND oid>?)",
                "object_metadata_pkey",
            ),
            ("object::HOLDERS", "object_metadata USING INDEX object_metadata_oid (oid=?)", "object_metadata_"),
            (
                "mirror::LIST",
                "mirrors USING INDEX sqlite_autoindex_mirrors_2 (repository_id=?)",
                "mirrors_repository_id_name_key",
            ),
            (
                "mirror::NAMED",
                "mirrors USING INDEX sqlite_autoindex_mirrors_2 (repository_id=? AND name=?)",
                "mirrors_repository_id_name_key",
            ),
            ("mirror::OF_STATUS", "mirrors USING INDEX mirrors_status_id (status=?)", "mirrors_status_id"),
            (
                "relationship::OF",
                "repository_relationships USING INDEX sqlite_autoindex_repository_relationships_2 (repository_id=?)",
                "repository_relationships_repository_id_kind_related_id_key",
            ),
            (
                "relationship::TO",
                "repository_relationships USING INDEX repository_relationships_related_id (related_id=?)",
                "repository_relationships_related_id",
            ),
            (
                "cycle::REACH",
                "next USING COVERING INDEX sqlite_autoindex_repository_relationships_2 (repository_id=? AND kind=?)",
                "repository_relationships_repository_id_kind_related_id_key",
            ),
            (
                "trail::OF_REPOSITORY",
                "audit_entries USING INDEX audit_entries_repository_id (repository_id=? AND rowid<?)",
                "audit_entries_repository_id",
            ),
            (
                "trail::KNOWS",
                "audit_entries USING COVERING INDEX audit_entries_repository_id (repository_id=?)",
                "audit_entries_repository_id",
            ),
        ] {
            let index = if place.is_postgres() { postgres } else { sqlite };
            goes_by(place, &db, query(place, queries(), name), index, &["reach", "one"]);
        }
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

larder_kit::engines! {
    fn every_id_of_the_schema_must_be_a_ulid(place: &Place) {
        let db = store(place);
        let [a, b] = repositories(&db, ["a", "b"]);
        let (a, b) = (a.to_string(), b.to_string());
        let project: String = db.query_one("SELECT id FROM projects", &[]).unwrap();
        let (at, hash) = (AT.trim_matches('\''), "0".repeat(64));
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
                 VALUES ((SELECT max(seq) + 1 FROM audit_entries), :at, 'a', 'b', 'c', :a, :id, :hash)",
                    params! { at, a, id, hash },
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
                if place.is_postgres() && bad.contains('\0') {
                    // No text of a server has one; it does not get as far as the check.
                    assert_ne!(error.kind(), ErrorKind::Application, "{table} took {bad:?}");
                    continue;
                }
                assert_eq!(error.kind(), ErrorKind::Constraint, "{table} took {bad:?}: {error}");
                assert!(bad == GOOD.to_lowercase() || bad.parse::<Id>().is_err(), "{bad:?}");
            }
        }
    }

    fn other_columns_hold_only_what_they_may(place: &Place) {
        let db = store(place);
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
        // A file has text for a time, of which another form would be compared wrongly; a server has times, also for ever.
        let others: &[&str] = match place.is_postgres() {
            true => &["infinity", "-infinity"],
            false => &["t", "2026-01-31 09:30:00", "2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000000+0"],
        };
        for other in others {
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
        if place.is_postgres() {
            refused("TRUNCATE audit_entries");
            refused("TRUNCATE leases");
        }
        // With its repository a lease goes all the same.
        db.execute("DELETE FROM repositories WHERE name = 'a'", &[]).unwrap();
        assert_eq!(db.query_one::<i64>("SELECT count(*) FROM leases", &[]).unwrap(), 0);
    }

    fn updated_at_follows_by_itself_and_leaves_an_explicit_time_alone(place: &Place) {
        let db = store(place);
        repositories(&db, ["a"]);
        let old = "2000-01-01T00:00:00.000000Z";
        let updated = || db.query_one::<String>("SELECT updated_at FROM repositories", &[]).unwrap();
        db.execute("UPDATE repositories SET updated_at = :old", params! { old }).unwrap();
        assert_eq!(updated(), old);
        db.execute("UPDATE repositories SET description = 'x'", &[]).unwrap();
        let now = updated();
        assert!(now.as_str() > "2001" && now.len() == old.len() && now.ends_with('Z'), "{now}");
        db.execute("UPDATE repositories SET description = 'y', updated_at = :old", params! { old }).unwrap();
        assert_eq!(updated(), old);
        // A row that only SQL made has times of the same form.
        db.execute("INSERT INTO projects (id, name) VALUES (:id, 'x')", params! { id: GOOD }).unwrap();
        let project = db.read(|tx| forge::find_project_named(tx, "x")).unwrap().unwrap();
        assert_eq!(project.id.to_string(), GOOD);
        assert_eq!(project.created_at, project.updated_at);
    }

    fn updated_at_never_goes_back_by_itself_and_its_triggers_end(place: &Place) {
        let db = store(place);
        let updated = || db.query_one::<String>("SELECT updated_at FROM projects", &[]).unwrap();
        repositories(&db, ["a"]);
        let ahead = "2999-01-01T00:00:00.000000Z";
        db.execute("UPDATE projects SET updated_at = :ahead", params! { ahead }).unwrap();
        db.execute("UPDATE projects SET description = 'x'", &[]).unwrap();
        assert_eq!(updated(), ahead);
        if place.is_postgres() {
            return;
        }
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
}

/// A table of a session's own that bears the name of the repositories is not asked whether the lease's is still there: with the
/// row the token would go, and begin at 1 again.
#[cfg(feature = "postgres")]
#[test]
fn a_lease_is_not_removed_behind_a_temporary_table() {
    let place = Place::new(larder_kit::Engine::Postgres);
    let db = store(&place);
    let [a] = repositories(&db, ["a"]);
    db.write(|tx| forge::acquire_lease(tx, forge::By::new("ada"), a, None)).unwrap();
    let mut client = place.client();
    client.batch_execute("CREATE TEMP TABLE repositories (repository_id text)").unwrap();
    let error = client.batch_execute("DELETE FROM public.leases").unwrap_err();
    assert!(
        error.as_db_error().unwrap().message().contains("its row stays as long as its repository"),
        "{error:?}"
    );
    // With its repository it goes.
    client.batch_execute("DELETE FROM public.repositories").unwrap();
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM leases", &[]).unwrap(), 0);
}
