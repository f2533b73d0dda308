//! Where a registry lies, and what is said where it can't be opened: each failure made for real.

use larder::{Database, Error, ErrorKind, Migration, MigrationSet};
use larder_stores::registry::{self, NewTool, SchemaMismatch, ToolType};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

fn open(path: &Path) -> larder::Result<Database> {
    registry::open_file(path, Duration::from_millis(50))
}

fn fails(path: &Path) -> Error {
    match open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

/// A folder with a registry of one tool in `app.db`.
fn used() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder.path().join("deep/below/app.db")).unwrap();
    db.write(|tx| registry::add_tool(tx, NewTool::new("a", "a", ToolType::Cli).id("a"))).unwrap();
    db.close().unwrap();
    fs::rename(folder.path().join("deep/below/app.db"), folder.path().join("app.db")).unwrap();
    folder
}

fn tools(db: &Database) -> i64 {
    db.query_one("SELECT count(*) FROM tools", &[]).unwrap()
}

/// What does not fit is refused with the way out, is unchanged, and the way out works.
#[track_caller]
fn is_refused_and_reset(path: &Path, kind: ErrorKind, words: &[&str]) {
    let before = fs::read(path).unwrap();
    let error = fails(path);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.find::<SchemaMismatch>().is_some_and(|found| found.path == path), "{error:?}");
    for word in words.iter().chain(&["larder tool reset", path.to_str().unwrap()]) {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    assert_eq!(fs::read(path).unwrap(), before);
    let done = registry::reset(path).unwrap();
    assert_eq!(fs::read(done.kept.unwrap()).unwrap().len(), before.len());
    assert_eq!(tools(&open(path).unwrap()), 0);
}

#[test]
fn a_registry_that_is_there_is_opened_and_a_missing_one_made_with_its_folders() {
    let folder = used();
    assert_eq!(tools(&open(&folder.path().join("app.db")).unwrap()), 1);
}

#[test]
fn a_database_of_something_else_with_tables_of_the_same_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = Database::open(&path).unwrap();
    db.execute("CREATE TABLE tools (id INTEGER PRIMARY KEY, label TEXT)", &[]).unwrap();
    db.execute("INSERT INTO tools VALUES (1, 'hammer')", &[]).unwrap();
    db.close().unwrap();
    let error = fails(&path);
    assert_eq!(error.kind(), ErrorKind::MigrationFailed, "{error}");
    assert!(error.to_string().contains("larder tool reset"), "{error}");
    let kept = registry::reset(&path).unwrap().kept.unwrap();
    assert_eq!(tools(&open(&path).unwrap()), 0);
    let label: String = Database::open(&kept).unwrap().query_one("SELECT label FROM tools", &[]).unwrap();
    assert_eq!(label, "hammer", "what was there is kept");
}

#[test]
fn a_registry_of_a_newer_program() {
    let folder = used();
    let path = folder.path().join("app.db");
    let db = Database::open(&path).unwrap();
    let loaded = registry::MIGRATIONS.load(db.driver().dialect()).unwrap();
    let mut migrations = loaded.migrations().to_vec();
    migrations.push(Migration::sql("9999_later", "CREATE TABLE later (n INTEGER)"));
    db.migrate(&[&MigrationSet::list("registry", migrations)]).unwrap();
    db.close().unwrap();
    is_refused_and_reset(&path, ErrorKind::SchemaNewer, &["update this program"]);
}

#[test]
fn a_registry_whose_migration_was_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = Database::open(&path).unwrap();
    let other = Migration::sql("0001_init", "CREATE TABLE tools (id TEXT)");
    db.migrate(&[&MigrationSet::list("registry", vec![other])]).unwrap();
    db.close().unwrap();
    is_refused_and_reset(&path, ErrorKind::MigrationEdited, &[]);
}

#[test]
fn a_registry_from_which_somebody_took_a_column() {
    let folder = used();
    let path = folder.path().join("app.db");
    let db = Database::open(&path).unwrap();
    db.execute("ALTER TABLE tools DROP COLUMN debt_score", &[]).unwrap();
    db.close().unwrap();
    is_refused_and_reset(&path, ErrorKind::Statement, &["debt_score"]);
}

#[test]
fn a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    fs::write(
        &path,
        "not a database, but longer than the header of one would have to be, that is 100 bytes long. "
            .repeat(3),
    )
    .unwrap();
    is_refused_and_reset(&path, ErrorKind::NotADatabase, &["not a SQLite database"]);
}

