//! A backup is whole or is not there: beside a busy writer, on a full disk, with something in its way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use larder::backup::{create, create_in, file_name, rotate, verify};
use larder::{Database, ErrorKind, params};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn count(path: &Path, sql: &str) -> i64 {
    let db = Database::options(path.display().to_string()).read_only(true).open().unwrap();
    db.query_one(sql, &[]).unwrap()
}

/// A database with `rows` rows of about a kilobyte.
fn filled(path: &Path, rows: i64) -> Database {
    let db = Database::open(path).unwrap();
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body BLOB)", &[]).unwrap();
    db.write(|tx| {
        for _ in 0..rows {
            tx.execute("INSERT INTO notes (body) VALUES (randomblob(1000))", &[])?;
        }
        Ok(())
    })
    .unwrap();
    db
}

#[test]
fn backups_beside_a_busy_writer_are_whole_and_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("bank.db")).unwrap();
    db.execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY, money INTEGER NOT NULL)", &[]).unwrap();
    db.execute("CREATE TABLE transfers (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL)", &[]).unwrap();
    for _ in 0..100 {
        db.execute("INSERT INTO accounts (money) VALUES (1000)", &[]).unwrap();
    }
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (from, to, amount) = (n % 100 + 1, (n * 7 + 3) % 100 + 1, n % 13);
                db.write(|tx| {
                    tx.execute(
                        "UPDATE accounts SET money = money - :amount WHERE id = :from",
                        params! { amount, from },
                    )?;
                    tx.execute(
                        "UPDATE accounts SET money = money + :amount WHERE id = :to",
                        params! { amount, to },
                    )?;
                    tx.execute("INSERT INTO transfers (amount) VALUES (:amount)", params! { amount })
                })
                .unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Also where a check below fails: else the writer would never end, and its scope would wait for it.
        let _stop = StopWhenDropped(&stop);
        let mut last = -1;
        for n in 0..20 {
            // Two: the backup before may have seen one transaction more than was counted by then.
            let before = done.load(Ordering::Relaxed);
            while done.load(Ordering::Relaxed) < before + 2 {
                std::thread::yield_now();
            }
            let copy = folder.path().join(format!("copy{n}.db"));
            let made = create(&db, &copy).unwrap();
            assert_eq!(made.bytes, fs::metadata(&copy).unwrap().len());
            assert_eq!(count(&copy, "SELECT sum(money) FROM accounts"), 100_000);
            let transfers = count(&copy, "SELECT count(*) FROM transfers");
            assert_eq!(count(&copy, "SELECT max(id) FROM transfers"), transfers);
            assert!(transfers > last, "{transfers} after {last}");
            last = transfers;
        }
    });
}

struct StopWhenDropped<'a>(&'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_does_not_wait_for_a_transaction_that_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder.path().join("app.db"), 3);
    let copy = folder.path().join("copy.db");
    db.write(|tx| {
        tx.execute("DELETE FROM notes", &[])?;
        std::thread::scope(|scope| scope.spawn(|| create(&db, &copy)).join().unwrap())
    })
    .unwrap();
    assert_eq!(count(&copy, "SELECT count(*) FROM notes"), 3);
}

#[test]
fn it_leaves_one_file_of_its_owners_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder.path().join("app.db"), 10);
    let copies = folder.path().join("deep/backups");
    let made = create(&db, &copies.join("copy.db")).unwrap();
    assert_eq!(names(&copies), ["copy.db"]);
    assert_eq!((made.schema_version, made.foreign_key_violations), (None, 0));
    let found = verify(&made.path).unwrap();
    assert_eq!((found.bytes, found.schema_version), (made.bytes, None));
    assert_eq!(names(&copies), ["copy.db"], "a check leaves nothing either");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&made.path), mode(&copies)), (0o600, 0o700));
    }
}

#[test]
fn the_version_of_the_schema_is_read_from_larders_own_table() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("app.db")).unwrap();
    db.execute("CREATE TABLE meta (id INTEGER PRIMARY KEY, schema_version INTEGER NOT NULL)", &[]).unwrap();
    db.execute("INSERT INTO meta VALUES (1, 42)", &[]).unwrap();
    let copy = |name: &str| create(&db, &folder.path().join(name)).unwrap();
    assert_eq!(copy("a.db").schema_version, None, "without a history it is somebody else's table");
    db.execute("CREATE TABLE schema_migrations (id TEXT PRIMARY KEY)", &[]).unwrap();
    assert_eq!(copy("b.db").schema_version, Some(42));
}

