//! Back through down scripts, to a target, onto a database that was made by other means, and nowhere at all.

use crate::{Open, app, assert_noted, ids, losses, one};
use larder::migrate::{Approval, Migrator};
use larder::{Database, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};

fn three() -> MigrationSet {
    MigrationSet::list(
        "app",
        vec![
            Migration::sql("0001_init", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
                .with_down_sql("DROP TABLE t"),
            Migration::sql("0002_rows", "INSERT INTO t VALUES (1, 'x'), (2, 'y')")
                .with_down_sql("-- larder: destructive rows t\nDELETE FROM t WHERE id IN (1, 2)"),
            Migration::sql("0003_more", "CREATE TABLE u (b INTEGER)")
                .with_down(|tx| tx.execute("DROP TABLE u", &[]).map(|_| ())),
        ],
    )
}

#[test]
fn the_backups_of_one_run_do_not_push_each_other_out() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let made = ["CREATE TABLE a (x)", "CREATE TABLE b (x)", "CREATE TABLE c (x)"];
    let dropped = ["DROP TABLE a", "DROP TABLE b", "DROP TABLE c"];
    db.migrate(&[&app(&made)]).unwrap();
    let all = app(&[made, dropped].concat());
    let report = Migrator::new(&[&all]).approve(Approval::Everything).keep_backups(1).up(&db).unwrap();
    let backups: Vec<_> = report.done.iter().filter_map(|done| done.backup.clone()).collect();
    assert_eq!(backups.len(), 3);
    assert!(backups.iter().all(|path| path.exists()), "{backups:?}");
}

larder_kit::engines! {
fn a_way_down_that_loses_data_is_gated_like_one_up(place: &Place) {
    let db = place.open();
    db.migrate(&[&three()]).unwrap();
    db.execute("INSERT INTO u VALUES (1), (2), (3)", &[]).unwrap();
    let error = Migrator::new(&[&three()]).down(&db).unwrap_err();
    assert_eq!(losses(&error), ["table u: 3 rows"]);
    assert_eq!(db.schema_version().unwrap(), Some(3));

    let token = error.find::<larder::migrate::Refused>().unwrap().token.clone();
    let folder = place.folder().join("backups");
    let report =
        Migrator::new(&[&three()]).approve(token.parse().unwrap()).backups(&folder, 5).down(&db).unwrap();
    assert_eq!(ids(&report), ["0003_more"]);
    assert_eq!(report.schema_version, Some(2));
    let backup = report.done[0].backup.as_ref().unwrap();
    assert!(backup.starts_with(&folder) && std::fs::metadata(backup).unwrap().len() > 1000);
    if !place.is_postgres() {
        let backup = Database::open(backup).unwrap();
        assert_eq!(one::<i64>(&backup, "SELECT count(*) FROM u"), 3);
    }

    // One approves its own loss in its text. The other drops a table, which is a loss also where it is empty.
    assert_eq!(losses(&Migrator::new(&[&three()]).without_backup().steps(2).down(&db).unwrap_err()), ["table t: 0 rows"]);
    assert_eq!(db.schema_version().unwrap(), Some(1), "the one before it stays led back");
    db.migrate(&[&three()]).unwrap();
    let table = Approval::Migration("0001_init".into());
    let set = three();
    let all = Migrator::new(&[&set]).approve(table).approve(Approval::Migration("0003_more".into())).steps(3);
    let all = all.without_backup();
    let report = all.down(&db).unwrap();
    assert_eq!(ids(&report), ["0003_more", "0002_rows", "0001_init"]);
    assert_eq!(report.schema_version, None);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM schema_migrations"), 0);
    assert_noted(&db, 0);
    // And up again.
    assert_eq!(db.migrate(&[&three()]).unwrap().done.len(), 3);
}
}

larder_kit::engines! {
fn to_a_target_by_id_number_or_name(place: &Place) {
    let db = place.open();
    assert_eq!(ids(&Migrator::new(&[&three()]).to("0001_init").up(&db).unwrap()), ["0001_init"]);
    assert_eq!(ids(&Migrator::new(&[&three()]).to("2").up(&db).unwrap()), ["0002_rows"]);
    assert_eq!(ids(&Migrator::new(&[&three()]).to("more").up(&db).unwrap()), ["0003_more"]);
    assert!(Migrator::new(&[&three()]).to("more").up(&db).unwrap().done.is_empty());
    let down = |target: &str| {
        let set = three();
        Migrator::new(&[&set])
            .approve(Approval::Everything)
            .without_backup()
            .to(target)
            .down(&db)
            .map(|report| report.done.len())
    };
    assert_eq!(down("rows").unwrap(), 1);
    assert_eq!(down("0001_init").unwrap(), 1);
    assert_eq!(down("0").unwrap(), 1);
    for (target, said) in
        [("9", "no migration fits"), ("mroe", "no migration fits"), ("journal/1", "names no set")]
    {
        let error = Migrator::new(&[&three()]).to(target).up(&db).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.message().contains(said), "{error}");
    }
    let near = Migrator::new(&[&three()]).to("mroe").up(&db).unwrap_err();
    assert!(near.help().unwrap().contains("did you mean 0003_more"), "{near}");
    assert_eq!(down("0003_more").unwrap_err().kind(), ErrorKind::Config, "it is not applied");
}
}

