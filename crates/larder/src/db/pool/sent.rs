//! A task that waits for work on a pool.

use super::desk::{Desk, Job, Slip};
use crate::db::inside;
use crate::error::{Error, ErrorKind, Result};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

/// Work of a task. It goes into the line when it is first polled, and leaves it when it is dropped; when somebody has begun
/// it, it goes on to its end.
pub(crate) struct Sent<T> {
    desk: Arc<Desk>,
    /// So many threads at most.
    most: usize,
    /// The number of the database.
    id: usize,
    /// It writes, which can't be waited for inside a transaction of the same database.
    writes: bool,
    letter: Arc<Letter<T>>,
    place: Place,
}

enum Place {
    Before(Job),
    Line(Arc<Slip>),
    Over,
}

/// What came of the work, on its way to its owner.
struct Letter<T>(Mutex<Content<T>>);

struct Content<T> {
    outcome: Option<thread::Result<Result<T>>>,
    waker: Option<Waker>,
    /// Nobody waits for it any more.
    unwanted: bool,
}

/// Says that nothing came of it when it is dropped before something did.
struct Sender<T>(Arc<Letter<T>>);

impl<T: Send + 'static> Sent<T> {
    pub(super) fn new(
        desk: &Arc<Desk>,
        most: usize,
        id: usize,
        writes: bool,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Self {
        let letter = Arc::new(Letter(Mutex::new(Content { outcome: None, waker: None, unwanted: false })));
        let sender = Sender(Arc::clone(&letter));
        let job = Box::new(move || {
            let outcome = catch_unwind(AssertUnwindSafe(work));
            sender.0.deliver(outcome);
        });
        Self { desk: Arc::clone(desk), most, id, writes, letter, place: Place::Before(job) }
    }
}

impl<T> Sent<T> {
    /// Takes the work back; false when somebody has begun it.
    fn withdraw(&mut self) -> bool {
        let Place::Line(slip) = &self.place else { return false };
        let Some(job) = slip.take() else { return false };
        self.letter.refuse();
        drop(job);
        self.place = Place::Over;
        true
    }
}

impl<T> Future for Sent<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let this = &mut *self;
        let nested = if this.writes { inside::refuse_write(this.id) } else { Ok(()) };
        if nested.is_ok() {
            match std::mem::replace(&mut this.place, Place::Over) {
                Place::Before(job) => {
                    // The waker first: it may be done before this returns.
                    this.letter.content().waker = Some(context.waker().clone());
                    this.place = Place::Line(this.desk.put(job, this.most));
                }
                other => this.place = other,
            }
        }
        if let Some(outcome) = this.letter.take(context.waker()) {
            this.place = Place::Over;
            return Poll::Ready(outcome.unwrap_or_else(|panic| resume_unwind(panic)));
        }
        match nested {
            Err(error) if matches!(this.place, Place::Before(_)) || this.withdraw() => {
                this.place = Place::Over;
                Poll::Ready(Err(error))
            }
            _ => Poll::Pending,
        }
    }
}

impl<T> Drop for Sent<T> {
    fn drop(&mut self) {
        self.letter.refuse();
        self.withdraw();
    }
}

impl<T> Unpin for Sent<T> {}

impl<T> Letter<T> {
    fn content(&self) -> MutexGuard<'_, Content<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of it; where nothing has yet, the waker is called when something does.
    fn take(&self, waker: &Waker) -> Option<thread::Result<Result<T>>> {
        let mut content = self.content();
        let outcome = content.outcome.take();
        if outcome.is_none() && !content.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            content.waker = Some(waker.clone());
        }
        outcome
    }

    fn deliver(&self, outcome: thread::Result<Result<T>>) {
        let mut content = self.content();
        let unwanted = if content.unwanted {
            Some(outcome)
        } else {
            content.outcome = Some(outcome);
            None
        };
        let waker = content.waker.take();
        drop(content);
        // What is dropped and woken here is foreign code, and no panic of it must end who does the work of others.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(unwanted)));
        if let Some(waker) = waker {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    /// Nobody wants it any more.
    fn refuse(&self) {
        let mut content = self.content();
        content.unwanted = true;
        let gone = (content.outcome.take(), content.waker.take());
        drop(content);
        drop(gone);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let content = self.0.content();
        if content.outcome.is_none() && content.waker.is_some() {
            drop(content);
            self.0.deliver(Ok(Err(Error::new(
                ErrorKind::Internal,
                "the thread that was to do it died before it did; nothing was done",
            ))));
        }
    }
}
