//! Many connections of one handle, each of which may write: for an engine behind a server.
//!
//! Nothing is asked of a connection before it is given out. One that broke while it lay idle is mostly seen by looking at its
//! socket, which costs no round trip; else at its first use, and what had no effect is then done again on another. After one
//! was found broken, each of those that were there by then is asked once before it is used.

mod count;
#[cfg(feature = "tokio")]
mod desk;
mod ear;
mod effort;
mod gate;
mod keeper;
mod lent;
mod line;
mod read;
mod replica;
#[cfg(feature = "tokio")]
mod sent;
mod turn;
mod write;

use super::bell::Bell;
use super::inside;
use super::tallies::Tallies;
use super::write::closed;
use crate::driver::{Access, Connection, Counts, Driver};
use crate::error::{Error, ErrorKind, Result};
pub(super) use count::Count;
use ear::Ear;
pub(super) use ear::Listening;
use gate::Gate;
use keeper::Keeper;
use lent::{Fate, Lent, Pooled};
use line::Line;
pub(super) use replica::Replicas;
#[cfg(feature = "tokio")]
pub(crate) use sent::Sent;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use turn::Turns;

/// What a pool is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// So many connections at most, but for those that a thread needs inside a transaction of its own.
    pub(super) most: usize,
    /// How long is waited for a connection, and for a server that can't be reached.
    pub(super) patience: Duration,
    /// How long a write is run again while others come in between.
    pub(super) retry_for: Duration,
    /// One that nobody used for so long is closed.
    pub(super) idle: Duration,
    /// One is not used for longer, so that a change of the name's address, or of who is the primary, is followed.
    pub(super) lifetime: Duration,
}

/// The connections.
pub(super) struct Pool {
    driver: Arc<dyn Driver>,
    /// As what each is opened.
    access: Access,
    limits: Limits,
    /// The database, as threads note that they are inside of it.
    id: usize,
    state: Mutex<State>,
    tallies: Tallies,
    count: Count,
    bell: Arc<Bell>,
    /// Of those whose write is run again, one at a time.
    retrying: Turns,
    /// For those whose write begins, while that of another is run once more.
    gate: Gate,
    /// For what is more than a transaction.
    apart: Turns,
    /// How many write, or wait for a connection to write.
    writing: AtomicUsize,
    keeper: Arc<Keeper>,
    ear: Arc<Ear>,
    /// Where the work of tasks waits for a thread.
    #[cfg(feature = "tokio")]
    desk: Arc<desk::Desk>,
}

struct State {
    /// The one that was used last lies on top.
    idle: Vec<Pooled>,
    /// Those that there are, with those that are being opened.
    open: usize,
    /// There is somebody in it only while nothing is idle and no room is left.
    line: Line<Given>,
    /// How many were found broken.
    breaks: u64,
    /// Why the last that was to be opened could not be.
    unreachable: Option<Error>,
    closed: bool,
}

/// What who waits is given.
enum Given {
    Connection(Pooled),
    /// Room for one more, which is to be opened.
    Room,
    Closed,
}

/// How long is waited for a connection.
#[derive(Clone, Copy)]
struct Wait {
    until: Instant,
    /// A server that can't be reached is tried again until then.
    insist: bool,
    /// Where none is free, one is opened beyond the limit: who asks must not wait.
    beyond: bool,
}

impl Pool {
    pub(super) fn new(
        driver: Arc<dyn Driver>,
        access: Access,
        limits: Limits,
        id: usize,
        bell: Arc<Bell>,
    ) -> Arc<Self> {
        let state = State {
            idle: Vec::new(),
            open: 0,
            line: Line::default(),
            breaks: 0,
            unreachable: None,
            closed: false,
        };
        let pool = Arc::new(Self {
            driver,
            access,
            limits,
            id,
            state: Mutex::new(state),
            tallies: Tallies::default(),
            count: Count::default(),
            bell,
            retrying: Turns::default(),
            gate: Gate::default(),
            apart: Turns::default(),
            writing: AtomicUsize::new(0),
            keeper: Arc::default(),
            ear: Arc::default(),
            #[cfg(feature = "tokio")]
            desk: Arc::default(),
        });
        pool.keeper.begin(&pool);
        pool
    }

