//! The worker that runs under node: what it needs is installed into the output folder, never into the sources.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use larder_bench_protocol::{HELLO, Outcome, bulk, data};
use serde_json::{Value, json};

use crate::program;

const FILES: [&str; 4] = ["package.json", "package-lock.json", "worker.js", "meter.js"];

/// Where better-sqlite3 stands in the lock file.
const LOCKED: &str = "node_modules/better-sqlite3";

/// How long npm may take, which compiles SQLite where it finds nothing made before.
const PATIENCE: Duration = Duration::from_secs(300);

/// The first node whose own SQLite needs no flag.
const WITH_SQLITE: (u32, u32) = (22, 13);

/// The command that starts the worker.
pub(crate) fn command() -> Vec<PathBuf> {
    vec!["node".into(), "--no-warnings".into(), place().join("worker.js")]
}

/// The version of better-sqlite3, from the lock file.
pub(crate) fn version_of_better_sqlite3() -> Outcome<String> {
    let lock: Value = serde_json::from_str(&fs::read_to_string(source().join("package-lock.json"))?)?;
    let version = lock.get("packages").and_then(|it| it.get(LOCKED)).and_then(|it| it.get("version"));
    Ok(version.and_then(Value::as_str).ok_or("better-sqlite3 is not in the lock file")?.to_owned())
}

/// The version of node, which is that of the SQLite in it.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("node").arg("--version").stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned())
}

/// Lays the worker out for node's own SQLite, or says why that cannot be measured.
pub(crate) fn prepare_own() -> Result<(), String> {
    let version = version().ok_or("node is not here")?;
    if parts(&version) < Some(WITH_SQLITE) {
        let (major, minor) = WITH_SQLITE;
        return Err(format!("node {version} brings no SQLite that is ready for use, {major}.{minor} does"));
    }
    lay_out().map_err(|fault| fault.to_string())
}

/// Lays the worker out and installs better-sqlite3 beside it, or says why that cannot be measured.
pub(crate) fn prepare_better_sqlite3() -> Result<(), String> {
    let version = version().ok_or("node is not here")?;
    lay_out().map_err(|fault| fault.to_string())?;
    install(&version).map_err(|fault| fault.to_string())
}

/// Copies the sources, and writes the texts of SQL that all workers share.
fn lay_out() -> Outcome {
    fs::create_dir_all(place())?;
    for file in FILES {
        fs::copy(source().join(file), place().join(file))?;
    }
    // A number that the worker replaces by how many rows it is told.
    let marked = 987_654_321;
    let texts = json!({
        "HELLO": HELLO,
        "PRAGMAS": data::PRAGMAS,
        "USERS": data::USERS,
        "FILL_USERS": data::fill_users(marked).replace(&marked.to_string(), "{rows}"),
        "TOUCH_USERS": data::TOUCH_USERS,
        "READ_USER": data::READ_USER,
        "INSERT_USER": bulk::INSERT_USER,
        "SUM_USERS": bulk::SUM_USERS,
        "SET_UP_EVENTS": data::set_up_events(false).join(";\n"),
        "WRITE_EVENT": data::WRITE_EVENT,
        "COUNT_EVENTS": data::COUNT_EVENTS,
    });
    Ok(fs::write(place().join("data.json"), texts.to_string())?)
}

/// Runs npm, unless it has done so for this lock file and this node.
fn install(version: &str) -> Outcome {
    let stamp = format!("node {version}\n{}", fs::read_to_string(source().join("package-lock.json"))?);
    let done = place().join("installed");
    if fs::read_to_string(&done).is_ok_and(|text| text == stamp) && answers() {
        return Ok(());
    }
    let log = place().join("npm.log");
    let why = |what: &str| format!("better-sqlite3 {what}; {} tells more", log.display());
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut child = Command::new(npm)
        .args(["ci", "--prefer-offline", "--no-audit", "--no-fund"])
        .current_dir(place())
        .stdin(Stdio::null())
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?)
        .spawn()
        .map_err(|_| "npm is not here")?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(why("took too long to install").into());
        }
        thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        return Err(why("could not be installed").into());
    }
    if !answers() {
        return Err(why("was installed and does not run").into());
    }
    Ok(fs::write(&done, stamp)?)
}

/// Whether better-sqlite3 is installed and opens a database under the node that is here.
fn answers() -> bool {
    let status = Command::new("node")
        .args(["-e", "require('better-sqlite3')(':memory:').close()"])
        .current_dir(place())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn parts(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    Some((major.parse().ok()?, rest.split('.').next()?.parse().ok()?))
}

fn source() -> PathBuf {
    program::package().join("peers").join("node")
}

fn place() -> PathBuf {
    program::output().join("node")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_by_its_numbers() {
        assert_eq!(parts("22.13.0"), Some(WITH_SQLITE));
        assert!(parts("9.11.2") < Some(WITH_SQLITE));
        assert!(parts("22.5.1") < Some(WITH_SQLITE));
        assert!(parts("24.0.0") > Some(WITH_SQLITE));
        assert_eq!(parts("nightly"), None);
    }

    #[test]
    fn the_lock_file_names_packages_and_no_place_to_fetch_them_from() {
        let text = fs::read_to_string(source().join("package-lock.json")).unwrap();
        let lock: Value = serde_json::from_str(&text).unwrap();
        let packages = lock.get("packages").and_then(Value::as_object).unwrap();
        assert!(packages.contains_key(LOCKED));
        let fetched: Vec<&String> =
            packages.iter().filter(|(_, it)| it.get("resolved").is_some()).map(|it| it.0).collect();
        assert!(fetched.is_empty(), "they are found by name, in whatever registry: {fetched:?}");
    }
}
