//! Looking at the clock for tasks that wait: a thread that waits does so by itself, and a task needs somebody who does.

use super::batch::Member;
use super::queue::Queue;
use super::stand_in::IDLE;
use super::writer::{Job, Writer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// A thread that looks at the line from time to time, and gives up for the tasks that have waited behind one transaction for
/// too long. It is there only while tasks write.
#[derive(Default)]
pub(super) struct Watch {
    awake: AtomicBool,
    over: Mutex<bool>,
    bell: Condvar,
}

/// What was seen of the line.
struct View {
    progress: u64,
    /// Since when nothing has moved.
    since: Instant,
    /// When a task was last seen to write.
    used: Instant,
}

impl Watch {
    /// Begins to look, unless it does already.
    pub(super) fn begin(self: &Arc<Self>, writer: &Arc<Writer>) {
        if self.awake.load(Ordering::SeqCst) || self.awake.swap(true, Ordering::SeqCst) {
            return;
        }
        let (watch, writer) = (Arc::clone(self), Arc::downgrade(writer));
        if Builder::new().name("larder-watch".into()).spawn(move || watch.look(&writer)).is_err() {
            // The next to come tries again.
            self.awake.store(false, Ordering::SeqCst);
        }
    }

    pub(super) fn end(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_one();
    }

    fn look(&self, writer: &Weak<Writer>) {
        const OFTEN: Duration = Duration::from_millis(10);
        const SELDOM: Duration = Duration::from_millis(250);
        let now = Instant::now();
        let mut view = View { progress: 0, since: now, used: now };
        let mut pause = OFTEN;
        while self.pause(pause) {
            let Some(writer) = writer.upgrade() else { return };
            pause = (writer.patience / 8).clamp(OFTEN, SELDOM);
            view.look(&writer);
            if view.used.elapsed() < IDLE {
                continue;
            }
            // Who goes into the line from here on begins another watch; who went before is seen.
            self.awake.store(false, Ordering::SeqCst);
            if writer.queue.others().is_empty() || self.awake.swap(true, Ordering::SeqCst) {
                return;
            }
        }
    }

    /// Lets so much time pass; false when the database is gone.
    fn pause(&self, time: Duration) -> bool {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = self.bell.wait_timeout_while(over, time, |over| !*over);
        !*woken.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl View {
    fn look(&mut self, writer: &Writer) {
        let queue: &Queue<Job> = &writer.queue;
        let (now, progress) = (Instant::now(), queue.progress());
        let waiting = queue.others();
        if progress != self.progress {
            self.since = now;
            self.progress = progress;
        }
        if self.since == now || !waiting.is_empty() {
            self.used = now;
        }
        if now.duration_since(self.since) < writer.patience {
            return;
        }
        for ticket in waiting {
            if ticket.since().is_some_and(|since| now.duration_since(since) < writer.patience) {
                continue;
            }
            let Some(mut member) = Member::of(Arc::clone(&ticket)) else { continue };
            queue.leave(&ticket);
            if let Some((work, _)) = member.work() {
                work.fail(writer.stalled());
            }
            drop(member.settle());
        }
    }
}
