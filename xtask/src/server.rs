//! The server of PostgreSQL that the tests share: the one that is given, else one of this run's own. Its programs are installed
//! where that can be done without asking.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use larder_kit::postgres::{Cluster, GIVEN, bouncer_program, missing, programs};

use crate::{Outcome, run, say};

/// Where the tests make their databases.
pub(crate) struct Server {
    pub(crate) url: String,
    /// Ends with this.
    _cluster: Option<Cluster>,
}

/// The server for this run.
pub(crate) fn server() -> Outcome<Server> {
    let given = std::env::var(GIVEN).ok().filter(|url| !url.is_empty());
    let lacks = Lacks { server: given.is_none() && programs().is_err(), bouncer: bouncer_program().is_err() };
    match way(lacks, is_superuser(), run::answers(&OsString::from("apt-get"), &["--version"])) {
        Way::Ready => {}
        Way::Install => install()?,
        Way::Stop => return Err(what_is_missing(lacks).into()),
    }
    if let Some(url) = given {
        say(&format!("PostgreSQL: the server that {GIVEN} names"))?;
        return Ok(Server { url, _cluster: None });
    }
    let cluster = Cluster::with().try_start()?;
    say(&format!("PostgreSQL: {}, a server of this run's own", cluster.programs().display()))?;
    Ok(Server { url: cluster.url(), _cluster: Some(cluster) })
}

/// What is not on this machine.
#[derive(Clone, Copy)]
struct Lacks {
    server: bool,
    bouncer: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Way {
    Ready,
    Install,
    Stop,
}

fn way(lacks: Lacks, is_superuser: bool, has_apt: bool) -> Way {
    match lacks {
        Lacks { server: false, bouncer: false } => Way::Ready,
        _ if is_superuser && has_apt => Way::Install,
        _ => Way::Stop,
    }
}

/// A sentence for each; the server's first.
fn what_is_missing(lacks: Lacks) -> String {
    let bouncer = || bouncer_program().err().unwrap_or_default();
    if lacks.server { missing() } else { bouncer() }
}

fn is_superuser() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Debian's packages, without the servers that they would start by themselves: one of PostgreSQL on port 5432, and one of PgBouncer.
fn install() -> Outcome<()> {
    apt(&["update"])?;
    let quiet = Path::new("/usr/sbin/policy-rc.d");
    let ours = !quiet.exists();
    if ours {
        fs::write(quiet, "#!/bin/sh\nexit 101\n")?;
        run_one(Command::new("chmod").arg("755").arg(quiet))?;
    }
    let done = packages();
    if ours {
        fs::remove_file(quiet)?;
    }
    done?;
    programs().and_then(|_| bouncer_program()).map(drop).map_err(Into::into)
}

fn packages() -> Outcome<()> {
    // First, so that its settings are there before the server's package asks whether to make a cluster.
    apt(&["install", "-y", "--no-install-recommends", "postgresql-common"])?;
    let place = Path::new("/etc/postgresql-common/createcluster.conf");
    let text = fs::read_to_string(place).unwrap_or_default();
    if !text.lines().any(|line| line.trim_start().starts_with("create_main_cluster")) {
        fs::write(place, text + "\ncreate_main_cluster = false\n")?;
    }
    apt(&["install", "-y", "--no-install-recommends", "postgresql", "pgbouncer"])
}

fn apt(words: &[&str]) -> Outcome<()> {
    say(&format!("=== PostgreSQL is missing: apt-get {}", words.join(" ")))?;
    run_one(Command::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive"))
        .map_err(|error| format!("{error}\n{}", missing()).into())
}

fn run_one(command: &mut Command) -> Outcome<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed ({status})").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_installed_or_named() {
        let both = Lacks { server: true, bouncer: true };
        let bouncer = Lacks { server: false, bouncer: true };
        let none = Lacks { server: false, bouncer: false };
        assert_eq!(way(none, false, false), Way::Ready);
        assert_eq!(way(none, true, true), Way::Ready);
        for lacks in [both, bouncer] {
            assert_eq!(way(lacks, true, true), Way::Install);
            assert_eq!(way(lacks, false, true), Way::Stop);
            assert_eq!(way(lacks, true, false), Way::Stop);
        }
        let text = what_is_missing(both);
        for word in
            ["apt-get install postgresql pgbouncer", "brew install", "LARDER_PG_BIN", "LARDER_TEST_POSTGRES"]
        {
            assert!(text.contains(word), "{text}");
        }
    }
}
