//! The arrows: who may use whom. This is the one table; ARCHITECTURE.md explains it.

/// Parts, and what each stands directly upon.
pub(super) type Table = [(&'static str, &'static [&'static str])];

/// The modules of the crate larder, and what each stands directly upon. What those stand upon may be used too, so every
/// arrow runs downwards. `lib.rs` is the table of contents and stands above all.
pub(super) const MODULES: &Table = &[
    ("error", &[]),
    ("path", &["error"]),
    ("sql", &["error"]),
    ("driver", &["sql"]),
    ("db", &["driver", "path"]),
    ("task", &["db"]),
    ("schema", &["db"]),
    ("backup", &["db"]),
    ("migrate", &["schema", "backup"]),
    ("doctor", &["migrate"]),
    ("copy", &["migrate"]),
];

/// The same for the crate larder-stores. No store uses another; what several need stands below them all, and the list of the
/// stores above.
pub(super) const STORE_MODULES: &Table = &[
    ("refusal", &[]),
    ("word", &[]),
    ("canonical", &[]),
    ("redact", &[]),
    ("git", &[]),
    ("clock", &[]),
    ("engine", &[]),
    ("audit", &["engine", "refusal"]),
    ("journal", &["audit", "word", "canonical", "redact", "git", "clock"]),
    ("workflow", &["engine", "refusal", "word", "canonical", "clock"]),
    ("registry", &["engine", "refusal", "word", "canonical", "git", "clock"]),
    ("forge", &["audit", "word", "redact", "clock"]),
    ("store", &["journal", "workflow", "registry", "forge"]),
];

/// The crates whose modules have a table, by the folder of their sources.
pub(super) const TABLES: &[(&str, &Table)] =
    &[("crates/larder/src/", MODULES), ("crates/larder-stores/src/", STORE_MODULES)];

/// The crates of the workspace, and the crates of the workspace that each may depend on.
pub(super) const CRATES: &Table = &[
    ("larder-file", &[]),
    ("larder-macros", &["larder-file"]),
    ("larder-kit", &[]),
    ("larder", &["larder-file", "larder-macros", "larder-kit"]),
    ("larder-stores", &["larder"]),
    ("larder-cli", &["larder-stores"]),
    ("larder-bench", &["larder-stores", "larder-kit"]),
    ("larder-examples", &["larder-stores"]),
    ("larder-model", &[]),
    ("xtask", &["larder-kit"]),
];

/// Crates that do what Larder does. Only the benchmark knows them, and it stays out of the normal build.
pub(super) const PEERS: &[&str] = &[
    "barrel",
    "deadpool-sqlite",
    "diesel",
    "diesel_migrations",
    "postgres",
    "r2d2",
    "r2d2_sqlite",
    "refinery",
    "refinery-core",
    "rusqlite_migration",
    "sea-orm",
    "sea-orm-migration",
    "sqlx",
    "sqlx-core",
    "sqlx-sqlite",
    "toasty",
    "tokio-rusqlite",
];

/// The crates whose manifest may name a peer: this folder and all below it.
pub(super) const PEERS_PLACE: &str = "crates/larder-bench/";

/// What the tests share, with the one peer that it may name: it looks into a database without the driver under test.
/// Tests alone may depend on it, the task that runs them, and the benchmark, which starts a server too.
pub(super) const KIT: (&str, &str) = ("larder-kit", "postgres");

/// The crates that may depend on [`KIT`] otherwise than for their tests.
pub(super) const KIT_USERS: &[&str] = &["larder-bench", "xtask"];

/// The bindings of the engines, which one module of larder alone may name.
pub(super) const BINDINGS: &[&str] = &["rusqlite", "libsqlite3_sys", "postgres_protocol"];

/// The module that may name the bindings.
pub(super) const BINDINGS_PLACE: &str = "driver";

/// Whether `user` may use `used` under a table: directly, through what stands between, or because they are one.
/// `None` when the table does not know the user.
pub(super) fn allowed(table: &Table, user: &str, used: &str) -> Option<bool> {
    let (_, below) = table.iter().find(|(name, _)| *name == user)?;
    Some(user == used || below.iter().any(|name| allowed(table, name, used) == Some(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_name_only_what_they_know_and_have_no_circle() {
        for table in [MODULES, STORE_MODULES, CRATES] {
            for (at, (name, below)) in table.iter().enumerate() {
                for used in *below {
                    let place = table.iter().position(|(known, _)| known == used);
                    assert!(
                        place.is_some_and(|place| place < at),
                        "{name} → {used}: write the lower one first"
                    );
                }
            }
        }
    }

    #[test]
    fn arrows_run_downwards_only() {
        assert_eq!(allowed(MODULES, "migrate", "error"), Some(true));
        assert_eq!(allowed(MODULES, "db", "db"), Some(true));
        assert_eq!(allowed(MODULES, "db", "migrate"), Some(false));
        assert_eq!(allowed(MODULES, "schema", "backup"), Some(false));
        assert_eq!(allowed(MODULES, "elsewhere", "error"), None);
        assert_eq!(allowed(STORE_MODULES, "journal", "refusal"), Some(true));
        let stores = ["journal", "workflow", "registry", "forge"];
        for (one, other) in stores.iter().flat_map(|one| stores.map(|other| (*one, other))) {
            assert_eq!(allowed(STORE_MODULES, one, other), Some(one == other), "{one} → {other}");
        }
    }
}
