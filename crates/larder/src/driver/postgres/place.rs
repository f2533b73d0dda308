//! Where a PostgreSQL database is: the URL, and what the environment adds.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;

/// Where a PostgreSQL database is, and as whom to ask for it.
#[derive(Clone)]
pub struct Place {
    pub(super) config: tokio_postgres::Config,
}

impl Place {
    /// The place that a URL names.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a URL that can't be used.
    pub fn parse(url: &str) -> Result<Self> {
        let config = url.parse().map_err(|error: tokio_postgres::Error| {
            Error::new(ErrorKind::Config, "the URL of the database can't be understood").with_cause(error)
        })?;
        Ok(Self { config })
    }
}

/// Without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        for (n, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let port = self.config.get_ports().get(n).copied().unwrap_or(5432);
            match host {
                tokio_postgres::config::Host::Tcp(host) => write!(f, "{comma}{host}:{port}")?,
                #[cfg(unix)]
                tokio_postgres::config::Host::Unix(path) => write!(f, "{comma}{}:{port}", path.display())?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
