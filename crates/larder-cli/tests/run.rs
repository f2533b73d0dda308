//! `larder run`: what a command was, how it ended, and that nobody's secret is kept.
#![cfg(unix)]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use support::Place;

const STORE: &str = "[store.journal]\nurl = \"journal.db\"\n";

fn place() -> Place {
    let place = Place::new();
    place.write("larder.toml", STORE);
    place
}

#[test]
fn a_command_is_run_and_recorded_and_its_exit_code_passed_on() {
    let place = place();
    let answer =
        place.run(&["run", "exec", "--name", "load", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((answer.code, answer.out.as_str()), (7, "out\n"), "{answer:?}");
    assert!(answer.err.starts_with("err\nrun 01") && answer.err.contains(": failed in"), "{answer:?}");

    let (code, value) = place.json(&["run", "list"]);
    let run = &value["runs"][0];
    assert_eq!(
        (code, run["status"].as_str(), run["args"][0].as_str()),
        (0, Some("failed"), Some("sh")),
        "{value}"
    );
    let (_, value) = place.json(&["run", "show", run["run_id"].as_str().unwrap_or_default()]);
    let step = &value["steps"][0];
    assert_eq!(
        (step["name"].as_str(), step["stats"]["exit_code"].as_i64()),
        (Some("load"), Some(7)),
        "{value}"
    );
    assert!(step["stats"]["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{value}");
    assert_eq!(value["entries"][0]["event"], "failed", "{value}");
    assert_eq!(value["run"]["error"], "exit code 7", "{value}");
}

#[test]
fn a_run_that_ends_well_is_shown_to_people() {
    let place = place();
    let answer = place.run(&["run", "exec", "--", "true"]);
    assert_eq!((answer.code, answer.out.as_str()), (0, ""), "{answer:?}");
    let list = place.run(&["run", "list", "--status", "completed", "--limit", "1"]).done();
    let id = list.lines().nth(1).and_then(|line| line.split(' ').next()).unwrap_or_default().to_owned();
    let text = place.run(&["run", "show", &id]).done();
    assert!(text.starts_with(&format!("run {id}: completed\n  arguments true\n")), "{text}");
    assert!(text.contains("\"exit_code\":0") && text.contains("run exec: completed"), "{text}");
    assert_eq!(place.run(&["run", "list", "--status", "failed"]).done(), "there is no such run\n");
}

#[test]
fn the_command_knows_its_run_and_may_use_the_same_database() {
    let place = place();
    let larder = env!("CARGO_BIN_EXE_larder");
    let answer =
        place.run(&["run", "exec", "--", larder, "run", "exec", "--", "sh", "-c", "echo $LARDER_RUN_ID"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let (_, value) = place.json(&["run", "list"]);
    assert_eq!(value["runs"].as_array().map(Vec::len), Some(2), "{value}");
    assert_eq!(
        value["runs"][0]["run_id"].as_str(),
        Some(answer.out.trim()),
        "the newest is the inner: {value}"
    );
}

#[test]
fn no_secret_of_a_command_is_in_the_file() {
    let place = place();
    let script = "exit 0 # password=Zqmark1";
    let args = [
        "run",
        "exec",
        "--",
        "sh",
        "-c",
        script,
        "--token",
        "Zqmark2",
        "pg://ada:Zqmark3@db",
        "API_KEY=Zqmark4 x",
    ];
    assert_eq!(place.run(&args).code, 0);
    for file in place.files(".").iter().filter(|file| file.starts_with("journal.db")) {
        let bytes = fs::read(place.path(file)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|window| window == b"Zqmark"), "{file}");
    }
}

#[test]
fn a_command_that_is_not_there_and_one_that_a_signal_ends_answer_as_in_a_shell() {
    let place = place();
    let answer = place.run(&["run", "exec", "--", "./nothing"]);
    assert_eq!(answer.code, 127, "{answer:?}");
    assert!(answer.err.contains("can't run nothing"), "{answer:?}");
    let answer = place.run(&["run", "exec", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(answer.code, 137, "{answer:?}");
    let (_, value) = place.json(&["run", "list", "--status", "failed"]);
    assert_eq!(value["runs"][0]["error"], "signal 9 ended it", "{value}");
    assert_eq!(value["runs"].as_array().map(Vec::len), Some(2), "{value}");
}

#[test]
fn what_is_not_there_is_told() {
    let place = place();
    let text = place.run(&["run", "list"]).failed(1);
    assert!(text.contains("larder migrate --store journal"), "{text}");
    place.run(&["migrate", "--store", "journal"]).done();
    assert_eq!(place.run(&["run", "list"]).done(), "there is no run yet\n");
    let text = place.run(&["run", "show", "none"]).failed(1);
    assert!(text.contains("there is no run none in journal.db"), "{text}");
}

#[test]
fn who_asks_the_program_to_end_ends_the_command_and_the_record_says_so() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let place = place();
    let mut child = Command::new(env!("CARGO_BIN_EXE_larder"))
        .args(["run", "exec", "--", "sh", "-c", "echo ready; exec sleep 600"])
        .current_dir(place.path("."))
        .env_remove("LARDER_URL")
        .env_remove("LARDER_CONFIG")
        .env_remove("LARDER_ENV")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let (_, value) = place.json(&["run", "list"]);
    assert_eq!(value["runs"][0]["error"], "signal 15 ended it", "{value}");
}

#[test]
fn what_is_stored_does_nothing_to_a_terminal() {
    let place = place();
    place.run(&["run", "exec", "--name", "a\u{1b}[2J", "--", "true", "\u{1b}]0;x\u{7}"]);
    let (_, value) = place.json(&["run", "list"]);
    let id = value["runs"][0]["run_id"].as_str().unwrap_or_default().to_owned();
    for answer in [place.run(&["run", "list"]).done(), place.run(&["run", "show", &id]).done()] {
        assert!(answer.contains("\\u{1b}]0;x\\u{7}") && !answer.contains('\u{1b}'), "{answer:?}");
    }
}

#[test]
fn a_record_that_is_lost_on_the_way_is_told_and_changes_nothing_of_the_answer() {
    let place = place();
    let answer = place.run(&["run", "exec", "--json", "--", "sh", "-c", "rm journal.db*; exit 4"]);
    assert_eq!(answer.code, 4, "{answer:?}");
    assert!(answer.err.contains("is not recorded"), "{answer:?}");
    let value: serde_json::Value = serde_json::from_str(&answer.out).unwrap_or_default();
    assert_eq!((&value["exit_code"], &value["run"]["status"]), (&4.into(), &"running".into()), "{answer:?}");
}

#[test]
fn a_database_with_a_table_of_that_name_is_left_alone_and_the_command_is_not_run() {
    let place = place();
    let db = larder::Database::open(place.path("journal.db").display().to_string()).unwrap();
    db.execute("CREATE TABLE audit_log (a)", &[]).unwrap();
    db.close().unwrap();
    let text = place.run(&["run", "exec", "--", "sh", "-c", "echo ran > ran"]).failed(1);
    let said = "journal.db has a table \"audit_log\" of its own, and so has the set \"journal\"";
    assert!(text.contains(said) && text.contains("[store.journal]"), "{text}");
    assert!(!place.path("ran").exists());
}

#[test]
fn runs_that_were_left_running_are_ended_when_they_are_old_enough() {
    use larder_stores::journal::{self, NewRun, NewStep, Status};
    let place = place();
    place.run(&["migrate", "--store", "journal"]).done();
    let open = || larder::Database::open(place.path("journal.db").display().to_string()).unwrap();
    let db = open();
    let start = |hours: i64| {
        let created_at = Some(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours));
        db.write(|tx| {
            let run = journal::start_run(tx, NewRun { created_at, ..NewRun::default() })?;
            journal::start_step(tx, NewStep { run_id: &run.run_id, name: "load", ..NewStep::default() })?;
            Ok(run.run_id)
        })
        .unwrap()
    };
    let (young, old, older) = (start(0), start(5), start(30));
    db.close().unwrap();

    let text = place.run(&["run", "recover"]).done();
    assert_eq!(text, format!("1 run is failed now: {older}\n"));
    let text = place.run(&["run", "recover"]).done();
    assert_eq!(text, "no run that began 1d ago or earlier was left running\n");
    let (code, value) = place.json(&["run", "recover", "--older-than", "4h"]);
    assert_eq!(
        (code, &value["command"], &value["database"], value["runs"].as_array().map(Vec::len)),
        (0, &"run recover".into(), &"journal.db".into(), Some(1)),
        "{value}"
    );
    assert_eq!(
        (&value["runs"][0]["run_id"], &value["runs"][0]["status"]),
        (&old.clone().into(), &"failed".into())
    );
    let db = open();
    let status = |id: &str| db.read(|tx| journal::run(tx, id)).unwrap().unwrap().status;
    assert_eq!(
        [&young, &old, &older].map(|id| status(id)),
        [Status::Running, Status::Failed, Status::Failed]
    );
    assert_eq!(db.read(|tx| journal::steps(tx, &older)).unwrap()[0].status, Status::Failed);

    let text = place.run(&["run", "recover", "--older-than", "soon"]).failed(2);
    assert!(text.contains("`soon` is no length of time"), "{text}");
}
