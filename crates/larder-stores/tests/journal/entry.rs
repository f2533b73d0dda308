//! The audit log.

use crate::{database, start};
use larder::Json;
use larder_kit::Place;
use larder_stores::audit;
use larder_stores::journal::{self, Level, NewEntry, TRAIL};
use serde_json::json;

larder_kit::engines! {
    fn entries_are_read_back_by_their_run_without_secrets_and_the_chain_is_whole(place: &Place) {
        let db = database(place);
        let run = start(&db);
        let data = json!({ "path": "a", "token": "x" });
        let first = NewEntry {
            level: Level::Warn,
            run_id: Some(&run.run_id),
            scope: "import",
            event: "skipped",
            message: Some("skipped x://u:p@h"),
            data: Some(&data),
            ..NewEntry::default()
        };
        let head = db.write(|tx| journal::log(tx, first)).unwrap();
        assert_eq!(head.seq, 1);
        let many = (0..200).map(|_| NewEntry { data: None, message: None, ..first });
        let head = db.write(|tx| journal::log_many(tx, many.clone())).unwrap();
        db.write(|tx| journal::log(tx, NewEntry { scope: "other", ..NewEntry::default() })).unwrap();

        let entries = db.read(|tx| journal::entries(tx, &run.run_id)).unwrap();
        assert_eq!(entries.len(), 201);
        assert_eq!(entries[0].message.as_deref(), Some("skipped x://u:***@h"));
        assert_eq!(entries[0].data, Some(Json(json!({ "path": "a", "token": "***" }))));
        assert_eq!(
            (entries[0].level, entries[200].seq, &entries[200].hash),
            (Level::Warn, 201, &head.hash.to_string())
        );
        assert!(db.read(|tx| audit::verify(tx, &TRAIL, None)).unwrap().is_whole());
    }

    fn entries_that_are_refused_leave_nothing(place: &Place) {
        let db = database(place);
        let error = db.write(|tx| {
            journal::log(tx, NewEntry { scope: "a", event: "b", ..NewEntry::default() })?;
            Err::<(), _>(larder::Error::other("no"))
        });
        assert!(error.is_err());
        assert_eq!(db.query_one::<i64>("SELECT count(*) FROM audit_log", &[]).unwrap(), 0);
    }
}
