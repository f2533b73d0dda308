//! The client.

use larder::{ErrorKind, params};
use larder_stores::forge::{self, By, Client, NewProject};

fn client(folder: &tempfile::TempDir) -> Client {
    let path = folder.path().join("deep/forge.db").display().to_string();
    Client::in_environment(|name| (name == "DB_PATH").then(|| path.clone())).unwrap()
}

#[test]
fn it_makes_the_file_with_the_store_and_does_what_the_engine_does() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(&folder);
    assert!(client.database().file().unwrap().is_file());
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

#[test]
fn preparing_finds_what_is_wrong_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(&folder);
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
        ("SELECT ?", ErrorKind::Parameter),
        ("DELETE FROM nowhere WHERE id = :id", ErrorKind::Statement),
        ("EXPLAIN QUERY PLAN SELECT nothing FROM projects", ErrorKind::Statement),
        ("COMMIT", ErrorKind::Unsupported),
        ("EXPLAIN PRAGMA query_only=ON", ErrorKind::Unsupported),
    ] {
        assert_eq!(client.prepare(sql).unwrap_err().kind(), kind, "{sql}");
    }
    for explained in ["SELECT name FROM projects", "DELETE FROM projects WHERE name = :name"] {
        client.prepare(&format!("-- why\nEXPLAIN QUERY PLAN {explained}")).unwrap();
    }
    let two = "SELECT 1; DELETE FROM projects";
    assert!(client.prepare(two).is_err());
    assert_eq!(count.query::<i64>(&[]).unwrap(), [2]);
}
