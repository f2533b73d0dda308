//! Projects and repositories.

use crate::kit::{clock, entries, reason, repositories, store, told, verified};
use jiff::SignedDuration;
use larder::{Database, ErrorKind, WriteTx};
use larder_kit::Place;
use larder_stores::forge::{
    self, By, Held, IdUsed, InUse, InvalidName, LeaseFile, Missing, NewMirror, NewObject, NewProject,
    NewRelationship, NewRepository, ObjectKind, Page, RelationshipKind, Taken, UpdateRepository,
};

const ADA: By<'static> = By::new("ada");

fn project(name: &str) -> NewProject<'_> {
    NewProject { name, ..NewProject::default() }
}

larder_kit::engines! {
    fn a_project_is_made_found_renamed_described_and_removed(place: &Place) {
        let (db, clock) = (store(place), clock());
        let by = ADA.clock(&clock);
        let new = NewProject { description: Some("food"), ..project("pantry") };
        let made = db.write(|tx| forge::create_project(tx, by, new)).unwrap();
        assert_eq!((made.name.as_str(), made.description.as_deref()), ("pantry", Some("food")));
        assert_eq!(made.created_at.to_string(), "2026-01-31T09:30:00Z");
        clock.advance(SignedDuration::from_secs(1));
        let renamed = db.write(|tx| forge::rename_project(tx, by, made.id, "cellar")).unwrap();
        assert_eq!(
            (renamed.created_at, renamed.updated_at.to_string().as_str()),
            (made.created_at, "2026-01-31T09:30:01Z")
        );
        clock.advance(SignedDuration::from_secs(1));
        let described = db.write(|tx| forge::describe_project(tx, by, made.id, None)).unwrap();
        assert_eq!(described.description, None);
        db.read(|tx| {
            assert_eq!(forge::find_project(tx, made.id)?.as_ref(), Some(&described));
            assert_eq!(forge::find_project_named(tx, "cellar")?.as_ref(), Some(&described));
            assert_eq!(forge::find_project_named(tx, "pantry")?, None);
            Ok(())
        })
        .unwrap();
        db.write(|tx| forge::delete_project(tx, by, made.id)).unwrap();
        let error = db.write(|tx| forge::delete_project(tx, by, made.id)).unwrap_err();
        assert_eq!(reason::<Missing>(&error, ErrorKind::NotFound).entity, "project");
        assert_eq!(verified(&db), 4);
    }

    fn projects_are_listed_in_pages(place: &Place) {
        let db = store(place);
        db.write(|tx| {
            for name in ["c", "a", "b"] {
                forge::create_project(tx, ADA, project(name))?;
            }
            Ok(())
        })
        .unwrap();
        let page = |after, limit| {
            let list = db.read(|tx| forge::list_projects(tx, Page { after, limit })).unwrap();
            list.into_iter().map(|project| project.name).collect::<Vec<_>>()
        };
        assert_eq!(page("", 2), ["a", "b"]);
        assert_eq!(page("b", 2), ["c"]);
    }

    fn names_have_rules_and_one_owner_in_their_scope(place: &Place) {
        let db = store(place);
        repositories(&db, ["a"]);
        let error = db.write(|tx| forge::create_project(tx, ADA, project("pantry"))).unwrap_err();
        let taken: Taken = reason(&error, ErrorKind::Refused);
        assert_eq!((taken.entity, taken.value.as_str()), ("project", "pantry"));
        for name in
            ["", " a", "a/b", "a\n", "a\0b", "a\u{202E}b", "a\u{200B}", "a\u{2028}b", "..", &"x".repeat(201)]
        {
            let error = db.write(|tx| forge::create_project(tx, ADA, project(name))).unwrap_err();
            assert_eq!(reason::<InvalidName>(&error, ErrorKind::Parameter).value, name);
        }
        // Another project may have a repository of the same name, until it is moved here.
        let other = db.write(|tx| forge::create_project(tx, ADA, project("cellar"))).unwrap();
        let pantry = db.read(|tx| forge::find_project_named(tx, "pantry")).unwrap().unwrap();
        let same = db
            .write(|tx| forge::create_repository(tx, ADA, NewRepository::named(other.id, "a")))
            .unwrap()
            .repository_id;
        let error = db.write(|tx| forge::move_repository(tx, ADA, same, pantry.id)).unwrap_err();
        assert_eq!(reason::<Taken>(&error, ErrorKind::Refused).value, "a");
        db.write(|tx| {
            forge::rename_repository(tx, ADA, same, "b")?;
            forge::move_repository(tx, ADA, same, pantry.id)
        })
        .unwrap();
        let found = db.read(|tx| forge::resolve_repository(tx, "pantry/b")).unwrap();
        assert_eq!(found.repository_id, same);
        assert_eq!(db.read(|tx| forge::resolve_repository(tx, &same.to_string().to_lowercase())).unwrap(), found);
        assert_eq!(told(&db, same), ["ada create repository", "ada rename repository", "ada move repository"]);
    }

    fn a_repository_is_updated_in_part(place: &Place) {
        let db = store(place);
        let [id] = repositories(&db, ["a"]);
        let update = |update| db.write(move |tx| forge::update_repository(tx, ADA, id, update)).unwrap();
        let one = update(UpdateRepository { description: Some(Some("x")), ..UpdateRepository::default() });
        assert_eq!((one.description.as_deref(), one.default_branch.as_str()), (Some("x"), "main"));
        let two = update(UpdateRepository { default_branch: Some("trunk"), ..UpdateRepository::default() });
        assert_eq!((two.description.as_deref(), two.default_branch.as_str()), (Some("x"), "trunk"));
        let three = update(UpdateRepository { description: Some(None), ..UpdateRepository::default() });
        assert_eq!(three.description, None);
        let listed = db.read(|tx| forge::list_repositories(tx, three.project_id, Page::default())).unwrap();
        assert_eq!(listed, [three]);
    }
}

