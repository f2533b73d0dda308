//! The command line as a whole: help, mistakes, secrets, pipes.

mod support;

use insta::assert_snapshot;
use std::process::{Command, Stdio};
use support::{Answer, Place};

#[test]
fn the_help_names_the_commands_and_the_exit_codes() {
    let place = Place::new();
    assert_snapshot!(place.run(&["--help"]).done(), @r"
    The program larder: migrate, back up and examine a local-first database

    Usage: larder [OPTIONS] <COMMAND>

    Commands:
      new          Make the file of a new migration
      migrate      Apply what is pending [alias: db:migrate]
      rollback     Lead back what was applied last
      status       Show what is applied and what is pending [alias: db:status]
      plan         Show what `migrate` would run, without running it
      doctor       Say what is wrong with the database and what to do about it
      vacuum       Give back the space that deleted rows left [alias: db:vacuum]
      backup       Make a verified backup
      restore      Put a backup in the place of the database, and keep what was there
      copy         Copy a whole database into an empty one, from one engine to the other
      repair       Settle what stands between the history and the files
      baseline     Take over a database that was made without Larder, at a migration
      verify       Compare the history with the files, and the schema with what the migrations build
      schema       Print the schema as SQL or as a diagram
      audit        Show, verify and anchor the audit trails of the stores
      lease        Get, give back, show and import leases of repositories, and run a command under one
      repo         Add and list projects and repositories
      tool         Keep tools, who depends on whom, and whether their contracts hold
      workflow     Look after the runs of a daemon, their units and events
      run          Record what a tool runs, and show what it ran
      completions  Print the completions of a shell
      man          Print the manual page, or write all of them into a folder

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Where and how:
          --url <URL>
              The database: a path, sqlite:PATH, or postgres://USER@HOST/DATABASE

          --dir <FOLDER>
              The folder of the migrations

          --config <FILE>
              The settings file, instead of larder.toml in this folder or above it

          --env <NAME>
              The table [env.NAME] of the settings file; no environment variable overrides what it says

          --json
              Print one JSON value instead of text

      -y, --yes
              Answer yes to questions; it never approves that something is lost

    What is worked on comes from the flags, then from the environment (LARDER_URL or DATABASE_URL,
    LARDER_DIR, LARDER_ENV, LARDER_CONFIG), then from larder.toml in this folder or above it. Without
    any of them it is data/app.db and the folder migrations.

    Exit codes:
        0  done, or nothing to do
        1  failed
        2  the command line, the environment or larder.toml can't be understood
        3  an approval or a confirmation is needed; nothing was lost
        4  migrations are pending (status --check)
        5  something is wrong (doctor, verify, audit, tool verify, workflow replay, status --check)
        6  a store refused it: a lease is held by another, a status can't move so; nothing was changed
      130  stopped by Ctrl-C; what had begun was rolled back
    ");
}

#[test]
fn without_a_command_the_help_is_shown_and_it_is_a_usage_error() {
    let answer = Place::new().run(&[]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("Usage: larder"), "{answer:?}");
}

#[test]
fn a_misspelt_command_is_told() {
    let place = Place::new();
    assert_snapshot!(place.run(&["nwe", "x"]).failed(2), @r"
    error: unrecognized subcommand 'nwe'

    Usage: larder [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    let (code, value) = place.json(&["nwe", "x"]);
    assert_eq!(code, 2);
    assert_snapshot!(serde_json::to_string_pretty(&value).unwrap(), @r#"
    {
      "command": null,
      "error": {
        "causes": [],
        "help": "Usage: larder [OPTIONS] <COMMAND>; For more information, try '--help'.",
        "kind": "usage",
        "location": null,
        "message": "unrecognized subcommand 'nwe'"
      },
      "format": 1,
      "ok": false
    }
    "#);
}

#[test]
fn a_misspelt_key_of_the_settings_is_shown_with_its_line() {
    let place = Place::new();
    place.write("larder.toml", "url = \"a.db\"\n\n[backup]\nkep = 5\n");
    assert_snapshot!(place.run(&["new", "x"]).failed(2), @r"
    error: there is no key `kep` in [backup]
       ,-[larder.toml:4:1]
     2 |
     3 | [backup]
     4 | kep = 5
       : ^^^
       `----
      help: did you mean `keep`?
    ");
    let (code, value) = place.json(&["new", "x"]);
    assert_eq!(code, 2);
    assert_snapshot!(serde_json::to_string_pretty(&value).unwrap(), @r#"
    {
      "command": "new",
      "error": {
        "causes": [],
        "help": "did you mean `keep`?",
        "kind": "config",
        "location": {
          "column": 1,
          "file": "larder.toml",
          "length": 3,
          "line": 4,
          "text": "kep = 5"
        },
        "message": "there is no key `kep` in [backup]"
      },
      "format": 1,
      "ok": false
    }
    "#);
}

#[test]
fn a_password_is_shown_nowhere() {
    let place = Place::new();
    let url = "postgres://ada:s3cret@db/app";
    place.write("larder.toml", &format!("url = \"{url}\"\nfrob = 1\n"));
    for arguments in [&["new", "x"][..], &["new", "x", url], &["new", url], &["frob", "--url", url], &[url]] {
        for arguments in [arguments.to_vec(), [arguments, &["--json"]].concat()] {
            let answer = place.run(&arguments);
            let all = format!("{}{}", answer.out, answer.err);
            assert!(!all.contains("s3cret") && answer.code == 2, "{arguments:?}: {answer:?}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    // Closing the reading end before the program starts makes its first write fail, whatever the timing.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_larder"))
        .arg("--help")
        .current_dir(place.path("."))
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_can_not_be_written_is_a_failure() {
    let place = Place::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_larder"))
        .arg("man")
        .current_dir(place.path("."))
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can't write the output"));
}

#[test]
fn colour_is_for_terminals_unless_it_is_forced_and_never_with_no_color() {
    let place = Place::new();
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["new", "../x"]);
        command.envs(variables.iter().copied());
        Answer::of(&mut command, &place.path(".")).err.contains('\u{1b}')
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}