#[test]
fn a_file_that_is_there_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder.path().join("app.db"), 1);
    let to = folder.path().join("precious");
    fs::write(&to, "precious").unwrap();
    let error = create(&db, &to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backup);
    assert!(error.to_string().contains("is there already") && error.help().is_some(), "{error}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "precious");
    #[cfg(unix)]
    {
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).unwrap();
        assert_eq!(create(&db, &link).unwrap_err().kind(), ErrorKind::Backup);
        assert!(!folder.path().join("nowhere").exists());
    }
}

#[test]
fn what_a_crash_left_behind_is_cleared_away_and_what_is_being_written_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder.path().join("app.db"), 5);
    let to = folder.path().join("copy.db");
    let partial = folder.path().join("copy.db.partial");
    // A second name of somebody's file: it must be unlinked, not emptied.
    fs::write(folder.path().join("other"), "other").unwrap();
    fs::hard_link(folder.path().join("other"), &partial).unwrap();
    fs::write(folder.path().join("copy.db.partial-journal"), "junk").unwrap();
    create(&db, &to).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("other")).unwrap(), "other");
    assert_eq!(count(&to, "SELECT count(*) FROM notes"), 5);
    fs::remove_file(&to).unwrap();

    let held = fs::File::create(&partial).unwrap();
    held.lock().unwrap();
    let error = create(&db, &to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(partial.exists() && !to.exists());
    drop(held);
    create(&db, &to).unwrap();
    assert!(!partial.exists());
}

#[test]
fn databases_in_memory_and_opened_only_for_reading_can_be_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Database::open(":memory:").unwrap();
    memory.execute("CREATE TABLE t (a)", &[]).unwrap();
    memory.execute("INSERT INTO t VALUES (7)", &[]).unwrap();
    create(&memory, &folder.path().join("memory.db")).unwrap();
    assert_eq!(count(&folder.path().join("memory.db"), "SELECT a FROM t"), 7);
    assert!(memory.execute("VACUUM", &[]).is_err(), "the connection is as it was");

    let path = folder.path().join("app.db");
    filled(&path, 2).close().unwrap();
    let reader = Database::options(path.display().to_string()).read_only(true).open().unwrap();
    create(&reader, &folder.path().join("copy.db")).unwrap();
    assert_eq!(count(&folder.path().join("copy.db"), "SELECT count(*) FROM notes"), 2);
}

#[test]
fn a_database_whose_file_is_gone_is_not_backed_up_as_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = filled(&path, 2);
    fs::rename(&path, folder.path().join("moved.db")).unwrap();
    let error = create(&db, &folder.path().join("copy.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backup, "{error}");
    assert!(!path.exists() && !folder.path().join("copy.db").exists());
}

#[test]
fn a_damaged_database_is_not_backed_up_silently() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    filled(&path, 200).close().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let db = Database::open(&path).unwrap();
    let error = create(&db, &folder.path().join("copy.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backup, "{error:?}");
    assert!(names(folder.path()).iter().all(|name| name.starts_with("app.db")), "{:?}", names(folder.path()));
    drop(db);
    let error = verify(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backup);
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn rows_that_point_nowhere_are_counted_and_do_not_stop_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = Database::options(path.display().to_string()).pragma("foreign_keys", "OFF").open().unwrap();
    db.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)", &[]).unwrap();
    db.execute("CREATE TABLE b (a REFERENCES a)", &[]).unwrap();
    db.execute("INSERT INTO b VALUES (1), (2)", &[]).unwrap();
    assert_eq!(create(&db, &folder.path().join("copy.db")).unwrap().foreign_key_violations, 2);
}

#[test]
fn verify_tells_what_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |name: &str| verify(&folder.path().join(name)).unwrap_err().kind();
    fs::write(folder.path().join("text"), "x".repeat(5000)).unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    assert_eq!(kind("text"), ErrorKind::NotADatabase);
    assert_eq!(kind("empty"), ErrorKind::NotADatabase);
    assert_eq!(kind("missing"), ErrorKind::Backup);
    assert_eq!(verify(folder.path()).unwrap_err().kind(), ErrorKind::NotADatabase);
}

#[test]
fn rotation_removes_the_oldest_of_this_database_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |hour: i64| jiff::Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap();
    let app = folder.path().join("app.db");
    let ours: Vec<_> = (0..7).map(|n| file_name(&app, at(n), (n % 2 == 0).then_some("0001_x"))).collect();
    // Of a database of the same name in another folder, of one of the same stem, and of a time when names were shorter.
    let elsewhere = file_name(&folder.path().join("other/app.db"), at(0), None);
    let stem = file_name(&folder.path().join("app.sqlite"), at(0), None);
    let others = ["app.db", "app-notes.db", &elsewhere, &stem, "app-20200101T000000000Z.db"];
    for name in ours.iter().map(String::as_str).chain(others) {
        fs::write(folder.path().join(name), name).unwrap();
    }
    fs::create_dir(folder.path().join(file_name(&app, at(-1), None))).unwrap();
    let removed = rotate(folder.path(), &app, 5).unwrap();
    assert_eq!(removed, ours.iter().take(2).map(|name| folder.path().join(name)).collect::<Vec<_>>());
    assert_eq!(rotate(folder.path(), &app, 5).unwrap(), Vec::<PathBuf>::new());
    assert_eq!(rotate(folder.path(), &app, 0).unwrap().len(), 4, "one is always left");
    assert_eq!(names(folder.path()).len(), others.len() + 2);
    assert!(rotate(&folder.path().join("missing"), &app, 5).unwrap().is_empty());
}

