//! Checks that a store or an application brings along.

use super::{Place, names};
use larder::doctor::{Findings, Inspection, Settings, Severity, examine, examine_open_with, examine_with};
use larder::{ReadTx, Result};

/// Counts the notes, then asks for a table that is not there.
struct Notes;

impl Inspection for Notes {
    fn name(&self) -> &'static str {
        "notes"
    }

    fn inspect(&self, tx: &mut ReadTx<'_>, findings: &mut Findings) -> Result<()> {
        let count: i64 = tx.query_one("SELECT count(*) FROM note", &[])?;
        findings.info(format!("{count} notes"));
        findings.warn("they are many", "remove some");
        tx.query_one("SELECT 1 FROM nowhere", &[])
    }
}

/// Finds an error.
struct Sound;

impl Inspection for Sound {
    fn name(&self) -> &'static str {
        "sound"
    }

    fn inspect(&self, _: &mut ReadTx<'_>, findings: &mut Findings) -> Result<()> {
        findings.error("nothing is sound", "begin anew");
        Ok(())
    }
}

#[test]
fn what_it_finds_stands_beside_the_rest_and_its_error_does_too() {
    let place = Place::filled();
    let plain = examine(&place.options(), &[], &Settings::default()).unwrap();
    let checkup = examine_with(&place.options(), &[], &Settings::default(), &[&Notes, &Sound]).unwrap();
    let found: Vec<_> = checkup.findings.iter().filter(|finding| finding.check == "notes").collect();
    let [error, warning, info] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((info.severity, info.message.as_str(), &info.fix), (Severity::Info, "500 notes", &None));
    assert_eq!((warning.severity, warning.message.as_str()), (Severity::Warning, "they are many"));
    assert_eq!(warning.fix.as_deref(), Some("remove some"));
    assert_eq!(error.severity, Severity::Error);
    assert!(error.message.contains("no such table: nowhere"), "{error:?}");
    names(&checkup, "sound", Severity::Error, "nothing is sound");
    assert!(!checkup.ok);
    let added: Vec<_> = checkup.checked.iter().skip(plain.checked.len()).collect();
    assert_eq!(added, [&"notes", &"sound"]);
}

#[test]
fn nothing_is_inspected_where_nothing_can_be_opened() {
    let place = Place::new();
    let checkup = examine_with(&place.options(), &[], &Settings::default(), &[&Sound]).unwrap();
    assert!(!checkup.checked.contains(&"sound"), "{checkup:?}");
    assert!(checkup.findings.iter().all(|finding| finding.check != "sound"));
}

#[test]
fn a_database_that_is_open_is_inspected_too() {
    let place = Place::filled();
    let db = place.open();
    let checkup = examine_open_with(&db, &[], &Settings::default(), &[&Notes, &Sound]).unwrap();
    let counted = checkup.findings.iter().filter(|finding| finding.message == "500 notes").count();
    assert_eq!(counted, 1, "{checkup:?}");
    names(&checkup, "sound", Severity::Error, "nothing is sound");
    assert!(checkup.stats.is_some() && !checkup.ok);
}