#[test]
fn another_process_that_holds_the_lock_is_waited_for_and_then_named() {
    let folder = used();
    let path = folder.path().join("app.db");
    let holder = Database::options(path.to_str().unwrap()).pragma("journal_mode", "DELETE").open().unwrap();
    holder
        .write(|tx| {
            tx.execute("UPDATE tools SET name = 'b'", &[])?;
            let error = fails(&path);
            assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
            let said =
                format!("the registry {} is locked by another process, and was for 50ms", path.display());
            assert_eq!(error.message(), said);
            // Neither is it thrown away under its user.
            assert_eq!(registry::reset(&path).unwrap_err().kind(), ErrorKind::Busy);
            Ok(())
        })
        .unwrap();
    drop(holder);
    assert_eq!(tools(&open(&path).unwrap()), 1);
    assert_eq!(
        fs::read_dir(folder.path())
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().contains("reset") })
            .count(),
        0
    );
}

#[test]
fn resetting_a_registry_that_is_missing_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    assert_eq!(registry::reset(&path).unwrap().kept, None);
    assert_eq!(tools(&open(&path).unwrap()), 0);
}

/// The user's folder, permissions and a full disk are those of a process, so each runs in one of its own.
#[cfg(unix)]
mod elsewhere {
    use super::{fails, registry, tools};
    use larder::ErrorKind;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    const TOLD: &str = "LARDER_REGISTRY_CHILD";

    /// Does nothing unless another test started it.
    #[test]
    fn child() {
        let Ok(app) = std::env::var(TOLD) else { return };
        let said = match registry::open(&app) {
            Ok(db) => format!("opened {} with {} tools", db.file().unwrap().display(), tools(&db)),
            Err(error) => format!("{:?}: {error}", error.kind()),
        };
        println!("\nchild: {}", said.replace('\n', " "));
    }

    /// What `registry::open("my-app")` says in a process with these variables, which may be nobody's.
    fn said(as_nobody: bool, folder: &Path, variables: &[(&str, &Path)]) -> String {
        let mut binary = std::env::current_exe().unwrap();
        let mut words = Vec::new();
        let user = Command::new("id").arg("-u").output().unwrap().stdout;
        if as_nobody && user.starts_with(b"0") {
            words.extend(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
            let copy = folder.join("test-binary");
            assert!(Command::new("cp").arg(&binary).arg(&copy).status().unwrap().success());
            binary = copy;
        }
        words.push(binary.to_str().unwrap());
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["--exact", "place::elsewhere::child", "--nocapture"]);
        command.env(TOLD, "my-app").env("HOME", folder).env_remove("XDG_CONFIG_HOME").env_remove("MY_APP_DB");
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text.lines().find_map(|line| line.strip_prefix("child: ")).unwrap().to_owned()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        folder
    }

    #[test]
    fn the_users_configuration_folder_is_the_default_and_a_variable_overrides_it() {
        let folder = folder();
        let default = folder.path().join(".config/my-app/my-app.db");
        let opened = |path: &Path| format!("opened {} with 0 tools", path.display());
        assert_eq!(said(false, folder.path(), &[]), opened(&default));
        let other = folder.path().join("other/place.db");
        assert_eq!(said(false, folder.path(), &[("MY_APP_DB", &other)]), opened(&other));
        assert!(default.is_file() && other.is_file());
    }

    #[test]
    fn a_folder_that_can_not_be_made_is_told_with_a_way_out() {
        let folder = folder();
        let denied = folder.path().join("denied");
        fs::create_dir(&denied).unwrap();
        fs::set_permissions(&denied, PermissionsExt::from_mode(0o555)).unwrap();
        let said = said(true, folder.path(), &[("XDG_CONFIG_HOME", &denied)]);
        assert!(said.starts_with("CannotOpen: the folder "), "{said}");
        assert!(said.contains("denied/my-app can't be made"), "{said}");
        assert!(said.contains("permissions") && said.ends_with("as with the environment variable"), "{said}");
        assert_eq!(fs::read_dir(&denied).unwrap().count(), 0);
    }

    /// Where this user may mount a disk of 64 KB.
    #[test]
    fn a_disk_that_is_full_is_told_with_a_way_out_and_loses_nothing() {
        let folder = folder();
        let place = folder.path().join("small");
        fs::create_dir(&place).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k,mode=755", "larder-test"])
            .arg(&place)
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            return;
        }
        struct Unmount<'a>(&'a Path);
        impl Drop for Unmount<'_> {
            fn drop(&mut self) {
                let _ = Command::new("umount").arg("-l").arg(self.0).status();
            }
        }
        let _unmount = Unmount(&place);
        let path = place.join("app.db");
        let error = fails(&path);
        assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
        assert!(error.message().starts_with("there is no space for the registry "), "{error}");
        assert!(error.to_string().contains("free space on its disk and try again"), "{error}");
        let larger = Command::new("mount").args(["-o", "remount,size=8m"]).arg(&place).status().unwrap();
        assert!(larger.success());
        let db = registry::open_file(&path, registry::PATIENCE).unwrap();
        assert_eq!(tools(&db), 0);
        db.close().unwrap();
    }
}
