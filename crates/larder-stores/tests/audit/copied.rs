//! A trail that is copied to the other engine and back is whole, and fits the anchor of the first.

use super::{Entry, anchor, append, journal, many, verify};
use larder::Database;
use larder::copy::Copier;
use larder_kit::{Engine, Place};
use larder_stores::journal::MIGRATIONS;

larder_kit::engines! {
    fn a_chain_that_is_copied_is_the_same_chain(place: &Place) {
        let db = journal(place);
        let mut entries = many(40);
        // What jsonb would write otherwise: blanks, the order of keys, a number's zeros.
        entries[3].data_json = Some(r#"{ "b":1.50,"a" : [ 1,2 ], "b":2 }"#.into());
        entries[4].data_json = None;
        entries[5].message = Some("\u{1f600}\t\\N \"quoted\" \r\n".into());
        append(&db, &entries);
        let kept = anchor(&db).unwrap();
        // To each engine from here, so that each way between the two is gone.
        for engine in [Engine::Sqlite, Engine::Postgres] {
            if cfg!(not(feature = "postgres")) && engine == Engine::Postgres {
                continue;
            }
            let other = Place::new(engine);
            let to = Database::options(other.url()).open().unwrap();
            Copier::new(&[&MIGRATIONS]).copy(&db, &to).unwrap();
            let found = verify(&to, Some(&kept));
            assert_eq!((found.entries, found.broken), (40, None), "{engine:?}");
            // It goes on from there, by the same rules.
            to.write(|tx| Entry::saying("after the copy").append(tx)).unwrap();
            assert!(verify(&to, Some(&kept)).is_whole());
            assert!(to.execute("DELETE FROM audit_log WHERE seq = 41", &[]).is_err(), "{engine:?}");
        }
    }
}
