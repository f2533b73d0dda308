//! `larder lease` and `larder repo`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use support::Place;

/// A database with the store, and the repository `pantry/shelf`.
fn place() -> Place {
    let place = Place::new();
    place.run(&["migrate", "--store", "forge"]).done();
    place.run(&["repo", "add", "pantry/shelf"]).done();
    place
}

/// How the lease stands, and its token.
fn standing(place: &Place) -> (String, i64) {
    let (code, value) = place.json(&["lease", "show", "pantry/shelf"]);
    assert_eq!((code, &value["command"]), (0, &"lease show".into()));
    (
        value["lease"]["state"].as_str().unwrap_or("none").to_owned(),
        value["lease"]["token"].as_i64().unwrap_or(0),
    )
}

#[test]
fn repositories_are_added_with_their_project_and_listed() {
    let place = place();
    let said = place
        .run(&["repo", "add", "drawer", "--project", "pantry", "--description", "deep", "--branch", "trunk"])
        .done();
    assert!(said.starts_with("added pantry/drawer "), "{said}");
    let (_, value) = place.json(&["repo", "list"]);
    let repositories = value["projects"][0]["repositories"].as_array().unwrap();
    assert_eq!((repositories.len(), &repositories[0]["default_branch"]), (2, &"trunk".into()));
    assert_eq!(value["projects"][0]["name"], "pantry");
    let listed = place.run(&["repo", "list", "--project", "pantry"]).done();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains("pantry/drawer") && listed.contains("deep"), "{listed}");

    assert!(
        place
            .run(&["repo", "add", "pantry/shelf"])
            .failed(6)
            .contains("there is a repository \"shelf\" already")
    );
    assert!(place.run(&["repo", "add", "shelf"]).failed(2).contains("has no project"));
    let bad = place.run(&["repo", "add", "pantry/x", "--id", "01ARZ3NDEKTSV4RRFFQ69G5FAU"]).failed(1);
    assert!(bad.contains("01ARZ3NDEKTSV4RRFFQ69G5FAU"), "{bad}");
    assert!(place.run(&["repo", "list", "--project", "cellar"]).failed(1).contains("no project cellar"));
}

#[test]
fn without_the_store_it_is_said_how_to_get_it() {
    let place = Place::new();
    let said = place.run(&["lease", "list"]).failed(1);
    assert!(said.contains("larder migrate --store forge"), "{said}");
    assert!(!place.path("data/app.db").exists());
}

#[test]
fn a_lease_is_had_refused_shown_and_given_back() {
    let place = place();
    assert_eq!(standing(&place), ("none".into(), 0));
    let said = place.run(&["lease", "acquire", "pantry/shelf", "--holder", "ada", "--for", "8h"]).done();
    assert!(
        said.starts_with("pantry/shelf is leased by ada until ") && said.trim_end().ends_with("token 1"),
        "{said}"
    );

    let said = place.run(&["lease", "acquire", "pantry/shelf", "--holder", "grace"]).failed(6);
    assert!(said.contains("is leased by ada until "), "{said}");
    let (code, value) = place.json(&["lease", "acquire", "pantry/shelf", "--holder", "ada"]);
    assert_eq!((code, &value["error"]["kind"]), (6, &"refused".into()));
    let held = &value["held"];
    assert_eq!((&held["holder"], &held["token"], &held["yours"]), (&"ada".into(), &1.into(), &true.into()));
    let until = held["until"].as_str().unwrap();

    let (_, value) = place.json(&["lease", "list"]);
    assert_eq!(value["leases"][0]["repository"], "pantry/shelf");
    assert_eq!(value["leases"][0]["expires_at"], until);
    let listed = place.run(&["lease", "list"]).done();
    assert!(listed.contains("pantry/shelf") && listed.contains("held") && listed.contains("ada"), "{listed}");
    assert!(place.run(&["lease", "list", "--expired"]).done().contains("no leases"));

    let release = |holder, token| {
        place.run(&["lease", "release", "pantry/shelf", "--holder", holder, "--token", token])
    };
    assert!(release("grace", "1").failed(6).contains("it is that of ada"));
    assert!(release("ada", "2").failed(6).contains("token 1"));
    assert!(
        place.run(&["lease", "release", "pantry/shelf", "--holder", "ada"]).failed(2).contains("--token")
    );
    assert_eq!(release("ada", "1").done(), "pantry/shelf is free\n");
    assert_eq!(standing(&place), ("released".into(), 1));
    assert!(place.run(&["lease", "list"]).done().contains("no leases"));
    assert!(place.run(&["lease", "list", "--all"]).done().contains("released"));
}

