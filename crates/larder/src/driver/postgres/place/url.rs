//! The parts of a URL, as libpq takes them apart: `postgres://user:password@host:port,host:port/database?name=value`.
//! Each may be missing, and each may be percent-encoded.

use super::parameter::Parameters;
use crate::error::{Error, ErrorKind, Result};

/// What a URL says.
pub(super) fn parameters(url: &str) -> Result<Parameters> {
    let mut found = Parameters::default();
    let rest = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .ok_or_else(|| broken("it must begin with `postgres://` or `postgresql://`"))?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    // The last `@`: one in a password that was not encoded is then still part of the password.
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    if let Some(login) = login {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        if !user.is_empty() {
            found.set("user", decode(user)?)?;
        }
        if let Some(password) = password {
            found.set("password", decode(password)?)?;
        }
    }
    if !hosts.is_empty() {
        let (mut names, mut ports) = (Vec::new(), Vec::new());
        for host in hosts.split(',') {
            let (name, port) = host_and_port(host)?;
            names.push(decode(name)?);
            ports.push(decode(port)?);
        }
        if names.iter().any(|name| !name.is_empty()) {
            found.set("host", names.join(","))?;
        }
        if ports.iter().any(|port| !port.is_empty()) {
            found.set("port", ports.join(","))?;
        }
    }
    if !database.is_empty() {
        found.set("dbname", decode(database)?)?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            let name: String = pair.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            broken(&format!("behind the `?`, `{name}` has no `=`"))
        })?;
        found.set(&decode(name)?, decode(value)?)?;
    }
    Ok(found)
}

fn host_and_port(host: &str) -> Result<(&str, &str)> {
    if let Some(rest) = host.strip_prefix('[') {
        let (name, rest) =
            rest.split_once(']').ok_or_else(|| broken("a `[` of an IPv6 address has no `]`"))?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((name, port)),
            None if rest.is_empty() => Ok((name, "")),
            None => Err(broken("behind the `]` of an IPv6 address only a port may stand")),
        };
    }
    Ok(host.split_once(':').unwrap_or((host, "")))
}

fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let value = match (digit(), digit()) {
            (Some(high), Some(low)) => high * 16 + low,
            _ => return Err(broken("a `%` is not followed by two hexadecimal digits")),
        };
        match u8::try_from(value) {
            Ok(0) | Err(_) => return Err(broken("it holds `%00`")),
            Ok(value) => bytes.push(value),
        }
    }
    String::from_utf8(bytes).map_err(|_| broken("what is percent-encoded is no UTF-8"))
}

/// The text of the URL itself is not told: it can hold a password.
fn broken(why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the URL of the database can't be understood: {why}"))
        .with_help("its form is `postgres://user:password@host:port/database?name=value`; write `%40` for an `@` and `%2F` for a `/` within a part")
}
