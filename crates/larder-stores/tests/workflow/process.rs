//! Several processes on one file.

use crate::kit::{LONG, assert_agrees, names, open, run, run_of, started, store, write};
use larder_kit::Place;
use larder_stores::workflow::{self, NewEvent, Recovery, Status};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

const TOLD: &str = "LARDER_TEST_CHILD";
const EACH: i64 = 60;

/// This test binary again, running only `test`; it is told `what`.
fn child(test: &str, what: &str) -> Running {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(TOLD, what);
    Running(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
}

/// A child; it is gone when this is.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The test of that name on this engine.
fn of(place: &Place, name: &str) -> String {
    format!("process::{name}::{}", if place.is_postgres() { "postgres" } else { "sqlite" })
}

fn told() -> Option<(String, String)> {
    let told = std::env::var(TOLD).ok()?;
    // It ends with the one that started it.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
    let (path, run) = told.rsplit_once('|').unwrap();
    Some((path.to_owned(), run.to_owned()))
}

larder_kit::engines! {
    fn two_processes_append_and_a_third_follows_both(place: &Place) {
        if let Some((url, run)) = told() {
            let db = open(&url);
            for n in 0..EACH {
                let events = vec![NewEvent::new("tick"); 1 + (n % 3) as usize];
                db.write(|tx| workflow::append_many(tx, &run, &events)).unwrap();
            }
            return;
        }
        let db = store(place);
        let run = run(&db, "b");
        let told = format!("{}|{run}", place.url());
        let name = &of(place, "two_processes_append_and_a_third_follows_both");
        let mut children = [child(name, &told), child(name, &told)];
        let mut live = workflow::follow(&db, &run, 0).unwrap();
        let (mut seen, wanted) = (0, 1 + 2 * 2 * EACH);
        while seen < wanted {
            let events = live.next(LONG).unwrap().unwrap();
            assert!(!events.is_empty(), "after {seen} of {wanted} nothing came any more");
            for event in events {
                seen += 1;
                assert_eq!(event.sequence, seen);
            }
        }
        for child in &mut children {
            // Kept open: closing it would end the child.
            let _stdin = child.0.stdin.take();
            assert!(child.0.wait().unwrap().success());
        }
        assert_eq!(names(&db, &run).len() as i64, wanted);
        assert_agrees(&db, &run);
    }

    fn a_run_of_a_killed_process_is_recovered_and_not_before_it_is_killed(place: &Place) {
        if let Some((url, branch)) = told() {
            let db = open(&url);
            let (run, _) = started(&db, &branch);
            #[allow(clippy::print_stdout, reason = "a child speaks through its output")]
            {
                println!("\nchild: {run}");
            }
            std::thread::sleep(LONG);
            return;
        }
        let db = store(place);
        let name = &of(place, "a_run_of_a_killed_process_is_recovered_and_not_before_it_is_killed");
        let mut child = child(name, &format!("{}|b", place.url()));
        let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let run =
            lines.map_while(Result::ok).find_map(|line| Some(line.split_once("child: ")?.1.to_owned())).unwrap();
        let recovered = write(&db, |tx| workflow::recover(tx, Recovery::Dead));
        assert_eq!((recovered.runs.len(), recovered.left), (0, vec![run.clone()]));
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        let recovered = write(&db, |tx| workflow::recover(tx, Recovery::Dead));
        assert_eq!((recovered.runs, recovered.units), (vec![run.clone()], 1));
        assert_eq!(run_of(&db, &run).status, Status::Interrupted);
        assert_agrees(&db, &run);
    }
}