#[test]
fn no_lease_is_left_out_of_a_long_list() {
    let place = place();
    let db = larder::Database::options(place.path("data/app.db").display().to_string()).open().unwrap();
    let leases = "INSERT INTO leases (repository_id, holder, token, status, acquired_at, expires_at)
        SELECT repository_id, 'ada', 1, 'held', '2026-01-31T09:30:00.000000Z', '2026-02-01T09:30:00.000000Z'
        FROM repositories WHERE name <> 'shelf'";
    let repositories = "INSERT INTO repositories (repository_id, project_id, name)
        WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < 10000)
        SELECT printf('01JCZ7Y0G4N5V8Q2W3E4R%05d', n), projects.id, 'r' || n FROM counted, projects";
    db.execute(repositories, &[]).unwrap();
    db.execute(leases, &[]).unwrap();
    let (_, value) = place.json(&["lease", "list"]);
    assert_eq!(value["leases"].as_array().unwrap().len(), 10_001);
}

#[test]
fn who_holds_it_is_user_at_host_unless_said() {
    let place = place();
    let command = |arguments: &[&str], holder: &str| {
        let mut command = place.command(arguments);
        command.env("USER", "ada").env("LARDER_HOLDER", holder);
        support::Answer::of(&mut command, &place.path("."))
    };
    let acquire = ["lease", "acquire", "pantry/shelf"];
    assert!(command(&acquire, "builder 7").done().contains("leased by builder 7 until"));
    command(&["lease", "release", "pantry/shelf", "--token", "1"], "builder 7").done();
    assert!(command(&acquire, "").done().contains("leased by ada@"));
}

#[test]
fn a_term_is_read_and_bounded() {
    let place = place();
    let acquire = |term| place.run(&["lease", "acquire", "pantry/shelf", "--for", term]);
    assert!(acquire("soon").failed(2).contains("is no time"));
    assert!(acquire("73h").failed(1).contains("72 hours"));
    acquire("1h 30m").done();
}

#[test]
fn leases_are_imported_and_bad_lines_are_named() {
    let place = place();
    place.run(&["repo", "add", "pantry/drawer"]).done();
    let line = |name: &str| {
        format!(
            r#"{{"repository":"pantry/{name}","holder":"ada","acquired_at":"2026-01-01T00:00:00+01:00","expires_at":"2026-01-03T00:00:00Z","token":5}}"#
        )
    };
    let lines =
        format!("{}\r\n{{\"repository\":\r\n{}\r\n{}\r\n", line("shelf"), line("nowhere"), line("drawer"));
    place.write("leases.jsonl", &lines);
    let said = place.run(&["lease", "import", "leases.jsonl", "--strict"]).failed(6);
    assert!(
        said.contains("line 2, column ") && said.contains("line 3: there is no repository pantry/nowhere"),
        "{said}"
    );
    let (code, value) = place.json(&["lease", "import", "leases.jsonl", "--strict"]);
    assert_eq!((code, &value["bad"][1]["line"]), (6, &3.into()));
    assert_eq!(standing(&place), ("none".into(), 0));

    let (code, value) = place.json(&["lease", "import", "leases.jsonl"]);
    assert_eq!((code, &value["imported"], &value["ok"]), (1, &2.into(), &false.into()));
    assert_eq!(standing(&place), ("expired".into(), 5));
    assert!(place.run(&["lease", "list", "--expired"]).done().contains("pantry/drawer"));
    let doctor = place.run(&["doctor"]);
    assert!(doctor.out.contains("2 leases are past their time"), "{doctor:?}");
    place.run(&["lease", "acquire", "pantry/shelf"]).done();
    assert_eq!(standing(&place), ("held".into(), 6));

    let mut command = place.command(&["lease", "import", "-"]);
    command.write_stdin("\n\n");
    assert_eq!(support::Answer::of(&mut command, &place.path(".")).done(), "imported 0 leases\n");
    assert!(
        place.run(&["lease", "import", "nothing.jsonl"]).failed(1).contains("nothing.jsonl can't be read")
    );
}

#[cfg(unix)]
mod hold {
    use super::{place, standing};
    use std::io::{BufRead, BufReader};
    use std::path::Path;
    use std::process::{Command, Stdio};

    const SHELF: [&str; 5] = ["lease", "hold", "pantry/shelf", "--holder", "ada"];

    #[test]
    fn the_command_runs_with_the_token_and_its_code_is_given_back() {
        let place = place();
        let run = |script: &str| place.run(&[&SHELF[..], &["--", "sh", "-c", script]].concat());
        let answer =
            run("echo $LARDER_LEASE_TOKEN $LARDER_LEASE_REPOSITORY $LARDER_LEASE_UNTIL $LARDER_HOLDER");
        let words: Vec<&str> = answer.out.split_whitespace().collect();
        assert_eq!((answer.code, words[0], words[1].len(), words[3]), (0, "1", 26, "ada"));
        assert!(words[2].ends_with('Z'), "{words:?}");
        assert!(answer.err.starts_with("pantry/shelf is leased by ada until"), "{}", answer.err);
        assert_eq!(standing(&place), ("released".into(), 1));
        assert_eq!(run("exit 42").code, 42);
        assert_eq!(run("kill -KILL $$").code, 128 + 9);
        assert_eq!(standing(&place), ("released".into(), 3));
    }

