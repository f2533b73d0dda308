//! `larder workflow`

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use insta::assert_snapshot;
use larder::{Database, Result, WriteTx};
use larder_stores::workflow::{self, NewEvent, NewRun, NewUnit};
use serde_json::Value;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use support::{Place, steady};

/// A place with the store, and a run `r1` that is running, with the units `a`, which is running, and `b`.
fn place() -> (Place, Database) {
    let place = Place::new();
    place.run(&["migrate", "--store", "workflow"]).done();
    let db = Database::open(place.path("data/app.db")).unwrap();
    write(&db, |tx| {
        let new =
            NewRun { id: Some("r1"), feature_branch: "parser", repo_path: "/src/app", ..NewRun::default() };
        workflow::create_run(tx, &new)?;
        let unit = |id| NewUnit { id: Some(id), unit_id: id, ..NewUnit::default() };
        workflow::create_units(tx, "r1", &[unit("a"), unit("b")])?;
        workflow::start_run(tx, "r1")?;
        workflow::start_unit(tx, "a")
    });
    (place, db)
}

fn write<T: Send>(db: &Database, f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send) -> T {
    db.write(f).unwrap()
}

#[test]
fn runs_are_listed_and_shown() {
    let (place, db) = place();
    assert_snapshot!(steady(&place.run(&["workflow", "list"]).done()), @r"
    run status branch repository started completed
    r1 running parser /src/app [time]
    ");
    assert_snapshot!(place.run(&["workflow", "list", "--status", "failed"]).done(), @"there is no such run");
    assert_snapshot!(place.run(&["workflow", "list", "--limit", "0"]).done(), @"there is no such run");
    assert_eq!(place.run(&["workflow", "list", "--status", "lost"]).code, 2);
    let (_, value) = place.json(&["workflow", "list", "--repo", "/src/app", "--status", "running"]);
    assert_eq!(
        (&value["command"], &value["runs"][0]["id"]),
        (&"workflow list".into(), &"r1".into()),
        "{value}"
    );

    write(&db, |tx| workflow::fail_unit(tx, "a", "no space"));
    let text = place.run(&["workflow", "show", "r1"]).done();
    assert!(text.contains("which is alive"), "{text}");
    let text: String =
        text.lines().filter(|line| !line.starts_with("  owner")).map(|line| format!("{line}\n")).collect();
    assert_snapshot!(steady(&text), @r"
    run r1: running
      branch parser, for main
      repository /src/app
      tasks tasks, 1 at a time
      created [time]
      started [time]
      events 6

    unit status branch started completed error
    a failed [time] [time] no space
    b pending
    ");
    let (_, value) = place.json(&["workflow", "show", "r1"]);
    assert_eq!(
        (&value["run"]["status"], &value["units"][0]["error"], &value["owner_is"]),
        (&"running".into(), &"no space".into(), &"alive".into())
    );
    let said = place.run(&["workflow", "show", "r2"]).failed(1);
    assert!(said.contains("there is no run r2"), "{said}");
}

#[test]
fn without_the_store_it_is_said_how_to_make_it() {
    let place = Place::new();
    assert_snapshot!(place.run(&["workflow", "list"]).failed(1), @r"
    error: [here]/data/app.db is not initialised yet: there is no such file
      help: run `larder migrate --store workflow`
    ");
}

#[test]
fn events_are_printed_from_a_number_on_or_the_last() {
    let (place, db) = place();
    write(&db, |tx| {
        let event = NewEvent::new("note").in_unit("a").with(&serde_json::json!({ "text": "two\nlines" }))?;
        workflow::append(tx, "r1", &event)
    });
    let names = |arguments: &[&str]| {
        let text = place.run(&[&["workflow", "events", "r1"], arguments].concat()).done();
        let word = |line: &str, at| line.split_whitespace().nth(at).unwrap_or_default().to_owned();
        text.lines().map(|line| format!("{} {}", word(line, 0), word(line, 3))).collect::<Vec<_>>()
    };
    let all =
        ["1 run_created", "2 unit_created", "3 unit_created", "4 run_started", "5 unit_started", "6 note"];
    assert_eq!(names(&[]), all);
    assert_eq!(names(&["--from", "5"]), all[4..]);
    assert_eq!(names(&["--last", "1"]), all[5..]);
    let text = place.run(&["workflow", "events", "r1", "--last", "1"]).done();
    assert!(text.ends_with("note  a  {\"text\":\"two\\nlines\"}\n"), "{text}");
    let (_, value) = place.json(&["workflow", "events", "r1", "--from", "6"]);
    assert_eq!(value["events"][0]["payload_json"]["text"], "two\nlines");
    assert_eq!(place.run(&["workflow", "events", "r1", "--from", "0"]).code, 2);
}

#[test]
fn what_commands_a_terminal_is_shown_and_not_done() {
    let (place, db) = place();
    let odd = "a\u{1b}[2J\nb\u{7}";
    write(&db, |tx| {
        let new = NewRun { id: Some("r2"), feature_branch: odd, repo_path: odd, ..NewRun::default() };
        workflow::create_run(tx, &new)?;
        workflow::create_unit(tx, "r2", &NewUnit { unit_id: odd, ..NewUnit::default() })?;
        workflow::append(tx, "r2", &NewEvent::new(odd).in_unit(odd))?;
        workflow::fail_run(tx, "r2", odd)
    });
    db.execute("UPDATE units SET error = unit_id WHERE run_id = 'r2'", &[]).unwrap();
    for command in [&["list"][..], &["show", "r2"], &["events", "r2"], &["replay", "r2"]] {
        let text = place.run(&[&["workflow"], command].concat()).out;
        assert!(text.contains("a\\u{1b}[2J b\\u{7}"), "{text}");
        assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with('b')), "{text}");
    }
}

/// The program, following `r1`; it is gone when this is.
struct Following {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Following {
    fn start(place: &Place, json: bool) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        command.current_dir(place.path("")).args(["workflow", "events", "r1", "--follow"]);
        for name in ["LARDER_URL", "DATABASE_URL", "LARDER_ENV", "LARDER_CONFIG"] {
            command.env_remove(name);
        }
        if json {
            command.arg("--json");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = child.stdout.take().map(|out| BufReader::new(out).lines());
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.as_mut().unwrap().next().unwrap().unwrap()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn following_prints_each_event_as_a_line_and_ends_with_the_run() {
    let (place, db) = place();
    let mut following = Following::start(&place, true);
    for number in 1..=5 {
        let event: Value = serde_json::from_str(&following.line()).unwrap();
        assert_eq!(event["sequence"], number);
    }
    write(&db, |tx| workflow::append(tx, "r1", &NewEvent::new("note")));
    // It came while the run still went on.
    assert!(following.line().contains("\"event_type\":\"note\""));
    write(&db, |tx| workflow::cancel_run(tx, "r1"));
    let mut rest = Vec::new();
    while rest.len() < 3 {
        let event: Value = serde_json::from_str(&following.line()).unwrap();
        rest.push(event["event_type"].as_str().unwrap().to_owned());
    }
    assert_eq!(rest, ["unit_cancelled", "unit_cancelled", "run_cancelled"]);
    let status = following.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn an_error_in_the_midst_of_following_is_a_line_like_the_others() {
    let (place, db) = place();
    let mut following = Following::start(&place, true);
    for _ in 1..=5 {
        following.line();
    }
    write(&db, |tx| workflow::append(tx, "r1", &NewEvent::new("note")));
    following.line();
    db.write(|tx| {
        workflow::append(tx, "r1", &NewEvent::new("note"))?;
        tx.execute("UPDATE events SET created_at = 'soon' WHERE sequence = 7", &[])
    })
    .unwrap();
    let error: Value = serde_json::from_str(&following.line()).unwrap();
    assert_eq!((&error["ok"], &error["error"]["kind"]), (&false.into(), &"conversion".into()), "{error}");
    assert_eq!(following.child.wait().unwrap().code(), Some(1));
}

#[cfg(unix)]
#[test]
fn following_ends_when_nobody_reads_it_any_more_though_nothing_happens() {
    let (place, db) = place();
    for json in [false, true] {
        let mut following = Following::start(&place, json);
        for _ in 1..=5 {
            following.line();
        }
        // What `head` does.
        following.lines = None;
        assert_eq!(following.child.wait().unwrap().code(), Some(0));
    }
    drop(db);
}

#[cfg(unix)]
#[test]
fn following_ends_at_an_interruption() {
    use rustix::process::{Pid, Signal, kill_process};
    let (place, db) = place();
    for json in [false, true] {
        let mut following = Following::start(&place, json);
        // It listens for the interruption before it prints.
        following.line();
        kill_process(Pid::from_child(&following.child), Signal::INT).unwrap();
        let status = following.child.wait().unwrap();
        assert_eq!(status.code(), Some(130));
    }
    drop(db);
}

#[test]
fn a_replay_that_differs_is_said_and_answered_with_5() {
    let (place, db) = place();
    assert_snapshot!(steady(&place.run(&["workflow", "replay", "r1"]).done()), @r"
            status started completed error
    run running [time]
    unit a running [time]
    unit b pending

    the events and the rows of r1 agree
    ");
    db.execute("UPDATE units SET status = 'completed' WHERE id = 'a'", &[]).unwrap();
    let answer = place.run(&["workflow", "replay", "r1"]);
    assert_eq!(answer.code, 5);
    assert!(
        answer.out.ends_with("  - unit a: status is completed in its row and running by the events\n"),
        "{answer:?}"
    );
    let (code, value) = place.json(&["workflow", "replay", "r1"]);
    assert_eq!((code, &value["ok"], &value["moves"]), (5, &false.into(), &5.into()));
    let difference = &value["differences"][0];
    assert_eq!((&difference["kind"], &difference["field"]), (&"field".into(), &"status".into()), "{value}");
}

#[test]
fn a_run_of_a_living_process_is_recovered_only_when_that_is_asked_for() {
    let (place, db) = place();
    assert_snapshot!(place.run(&["workflow", "recover"]).done(), @r"
    no run was left running
    left alone, for who runs it is alive or not known here: r1 (--all takes them too)
    ");
    assert_snapshot!(place.run(&["workflow", "recover", "--all"]).done(), @"1 run with 1 running unit is interrupted now: r1");
    let run = db.read(|tx| workflow::run(tx, "r1")).unwrap();
    assert_eq!(run.status, workflow::Status::Interrupted);
    let (_, value) = place.json(&["workflow", "recover"]);
    assert_eq!((&value["runs"], &value["units"]), (&Value::Array(Vec::new()), &0.into()));
}

#[test]
fn old_runs_are_deleted() {
    let (place, db) = place();
    write(&db, |tx| workflow::cancel_run(tx, "r1"));
    assert_snapshot!(place.run(&["workflow", "prune", "--older-than", "30d"]).done(), @"0 runs deleted, with 0 units and 0 events");
    assert_snapshot!(place.run(&["workflow", "prune", "--older-than", "0d"]).done(), @"1 run deleted, with 2 units and 8 events");
    let (_, value) = place.json(&["workflow", "prune", "--older-than", "12h"]);
    assert_eq!(value["runs"], 0);
    assert_eq!(place.run(&["workflow", "prune", "--older-than", "soon"]).code, 2);
    assert_eq!(place.run(&["workflow", "prune"]).code, 2);
}
