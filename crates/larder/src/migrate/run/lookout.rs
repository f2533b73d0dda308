//! Who is in the way: asked beside a connection that waits, while it waits.
//!
//! When the wait is over, for better or worse, the server no longer knows who it was for.

use crate::driver::{Access, Connection, Driver};
use crate::error::Result;
use crate::params;
use serde::Deserialize;
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

// What it runs is told by its first word: the rest may hold what is nobody's business.
const WHO: &str = "SELECT pid, COALESCE(application_name, '') AS name, COALESCE(CAST(usename AS text), '') AS role, \
     COALESCE(state, '') AS state, \
     COALESCE(CAST(extract(epoch FROM clock_timestamp() - xact_start) AS bigint), 0) AS seconds, \
     upper(substring(query FROM '[A-Za-z]+')) AS verb \
     FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(CAST(:process AS integer))) ORDER BY xact_start LIMIT 3";

/// Looks again and again, on a thread and a connection of its own, as long as it lives.
pub(super) struct Lookout {
    seen: Arc<Mutex<Option<String>>>,
    /// The thread ends when this goes.
    _end: Sender<()>,
}

impl Lookout {
    /// Looks `every` so often at who keeps the server's `process` waiting. Nothing is asked before that.
    pub(super) fn new(driver: &Arc<dyn Driver>, process: i64, every: Duration) -> Self {
        let (end, ended) = channel::<()>();
        let seen = Arc::new(Mutex::new(None));
        let (driver, told) = (Arc::clone(driver), Arc::clone(&seen));
        let look = move || {
            let mut connection = None;
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                // Who can't look tells nothing: the wait itself goes on.
                if connection.is_none() {
                    connection = driver.connect(Access::Write).ok();
                }
                let Some(open) = &mut connection else { continue };
                match who(open.as_mut(), process) {
                    Ok(None) => {}
                    Ok(found) => *told.lock().unwrap_or_else(PoisonError::into_inner) = found,
                    Err(_) => connection = None,
                }
            }
        };
        // Without a thread nobody is named.
        let _ = std::thread::Builder::new().name("larder-lookout".into()).spawn(look);
        Self { seen, _end: end }
    }

    /// Who was last seen in the way.
    pub(super) fn seen(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Deserialize)]
struct Holder {
    pid: i64,
    name: String,
    role: String,
    state: String,
    seconds: i64,
    verb: Option<String>,
}

fn who(connection: &mut dyn Connection, process: i64) -> Result<Option<String>> {
    let mut found: Vec<String> = Vec::new();
    connection.query(WHO, params! { process }, &mut |row| {
        let Holder { pid, name, role, state, seconds, verb } = row.to()?;
        let mut text = format!("process {pid}");
        if !name.is_empty() {
            text.push_str(&format!(" ({name})"));
        }
        text.push_str(&format!(" of {role}, {state}, in a transaction for {seconds} s"));
        if let Some(verb) = verb {
            text.push_str(&format!(", last with {verb}"));
        }
        found.push(text);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((!found.is_empty()).then(|| found.join("; ")))
}