    #[test]
    fn a_command_that_is_not_there_leaves_the_lease_free() {
        let place = place();
        let answer = place.run(&[&SHELF[..], &["--", "no-such-command-anywhere"]].concat());
        assert_eq!(answer.code, 127);
        assert!(answer.err.contains("can't run no-such-command-anywhere"), "{}", answer.err);
        assert_eq!(standing(&place), ("released".into(), 1));
    }

    #[test]
    fn nothing_runs_while_another_holds_it() {
        let place = place();
        place.run(&["lease", "acquire", "pantry/shelf", "--holder", "grace"]).done();
        let answer = place.run(&[&SHELF[..], &["--", "touch", "ran"]].concat());
        assert!(answer.failed(6).contains("is leased by grace"));
        assert!(!place.path("ran").exists());
        assert_eq!(standing(&place), ("held".into(), 1));
    }

    #[test]
    fn a_lease_that_was_lost_meanwhile_is_told() {
        let place = place();
        let larder = assert_cmd::cargo::cargo_bin("larder");
        let script = format!(
            "until {} lease acquire pantry/shelf --holder grace; do :; done >&2 2>/dev/null",
            larder.display()
        );
        let answer = place.run(&[&SHELF[..], &["--for", "1ms", "--", "sh", "-c", &script]].concat());
        assert_eq!(answer.code, 6, "{answer:?}");
        assert!(
            answer.err.contains("it is that of grace") && answer.err.contains("ran longer"),
            "{}",
            answer.err
        );
        assert_eq!(standing(&place), ("held".into(), 2));
    }

    #[test]
    fn a_command_that_outlives_the_lease_is_told_so() {
        let place = place();
        let larder = assert_cmd::cargo::cargo_bin("larder");
        let script = format!("until {} lease list | grep -q expired; do :; done", larder.display());
        let answer = place.run(&[&SHELF[..], &["--for", "1ms", "--", "sh", "-c", &script]].concat());
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(answer.err.contains("ran longer than the lease lasted"), "{}", answer.err);
        assert_eq!(standing(&place), ("released".into(), 1));
    }

    #[test]
    fn a_command_may_give_the_lease_back_itself() {
        let place = place();
        let larder = assert_cmd::cargo::cargo_bin("larder");
        let script = format!("{} lease release pantry/shelf; exit 3", larder.display());
        assert_eq!(place.run(&[&SHELF[..], &["--", "sh", "-c", &script]].concat()).code, 3);
        let script = format!("{} lease release pantry/shelf", larder.display());
        assert_eq!(place.run(&[&SHELF[..], &["--", "sh", "-c", &script]].concat()).code, 0);
        assert_eq!(standing(&place), ("released".into(), 2));
    }

    #[test]
    fn a_lease_that_can_t_be_given_back_is_told_also_to_programs() {
        let place = place();
        let hidden = |code: &str| format!("mv data away; exit {code}");
        for (json, code, answered) in [(false, "0", 1), (false, "3", 3), (true, "3", 3), (true, "0", 1)] {
            let script = hidden(code);
            let holder = "ada o'neil";
            let mut arguments =
                vec!["lease", "hold", "pantry/shelf", "--holder", holder, "--", "sh", "-c", script.as_str()];
            if json {
                arguments.insert(0, "--json");
            }
            let answer = place.run(&arguments);
            std::fs::rename(place.path("away"), place.path("data")).unwrap();
            let (state, token) = standing(&place);
            assert_eq!((answer.code, state.as_str()), (answered, "held"), "{answer:?}");
            let way =
                format!("`larder lease release pantry/shelf --holder 'ada o'\\''neil' --token {token}`");
            assert!(answer.err.contains(&way), "{answer:?}");
            place
                .run(&["lease", "release", "pantry/shelf", "--holder", holder, "--token", &token.to_string()])
                .done();
        }
    }

    /// Runs a command under a lease, sends `signal` to the program once the command says that it is ready; gives the
    /// exit code.
    fn signalled(folder: &Path, signal: rustix::process::Signal, script: &str) -> Option<i32> {
        let mut larder = Command::new(assert_cmd::cargo::cargo_bin("larder"))
            .current_dir(folder)
            .args(["--url", "data/app.db"])
            .args(SHELF)
            .args(["--", "sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(larder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        rustix::process::kill_process(rustix::process::Pid::from_child(&larder), signal).unwrap();
        larder.wait().unwrap().code()
    }

    #[test]
    fn a_signal_reaches_the_command_and_the_lease_is_given_back() {
        use rustix::process::Signal;
        let place = place();
        let folder = place.path(".");
        let careful = |name: &str| format!("trap 'exit 7' {name}; echo ready; while :; do sleep 0.02; done");
        assert_eq!(signalled(&folder, Signal::TERM, &careful("TERM")), Some(7));
        assert_eq!(standing(&place), ("released".into(), 1));
        assert_eq!(signalled(&folder, Signal::INT, &careful("INT")), Some(7));
        assert_eq!(signalled(&folder, Signal::HUP, "echo ready; exec sleep 600"), Some(128 + 1));
        assert_eq!(standing(&place), ("released".into(), 3));
    }
}