#[test]
fn the_newest_backup_is_kept_even_when_the_clock_went_back() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder.path().join("app.db"), 1);
    let backups = folder.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let far = |day: i64| jiff::Timestamp::from_second(32_000_000_000 + day * 86_400).unwrap();
    let later: Vec<String> =
        (0..3).map(|day| file_name(&folder.path().join("app.db"), far(day), None)).collect();
    for name in &later {
        fs::write(backups.join(name), "").unwrap();
    }
    let made = create_in(&db, &backups, Some("0005_contact"), 2).unwrap();
    let name = made.path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("app.db-") && name.ends_with("Z-0005_contact.db"), "{name}");
    assert_eq!(names(&backups), [name, &later[2]]);
}

/// Runs the test `name` of this file in a process of its own, after the shell's `setup`, on the folder `place`.
#[cfg(unix)]
fn in_shell(with: &[&str], setup: &str, place: &Path, name: &str) -> (bool, String) {
    let script = format!("{setup} && exec \"$1\" --exact \"$2\" --nocapture");
    let (program, rest) = with.split_first().map_or(("sh", with), |(first, rest)| (*first, rest));
    let mut command = Command::new(program);
    command.args(rest);
    if !with.is_empty() {
        command.arg("sh");
    }
    let output = command
        .args(["-c", &script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env("LARDER_TEST_PLACE", place)
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success() && said.contains("1 passed"), said)
}

/// The folder of a test that [`in_shell`] has started; `None` when it runs as one of all.
fn place() -> Option<PathBuf> {
    std::env::var_os("LARDER_TEST_PLACE").map(PathBuf::from)
}

/// How to get a mount of one's own, which ends with its process: as root, or as root of a namespace.
#[cfg(target_os = "linux")]
fn own_mounts() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [&["unshare", "-m"], &["unshare", "-U", "-r", "-m"]];
    WAYS.into_iter().find(|way| {
        let (program, rest) = way.split_first().unwrap();
        let tried = Command::new(program).args(rest).args(["mount", "-t", "tmpfs", "none", "/mnt"]).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_the_backup_is_refused_and_nothing_is_left() {
    let Some(way) = own_mounts() else {
        println!("not tested: no file system may be mounted here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let setup = "mount -t tmpfs -o size=2m none \"$LARDER_TEST_PLACE\"";
    let (passed, said) = in_shell(way, setup, folder.path(), "inside_a_small_disk");
    assert!(passed, "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn inside_a_small_disk() {
    let Some(disk) = place() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let db = filled(&elsewhere.path().join("app.db"), 3000);
    let error = create(&db, &disk.join("copy.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error}");
    assert!(error.to_string().contains("MiB left"), "{error}");
    assert!(names(&disk).is_empty(), "{:?}", names(&disk));

    // It lies on the disk itself and takes more than half of it.
    let db = filled(&disk.join("app.db"), 1400);
    assert_eq!(create(&db, &disk.join("copy.db")).unwrap_err().kind(), ErrorKind::DiskFull);
    assert!(!names(&disk).iter().any(|name| name.starts_with("copy")), "{:?}", names(&disk));
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM notes", &[]).unwrap(), 1400);
}

#[cfg(unix)]
#[test]
fn a_write_that_fails_in_the_middle_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    filled(&folder.path().join("app.db"), 1000).close().unwrap();
    let setup = "trap '' XFSZ; ulimit -f 1000";
    let (passed, said) = in_shell(&[], setup, folder.path(), "inside_a_limit_on_file_size");
    assert!(passed, "{said}");
    assert_eq!(names(folder.path()), ["app.db"]);
}

#[cfg(unix)]
#[test]
fn inside_a_limit_on_file_size() {
    let Some(folder) = place() else { return };
    let db = Database::open(folder.join("app.db")).unwrap();
    let error = create(&db, &folder.join("copy.db")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Backup | ErrorKind::DiskFull), "{error:?}");
    assert!(!names(&folder).iter().any(|name| name.starts_with("copy")), "{:?}", names(&folder));
}
