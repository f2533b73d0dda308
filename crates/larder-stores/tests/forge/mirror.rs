//! Mirrors.

use crate::kit::{reason, repositories, store, told};
use larder::{Database, ErrorKind};
use larder_kit::Place;
use larder_stores::forge::{
    self, By, Direction, Id, IllegalMirrorMove, Mirror, MirrorStatus, NewMirror, SecretInUrl, Taken,
};

const ADA: By<'static> = By::new("ada");

fn mirror(db: &Database, repository_id: Id, name: &str, remote_url: &str) -> larder::Result<Mirror> {
    let new = NewMirror { id: None, repository_id, name, remote_url, direction: Direction::Push };
    db.write(|tx| forge::create_mirror(tx, ADA, new))
}

larder_kit::engines! {
    fn a_copy_begins_fails_and_succeeds_and_the_error_shows_no_secret(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        let made = mirror(&db, id, "up", "git@host:a.git").unwrap();
        assert_eq!((made.status, made.last_synced_at), (MirrorStatus::Pending, None));
        db.write(|tx| forge::begin_sync(tx, ADA, made.id)).unwrap();
        let failed = db.write(|tx| forge::fail_sync(tx, ADA, made.id, "no https://a:hunter2@host")).unwrap();
        assert_eq!(failed.last_error.as_deref(), Some("no https://***@host"));
        assert_eq!(db.read(|tx| forge::list_mirrors_by_status(tx, MirrorStatus::Failed, 9)).unwrap(), [failed]);
        let synced = db
            .write(|tx| {
                forge::begin_sync(tx, ADA, made.id)?;
                forge::finish_sync(tx, ADA, made.id)
            })
            .unwrap();
        assert_eq!((synced.status, synced.last_error), (MirrorStatus::Synced, None));
        assert!(synced.last_synced_at.is_some());
        assert_eq!(told(&db, id).len(), 6);
        assert!(!format!("{:?}", told(&db, id)).contains("hunter2"));
    }

    fn an_illegal_move_changes_nothing(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        let made = mirror(&db, id, "up", "git@host:a.git").unwrap();
        let find = || db.read(|tx| forge::find_mirror(tx, made.id)).unwrap().unwrap();
        let refused = |result: larder::Result<Mirror>| {
            let before = (find(), told(&db, id).len());
            let error = result.unwrap_err();
            assert_eq!((find(), told(&db, id).len()), before);
            reason::<IllegalMirrorMove>(&error, ErrorKind::Refused)
        };
        let to = |error: IllegalMirrorMove| (error.from, error.to);
        use MirrorStatus::{Failed, Paused, Pending, Synced, Syncing};
        assert_eq!(to(refused(db.write(|tx| forge::finish_sync(tx, ADA, made.id)))), (Pending, Synced));
        assert_eq!(to(refused(db.write(|tx| forge::fail_sync(tx, ADA, made.id, "x")))), (Pending, Failed));
        assert_eq!(to(refused(db.write(|tx| forge::resume_mirror(tx, ADA, made.id)))), (Pending, Pending));
        db.write(|tx| forge::begin_sync(tx, ADA, made.id)).unwrap();
        assert_eq!(to(refused(db.write(|tx| forge::begin_sync(tx, ADA, made.id)))), (Syncing, Syncing));
        assert_eq!(to(refused(db.write(|tx| forge::pause_mirror(tx, ADA, made.id)))), (Syncing, Paused));
        db.write(|tx| {
            forge::finish_sync(tx, ADA, made.id)?;
            forge::pause_mirror(tx, ADA, made.id)
        })
        .unwrap();
        assert_eq!(to(refused(db.write(|tx| forge::begin_sync(tx, ADA, made.id)))), (Paused, Syncing));
        assert_eq!(db.write(|tx| forge::resume_mirror(tx, ADA, made.id)).unwrap().status, Pending);
    }

    fn a_url_with_a_secret_is_never_stored(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        let error = mirror(&db, id, "up", "https://ada:hunter2@host/a.git").unwrap_err();
        assert_eq!(reason::<SecretInUrl>(&error, ErrorKind::Parameter).url, "https://***@host/a.git");
        let made = mirror(&db, id, "up", "https://host/a.git").unwrap();
        let error = db.write(|tx| forge::point_mirror(tx, ADA, made.id, "https://t0ken@host/a")).unwrap_err();
        reason::<SecretInUrl>(&error, ErrorKind::Parameter);
        let error = mirror(&db, id, "up", "https://host/b.git").unwrap_err();
        assert_eq!(reason::<Taken>(&error, ErrorKind::Refused).value, "up");
        let moved = db
            .write(|tx| {
                forge::point_mirror(tx, ADA, made.id, "https://host/c.git")?;
                forge::rename_mirror(tx, ADA, made.id, "down")
            })
            .unwrap();
        assert_eq!((moved.name.as_str(), moved.remote_url.as_str()), ("down", "https://host/c.git"));
        assert_eq!(db.read(|tx| forge::list_mirrors(tx, id)).unwrap().len(), 1);
        assert_eq!(db.read(|tx| forge::find_mirror_named(tx, id, "down")).unwrap(), Some(moved));
        db.write(|tx| forge::delete_mirror(tx, ADA, made.id)).unwrap();
        assert_eq!(db.read(|tx| forge::list_mirrors(tx, id)).unwrap(), []);
    }
}
