//! Which SQLite is it, and how was it built?

use super::exam::Exam;
use crate::error::Result;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let version: String = exam.one("SELECT sqlite_version()")?;
    if may_lose_log(&version) {
        exam.info(format!(
            "SQLite {version} can, very rarely, damage a database in WAL mode when two connections write and checkpoint at \
             the same moment"
        ))
        .fix = Some("use a newer rusqlite: SQLite has the cure since 3.51.3".into());
    }
    exam.checkup().engine = Some(format!("SQLite {version}"));
    let built: Vec<String> = exam.all("PRAGMA compile_options")?;
    let has = |option: &str| built.iter().any(|one| one == option);
    if has("ENABLE_MEMORY_MANAGEMENT") {
        exam.info(
            "this SQLite was built with ENABLE_MEMORY_MANAGEMENT, so all connections of a process share one lock on their \
             page caches: four readers at once read no faster than one",
        )
        .fix = Some("use rusqlite 0.41 or newer".into());
    }
    if has("THREADSAFE=0") {
        exam.error(
            "this SQLite was built without threads (THREADSAFE=0): used from two, it damages memory and database",
            "link the SQLite that rusqlite brings (its feature `bundled`)",
        );
    }
    Ok(())
}

/// The fault of the reset of the log was in all versions with WAL up to 3.51.2; 3.50.7 and 3.44.6 have the cure too.
fn may_lose_log(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor, patch) =
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    match (major, minor) {
        (3, 44) => patch < 6,
        (3, 50) => patch < 7,
        (3, 51) => patch < 3,
        (3, 7..52) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::may_lose_log;

    #[test]
    fn the_versions_with_the_fault_are_known() {
        for version in ["3.46.0", "3.51.2", "3.50.6", "3.44.5", "3.7.0"] {
            assert!(may_lose_log(version), "{version}");
        }
        for version in ["3.51.3", "3.50.7", "3.44.6", "3.52.0", "3.54.1", "4.0.0"] {
            assert!(!may_lose_log(version), "{version}");
        }
    }
}
