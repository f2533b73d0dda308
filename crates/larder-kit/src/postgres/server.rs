//! The server that the tests of a run share, and the databases on it.

use super::{BOUNCED, Bouncer, Client, Cluster, GIVEN, NoTls};
use crate::Result;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// The server that the tests of a run share: the one that `LARDER_TEST_POSTGRES` names, else one that this process
/// starts when it is first asked.
#[derive(Debug)]
pub struct Server {
    url: String,
    bouncer: Option<Bouncer>,
    /// What follows `CREATE DATABASE name`.
    how: &'static str,
    idle: Mutex<Vec<Idle>>,
    /// Held for its end: with the process.
    _cluster: Option<Cluster>,
}

struct Idle(Client);

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idle")
    }
}

impl Server {
    /// The server of this run.
    ///
    /// # Errors
    /// There is none to be had.
    pub fn of_this_run() -> Result<&'static Self> {
        static SERVER: OnceLock<Result<Server>> = OnceLock::new();
        SERVER.get_or_init(Self::find).as_ref().map_err(Clone::clone)
    }

    fn find() -> Result<Self> {
        let given = std::env::var(GIVEN).ok().filter(|url| !url.is_empty());
        let cluster = if given.is_none() { Some(Cluster::with().try_start()?) } else { None };
        let url = given.or_else(|| cluster.as_ref().map(Cluster::url)).unwrap_or_default();
        with_database(&url, "x")
            .ok_or_else(|| format!("{GIVEN} is no URL such as postgres://user@host/postgres"))?;
        let bouncer = std::env::var_os(BOUNCED).is_some_and(|on| !on.is_empty() && on != "0");
        let bouncer = if bouncer { Some(Bouncer::try_start(&url)?) } else { None };
        let how = how(&url)?;
        Ok(Self { url, bouncer, how, idle: Mutex::default(), _cluster: cluster })
    }

    /// Makes an empty database and gives its name.
    ///
    /// # Errors
    /// The server refuses, or is not there.
    pub fn create(&self) -> Result<String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!("larder_{}_{:x}_{number}", std::process::id(), now.as_micros());
        self.run(&format!("CREATE DATABASE {name} {}", self.how))?;
        Ok(name)
    }

    /// Removes a database, whoever is connected to it.
    ///
    /// # Errors
    /// The server refuses, or is not there.
    pub fn drop(&self, name: &str) -> Result<()> {
        self.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    }

    /// The URL of a database; through PgBouncer, where that is asked for.
    pub fn url_of(&self, database: &str) -> String {
        self.bouncer.as_ref().map_or_else(|| self.direct_url_of(database), |bouncer| bouncer.url_of(database))
    }

    /// The URL of a database on the server itself.
    pub fn direct_url_of(&self, database: &str) -> String {
        with_database(&self.url, database).unwrap_or_default()
    }

    fn run(&self, sql: &str) -> Result<()> {
        let mut client = match self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            Some(Idle(client)) if !client.is_closed() => client,
            _ => client(&self.url)?,
        };
        client.batch_execute(sql).map_err(|error| format!("{sql}: {}", words(&error)))?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(Idle(client));
        Ok(())
    }
}

/// A client of another make than the one under test.
///
/// # Errors
/// The server is not there, or refuses.
pub fn client(url: &str) -> Result<Client> {
    Client::connect(url, NoTls).map_err(|error| format!("the tests' server: {}", words(&error)))
}

/// How a database is made the fastest. Copying files makes a checkpoint, which takes no time where the server does not wait for its
/// disk (12 ms instead of 24 in all), and long where it does. PostgreSQL before 15 knows no other way and no word for it, and
/// what only speaks its protocol may know none of this.
fn how(url: &str) -> Result<&'static str> {
    let sql =
        "SELECT current_setting('server_version_num')::int >= 150000 AND current_setting('fsync') = 'off'";
    let is_quick = client(url)?.query_one(sql, &[]).map(|row| row.get(0));
    Ok(is_quick.map_or("", |is_quick| {
        if is_quick { "TEMPLATE template0 STRATEGY file_copy" } else { "TEMPLATE template0" }
    }))
}

/// The whole chain: the first link alone says "db error".
pub(super) fn words(error: &::postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// The URL with another database.
fn with_database(url: &str, database: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| scheme.starts_with("postgres"))?;
    let (place, settings) =
        rest.split_once('?').map_or((rest, None), |(place, settings)| (place, Some(settings)));
    let host = place.split_once('/').map_or(place, |(host, _)| host);
    let settings = settings.map(|settings| format!("?{settings}")).unwrap_or_default();
    Some(format!("{scheme}://{host}/{database}{settings}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_takes_another_database() {
        for (url, expected) in [
            ("postgres://a:b@h:1,i:2/old?x=y", Some("postgres://a:b@h:1,i:2/new?x=y")),
            ("postgresql://h", Some("postgresql://h/new")),
            ("postgres://%2Ftmp%2Fx?sslmode=disable", Some("postgres://%2Ftmp%2Fx/new?sslmode=disable")),
            ("host=h", None),
            ("mysql://h/old", None),
        ] {
            assert_eq!(with_database(url, "new").as_deref(), expected, "{url}");
        }
    }
}
