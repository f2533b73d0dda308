//! The doctor names every fault, made for real, and never makes one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[cfg(unix)]
mod damage;
mod file;
mod harmless;
mod history;
mod inspection;
mod live;
mod log;
#[cfg(unix)]
mod permission;
mod row;
mod setting;
#[cfg(target_os = "linux")]
mod space;

use larder::doctor::{Checkup, Finding, Settings, Severity, State, examine};
use larder::{Database, MigrationSet, Options};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a database in it, gone at the end of the test.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With a database of some tables and rows, closed.
    fn filled() -> Self {
        let place = Self::new();
        let db = place.open();
        fill(&db, 500);
        db.close().unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("app.db{suffix}"))
    }

    fn options(&self) -> Options {
        options(&self.path())
    }

    fn open(&self) -> Database {
        self.options().open().unwrap()
    }

    fn examine(&self) -> Checkup {
        self.examine_with(&[], &Settings::default())
    }

    fn fix(&self) -> Checkup {
        self.examine_with(&[], &Settings { fix: true, ..Settings::default() })
    }

    fn examine_with(&self, sets: &[&MigrationSet], settings: &Settings) -> Checkup {
        examine(&self.options(), sets, settings).unwrap()
    }
}

fn options(path: &Path) -> Options {
    Database::options(path.display().to_string())
}

/// A table with an index, a child that refers to it, and rows.
fn fill(db: &Database, rows: i64) {
    db.write(|tx| {
        tx.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT)", &[])?;
        tx.execute("CREATE INDEX note_by_title ON note (title)", &[])?;
        tx.execute(
            "CREATE TABLE tag (note INTEGER NOT NULL REFERENCES note (id), word TEXT NOT NULL CHECK (word <> ''))",
            &[],
        )?;
        let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)";
        let insert = format!("{many} INSERT INTO note SELECT i, 'title ' || i, hex(randomblob(100)) FROM n");
        tx.execute(&insert, larder::params! { rows })?;
        tx.execute("INSERT INTO tag SELECT id, 'word' FROM note WHERE id % 10 = 0", &[])
    })
    .unwrap();
}

/// The only finding of `check`.
fn only<'a>(checkup: &'a Checkup, check: &str) -> &'a Finding {
    let mut found = checkup.findings.iter().filter(|finding| finding.check == check);
    let first = found.next().unwrap_or_else(|| panic!("{check} found nothing: {checkup:#?}"));
    assert!(found.next().is_none(), "{check} found more than one thing: {checkup:#?}");
    first
}

/// That `check` found one thing of this severity, whose message holds `words`, with a way out.
fn names(checkup: &Checkup, check: &str, severity: Severity, words: &str) {
    let finding = only(checkup, check);
    assert_eq!(finding.severity, severity, "{finding:?}");
    assert!(finding.message.contains(words), "{finding:?} should say {words:?}");
    assert!(finding.fix.is_some(), "{finding:?} should say what to do");
    assert_eq!(checkup.ok, checkup.state == State::Ready && checkup.worst() < Some(Severity::Error));
}

fn finds_nothing(checkup: &Checkup, check: &str) {
    assert!(checkup.checked.contains(&check), "{check} was not made: {:?}", checkup.checked);
    assert!(checkup.findings.iter().all(|finding| finding.check != check), "{checkup:#?}");
}
