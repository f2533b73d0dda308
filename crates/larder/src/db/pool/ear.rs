//! Hearing of the commits of other processes, for all who wait on one handle.
//!
//! One thread with one connection, as long as somebody listens. It is told at once of what is announced. What is not, it finds
//! by asking: about once a second, and more often while it finds something, for then somebody is writing who does
//! not announce.

use crate::db::bell::Bell;
use crate::driver::{Driver, Listener};
use crate::error::{Error, ErrorKind, Result};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// The pauses between two questions: after something was found, and up to which they double.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);
/// The same where nothing that is announced gets through.
const LONGEST_DEAF: Duration = Duration::from_millis(200);
/// The pause before the server is tried again.
const REST: Duration = Duration::from_millis(250);

/// Who listens for a handle.
#[derive(Default)]
pub(super) struct Ear {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    listeners: usize,
    /// There is a thread, and it will look whether somebody listens.
    here: bool,
    hears: Hears,
}

/// How far the thread has come.
#[derive(Default)]
enum Hears {
    #[default]
    NotYet,
    Yes,
    Failed(Error),
}

/// Somebody listens, as long as this lives.
pub(in crate::db) struct Listening(Arc<Ear>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.state().listeners -= 1;
        self.0.bell.notify_all();
    }
}

impl Ear {
    /// Listens from now on: what is committed from here on is heard of.
    pub(super) fn listen(
        self: &Arc<Self>,
        driver: &Arc<dyn Driver>,
        bell: &Arc<Bell>,
        patience: Duration,
    ) -> Result<Listening> {
        let mut state = self.state();
        state.listeners += 1;
        let listening = Listening(Arc::clone(self));
        if !std::mem::replace(&mut state.here, true) {
            state.hears = Hears::NotYet;
            let (ear, driver, bell) = (Arc::clone(self), Arc::clone(driver), Arc::clone(bell));
            let begun = Builder::new().name("larder-listen".into()).spawn(move || ear.run(&driver, &bell));
            if let Err(cause) = begun {
                state.here = false;
                drop(state);
                return Err(Error::new(ErrorKind::Io, "there is no thread to listen on").with_cause(cause));
            }
        }
        let until = Instant::now() + patience;
        loop {
            match &state.hears {
                Hears::Yes => break,
                Hears::Failed(error) => {
                    let error = error.restated(error.kind(), error.message());
                    drop(state);
                    return Err(error);
                }
                Hears::NotYet => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = format!("{driver} did not answer who wants to listen in time");
                drop(state);
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            state = self.bell.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        Ok(listening)
    }

    fn run(&self, driver: &Arc<dyn Driver>, bell: &Bell) {
        // A panic of the driver must not leave those behind who wait for the first word.
        struct Gone<'e>(&'e Ear);
        impl Drop for Gone<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.fail(Error::new(ErrorKind::Internal, "the thread that listens panicked"));
                }
            }
        }
        let _gone = Gone(self);
        let mut first = true;
        while self.is_wanted() {
            let heard = driver.listen().and_then(|listener| match listener {
                Some(mut listener) => {
                    let state = listener.state()?;
                    self.say(Hears::Yes);
                    if !first {
                        // Nobody knows what was missed.
                        bell.ring();
                    }
                    first = false;
                    self.hear(listener.as_mut(), state, bell)
                }
                None => {
                    self.say(Hears::Yes);
                    self.tick(bell);
                    Ok(())
                }
            });
            match heard {
                // Nobody listens any more.
                Ok(()) => return,
                Err(error) if first => return self.fail(error),
                Err(error) => {
                    tracing::debug!(database = %driver, %error, "listening was cut off");
                    self.pause(REST);
                }
            }
        }
    }

    /// Nobody is here any more; the next to listen begins anew.
    fn fail(&self, error: Error) {
        let mut state = self.state();
        state.here = false;
        state.hears = Hears::Failed(error);
        drop(state);
        self.bell.notify_all();
    }

    /// Rings for what is heard, until nobody listens any more.
    fn hear(&self, listener: &mut dyn Listener, mut known: Option<String>, bell: &Bell) -> Result<()> {
        let longest = if listener.is_deaf() { LONGEST_DEAF } else { LONGEST };
        let mut pause = SHORTEST;
        while self.is_wanted() {
            if listener.wait(pause)? {
                bell.ring();
                continue;
            }
            let now = listener.state()?;
            // Where the server can't be asked, who waits looks from time to time.
            if now != known || now.is_none() {
                pause = if now.is_some() { SHORTEST } else { longest };
                known = now;
                bell.ring();
            } else {
                pause = (pause * 2).min(longest);
            }
        }
        Ok(())
    }

    /// There is nothing to hear: who waits looks from time to time.
    fn tick(&self, bell: &Bell) {
        while self.is_wanted() {
            self.pause(LONGEST);
            bell.ring();
        }
    }

    /// Whether somebody listens; where nobody does, the thread is to end, and the next to listen begins another.
    fn is_wanted(&self) -> bool {
        let mut state = self.state();
        let wanted = state.listeners > 0;
        state.here = wanted;
        wanted
    }

    fn pause(&self, time: Duration) {
        let until_unwanted = |state: &mut State| state.listeners > 0;
        drop(self.bell.wait_timeout_while(self.state(), time, until_unwanted));
    }

    fn say(&self, hears: Hears) {
        self.state().hears = hears;
        self.bell.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
