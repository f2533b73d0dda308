//! `larder audit`, and that `larder doctor` looks at the trails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod support;

use insta::assert_snapshot;
use larder::{Database, params};
use larder_stores::{audit, journal};
use std::ops::RangeInclusive;
use support::Place;

const URL: [&str; 2] = ["--url", "trail.db"];

/// A journal with so many entries in `trail.db`.
fn journal(entries: usize) -> Place {
    let place = Place::new();
    place.run(&["migrate", "--store", "journal", "--url", "trail.db"]).done();
    append(&place, 1..=entries);
    place
}

fn append(place: &Place, numbers: RangeInclusive<usize>) {
    let db = open(place);
    db.write(|tx| {
        for n in numbers.clone() {
            let message = format!("entry number {n}");
            audit::append(
                tx,
                &journal::TRAIL,
                params! { ts: "2026-01-31T09:30:00.000000Z", level: "info", run_id: None::<&str>, scope: "cli",
                event: "said", message, data_json: "{}" },
            )?;
        }
        Ok(())
    })
    .unwrap();
    db.close().unwrap();
}

fn open(place: &Place) -> Database {
    Database::open(place.path("trail.db").display().to_string()).unwrap()
}

/// Changes one byte of an entry in the file itself. Pages keep what lay in them before, so it may stand there twice.
fn flip(place: &Place, number: usize) {
    let path = place.path("trail.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let text = format!("entry number {number}{{}}");
    let found: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(text.as_bytes())).collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at] ^= 0x20;
    }
    std::fs::write(path, bytes).unwrap();
}

fn run(place: &Place, arguments: &[&str]) -> support::Answer {
    place.run(&[arguments, &URL].concat())
}

fn json(place: &Place, arguments: &[&str]) -> (i32, serde_json::Value) {
    place.json(&[arguments, &URL].concat())
}

