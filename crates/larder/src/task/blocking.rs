//! Work on tokio's pool for what blocks.

use super::stop::Stop;
use crate::error::{Error, ErrorKind, Result};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Work that was given to the pool. Dropping it stops the work.
pub(super) struct Blocking<T> {
    stop: Arc<Stop>,
    handle: JoinHandle<Result<T>>,
}

/// Gives `f` to the pool of the runtime that polls.
pub(super) fn run<T: Send + 'static>(
    f: impl FnOnce(&Stop) -> Result<T> + Send + 'static,
) -> Result<Blocking<T>> {
    let runtime = Handle::try_current().map_err(|error| {
        Error::new(ErrorKind::Config, "a read that blocks was asked for outside a runtime of tokio")
            .with_help("poll it in a task of tokio; short reads need none")
            .with_cause(error)
    })?;
    let stop = Arc::new(Stop::default());
    let other = Arc::clone(&stop);
    Ok(Blocking { stop, handle: runtime.spawn_blocking(move || f(&other)) })
}

impl<T> Future for Blocking<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        Poll::Ready(match ready!(Pin::new(&mut self.handle).poll(context)) {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => Err(Error::new(
                    ErrorKind::Interrupted,
                    "the runtime was shut down before the read could begin",
                )
                .with_cause(error)),
            },
        })
    }
}

impl<T> Drop for Blocking<T> {
    fn drop(&mut self) {
        self.handle.abort();
        self.stop.stop();
    }
}
