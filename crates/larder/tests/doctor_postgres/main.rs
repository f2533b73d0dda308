//! The doctor of PostgreSQL names every fault that can be made here, made for real.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod database;
mod server;
mod state;

use larder::doctor::{Checkup, Finding, Settings, Severity, examine};
use larder::{Database, MigrationSet};

fn look(url: &str) -> Checkup {
    look_with(url, &[], &Settings::default())
}

fn look_with(url: &str, sets: &[&MigrationSet], settings: &Settings) -> Checkup {
    examine(&Database::options(url), sets, settings).unwrap()
}

/// That `check` found this, with a way out.
fn names<'a>(checkup: &'a Checkup, check: &str, severity: Severity, words: &str) -> &'a Finding {
    let found: Vec<&Finding> = checkup.findings.iter().filter(|finding| finding.check == check).collect();
    let Some(finding) = found.iter().find(|finding| finding.message.contains(words)) else {
        panic!("{check} should say {words:?}: {checkup:#?}")
    };
    assert_eq!(finding.severity, severity, "{finding:?}");
    assert!(finding.fix.is_some(), "{finding:?} should say what to do");
    finding
}

fn finds_nothing(checkup: &Checkup, check: &str) {
    assert!(checkup.checked.contains(&check), "{check} was not made: {:?}", checkup.checked);
    assert!(checkup.findings.iter().all(|finding| finding.check != check), "{checkup:#?}");
}
