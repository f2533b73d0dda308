//! The room on the disk, on a small file system of the test's own.

use super::Place;
use std::process::Command;

/// What the doctor says of a database on a file system of `size`, after `fill` was run in its folder. `None` where this
/// user may not mount one. It is gone with the process that mounts it.
fn on_a_disk_of(size: &str, fill: &str) -> Option<String> {
    let place = Place::filled();
    let disk = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=$1,mode=700 none \"$2\" || exit 77; \
                  cp \"$3\" \"$2/app.db\" && chmod 600 \"$2/app.db\" && cd \"$2\" || exit 1; eval \"$4\"; \
                  LARDER_TEST_EXAMINE=\"$2/app.db\" exec \"$5\" --exact permission::helper_examines --nocapture";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh", size])
        .args([disk.path(), &place.path()])
        .arg(fill)
        .arg(std::env::current_exe().unwrap())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !said.contains("state=") && (output.status.code() == Some(77) || !output.status.success()) {
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(why.contains("ermi") || why.contains("unshare"), "{said}{why}");
        return None;
    }
    Some(said)
}

#[test]
fn a_disk_with_little_room_is_named() {
    let Some(said) = on_a_disk_of("8m", "true") else { return };
    assert!(said.contains("space: warning: only "), "{said}");
    assert!(said.contains("storage: info: the database lies in memory"), "{said}");
    assert!(said.contains("state=unmanaged"), "{said}");
}

#[test]
fn a_disk_without_room_for_a_copy_is_named() {
    let fill = "head -c 3000000 /dev/zero >> app.db";
    let Some(said) = on_a_disk_of("5m", fill) else { return };
    assert!(
        said.contains("space: warning: ") && said.contains("left on the disk and the database has"),
        "{said}"
    );
}

#[test]
fn a_full_disk_is_named() {
    let Some(said) = on_a_disk_of("2m", "head -c 9000000 /dev/zero > fill 2> /dev/null") else { return };
    assert!(said.contains("space: error: the disk is full"), "{said}");
}
