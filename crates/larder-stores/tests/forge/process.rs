//! Several processes want one lease.

use crate::kit::{repositories, store, verified};
use larder::Database;
use larder_kit::Place;
use larder_stores::forge::{self, By, Held, Id};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

const PROCESSES: usize = 4;
const GRANTS: usize = 25;
/// What a child is told: the folder.
const TOLD: &str = "LARDER_TEST_FORGE_CHILD";

/// Nothing, unless it is run as a child: then it gets and gives back the lease, and notes each token.
#[test]
fn child() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let (folder, name) = told.rsplit_once(':').unwrap();
    let url = std::fs::read_to_string(format!("{folder}/url")).unwrap();
    let db = Database::options(url).create(false).open().unwrap();
    let id: Id = std::fs::read_to_string(format!("{folder}/id")).unwrap().parse().unwrap();
    let by = By::new(name);
    let mut tokens = File::create(format!("{folder}/{name}.tokens")).unwrap();
    let mut granted = 0;
    while granted < GRANTS {
        let lease = match db.write(|tx| forge::acquire_lease(tx, by, id, None)) {
            Ok(lease) => lease,
            Err(error) => {
                assert!(error.find::<Held>().is_some(), "{error:?}");
                thread::yield_now();
                continue;
            }
        };
        // Two who are here at once: the second can't make the file.
        let mark = format!("{folder}/held");
        OpenOptions::new().write(true).create_new(true).open(&mark).unwrap();
        writeln!(tokens, "{}", lease.token).unwrap();
        std::fs::remove_file(&mark).unwrap();
        db.write(|tx| forge::release_lease(tx, by, id, lease.token)).unwrap();
        granted += 1;
    }
}

larder_kit::engines! {
    fn no_two_processes_have_the_lease_at_once(place: &Place) {
        let at = place.folder().display().to_string();
        let db = store(place);
        std::fs::write(place.folder().join("url"), place.url()).unwrap();
        let [id] = repositories(&db, ["a"]);
        std::fs::write(place.folder().join("id"), id.to_string()).unwrap();
        let children: Vec<_> = (0..PROCESSES)
            .map(|number| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "process::child", "--nocapture"])
                    .env(TOLD, format!("{at}:p{number}"))
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let mut tokens = BTreeSet::new();
        for number in 0..PROCESSES {
            let text = std::fs::read_to_string(place.folder().join(format!("p{number}.tokens"))).unwrap();
            tokens.extend(text.lines().map(|line| line.parse::<usize>().unwrap()));
        }
        assert_eq!(tokens, (1..=PROCESSES * GRANTS).collect());
        verified(&db);
    }
}
