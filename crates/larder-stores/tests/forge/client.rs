//! The client.

use larder::{ErrorKind, params};
use larder_kit::Place;
use larder_stores::forge::{self, By, Client, NewProject};

fn client(place: &Place) -> Client {
    let path = place.folder().join("deep/forge.db").display().to_string();
    Client::in_environment(|name| match (name, place.is_postgres()) {
        ("DB_PATH", false) => Some(path.clone()),
        ("DATABASE_URL", true) => Some(place.url().to_owned()),
        ("DB_DRIVER", true) => Some("pg".to_owned()),
        _ => None,
    })
    .unwrap()
}

larder_kit::engines! {
    fn it_makes_the_database_with_the_store_and_does_what_the_engine_does(place: &Place) {
        let client = client(place);
        assert_eq!(client.database().file().is_some_and(std::path::Path::is_file), !place.is_postgres());
        let project = client
            .transaction(|tx| {
                let new = NewProject { name: "pantry", ..NewProject::default() };
                forge::create_project(tx, By::new("ada"), new)
            })
            .unwrap();
        let failed = client.transaction(|tx| {
            tx.execute("DELETE FROM projects", &[])?;
            Err::<(), _>(larder::Error::other("no"))
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Application);
        let names: Vec<String> =
            client.query("SELECT name FROM projects WHERE id = :id", params! { id: project.id }).unwrap();
        assert_eq!(names, ["pantry"]);
        assert_eq!(client.execute("UPDATE projects SET description = :it", params! { it: "x" }).unwrap(), 1);
        client.close().unwrap();
    }

    fn preparing_finds_what_is_wrong_and_runs_nothing(place: &Place) {
        let client = client(place);
        let insert = client.prepare("INSERT INTO projects (id, name) VALUES (:id, :name)").unwrap();
        assert_eq!(insert.parameters(), ["id", "name"]);
        let count = client.prepare("SELECT count(*) FROM projects").unwrap();
        assert_eq!(count.query::<i64>(&[]).unwrap(), [0]);
        assert_eq!(insert.execute(params! { id: forge::Id::new(), name: "a" }).unwrap(), 1);
        assert_eq!(insert.execute(params! { id: forge::Id::new(), name: "b" }).unwrap(), 1);
        assert_eq!(count.query::<i64>(&[]).unwrap(), [2]);
        for (sql, kind) in [
            ("SELECT nothing FROM projects", ErrorKind::Statement),
            ("SELEC 1", ErrorKind::Statement),
                ("DELETE FROM nowhere WHERE id = :id", ErrorKind::Statement),
            ("EXPLAIN SELECT nothing FROM projects", ErrorKind::Statement),
            ("COMMIT", ErrorKind::Unsupported),
        ] {
            assert_eq!(client.prepare(sql).unwrap_err().kind(), kind, "{sql}");
        }
        for explained in ["SELECT name FROM projects", "DELETE FROM projects WHERE name = :name"] {
            client.prepare(&format!("-- why\nEXPLAIN {explained}")).unwrap();
            if !place.is_postgres() {
                client.prepare(&format!("-- why\nEXPLAIN QUERY PLAN {explained}")).unwrap();
            }
        }
        if !place.is_postgres() {
            assert_eq!(client.prepare("SELECT ?").unwrap_err().kind(), ErrorKind::Parameter);
            let error = client.prepare("EXPLAIN PRAGMA query_only=ON").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        let two = "SELECT 1; DELETE FROM projects";
        assert!(client.prepare(two).is_err());
        assert_eq!(count.query::<i64>(&[]).unwrap(), [2]);
    }
}
