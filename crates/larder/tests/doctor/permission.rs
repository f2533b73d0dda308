//! Who may read and write.

use super::{Place, fill, finds_nothing, names, only};
use larder::doctor::{Severity, State};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_others_may_read_is_named_and_closed() {
    let place = Place::filled();
    finds_nothing(&place.examine(), "permission");
    chmod(&place.path(), 0o644);
    names(&place.examine(), "permission", Severity::Warning, "other users may read ");
    let checkup = place.fix();
    assert!(only(&checkup, "permission").fixed);
    assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
    finds_nothing(&place.examine(), "permission");

    chmod(&place.path(), 0o666);
    names(&place.examine(), "permission", Severity::Warning, "other users may read and write ");
}

#[test]
fn a_log_that_others_may_read_is_named() {
    let place = Place::filled();
    let db = place.open();
    db.execute("INSERT INTO note (title) VALUES ('in the log')", &[]).unwrap();
    chmod(&place.beside("-wal"), 0o640);
    names(&place.examine(), "permission", Severity::Warning, "app.db-wal (640)");
}

#[test]
fn a_folder_that_others_may_write_to_is_named() {
    let place = Place::filled();
    chmod(place.folder.path(), 0o777);
    names(&place.examine(), "permission", Severity::Warning, "other users may make and replace files");
    // It may hold more than the database: its permissions are not the doctor's to change.
    place.fix();
    assert_eq!(fs::metadata(place.folder.path()).unwrap().permissions().mode() & 0o777, 0o777);
}

/// Root may do everything: what others may not is seen by a process of another user.
fn as_nobody(place: &Place) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    // The test program itself may lie where others may not look.
    let program = place.folder.path().join("doctor");
    // Copied by a process of its own: a file that this one has open for writing can't be run while another test starts one.
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap();
    assert!(copied.success());
    chmod(&program, 0o755);
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", "permission::helper_examines", "--nocapture"])
        .env("LARDER_TEST_EXAMINE", place.path())
        .current_dir("/")
        .output()
        .unwrap();
    fs::remove_file(&program).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Some(said)
}

/// Does nothing unless another test runs it in a process of its own.
#[test]
fn helper_examines() {
    let Some(path) = std::env::var_os("LARDER_TEST_EXAMINE") else { return };
    let settings = super::Settings::default();
    let checkup = super::examine(&super::options(path.as_ref()), &[], &settings).unwrap();
    println!("state={}", checkup.state);
    for finding in &checkup.findings {
        println!(
            "{}: {}: {} | {}",
            finding.check,
            finding.severity,
            finding.message,
            finding.fix.as_deref().unwrap_or_default()
        );
    }
}

#[test]
fn a_file_that_this_user_may_not_read_is_named() {
    let place = Place::filled();
    chmod(place.folder.path(), 0o755);
    let Some(said) = as_nobody(&place) else { return };
    assert!(said.contains("state=unreadable"), "{said}");
    assert!(said.contains("permission: error: this user may not read"), "{said}");
    assert!(said.contains("belongs to user 0"), "{said}");
}

#[test]
fn a_folder_that_this_user_may_not_enter_is_named() {
    let place = Place::new();
    let inner = place.folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let db = super::options(&inner.join("app.db")).open().unwrap();
    fill(&db, 10);
    chmod(place.folder.path(), 0o755);
    chmod(&inner, 0o700);
    let moved = Place { folder: place.folder };
    std::os::unix::fs::symlink(inner.join("app.db"), moved.path()).unwrap();
    let Some(said) = as_nobody(&moved) else { return };
    assert!(said.contains("state=unreadable"), "{said}");
    assert!(said.contains("file: error: ") && said.contains("can't be looked at"), "{said}");
}

#[test]
fn in_a_folder_that_can_not_be_written_the_finding_says_why_the_log_can_not_be_read() {
    let place = Place::filled();
    chmod(place.folder.path(), 0o755);
    chmod(&place.path(), 0o644);
    let Some(said) = as_nobody(&place) else { return };
    assert!(said.contains("state=unreadable"), "{said}");
    assert!(said.contains("this user may not write to"), "{said}");
    assert!(said.contains("this user may not make files in the folder"), "{said}");
    assert!(said.contains("in WAL mode even a reader makes files"), "{said}");
}

#[test]
fn a_database_without_a_log_can_be_read_where_nothing_can_be_written() {
    let place = Place::new();
    let db = place.options().pragma("journal_mode", "delete").open().unwrap();
    fill(&db, 10);
    db.close().unwrap();
    chmod(place.folder.path(), 0o755);
    chmod(&place.path(), 0o644);
    let Some(said) = as_nobody(&place) else { return };
    assert!(said.contains("state=unmanaged"), "{said}");
    assert!(said.contains("this user may not write to"), "{said}");
}

#[test]
fn a_log_of_another_user_is_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::filled();
    let db = place.open();
    db.execute("INSERT INTO note (title) VALUES ('in the log')", &[]).unwrap();
    std::os::unix::fs::chown(place.path(), Some(65_534), None).unwrap();
    let checkup = place.examine();
    let found = checkup
        .findings
        .iter()
        .filter(|f| f.check == "permission" && f.message.contains("belongs to user 0"));
    assert_eq!(found.count(), 2, "{checkup:#?}");
    assert_eq!(checkup.state, State::Unmanaged);
}