larder_kit::engines! {
fn without_a_way_down_nothing_is_led_back(place: &Place) {
    let db = place.open();
    let set = || {
        let mut list = vec![Migration::sql("0001_a", "CREATE TABLE a (x TEXT)")];
        list.push(Migration::sql("0002_b", "CREATE TABLE b (x TEXT)").with_down_sql("DROP TABLE b"));
        MigrationSet::list("app", list)
    };
    db.migrate(&[&set()]).unwrap();
    let error = Migrator::new(&[&set()]).steps(2).down(&db).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMigration);
    assert!(error.message().contains("\"0001_a\" has no way down"), "{error}");
    assert!(error.help().unwrap().contains("0001_a.down.sql"), "{error}");
    assert_eq!(db.schema_version().unwrap(), Some(2), "not even the one that could");
    let report = Migrator::new(&[&set()]).approve(Approval::Everything).without_backup().down(&db).unwrap();
    assert_eq!(ids(&report), ["0002_b"]);
    assert_eq!(report.done[0].backup, None);
    let dry = Migrator::new(&[&set()]).dry_run_down(&db).unwrap_err();
    assert_eq!(dry.kind(), ErrorKind::InvalidMigration);
}
}

larder_kit::engines! {
fn a_database_made_by_other_means_is_taken_over_and_its_drift_found(place: &Place) {
    let db = place.open();
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", &[]).unwrap();
    db.execute("INSERT INTO t VALUES (7, 'kept')", &[]).unwrap();
    let set = || {
        app(&[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
            "ALTER TABLE t ADD COLUMN b TEXT",
            "CREATE TABLE u (c TEXT)",
        ])
    };
    let report = Migrator::new(&[&set()]).program("adopter 1").baseline(&db, "0001_m").unwrap();
    assert_eq!((ids(&report), report.schema_version), (vec!["0001_m"], Some(1)));
    assert_eq!(Migrator::new(&[&set()]).verify(&db).unwrap(), []);
    let again = Migrator::new(&[&set()]).baseline(&db, "0001_m").unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Config);
    let further = Migrator::new(&[&set()]).baseline(&db, "0003_m").unwrap_err();
    assert_eq!(further.kind(), ErrorKind::Config);
    assert!(further.message().contains("0001_m") && further.help().is_some(), "{further:?}");

    assert_eq!(ids(&db.migrate(&[&set()]).unwrap()), ["0002_m", "0003_m"]);
    assert_eq!(one::<String>(&db, "SELECT a FROM t"), "kept");
    assert!(Migrator::new(&[&set()]).verify(&db).unwrap().is_empty());

    db.execute("ALTER TABLE t ADD COLUMN by_hand TEXT", &[]).unwrap();
    db.execute("DROP TABLE u", &[]).unwrap();
    let drift: Vec<String> =
        Migrator::new(&[&set()]).verify(&db).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(drift.len(), 2, "{drift:?}");
    assert!(drift.iter().any(|change| change.contains("by_hand")), "{drift:?}");
    assert!(drift.iter().any(|change| change.contains("drops table u")), "{drift:?}");
    let status = Migrator::new(&[&set()]).status(&db).unwrap();
    assert_eq!(status.rows[0].approval.as_deref(), Some("baseline"));
    assert_eq!(status.rows[0].program.as_deref(), Some("adopter 1"));
}
}

#[test]
fn a_dry_run_does_everything_and_leaves_every_byte() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let texts = [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
        "CREATE TABLE u (b); INSERT INTO u SELECT a FROM t",
        "DELETE FROM t WHERE id = 1",
        "-- larder: no-transaction\nVACUUM",
        "DROP TABLE u",
    ];
    db.migrate(&[&app(&texts[..1])]).unwrap();
    db.close().unwrap();
    let bytes = || std::fs::read(place.path()).unwrap();
    let before = bytes();
    let db = place.open();
    let report = Migrator::new(&[&app(&texts)]).dry_run(&db).unwrap();
    assert_eq!(ids(&report), ["0002_m", "0003_m", "0004_m", "0005_m"]);
    let lost: Vec<String> =
        report.done.iter().flat_map(|done| &done.effects.losses).map(ToString::to_string).collect();
    assert_eq!(lost, ["rows of t: 1 row", "table u: 2 rows"]);
    assert!(report.done.iter().all(|done| done.backup.is_none()));
    let failing = Migrator::new(&[&app(&[texts[0], "SELECT * FROM nothing"])]).dry_run(&db).unwrap_err();
    assert_eq!(failing.kind(), ErrorKind::MigrationFailed);
    assert_eq!(failing.location().unwrap().line(), 1);
    db.close().unwrap();
    assert!(bytes() == before);
    let left: Vec<_> = std::fs::read_dir(place.folder()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_backup_restores_the_rows_from_before_and_only_so_many_are_kept() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let seed = "CREATE TABLE t (id INTEGER PRIMARY KEY, a);
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i, 'row ' || i FROM n";
    let mut texts = vec![seed.to_owned()];
    db.migrate(&[&app(&[seed])]).unwrap();
    let mut first = None;
    for n in 1..=7 {
        texts.push(format!("DELETE FROM t WHERE id <= {}", n * 10));
        let all: Vec<&str> = texts.iter().map(String::as_str).collect();
        let report =
            Migrator::new(&[&app(&all)]).keep_backups(3).approve(Approval::Everything).up(&db).unwrap();
        first = first.or(report.done[0].backup.clone());
        assert!(report.done[0].backup.as_ref().unwrap().exists());
    }
    let backups = || std::fs::read_dir(place.folder().join("backups")).unwrap().count();
    assert_eq!(backups(), 3);
    assert!(!first.unwrap().exists(), "the oldest goes first");
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 930);
    db.close().unwrap();
    let newest =
        std::fs::read_dir(place.folder().join("backups")).unwrap().map(|e| e.unwrap().path()).max().unwrap();
    larder::backup::restore(&newest, &place.path()).unwrap();
    let db = place.open();
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 940);
    assert_eq!(db.schema_version().unwrap(), Some(7));
}
