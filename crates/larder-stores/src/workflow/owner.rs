//! Who runs a run: a process, told apart from a later one that got its number.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The name of its machine.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// When it was started, so that a later process with the same id is another one: on Linux the id of the boot and the
    /// clock ticks since. Absent where that can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// Within which process ids have their meaning: on Linux the namespace, which differs from container to container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
}

/// What is known of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// The process is there.
    Alive,
    /// The process is gone.
    Gone,
    /// It can't be told from here: another machine, another container.
    Unknown,
}

impl Owner {
    /// The process that this code runs in.
    pub fn this_process() -> Self {
        let pid = std::process::id();
        Self { host: host(), pid, started: started(pid).ok().flatten(), space: space() }
    }

    /// Whether the process is still there.
    pub fn liveness(&self) -> Liveness {
        match self.is_here(&host(), &boot().unwrap_or_default()) {
            Some(true) => {}
            Some(false) => return Liveness::Gone,
            None => return Liveness::Unknown,
        }
        if self.space != space() {
            return Liveness::Unknown;
        }
        if self.pid == std::process::id() && self.started.is_none() {
            return Liveness::Alive;
        }
        match started(self.pid) {
            Ok(None) => Liveness::Gone,
            Ok(now) if self.started.is_none() || now == self.started => Liveness::Alive,
            Ok(_) => Liveness::Gone,
            Err(Unable) => signalled(self.pid),
        }
    }
}

impl Owner {
    /// Whether it is, or was, a process of this machine since its last boot, whose id is `boot`: empty where it has none.
    /// Nothing when that can't be told.
    fn is_here(&self, host: &str, boot: &str) -> Option<bool> {
        let then = self.started.as_deref().and_then(|started| started.split_once('/')).map(|(boot, _)| boot);
        match then {
            // The same machine, whatever it is called by now.
            Some(then) if then == boot && !boot.is_empty() => Some(true),
            Some(then) if then.is_empty() != boot.is_empty() => None,
            Some(then) if self.host == host => Some(then == boot),
            None if self.host == host => Some(true),
            _ => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// There is no way to ask here.
struct Unable;

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn host() -> String {
    read("/proc/sys/kernel/hostname")
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_else(|| "localhost".to_owned())
}

fn space() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(link.to_string_lossy().into_owned())
}

fn boot() -> Option<String> {
    read("/proc/sys/kernel/random/boot_id")
}

/// When the process with that id was started; none when there is no such process, or only what is left of one until its
/// parent has asked for its end.
fn started(pid: u32) -> Result<Option<String>, Unable> {
    if cfg!(target_os = "linux") { started_by("/proc", pid) } else { Err(Unable) }
}

fn started_by(proc: &str, pid: u32) -> Result<Option<String>, Unable> {
    match std::fs::read_to_string(format!("{proc}/{pid}/stat")) {
        Ok(stat) => Ok(ticks(&stat).map(|ticks| format!("{}/{ticks}", boot().unwrap_or_default()))),
        // It may hide the processes of other users (the mount option `hidepid`), or not be there at all. So that one is not
        // in it says nothing.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Unable),
        // It ended while it was asked.
        Err(error) if error.raw_os_error() == Some(3) => Ok(None),
        Err(_) => Err(Unable),
    }
}

/// Out of a line of `/proc/PID/stat`: the time of start in ticks, unless the process is dead. Its second field, the name
/// in brackets, may hold anything.
fn ticks(stat: &str) -> Option<&str> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    // The state is the third field, the start the 22nd.
    fields.nth(18)
}

/// By the means that every Unix has: a signal that does nothing. A later process with that id counts as the same one.
#[cfg(unix)]
fn signalled(pid: u32) -> Liveness {
    use rustix::process::{Pid, test_kill_process};
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Liveness::Unknown };
    match test_kill_process(pid) {
        Err(rustix::io::Errno::SRCH) => Liveness::Gone,
        _ => Liveness::Alive,
    }
}

#[cfg(not(unix))]
fn signalled(_: u32) -> Liveness {
    Liveness::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_one_with_another_start_is_gone() {
        let me = Owner::this_process();
        assert_eq!(me.liveness(), Liveness::Alive, "{me:?}");
        let elsewhere = Owner { host: "elsewhere".into(), started: None, ..me.clone() };
        assert_eq!(elsewhere.liveness(), Liveness::Unknown);
        let text = serde_json::to_string(&me).unwrap();
        assert_eq!(serde_json::from_str::<Owner>(&text).unwrap(), me);
        if cfg!(target_os = "linux") {
            let (boot, ticks) = me.started.as_deref().unwrap().split_once('/').unwrap();
            let reused = Owner { started: Some(format!("{boot}/{ticks}1")), ..me.clone() };
            assert_eq!(reused.liveness(), Liveness::Gone);
            let before = Owner { started: Some(format!("before/{ticks}")), ..me.clone() };
            assert_eq!(before.liveness(), Liveness::Gone);
            assert_eq!(Owner { host: "elsewhere".into(), ..before }.liveness(), Liveness::Unknown);
            assert_eq!(Owner { host: "renamed".into(), ..me.clone() }.liveness(), Liveness::Alive);
            let contained = Owner { space: Some("pid:[1]".into()), ..me };
            assert_eq!(contained.liveness(), Liveness::Unknown);
        }
    }

    #[test]
    fn a_process_that_ended_is_gone_also_before_its_parent_asked() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        let owner = Owner { pid, started: started(pid).ok().flatten(), ..Owner::this_process() };
        assert_eq!(owner.liveness(), Liveness::Alive);
        child.kill().unwrap();
        while owner.liveness() == Liveness::Alive && cfg!(target_os = "linux") {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(owner.liveness(), Liveness::Gone);
    }

    #[test]
    fn a_machine_is_known_by_its_boot_and_where_it_has_none_by_its_name() {
        let of = |started: Option<&str>| Owner {
            host: "here".into(),
            pid: 7,
            started: started.map(str::to_owned),
            space: None,
        };
        for (started, host, boot, wanted) in [
            (Some("a/1"), "here", "a", Some(true)),
            (Some("a/1"), "renamed", "a", Some(true)),
            (Some("a/1"), "here", "b", Some(false)),
            (Some("a/1"), "elsewhere", "b", None),
            // Some sandboxes hide the id of the boot.
            (Some("/1"), "here", "", Some(true)),
            (Some("/1"), "elsewhere", "", None),
            (Some("/1"), "here", "a", None),
            (Some("a/1"), "here", "", None),
            (None, "here", "a", Some(true)),
            (None, "elsewhere", "a", None),
        ] {
            assert_eq!(of(started).is_here(host, boot), wanted, "{started:?} on {host} after {boot}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_is_hidden_is_not_taken_for_gone() {
        let hiding = tempfile::tempdir().unwrap();
        assert!(started_by(hiding.path().to_str().unwrap(), std::process::id()).is_err());
        assert_eq!(signalled(std::process::id()), Liveness::Alive);
        // It belongs to another user, unless this one is root; a signal that does nothing finds it all the same.
        assert_eq!(signalled(1), Liveness::Alive);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert_eq!(signalled(child.id()), Liveness::Gone);
    }

    #[test]
    fn the_start_is_found_behind_any_name() {
        let rest = (4..=30).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(ticks(&format!("7 (a) b) S {rest}")), Some("22"));
        assert_eq!(ticks(&format!("7 (a) Z {rest}")), None);
    }
}