fn kept(db: &Database, text: &str) -> larder::Error {
    db.read(|tx| forge::resolve_repository(tx, text)).unwrap_err()
}

larder_kit::engines! {
    fn what_is_not_there_is_named(place: &Place) {
        let db = store(place);
        assert_eq!(reason::<Missing>(&kept(&db, "a/b"), ErrorKind::NotFound).value, "a/b");
        assert_eq!(kept(&db, "01ARZ3NDEKTSV4RRFFQ69G5FAV").kind(), ErrorKind::NotFound);
        assert_eq!(kept(&db, "shelf").kind(), ErrorKind::Parameter);
        let nowhere = NewRepository::named(forge::Id::new(), "a");
        let error = db.write(|tx| forge::create_repository(tx, ADA, nowhere)).unwrap_err();
        assert_eq!(reason::<Missing>(&error, ErrorKind::NotFound).entity, "project");
        assert_eq!(verified(&db), 0);
    }

    fn somebody_must_have_done_it_whom_a_trail_can_show(place: &Place) {
        let db = store(place);
        let long = "x".repeat(501);
        for actor in ["", " ", " ada", "ada\n", "a\0b", "a\u{1b}[2Jb", "a\u{202E}b", &long] {
            let create = |tx: &mut WriteTx<'_>| forge::create_project(tx, By::new(actor), project("pantry"));
            assert_eq!(db.write(create).unwrap_err().kind(), ErrorKind::Parameter, "{actor:?}");
            assert_eq!(db.query_one::<i64>("SELECT count(*) FROM projects", &[]).unwrap(), 0);
        }
        db.write(|tx| forge::create_project(tx, By::new(&long[1..]), project("pantry"))).unwrap();
    }
}

/// Everything that the tables hold, so that a change is seen.
fn contents(db: &Database) -> Vec<String> {
    let all = "SELECT 'project ' || name || coalesce(description, '') FROM projects
        UNION ALL SELECT 'repository ' || project_id || name || coalesce(description, '') FROM repositories
        UNION ALL SELECT 'lease ' || token || status FROM leases
        UNION ALL SELECT 'object ' || oid || coalesce(pack, '') FROM object_metadata
        UNION ALL SELECT 'mirror ' || name || remote_url || status FROM mirrors
        UNION ALL SELECT 'relationship ' || id FROM repository_relationships
        UNION ALL SELECT 'entry ' || seq FROM audit_entries ORDER BY 1";
    db.query_all(all, &[]).unwrap()
}

