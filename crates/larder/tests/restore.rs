//! A restore leaves the old database whole or the new one, and never touches one that is open.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use larder::backup::{create, restore, verify};
use larder::{Database, ErrorKind, params};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROWS: i64 = 300;

/// A closed database whose every row says `mark`.
fn marked(path: &Path, mark: &str) {
    let db = Database::open(path).unwrap();
    fill(&db, mark);
    db.close().unwrap();
}

fn fill(db: &Database, mark: &str) {
    db.execute("CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT, body BLOB)", &[]).unwrap();
    db.write(|tx| {
        for _ in 0..ROWS {
            tx.execute("INSERT INTO marks (mark, body) VALUES (:mark, randomblob(500))", params! { mark })?;
        }
        Ok(())
    })
    .unwrap();
}

/// The mark of a whole database.
fn mark(path: &Path) -> String {
    verify(path).unwrap();
    let db = Database::options(path.display().to_string()).read_only(true).open().unwrap();
    let (mark, rows): (String, i64) =
        db.query_one("SELECT group_concat(DISTINCT mark), count(*) FROM marks", &[]).unwrap();
    assert_eq!(rows, ROWS);
    mark
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The bytes of every file in the folder.
fn picture(folder: &Path) -> Vec<(String, Vec<u8>)> {
    names(folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}

struct Place {
    folder: tempfile::TempDir,
    /// A backup, in a folder of its own.
    from: PathBuf,
    /// The database.
    to: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("copies/new.db"), folder.path().join("live/app.db"));
    let source = folder.path().join("source.db");
    marked(&source, "new");
    create(&Database::open(&source).unwrap(), &from).unwrap();
    Place { folder, from, to }
}

/// Runs the test `name` of this file in a process of its own, on the folder `place`.
fn spawn(name: &str, place: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("LARDER_TEST_PLACE", place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the process has printed `word`.
fn wait_for(child: &mut Child, word: &str) {
    let (mut said, mut byte) = (String::new(), [0]);
    let stdout = child.stdout.as_mut().unwrap();
    while !said.ends_with(word) {
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "the process ended after {said:?}");
        said.push(char::from(byte[0]));
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The folder of a test that [`spawn`] has started; `None` when it runs as one of all.
fn child_place() -> Option<PathBuf> {
    std::env::var_os("LARDER_TEST_PLACE").map(PathBuf::from)
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

#[test]
fn a_missing_database_is_made_with_its_folder() {
    let Place { folder: _folder, from, to } = place();
    let done = restore(&from, &to).unwrap();
    assert_eq!((done.kept, done.schema_version), (None, None));
    assert_eq!(mark(&to), "new");
    assert_eq!(names(to.parent().unwrap()), ["app.db"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_old_one_is_kept_whole_and_its_rights_go_over() {
    let Place { folder: _folder, from, to } = place();
    marked(&to, "old");
    #[cfg(unix)]
    fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let before = fs::read(&from).unwrap();
    let kept = restore(&from, &to).unwrap().kept.unwrap();
    assert!(kept.to_str().unwrap().contains("app.db.before-restore-"), "{kept:?}");
    assert_eq!((mark(&to).as_str(), mark(&kept).as_str()), ("new", "old"));
    assert_eq!(names(to.parent().unwrap()), ["app.db", kept.file_name().unwrap().to_str().unwrap()]);
    assert_eq!(fs::read(&from).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let found = fs::metadata(&to).unwrap();
        assert_eq!((found.permissions().mode() & 0o777, found.nlink()), (0o640, 1));
    }
    // And back again.
    restore(&kept, &to).unwrap();
    assert_eq!(mark(&to), "old");
    Database::open(&to).unwrap().execute("DELETE FROM marks", &[]).unwrap();
}

#[cfg(unix)]
#[test]
fn the_log_of_a_killed_process_goes_with_the_old_one_and_not_into_the_new() {
    let Place { folder, from, to } = place();
    let mut child = spawn("child_that_leaves_a_log", folder.path());
    wait_for(&mut child, "ready");
    kill(child);
    let log = folder.path().join("live/app.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 100_000, "all its rows are in the log");
    let kept = restore(&from, &to).unwrap().kept.unwrap();
    assert!(!log.exists());
    assert_eq!((mark(&to).as_str(), mark(&kept).as_str()), ("new", "log"));
    // A log without its database, which would be played into whatever gets the name.
    fs::remove_file(&to).unwrap();
    let mut child = spawn("child_that_leaves_a_log", folder.path());
    wait_for(&mut child, "ready");
    kill(child);
    fs::remove_file(&to).unwrap();
    let kept = restore(&from, &to).unwrap().kept.unwrap();
    assert_eq!(mark(&to), "new");
    assert!(fs::metadata(format!("{}-wal", kept.display())).unwrap().len() > 100_000);
}

#[cfg(unix)]
#[test]
fn child_that_leaves_a_log() {
    let Some(place) = child_place() else { return };
    let db = Database::open(place.join("live/app.db")).unwrap();
    fill(&db, "log");
    println!("ready");
    sleep_for_ever();
}

#[test]
fn a_damaged_database_is_replaced_and_kept_as_it_was() {
    let Place { folder: _folder, from, to } = place();
    fs::create_dir(to.parent().unwrap()).unwrap();
    for (damage, log) in [("not a database at all ".repeat(500), "a log"), (String::new(), "")] {
        fs::write(&to, &damage).unwrap();
        let wal = to.with_file_name("app.db-wal");
        fs::write(&wal, log).unwrap();
        let kept = restore(&from, &to).unwrap().kept.unwrap();
        assert_eq!(mark(&to), "new");
        assert!(!wal.exists());
        if !damage.is_empty() {
            assert_eq!(fs::read_to_string(&kept).unwrap(), damage);
            assert_eq!(fs::read_to_string(format!("{}-wal", kept.display())).unwrap(), log);
        }
    }
    // Damaged in its middle, where only a check of all of it would notice.
    let mut bytes = fs::read(&to).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xA5);
    fs::write(&to, &bytes).unwrap();
    let kept = restore(&from, &to).unwrap().kept.unwrap();
    assert_eq!(mark(&to), "new");
    assert_eq!(fs::metadata(kept).unwrap().len(), bytes.len() as u64);
}

#[test]
fn what_is_no_whole_database_is_not_restored_and_nothing_changes() {
    let Place { folder, from, to } = place();
    marked(&to, "old");
    let live = to.parent().unwrap();
    let before = picture(live);
    let bad = folder.path().join("bad.db");
    let mut damaged = fs::read(&from).unwrap();
    let middle = damaged.len() / 2 / 4096 * 4096;
    damaged[middle..middle + 4096].fill(0xA5);
    for (content, kind) in [
        ("garbage".repeat(1000).into_bytes(), ErrorKind::NotADatabase),
        (Vec::new(), ErrorKind::NotADatabase),
        (damaged, ErrorKind::Backup),
        (fs::read(&from).unwrap()[..20_000].to_vec(), ErrorKind::Backup),
    ] {
        fs::write(&bad, content).unwrap();
        let error = restore(&bad, &to).unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.help().is_some());
        assert_eq!(picture(live), before);
    }
    assert_eq!(restore(&folder.path().join("missing.db"), &to).unwrap_err().kind(), ErrorKind::Backup);
    assert_eq!(restore(&to, &to).unwrap_err().kind(), ErrorKind::Backup);
    assert_eq!(restore(&from, live).unwrap_err().kind(), ErrorKind::NotADatabase);
    assert_eq!(picture(live), before);
}

#[test]
fn nothing_is_restored_over_a_database_that_is_open() {
    let Place { folder: _folder, from, to } = place();
    for journal in ["wal", "delete"] {
        let db = Database::options(to.display().to_string()).pragma("journal_mode", journal).open().unwrap();
        if journal == "wal" {
            fill(&db, "old");
        }
        if journal == "delete" && cfg!(not(target_os = "linux")) {
            continue;
        }
        let error = restore(&from, &to).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{journal}: {error:?}");
        assert!(error.to_string().contains("is in use by"), "{error}");
        db.execute("UPDATE marks SET body = NULL", &[]).unwrap();
        db.close().unwrap();
        assert_eq!(names(to.parent().unwrap()), ["app.db"]);
        assert_eq!(mark(&to), "old");
    }
    restore(&from, &to).unwrap();
    assert_eq!(mark(&to), "new");
}

#[cfg(unix)]
#[test]
fn another_process_that_has_it_open_is_named() {
    let Place { folder, from, to } = place();
    let mut child = spawn("child_that_leaves_a_log", folder.path());
    wait_for(&mut child, "ready");
    let error = restore(&from, &to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
    if cfg!(target_os = "linux") {
        assert!(error.to_string().contains(&format!("(process {})", child.id())), "{error}");
    }
    kill(child);
    assert_eq!(mark(&to), "log");
    restore(&from, &to).unwrap();
    assert_eq!(mark(&to), "new");
}

#[cfg(unix)]
#[test]
fn through_a_symbolic_link_its_target_is_restored() {
    let Place { folder, from, to } = place();
    marked(&to, "old");
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&to, &link).unwrap();
    restore(&from, &link).unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(mark(&to), "new");
    fs::remove_file(&to).unwrap();
    assert_eq!(restore(&from, &link).unwrap_err().kind(), ErrorKind::Backup);
}

/// The story: a restore is killed at a random point, 200 times. At the path there must always be the whole old database or the
/// whole new one, what was kept must be whole too, and the next restore must cope with what was left behind.
#[cfg(unix)]
#[test]
fn killed_at_any_point_it_leaves_the_old_one_or_the_new_one() {
    let (torn, swapped) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| kill_restores(50))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    });
    assert!(torn > 20 && swapped > 20, "the kills hit something: {torn} torn, {swapped} swapped");
}

/// Gives how many kills left a half-made file, and how many came after the new database was there.
#[cfg(unix)]
fn kill_restores(cycles: usize) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    for mark in ["a", "b"] {
        marked(&folder.path().join(format!("source-{mark}.db")), mark);
        let db = Database::open(folder.path().join(format!("source-{mark}.db"))).unwrap();
        create(&db, &folder.path().join(format!("{mark}.db"))).unwrap();
    }
    let live = folder.path().join("live");
    let to = live.join("app.db");
    restore(&folder.path().join("a.db"), &to).unwrap();
    let (mut torn, mut swapped, mut last) = (0, 0, "a".to_owned());
    let begun = Instant::now();
    // How late the latest kill is, in microseconds: found so that about half of them come after a restore, on any machine.
    let mut latest = 40_000;
    for cycle in 0..cycles {
        assert!(begun.elapsed() < Duration::from_secs(120), "only {cycle} cycles in two minutes");
        let mut child = spawn("child_that_restores", folder.path());
        wait_for(&mut child, "ready");
        std::thread::sleep(Duration::from_micros(fastrand::u64(0..latest)));
        kill(child);
        torn += usize::from(names(&live).iter().any(|name| name.contains(".partial")));
        // Opened as an application does; what was cut off in the middle is rolled back by that.
        Database::open(&to).unwrap().close().unwrap();
        let now = mark(&to);
        assert!(now == "a" || now == "b", "both in one: {now}");
        swapped += usize::from(now != last);
        latest = if now == last { latest * 11 / 10 } else { latest * 10 / 11 }.clamp(1_000, 1_000_000);
        last = now;
        // What is kept is whole, and is cleared away; what is half made stays for the next one to deal with.
        for name in names(&live).iter().filter(|name| name.contains("before-restore") && name.ends_with('Z'))
        {
            mark(&live.join(name));
        }
        for name in names(&live).iter().filter(|name| name.contains("before-restore")) {
            fs::remove_file(live.join(name)).unwrap();
        }
    }
    (torn, swapped)
}

#[cfg(unix)]
#[test]
fn child_that_restores() {
    let Some(place) = child_place() else { return };
    let to = place.join("live/app.db");
    println!("ready");
    loop {
        for mark in ["b", "a"] {
            // In WAL mode and with a log, as an application leaves it.
            Database::open(&to)
                .unwrap()
                .execute("UPDATE marks SET body = randomblob(500) WHERE id < 9", &[])
                .unwrap();
            restore(&place.join(format!("{mark}.db")), &to).unwrap();
        }
    }
}

/// The story: the connection that held the old database removed, when it was closed, a journal by its name, and that was by then
/// the journal of a program that had just opened the new one. Its transaction failed, and a crash would have torn it.
#[cfg(target_os = "linux")]
#[test]
fn programs_that_open_it_meanwhile_see_it_locked_or_whole() {
    let Place { folder, from, to } = place();
    restore(&from, &to).unwrap();
    let children: Vec<_> = (0..2).map(|_| spawn("child_that_opens_again_and_again", folder.path())).collect();
    let begun = Instant::now();
    let mut done = 0;
    while done < 30 {
        assert!(begun.elapsed() < Duration::from_secs(120), "only {done} restores in two minutes");
        std::thread::sleep(Duration::from_micros(fastrand::u64(0..20_000)));
        match restore(&from, &to) {
            Ok(restored) => {
                fs::remove_file(restored.kept.unwrap()).unwrap();
                done += 1;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}"),
        }
    }
    fs::write(folder.path().join("stop"), "").unwrap();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    Database::open(&to).unwrap().close().unwrap();
    assert!(mark(&to).starts_with("new"));
}

#[cfg(target_os = "linux")]
#[test]
fn child_that_opens_again_and_again() {
    let Some(place) = child_place() else { return };
    let options = Database::options(place.join("live/app.db").display().to_string());
    let options = options.create(false).busy_timeout(Duration::from_millis(300));
    let mut seen = 0;
    while !place.join("stop").exists() {
        let begun = Instant::now();
        let used = options.clone().open().and_then(|db| {
            db.execute("UPDATE marks SET body = randomblob(500) WHERE id < 9", &[])?;
            let said: String = db.query_one("PRAGMA integrity_check", &[])?;
            assert_eq!(said, "ok");
            db.close()
        });
        match used {
            Ok(()) => seen += 1,
            Err(error) if error.kind() == ErrorKind::Busy => {}
            Err(error) => {
                println!("{error:?}");
                std::process::exit(1);
            }
        }
        // Out of it for longer than in it, however slow the machine is, so that a restore finds a gap.
        std::thread::sleep(begun.elapsed().mul_f64(6.0 * fastrand::f64()));
    }
    assert!(seen > 0, "it was locked all the time");
}
