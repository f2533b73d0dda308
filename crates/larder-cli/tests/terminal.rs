//! What happens on a terminal only: questions, colour, and Ctrl-C.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
#![cfg(unix)]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};
use support::{LOSSY, Place};

/// The program with a terminal before it.
struct Screen {
    child: Child,
    terminal: File,
    seen: String,
}

impl Screen {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let theirs = || Stdio::from(OpenOptions::new().read(true).write(true).open(path).unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_larder"))
            .args(arguments)
            .current_dir(place.path("."))
            .env_clear()
            .env("TERM", "xterm")
            .stdin(theirs())
            .stdout(theirs())
            .stderr(theirs())
            .spawn()
            .unwrap();
        Self { child, terminal: File::from(ours), seen: String::new() }
    }

    /// Reads on until `text` is there, or until the program is gone.
    fn until(&mut self, text: &str) {
        let mut part = [0; 1024];
        while text.is_empty() || !self.seen.contains(text) {
            // A terminal whose other end is closed answers with an error.
            match self.terminal.read(&mut part) {
                Ok(0) | Err(_) => break,
                Ok(length) => self.seen.push_str(&String::from_utf8_lossy(&part[..length])),
            }
        }
        assert!(self.seen.contains(text), "{text:?} is not in {:?}", self.seen);
    }

    fn answer(&mut self, text: &str) {
        writeln!(self.terminal, "{text}").unwrap();
    }

    fn end(mut self) -> (Option<i32>, String) {
        self.until("");
        (self.child.wait().unwrap().code(), self.seen)
    }
}

fn lossy() -> Place {
    let place = Place::with_notes();
    place.write(&format!("migrations/{}", LOSSY.0), LOSSY.1);
    place
}

#[test]
fn a_loss_is_shown_and_asked_for_and_a_yes_approves_it() {
    let place = lossy();
    let mut screen = Screen::start(&place, &["migrate"]);
    screen.until("Lose exactly this? ");
    assert!(screen.seen.contains("column notes.author: 2 values"), "{}", screen.seen);
    screen.answer("yes");
    let (code, seen) = screen.end();
    assert_eq!(code, Some(0), "{seen}");
    assert_eq!(place.count("SELECT count(*) FROM pragma_table_info('notes') WHERE name = 'author'"), 0);
    assert_eq!(place.files("data/backups").len(), 1);
}

#[test]
fn anything_but_yes_leaves_everything_as_it_is() {
    for answer in ["no", "y", "", "0004_forget_author"] {
        let place = lossy();
        let mut screen = Screen::start(&place, &["migrate", "--yes"]);
        screen.until("Lose exactly this? ");
        screen.answer(answer);
        let (code, seen) = screen.end();
        assert_eq!(code, Some(3), "{seen}");
        assert_eq!(place.count("SELECT count(author) FROM notes"), 2);
    }
}

#[test]
fn with_json_nobody_is_asked() {
    let (code, seen) = Screen::start(&lossy(), &["migrate", "--json"]).end();
    assert!(code == Some(3) && seen.contains("\"flag\"") && !seen.contains("Lose exactly"), "{seen}");
}

#[test]
fn a_restore_is_confirmed() {
    let place = Place::with_notes();
    place.run(&["backup", "copy.db"]).done();
    let mut screen = Screen::start(&place, &["restore", "copy.db"]);
    screen.until("[y/N] ");
    screen.answer("n");
    assert_eq!(screen.end().0, Some(3));
    let mut screen = Screen::start(&place, &["restore", "copy.db"]);
    screen.until("[y/N] ");
    screen.answer("y");
    assert_eq!(screen.end().0, Some(0));
}

#[test]
fn a_terminal_gets_colour_and_an_interrupted_question_ends_the_program() {
    let place = lossy();
    let mut screen = Screen::start(&place, &["migrate"]);
    screen.until("Lose exactly this? ");
    assert!(screen.seen.contains("\u{1b}[33m"), "{:?}", screen.seen);
    interrupt(&screen.child);
    assert_eq!(screen.end().0, Some(130));
    assert_eq!(place.count("SELECT count(author) FROM notes"), 2);
}

#[test]
fn an_interrupted_migration_is_rolled_back_and_what_was_there_stays() {
    let place = Place::with_notes();
    // Longer than anybody waits.
    place.write(
        "migrations/0004_long.sql",
        "CREATE TABLE long (x);\nINSERT INTO long WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1e12) \
         SELECT max(x) FROM n;\n",
    );
    let mut screen = Screen::start(&place, &["migrate"]);
    screen.until("statement 2 of 2");
    interrupt(&screen.child);
    interrupt(&screen.child);
    let (code, seen) = screen.end();
    assert_eq!(code, Some(130), "{seen}");
    assert!(seen.contains("0004_long was stopped and rolled back"), "{seen}");
    assert_eq!(place.count("SELECT count(*) FROM sqlite_schema WHERE name = 'long'"), 0);
    assert_eq!(place.count("SELECT max(version) FROM schema_migrations"), 3);
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

#[test]
fn a_name_from_elsewhere_is_no_command_to_the_terminal() {
    let place = Place::new();
    let lock = r#"{"lockfileVersion":3,"packages":{"":{"name":"\u001b[2Jgone\u001b]0;title\u0007"}}}"#;
    place.write("package-lock.json", lock);
    place.run(&["tool", "import", "npm", "--url", "r.db"]).done();
    let (code, seen) = Screen::start(&place, &["tool", "list", "--url", "r.db"]).end();
    assert_eq!(code, Some(0), "{seen:?}");
    assert!(seen.contains("gone") && !seen.contains("\u{1b}[2J") && !seen.contains("\u{7}"), "{seen:?}");
}
