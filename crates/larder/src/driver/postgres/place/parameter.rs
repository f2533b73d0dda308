//! The parameters of a connection by their names, from where each comes: the URL, the service file, the environment.

use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeMap;

/// What is taken: the name, and the variable of the environment that stands in for it.
const TAKEN: [(&str, Option<&str>); 29] = [
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("port", Some("PGPORT")),
    ("dbname", Some("PGDATABASE")),
    ("user", Some("PGUSER")),
    ("password", Some("PGPASSWORD")),
    ("passfile", Some("PGPASSFILE")),
    ("service", Some("PGSERVICE")),
    ("servicefile", Some("PGSERVICEFILE")),
    ("sslmode", Some("PGSSLMODE")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslkey", Some("PGSSLKEY")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("application_name", Some("PGAPPNAME")),
    ("fallback_application_name", None),
    ("options", Some("PGOPTIONS")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    ("keepalives", None),
    ("keepalives_idle", None),
    ("keepalives_interval", None),
    ("keepalives_count", None),
    ("tcp_user_timeout", None),
    ("client_encoding", None),
    ("gssencmode", None),
    ("prepared_statements", None),
];

/// Parameters by name, each known.
#[derive(Clone, Default)]
pub(super) struct Parameters {
    values: BTreeMap<&'static str, String>,
}

impl Parameters {
    /// Sets one that somebody wrote.
    pub(super) fn set(&mut self, name: &str, value: String) -> Result<()> {
        // What JDBC writes, and libpq takes in a URL.
        let (name, value) = match (name, value.as_str()) {
            ("ssl", "true") => ("sslmode", "require".to_owned()),
            _ => (name, value),
        };
        match TAKEN.iter().find(|known| known.0 == name) {
            Some(known) => {
                self.values.insert(known.0, value);
                Ok(())
            }
            None => Err(unknown(name)),
        }
    }

    /// Sets what is not set yet.
    pub(super) fn fill(&mut self, name: &'static str, value: String) {
        self.values.entry(name).or_insert(value);
    }

    /// Sets what is not set yet from another set.
    pub(super) fn fill_with(&mut self, others: Self) {
        for (name, value) in others.values {
            self.fill(name, value);
        }
    }

    /// Takes from the environment what is not set yet. An empty variable counts, as for libpq, where it means something.
    pub(super) fn fill_from(&mut self, variable: &dyn Fn(&str) -> Option<String>) {
        for (name, source) in TAKEN {
            if let Some(value) = source.and_then(variable) {
                self.fill(name, value);
            }
        }
    }

    /// One that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// One whose value is one of a few words.
    pub(super) fn word<T: Copy>(&self, name: &str, default: T, words: &[(&str, T)]) -> Result<T> {
        let Some(value) = self.get(name) else { return Ok(default) };
        words.iter().find(|word| word.0 == value).map(|word| word.1).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|word| word.0).collect();
            Error::new(ErrorKind::Config, format!("{name} is `{value}`, which is none of its values"))
                .with_help(format!("it can be {}", known.join(", ")))
        })
    }

    /// One whose value is a whole number.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.trim().parse().map(Some).map_err(|_| {
            Error::new(ErrorKind::Config, format!("{name} is `{value}` and must be a whole number"))
        })
    }

    /// The variables that make another program of PostgreSQL, such as `pg_dump`, find the same.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        TAKEN.iter().filter_map(|(name, variable)| Some(((*variable)?, self.get(name)?)))
    }
}

fn unknown(name: &str) -> Error {
    let names = || TAKEN.iter().map(|known| known.0);
    let near = names().map(|known| (distance(name, known), known)).min().filter(|near| near.0 <= 3);
    let help = match near {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None => format!("known are {}", names().collect::<Vec<_>>().join(", ")),
    };
    let name: String = name.chars().take(40).collect();
    Error::new(ErrorKind::Config, format!("the URL has a parameter `{name}`, which is not known"))
        .with_help(help)
}

/// How many characters have to be added, removed or changed to make `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let here = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("sslmod", "sslmode"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