    /// Opens the first connection, so that what is wrong is said now.
    pub(super) fn open_one(&self) -> Result<()> {
        self.acquire(Wait { insist: false, ..self.wait() }).map(drop)
    }

    /// What was done so far.
    pub(super) fn count(&self) -> &Count {
        &self.count
    }

    /// What the connections have counted.
    pub(super) fn counts(&self) -> Counts {
        self.tallies.counts()
    }

    /// How many wait for a connection.
    pub(super) fn waiting(&self) -> usize {
        let waiting = self.state().line.len();
        #[cfg(feature = "tokio")]
        let waiting = waiting + self.desk.waiting();
        waiting
    }

    /// Work for a task, which is done on another thread. Begun or not, it holds what it was given.
    #[cfg(feature = "tokio")]
    pub(super) fn send<T: Send + 'static>(
        &self,
        writes: bool,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Sent<T> {
        Sent::new(&self.desk, self.limits.most.saturating_add(1), self.id, writes, work)
    }

    /// How many connections there are.
    pub(super) fn open(&self) -> usize {
        self.state().open
    }

    /// Rings the bell for the commits of others, as long as what this gives lives.
    pub(super) fn listen(&self) -> Result<Listening> {
        self.ear.listen(&self.driver, &self.bell, self.limits.patience)
    }

    /// As long as the patience of this pool lasts.
    fn wait(&self) -> Wait {
        Wait { until: Instant::now() + self.limits.patience, insist: true, beyond: false }
    }

