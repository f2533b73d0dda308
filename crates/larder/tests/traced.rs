//! What a program that listens is told: a span for each opening, migration, read, write and commit, with what one wants to
//! know of it; and what is traced in a closure belongs to its caller, whichever thread ran it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use larder::{Database, MigrationSet};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static MIGRATIONS: MigrationSet = larder::migrations!("tests/migrations");

/// A span that was made, and the events inside it.
#[derive(Clone, Debug, Default)]
struct Seen {
    name: &'static str,
    fields: BTreeMap<&'static str, String>,
    events: Vec<String>,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

/// Writes down all spans of this crate.
#[derive(Default)]
struct Listener {
    spans: Mutex<BTreeMap<u64, Seen>>,
    next: AtomicU64,
}

thread_local! {
    static ENTERED: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[derive(Clone)]
struct Shared(Arc<Listener>);

impl Subscriber for Shared {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut seen = Seen { name: span.metadata().name(), ..Seen::default() };
        span.record(&mut seen);
        self.0.spans.lock().unwrap().insert(id, seen);
        Id::from_u64(id)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(self.0.spans.lock().unwrap().get_mut(&span.into_u64()).unwrap());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut seen = Seen::default();
        event.record(&mut seen);
        let inside = ENTERED.with_borrow(|entered| entered.last().copied());
        if let Some(id) = inside {
            let text = seen.fields.remove("message").unwrap_or_default();
            self.0.spans.lock().unwrap().get_mut(&id).unwrap().events.push(text);
        }
    }
    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }
    fn exit(&self, _: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.pop());
    }
}

impl Listener {
    fn named(&self, name: &str) -> Vec<Seen> {
        self.spans.lock().unwrap().values().filter(|span| span.name == name).cloned().collect()
    }
}

#[test]
fn every_kind_of_work_has_its_span_and_events_belong_to_their_caller() {
    let listener = Arc::new(Listener::default());
    // For the whole process, because a closure may run on any thread.
    tracing::subscriber::set_global_default(Shared(Arc::clone(&listener))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db").display().to_string();
    let db = Database::options(&path).migrations(&MIGRATIONS).open().unwrap();
    assert!(listener.named("open")[0].fields["database"].ends_with("app.db"));
    assert_eq!(listener.named("migrate").len(), 1);
    assert!(
        !listener.named("migration").is_empty() && listener.named("migration")[0].fields.contains_key("id")
    );

    db.read(|tx| tx.query_one::<i64>("SELECT 1", &[])).unwrap();
    assert_eq!(listener.named("read").len(), 1);

    // One holds the line until two others stand in it; they are done on its thread, in one commit.
    let ((begun, begins), (go, goes)) = (mpsc::channel(), mpsc::channel());
    let add = "INSERT INTO agents (name) VALUES ('x')";
    std::thread::scope(|scope| {
        let (db, goes) = (&db, Mutex::new(goes));
        scope.spawn(move || {
            db.write(|tx| {
                begun.send(()).unwrap();
                goes.lock().unwrap().recv().unwrap();
                tracing::info!("first");
                tx.execute(add, &[])
            })
        });
        begins.recv().unwrap();
        for name in ["second", "third"] {
            scope.spawn(move || {
                db.write(|tx| {
                    tracing::info!("{name}");
                    tx.execute(add, &[])
                })
            });
        }
        for _ in 0..5000 {
            if db.stats().waiting == 2 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        go.send(()).unwrap();
    });
    let writes = listener.named("write");
    assert_eq!(writes.len(), 3);
    let mut events: Vec<_> = writes.iter().flat_map(|write| write.events.clone()).collect();
    events.sort();
    assert_eq!(events, ["first", "second", "third"]);
    assert!(writes.iter().all(|write| write.events.len() == 1 && write.fields.contains_key("waited_us")));
    let commits = listener.named("commit");
    assert_eq!(commits.len(), 1);
    assert_eq!(commits[0].fields["works"], "3");
    assert!(commits[0].fields.contains_key("took_us"));
    assert_eq!((db.stats().writes, db.stats().commits, db.stats().largest_batch), (3, 1, 3));
}
