//! Who runs the program.

use crate::environment::Environment;
use larder::{Error, ErrorKind, Result};
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

/// Who was named, else `LARDER_HOLDER`, else the [`actor`].
pub(crate) fn named(given: Option<&str>, environment: &Environment) -> Result<String> {
    let holder = match given {
        Some(given) => given.to_owned(),
        None => environment.get("LARDER_HOLDER")?.unwrap_or_else(|| actor(environment)),
    };
    match holder.trim() {
        "" => Err(Error::new(ErrorKind::Config, "the name of who does it is empty")),
        name => Ok(name.to_owned()),
    }
}