    /// A connection, for this thread alone until it is dropped.
    fn acquire(&self, wait: Wait) -> Result<Lent<'_>> {
        match self.take(wait)? {
            (Given::Connection(pooled), breaks) => match self.look(pooled, breaks) {
                Some(pooled) => Ok(Lent::new(self, pooled, false)),
                // Not another of those that lie there, which may be as broken.
                None => self.fill(Room(self), wait),
            },
            (Given::Room, _) => self.fill(Room(self), wait),
            (Given::Closed, _) => Err(closed()),
        }
    }

    /// An idle one, or room for one, with the number of those that were found broken by now.
    fn take(&self, wait: Wait) -> Result<(Given, u64)> {
        let spot = {
            let mut state = self.state();
            let breaks = state.breaks;
            if state.closed {
                return Err(closed());
            }
            if let Some(pooled) = state.idle.pop() {
                return Ok((Given::Connection(pooled), breaks));
            }
            // Others may wait for what this thread is inside of: it must not wait for them.
            if state.open < self.limits.most || wait.beyond || inside::depth(self.id) > 0 {
                state.open += 1;
                return Ok((Given::Room, breaks));
            }
            state.line.join()
        };
        if let Some(given) = spot.wait(wait.until) {
            return Ok((given, self.state().breaks));
        }
        let mut state = self.state();
        if !state.line.leave(&spot)
            && let Some(given) = spot.take()
        {
            return Ok((given, state.breaks));
        }
        Err(match &state.unreachable {
            Some(error) => error.restated(error.kind(), error.message()),
            None => self.full(),
        })
    }

    fn full(&self) -> Error {
        let Limits { most, patience, .. } = self.limits;
        Error::new(
            ErrorKind::Busy,
            format!(
                "all {most} connections to {} were in use for {} ms",
                self.driver,
                patience.as_millis()
            ),
        )
        .with_help(
            "keep what is done inside `read` and `write` short; or allow more by `Options::connections`, as far as the \
             server's max_connections does; or set a longer busy_timeout",
        )
    }

    /// The same connection where it can be used, as far as that can be told.
    fn look(&self, mut pooled: Pooled, breaks: u64) -> Option<Pooled> {
        if pooled.opened.elapsed() >= pooled.lifetime {
            return None;
        }
        // What was used a moment ago is not looked at again.
        const MOMENT: Duration = Duration::from_millis(1);
        let broken = pooled.used.elapsed() >= MOMENT && pooled.connection.is_broken();
        let sound = !broken && (pooled.checked == breaks || ask(pooled.connection.as_mut()).is_ok());
        if !sound {
            tracing::debug!(database = %self.driver, "a connection was found broken");
            if pooled.checked == breaks {
                self.state().breaks += 1;
            }
            return None;
        }
        pooled.checked = breaks;
        Some(pooled)
    }

    /// Opens a connection in the room that was given.
    fn fill<'p>(&'p self, room: Room<'p>, wait: Wait) -> Result<Lent<'p>> {
        const SHORTEST: Duration = Duration::from_millis(10);
        const LONGEST: Duration = Duration::from_millis(400);
        let mut pause = SHORTEST;
        loop {
            let breaks = self.state().breaks;
            let error = match self.driver.connect(self.access) {
                Ok(connection) => {
                    self.tallies.add(connection.as_ref());
                    self.state().unreachable = None;
                    std::mem::forget(room);
                    let pooled = Pooled::new(connection, breaks, self.limits.lifetime);
                    return Ok(Lent::new(self, pooled, true));
                }
                Err(error) => error,
            };
            let mut state = self.state();
            state.unreachable = Some(error.restated(error.kind(), error.message()));
            let over = state.closed || Instant::now() + pause >= wait.until;
            drop(state);
            if over || !wait.insist || !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Busy) {
                return Err(error);
            }
            std::thread::sleep(jittered(pause));
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Takes a connection back, or the room of one that is gone.
    fn give_back(&self, pooled: Option<Pooled>, fate: Fate) {
        let mut state = self.state();
        let mut dropped = Vec::new();
        match fate {
            Fate::Sound | Fate::Spoilt => {}
            Fate::Lost => state.breaks += 1,
            Fate::Demoted => {
                dropped.append(&mut state.idle);
                state.open -= dropped.len();
            }
        }
        let keep = fate == Fate::Sound && !state.closed && state.open <= self.limits.most;
        let kept = match pooled {
            Some(pooled) if keep && pooled.opened.elapsed() < pooled.lifetime => Some(pooled),
            other => {
                dropped.extend(other);
                None
            }
        };
        let called = match kept {
            Some(pooled) => match state.line.call(Given::Connection(pooled)) {
                Ok(called) => Some(called),
                Err(given) => {
                    if let Given::Connection(pooled) = given {
                        state.idle.push(pooled);
                    }
                    None
                }
            },
            None => {
                state.open -= 1;
                let room = state.open < self.limits.most && !state.closed;
                let called = if room { state.line.call(Given::Room).ok() } else { None };
                state.open += usize::from(called.is_some());
                called
            }
        };
        let was_last = state.closed && state.open == 0;
        drop(state);
        if let Some(called) = called {
            called.unpark();
        }
        if was_last {
            self.keeper.nudge();
        }
        // Closing takes a call to the system; nobody waits for it.
        drop(dropped);
    }

    /// Closes those that nobody has used for a while, or that are too old.
    fn tidy(&self) {
        let over = |pooled: &mut Pooled| {
            pooled.used.elapsed() >= self.limits.idle || pooled.opened.elapsed() >= pooled.lifetime
        };
        let mut state = self.state();
        let gone: Vec<Pooled> = state.idle.extract_if(.., over).collect();
        // Nobody waits for their room, for where somebody waits nothing is idle.
        state.open -= gone.len();
        drop(state);
        drop(gone);
    }

    /// Closes all that are not in use, and the others when they are given back. Waits for those as long as the patience lasts.
    fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        state.open -= idle.len();
        let mut called = Vec::new();
        while let Ok(thread) = state.line.call(Given::Closed) {
            called.push(thread);
        }
        drop(state);
        called.iter().for_each(std::thread::Thread::unpark);
        drop(idle);
        self.keeper.wait(self.limits.patience, || self.state().open == 0);
    }

    /// Lets it be used again after [`close`](Self::close).
    fn reopen(&self) {
        self.state().closed = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.keeper.end();
        #[cfg(feature = "tokio")]
        self.desk.end();
    }
}

/// Room for a connection that is given back when nothing comes of it.
struct Room<'p>(&'p Pool);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.give_back(None, Fate::Spoilt);
    }
}

/// A round trip.
fn ask(connection: &mut dyn Connection) -> Result<()> {
    connection.query("SELECT 1", &[], &mut |_| Ok(ControlFlow::Continue(())))
}

/// Between half of it and all of it.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}