#[test]
fn a_whole_trail_is_shown_verified_and_anchored() {
    let place = journal(3);
    assert_snapshot!(run(&place, &["audit", "tail", "-n", "2"]).done(), @r"
    seq  ts                           level  run_id  scope  event  message         data_json
      2  2026-01-31T09:30:00.000000Z  info           cli    said   entry number 2  {}
      3  2026-01-31T09:30:00.000000Z  info           cli    said   entry number 3  {}
    ");
    assert_snapshot!(run(&place, &["audit", "verify", "--store", "journal"]).done(), @"audit_log: whole, 3 entries, not compared with an anchor");
    let anchor = run(&place, &["audit", "anchor"]).done();
    assert!(anchor.starts_with("larder-audit:1:audit_log:3:") && anchor.lines().count() == 1, "{anchor}");

    append(&place, 4..=5);
    assert_snapshot!(run(&place, &["audit", "verify", "--anchor", &anchor]).done(), @"audit_log: whole, 5 entries, agrees with 1 anchor");
    let (code, value) = json(&place, &["audit", "tail", "--count", "1"]);
    let entry = &value["trails"][0]["entries"][0];
    assert_eq!((code, &value["command"]), (0, &"audit tail".into()));
    assert_eq!((&entry["seq"], &entry["columns"]["message"]), (&5.into(), &"entry number 5".into()));
    let (_, value) = json(&place, &["audit", "verify"]);
    let trail = &value["trails"][0];
    assert!(value["ok"] == true && trail["entries"] == 5 && trail["broken"].is_null(), "{value}");
    assert_eq!(trail["head"]["hash"], entry["hash"]);
    let (_, value) = json(&place, &["audit", "anchor"]);
    let line = format!("larder-audit:1:audit_log:5:{}", entry["hash"].as_str().unwrap());
    assert_eq!(value["trails"][0]["anchor"], line.as_str());
}

#[test]
fn one_byte_changed_by_another_tool_is_named_by_verify_and_by_doctor() {
    let place = journal(60);
    assert_eq!(run(&place, &["doctor"]).code, 0);
    flip(&place, 17);
    let answer = run(&place, &["audit", "verify"]);
    assert_eq!(answer.code, 5);
    assert_snapshot!(answer.out, @r"
    audit_log: broken after 16 entries
      entry 17 was changed: its hash is not that of what it holds and of the entries before it
    ");
    let answer = run(&place, &["audit", "anchor"]);
    assert_eq!((answer.code, answer.out.as_str()), (5, ""));
    assert!(
        answer.err.contains("audit_log is broken and gets no anchor: entry 17 was changed"),
        "{answer:?}"
    );
    let answer = run(&place, &["doctor"]);
    assert_eq!(answer.code, 5);
    assert!(
        answer.out.contains("error: the audit trail audit_log is broken: entry 17 was changed"),
        "{answer:?}"
    );

    let (code, value) = json(&place, &["audit", "verify"]);
    let broken = &value["trails"][0]["broken"];
    assert!(code == 5 && value["ok"] == false && broken["seq"] == 17, "{value}");
    assert_eq!(broken["fault"]["kind"], "changed");
    assert_eq!(json(&place, &["audit", "anchor"]).1["trails"][0]["anchor"], serde_json::Value::Null);
    let (_, value) = json(&place, &["doctor"]);
    assert!(value["findings"].as_array().unwrap().iter().any(|finding| finding["check"] == "journal_audit"));
}

#[test]
fn a_cut_tail_shows_against_the_anchors_of_a_file() {
    let place = journal(4);
    let mut anchors = String::from("# kept every day\n\n");
    for number in 5..=6 {
        append(&place, number..=number);
        anchors.push_str(&run(&place, &["audit", "anchor"]).done());
    }
    place.write("anchors.txt", &anchors);
    assert!(run(&place, &["audit", "verify", "--anchor-file", "anchors.txt"]).done().contains("2 anchors"));
    let db = open(&place);
    db.execute("DROP TRIGGER audit_log_whole", &[]).unwrap();
    db.execute("DELETE FROM audit_log WHERE seq > 4", &[]).unwrap();
    db.close().unwrap();
    assert_eq!(run(&place, &["audit", "verify"]).code, 0);
    let answer = run(&place, &["audit", "verify", "--anchor-file", "anchors.txt"]);
    assert_eq!(answer.code, 5);
    assert_snapshot!(answer.out, @r"
    audit_log: broken after 4 entries
      entry 5 is missing: the anchor knows it, and the trail ends before it
    ");
}

#[test]
fn what_is_no_anchor_of_the_trail_is_a_mistake_of_the_command_line() {
    let place = journal(1);
    place.write("anchors.txt", "# none\n");
    place.write("wrong.txt", "\nlarder-audit:1:audit_log:zero:00\n");
    let other = format!("larder-audit:1:elsewhere:1:{}", "0".repeat(64));
    assert_snapshot!(run(&place, &["audit", "verify", "--anchor", "x"]).failed(2), @r"
    error: this is no anchor of an audit trail: it does not begin with `larder-audit:`
      help: it is one line, as `larder audit anchor` gives it: larder-audit:1:TABLE:NUMBER:HASH
    ");
    assert_snapshot!(run(&place, &["audit", "verify", "--anchor", &other]).failed(2), @r"
    error: an anchor is one of elsewhere, which is not among what is verified here
      help: give the anchors of this database, and with --store those of that store
    ");
    assert_snapshot!(run(&place, &["audit", "verify", "--anchor-file", "anchors.txt"]).failed(2), @r"
    error: anchors.txt has no anchor
      help: `larder audit anchor` prints one
    ");
    assert_snapshot!(run(&place, &["audit", "verify", "--anchor-file", "wrong.txt"]).failed(2), @r"
    error: wrong.txt, line 2: this is no anchor of an audit trail: its number is not one from 1 on
      help: it is one line, as `larder audit anchor` gives it: larder-audit:1:TABLE:NUMBER:HASH
    ");
    assert!(run(&place, &["audit", "verify", "--anchor-file", "gone.txt"]).failed(2).contains("gone.txt"));
}

#[test]
fn a_database_without_a_trail_says_how_to_come_to_one() {
    let missing = Place::new().run(&["audit", "verify"]).failed(1);
    assert!(missing.contains("`larder migrate --store journal` makes it"), "{missing}");
    let place = Place::new();
    assert_eq!(run(&place, &["audit", "verify"]).code, 1);
    assert!(!place.path("trail.db").exists());
    place.run(&["migrate", "--store", "registry", "--url", "trail.db"]).done();
    assert_snapshot!(run(&place, &["audit", "verify"]).failed(1), @r"
    error: trail.db has no store with an audit trail
      help: name the store: `--store journal` goes to where its database is, and `larder migrate --store journal` makes it
    ");
    assert_snapshot!(run(&place, &["audit", "verify", "--store", "journal"]).failed(1), @r"
    error: trail.db has no store `journal` yet
      help: run `larder migrate --store journal --url trail.db`
    ");
}

#[test]
fn an_empty_trail_is_whole_and_has_nothing_to_anchor() {
    let place = journal(0);
    assert_snapshot!(run(&place, &["audit", "tail"]).done(), @"audit_log is empty");
    assert_snapshot!(run(&place, &["audit", "verify"]).done(), @"audit_log: whole, 0 entries, not compared with an anchor");
    let answer = run(&place, &["audit", "anchor"]);
    assert_eq!((answer.code, answer.out.as_str()), (0, ""));
    assert_snapshot!(answer.err, @"audit_log is empty: there is nothing to anchor");
}

#[test]
fn a_trail_that_is_gone_is_an_error() {
    let place = journal(2);
    let db = open(&place);
    db.execute("DROP TABLE audit_log", &[]).unwrap();
    db.close().unwrap();
    let gone = |place: &Place| {
        let answer = run(place, &["audit", "verify"]);
        assert_eq!(answer.code, 5);
        let said = "audit_log: broken after 0 entries\n  entry 1 is missing: the table of the trail is gone";
        assert!(answer.out.starts_with(said), "{answer:?}");
        assert_eq!(json(place, &["audit", "verify"]).1["trails"][0]["broken"]["fault"]["kind"], "gone");
        assert_eq!(run(place, &["audit", "anchor"]).code, 5);
        assert!(run(place, &["audit", "tail"]).failed(1).contains("the audit trail audit_log is gone"));
        assert_eq!(run(place, &["doctor"]).code, 5);
    };
    gone(&place);

    // A view of a table that nobody watches is no trail.
    let db = open(&place);
    db.execute("CREATE VIEW audit_log AS SELECT 1 AS seq, 2 AS hash", &[]).unwrap();
    db.close().unwrap();
    gone(&place);
}

#[test]
fn a_trail_that_lost_a_column_is_broken() {
    let place = journal(2);
    let db = open(&place);
    db.execute("ALTER TABLE audit_log RENAME COLUMN message TO text", &[]).unwrap();
    db.close().unwrap();
    let answer = run(&place, &["audit", "verify"]);
    assert_eq!(answer.code, 5, "{answer:?}");
    let said = "audit_log: broken after 0 entries\n  entry 1 was changed: the table of the trail has no column message";
    assert!(answer.out.starts_with(said), "{answer:?}");
    let fault = &json(&place, &["audit", "verify"]).1["trails"][0]["broken"]["fault"];
    assert_eq!((&fault["kind"], &fault["column"]), (&"lacking".into(), &"message".into()));
    assert_eq!(run(&place, &["audit", "anchor"]).code, 5);
    let answer = run(&place, &["doctor"]);
    assert!(answer.code == 5 && answer.out.contains("has no column message"), "{answer:?}");
}

#[test]
fn without_a_store_all_trails_of_the_database_are_taken() {
    let place = journal(2);
    place.run(&["migrate", "--store", "forge", "--url", "trail.db"]).done();
    assert_snapshot!(run(&place, &["audit", "verify"]).done(), @r"
    audit_entries: whole, 0 entries, not compared with an anchor
    audit_log: whole, 2 entries, not compared with an anchor
    ");
    let anchor = run(&place, &["audit", "anchor", "--store", "journal"]).done();
    assert!(run(&place, &["audit", "verify", "--anchor", &anchor]).done().contains("agrees with 1 anchor"));
    let refused = run(&place, &["audit", "verify", "--store", "forge", "--anchor", &anchor]).failed(2);
    assert!(refused.contains("an anchor is one of audit_log"), "{refused}");
    assert_eq!(run(&place, &["audit", "verify", "--store", "registry"]).code, 2);
}