larder_kit::engines! {
    fn who_passes_over_a_refusal_and_commits_has_changed_nothing(place: &Place) {
        let db = store(place);
        let [a, b, gone] = repositories(&db, ["a", "b", "gone"]);
        let pantry = db.read(|tx| forge::find_project_named(tx, "pantry")).unwrap().unwrap().id;
        let oid = "0".repeat(40);
        let object = NewObject { oid: &oid, kind: ObjectKind::Blob, size: 1, pack: None };
        let new = |name| {
            let (remote_url, direction) = ("https://host/a.git", forge::Direction::Pull);
            NewMirror { id: None, repository_id: a, name, remote_url, direction }
        };
        let kind = RelationshipKind::ForkOf;
        let relate = NewRelationship { id: None, repository_id: a, kind, related_id: b };
        let (empty, mirror, relation, lease) = db
            .write(|tx| {
                forge::delete_repository(tx, ADA, gone)?;
                forge::put_objects(tx, ADA, a, [object])?;
                let empty = forge::create_project(tx, ADA, project("empty"))?.id;
                let mirror = forge::create_mirror(tx, ADA, new("up"))?.id;
                let relation = forge::create_relationship(tx, ADA, relate)?.id;
                Ok((empty, mirror, relation, forge::acquire_lease(tx, ADA, a, None)?))
            })
            .unwrap();
        let line = format!(
            r#"{{"repository":"{b}","holder":"x","acquired_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-02T00:00:00Z"}}"#
        );
        let file = LeaseFile::read(line.as_bytes()).unwrap();
        let before = contents(&db);
        let nobody = By::new("");
        let again = NewRepository { repository_id: Some(gone), ..NewRepository::named(pantry, "again") };
        let update = UpdateRepository { description: Some(Some("x")), ..UpdateRepository::default() };
        let calls: [&(dyn Fn(&mut WriteTx<'_>) -> bool + Sync); 19] = [
            &|tx| forge::create_repository(tx, ADA, again).is_err(),
            &|tx| forge::create_project(tx, nobody, project("x")).is_err(),
            &|tx| forge::rename_project(tx, nobody, pantry, "x").is_err(),
            &|tx| forge::describe_project(tx, nobody, pantry, Some("x")).is_err(),
            &|tx| forge::delete_project(tx, nobody, empty).is_err(),
            &|tx| forge::create_repository(tx, nobody, NewRepository::named(pantry, "x")).is_err(),
            &|tx| forge::update_repository(tx, nobody, a, update).is_err(),
            &|tx| forge::rename_repository(tx, nobody, a, "x").is_err(),
            &|tx| forge::move_repository(tx, nobody, a, empty).is_err(),
            &|tx| forge::delete_repository(tx, nobody, b).is_err(),
            &|tx| forge::acquire_lease(tx, nobody, b, None).is_err(),
            &|tx| forge::release_lease(tx, nobody, a, lease.token).is_err(),
            &|tx| forge::import_leases(tx, nobody, &file, false).is_err(),
            &|tx| forge::put_objects(tx, nobody, b, [object]).is_err(),
            &|tx| forge::delete_objects(tx, nobody, a, [oid.as_str()]).is_err(),
            &|tx| forge::create_mirror(tx, nobody, new("x")).is_err(),
            &|tx| {
                forge::begin_sync(tx, nobody, mirror).is_err()
                    && forge::rename_mirror(tx, nobody, mirror, "x").is_err()
            },
            &|tx| forge::delete_mirror(tx, nobody, mirror).is_err(),
            &|tx| forge::delete_relationship(tx, nobody, relation).is_err(),
        ];
        for (at, call) in calls.into_iter().enumerate() {
            assert!(db.write(|tx| Ok(call(tx))).unwrap(), "call {at}");
            assert_eq!(contents(&db), before, "call {at}");
        }
    }

    fn a_repository_goes_when_nobody_needs_it_and_its_id_is_never_given_again(place: &Place) {
        let db = store(place);
        let [id, fork] = repositories(&db, ["a", "fork"]);
        let pantry = db.read(|tx| forge::find_project_named(tx, "pantry")).unwrap().unwrap().id;
        let error = db.write(|tx| forge::delete_project(tx, ADA, pantry)).unwrap_err();
        assert_eq!(reason::<InUse>(&error, ErrorKind::Refused).count, 2);

        let (lease, relation) = db
            .write(|tx| {
                let kind = RelationshipKind::ForkOf;
                let new = NewRelationship { id: None, repository_id: fork, kind, related_id: id };
                let (remote_url, direction) = ("https://host/a.git", forge::Direction::Pull);
                forge::create_mirror(
                    tx,
                    ADA,
                    NewMirror { id: None, repository_id: id, name: "up", remote_url, direction },
                )?;
                Ok((forge::acquire_lease(tx, ADA, id, None)?, forge::create_relationship(tx, ADA, new)?))
            })
            .unwrap();
        let delete = || db.write(|tx| forge::delete_repository(tx, ADA, id));
        let held = delete().unwrap_err();
        assert_eq!(reason::<Held>(&held, ErrorKind::Refused).holder, "ada");
        assert!(held.message().contains("is leased by ada (the one who asks) until"), "{held}");
        db.write(|tx| forge::release_lease(tx, ADA, id, lease.token)).unwrap();
        assert_eq!(reason::<InUse>(&delete().unwrap_err(), ErrorKind::Refused).count, 1);
        db.write(|tx| forge::delete_relationship(tx, ADA, relation.id)).unwrap();
        delete().unwrap();

        let last = entries(&db, id).pop().unwrap();
        assert_eq!(last.data_json.unwrap().0["with"]["mirrors"], 1);
        let again = NewRepository { repository_id: Some(id), ..NewRepository::named(pantry, "a") };
        let error = db.write(|tx| forge::create_repository(tx, ADA, again)).unwrap_err();
        assert_eq!(reason::<IdUsed>(&error, ErrorKind::Refused).repository_id, id);
        let new = NewRepository { repository_id: Some(forge::Id::new()), ..again };
        db.write(|tx| forge::create_repository(tx, ADA, new)).unwrap();
        verified(&db);
    }
}
