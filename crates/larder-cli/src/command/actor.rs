//! Who runs the program.

use crate::environment::Environment;
use std::fs;

/// The user and the host, as `ada@laptop`. It is what the environment says, so it is a help and no proof.
pub(crate) fn actor(environment: &Environment) -> String {
    let first = |names: &[&str]| names.iter().find_map(|name| environment.get(name).ok().flatten());
    let user = first(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(|| "somebody".to_owned());
    let host = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| first(&["HOSTNAME", "HOST", "COMPUTERNAME"]));
    match host {
        Some(host) => format!("{user}@{host}"),
        None => user,
    }
}
