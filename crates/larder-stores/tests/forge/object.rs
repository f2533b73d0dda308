//! Objects.

use crate::kit::{entries, reason, repositories, store, told, verified};
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::forge::{self, By, InvalidOid, Missing, NewObject, ObjectDiffers, ObjectKind, Page};

const ADA: By<'static> = By::new("ada");

fn oid(number: u32) -> String {
    format!("{number:040x}")
}

larder_kit::engines! {
    fn a_batch_is_put_with_one_entry_and_put_again_only_where_it_moved(place: &Place) {
        let db = store(place);
        let [id, other] = repositories(&db, ["a", "b"]);
        let oids: Vec<String> = (0..5000).map(oid).collect();
        let put = |repository, pack: Option<&str>, oids: &[String]| {
            let new = |oid| NewObject { oid, kind: ObjectKind::Blob, size: 7, pack };
            db.write(|tx| forge::put_objects(tx, ADA, repository, oids.iter().map(|oid| new(oid.as_str()))))
                .unwrap()
        };
        let first = put(id, None, &oids);
        assert_eq!((first.given, first.written), (5000, 5000));
        assert_eq!(put(id, None, &oids[..10]).written, 0);
        assert_eq!(put(id, Some("pack-1"), &oids[4..6]).written, 2);
        put(other, None, &oids[5..6]);
        assert_eq!(told(&db, id)[1..], ["ada put object"; 2]);
        assert_eq!(entries(&db, id)[1].data_json.clone().unwrap().0["written"], 5000);
        db.read(|tx| {
            let found = forge::find_object(tx, id, &oid(5))?.unwrap();
            assert_eq!((found.pack.as_deref(), found.size, found.kind), (Some("pack-1"), 7, ObjectKind::Blob));
            let page = forge::list_objects(tx, id, Page { after: &oid(4997), limit: 10 })?;
            assert_eq!(page.iter().map(|object| object.oid.clone()).collect::<Vec<_>>(), [oid(4998), oid(4999)]);
            assert_eq!(forge::list_object_holders(tx, &oid(5), 10)?.len(), 2);
            Ok(())
        })
        .unwrap();
        let gone =
            db.write(|tx| forge::delete_objects(tx, ADA, id, [oid(5).as_str(), oid(9999).as_str()])).unwrap();
        assert_eq!(gone, 1);
        assert_eq!(db.read(|tx| forge::find_object(tx, id, &oid(5))).unwrap(), None);
    }

    fn a_batch_with_one_that_is_wrong_is_not_put(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        let (one, two) = (oid(1), oid(2));
        let object = |oid, size| NewObject { oid, kind: ObjectKind::Tree, size, pack: None };
        let put = |objects: [NewObject<'static>; 2]| db.write(|tx| forge::put_objects(tx, ADA, id, objects));
        let (one, two): (&str, &str) = (one.leak(), two.leak());
        put([object(one, 1), object(one, 1)]).unwrap();
        let error = put([object(two, 1), object(one, 2)]).unwrap_err();
        assert_eq!(reason::<ObjectDiffers>(&error, ErrorKind::Refused).row, 2);
        let error = put([object(two, 1), object("xyz", 2)]).unwrap_err();
        assert_eq!(reason::<InvalidOid>(&error, ErrorKind::Parameter).value, "xyz");
        let nowhere = db.write(|tx| forge::put_objects(tx, ADA, forge::Id::new(), [object(two, 1)])).unwrap_err();
        assert_eq!(reason::<Missing>(&nowhere, ErrorKind::NotFound).entity, "repository");
        assert_eq!(db.query_one::<i64>("SELECT count(*) FROM object_metadata", &[]).unwrap(), 1);
        assert_eq!(told(&db, id).len(), 2);
    }

    fn what_changes_nothing_is_not_in_the_trail(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        let oid = "0".repeat(40);
        let object = NewObject { oid: &oid, kind: ObjectKind::Blob, size: 1, pack: None };
        let put =
            |id, objects: &[NewObject<'_>]| db.write(|tx| forge::put_objects(tx, ADA, id, objects.to_vec()));
        put(id, &[object]).unwrap();
        let before = verified(&db);
        assert_eq!(put(id, &[object]).unwrap().written, 0);
        assert_eq!(put(id, &[]).unwrap().given, 0);
        assert_eq!(db.write(|tx| forge::delete_objects(tx, ADA, id, ["none"])).unwrap(), 0);
        // A repository that never was leaves no trace either, which would keep its id from being given.
        let never = forge::Id::new();
        for objects in [&[][..], &[object]] {
            assert_eq!(put(never, objects).unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert_eq!(db.write(|tx| forge::delete_objects(tx, ADA, never, [oid.as_str()])).unwrap(), 0);
        assert_eq!(verified(&db), before);
    }
}
