//! What a closure holds is dropped on the thread that did the work, and may itself want to write. That thread leads, or is
//! the one that would have to: it must be refused, for it would wait for itself for ever.

use super::write::Waiter;
use super::{ADD, count, in_each};
use larder::{AsyncDatabase, Error, ErrorKind, params};
use std::sync::{Arc, Mutex};

type Heard = Arc<Mutex<Vec<Option<ErrorKind>>>>;

/// Writes when it is dropped: as a task does, and as a thread does.
struct Restless {
    db: AsyncDatabase,
    heard: Heard,
}

impl Drop for Restless {
    fn drop(&mut self) {
        let as_a_task = Waiter::block_on(self.db.execute(ADD, params! { n: -1 }));
        let as_a_thread = self.db.database().execute(ADD, params! { n: -2 });
        let kinds = [as_a_task, as_a_thread].map(|result| result.err().as_ref().map(Error::kind));
        self.heard.lock().unwrap().extend(kinds);
    }
}

#[test]
fn what_a_closure_holds_may_not_write_when_it_is_dropped() {
    in_each(async |db| {
        let heard = Heard::default();
        let writers: Vec<_> = (0..20)
            .map(|n| {
                let restless = Restless { db: db.clone(), heard: Arc::clone(&heard) };
                tokio::spawn(db.write(move |tx| {
                    let _ = &restless;
                    tx.execute(ADD, params! { n })
                }))
            })
            .collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        db.execute(ADD, params! { n: 20 }).await.unwrap();
        assert_eq!(count(&db), 21, "none but the closures wrote");
        assert_eq!(*heard.lock().unwrap(), [Some(ErrorKind::Nested); 40]);
    });
}
