//! Beginning a session, and stopping what one runs.

use super::open::Postgres;
use super::place::Place;
use super::seek::{self, Way};
use super::session::Session;
use crate::driver::Access;
use crate::error::Result;
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// Begins a session with the first server that will do.
pub(super) fn open(driver: &Postgres, access: Access) -> Result<Session> {
    seek::open(&driver.place, &Wishes::of(driver, access))
}

/// What a session's settings are to be.
pub(super) struct Wishes {
    /// What also a pooler takes, which sees to it that the server it lends has them.
    always: Vec<(&'static str, String)>,
    /// What only a server takes.
    server: Option<Vec<(&'static str, String)>>,
}

impl Wishes {
    fn of(driver: &Postgres, access: Access) -> Self {
        let place = &driver.place;
        let mut always = vec![
            ("DateStyle", "ISO".to_owned()),
            ("TimeZone", "UTC".to_owned()),
            // Otherwise texts would end elsewhere than Larder reads them.
            ("standard_conforming_strings", "on".to_owned()),
            ("database", place.database.clone()),
            ("application_name", place.application_name.clone()),
        ];
        always.extend(place.options.iter().map(|options| ("options", options.clone())));
        let mut server = vec![
            ("IntervalStyle", "postgres".to_owned()),
            ("bytea_output", "hex".to_owned()),
            ("extra_float_digits", "1".to_owned()),
        ];
        if !bounds_locks(place) {
            server.push(("lock_timeout", lock_timeout(driver).to_string()));
        }
        if access == Access::Read {
            server.push(("default_transaction_read_only", "on".to_owned()));
        }
        // Behind a pooler the session's settings are not ours.
        Self { always, server: place.prepared_statements.then_some(server) }
    }

    /// What to tell a server when the session begins, or a pooler.
    pub(super) fn parameters(&self, server: bool) -> Vec<(&str, &str)> {
        let server = self.server.iter().flatten().filter(|_| server);
        self.always.iter().chain(server).map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// It is tried to give a server all of them.
    pub(super) fn has_server(&self) -> bool {
        self.server.is_some()
    }
}

/// The URL says itself how long a lock is waited for.
pub(super) fn bounds_locks(place: &Place) -> bool {
    place.options.as_deref().is_some_and(|options| options.contains("lock_timeout"))
}

/// How long the server waits for a lock, in milliseconds; it takes 0 for no limit.
pub(super) fn lock_timeout(driver: &Postgres) -> u128 {
    driver.settings.busy_timeout.as_millis().clamp(1, 2_147_483_647)
}

/// Asks the server to stop what a session runs, and waits until it has heard.
pub(super) fn cancel(way: &Way, (process, secret): (i32, i32)) -> io::Result<()> {
    let until = Some(Instant::now() + Duration::from_secs(5));
    let mut wire = way.go(until)?;
    let mut out = BytesMut::new();
    frontend::cancel_request(process, secret, &mut out);
    wire.write_all(&out)?;
    wire.flush()?;
    // It hangs up when it has passed the request on.
    while wire.read(&mut [0]).is_ok_and(|count| count > 0) {}
    Ok(())
}

/// The text of an error and of all its causes.
pub(super) fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
