//! Relationships, and the circles that are refused.

use crate::kit::{reason, repositories, store, told};
use crate::many::many_times;
use larder::{Database, ErrorKind};
use larder_kit::Place;
use larder_stores::forge::{
    self, By, Cycle, Id, Missing, NewRelationship, Relationship, RelationshipKind, SelfRelated, Taken,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const ADA: By<'static> = By::new("ada");

fn relate(db: &Database, from: Id, kind: RelationshipKind, to: Id) -> larder::Result<Relationship> {
    let new = NewRelationship { id: None, repository_id: from, kind, related_id: to };
    db.write(|tx| forge::create_relationship(tx, ADA, new))
}

larder_kit::engines! {
    fn a_circle_is_refused_with_its_path_where_the_kind_forbids_it(place: &Place) {
        let db = store(place);
        let [a, b, c] = repositories(&db, ["a", "b", "c"]);
        for kind in RelationshipKind::ALL.iter().copied() {
            relate(&db, a, kind, b).unwrap();
            relate(&db, b, kind, c).unwrap();
            let back = relate(&db, c, kind, a);
            if kind == RelationshipKind::DependsOn {
                back.unwrap();
                continue;
            }
            let error = back.unwrap_err();
            let cycle: Cycle = reason(&error, ErrorKind::Refused);
            assert_eq!(cycle.path, [c, a, b, c]);
            assert_eq!(
                error.message(),
                format!("{kind} can't run in a circle: pantry/c → pantry/a → pantry/b → pantry/c")
            );
        }
        // Another kind is another graph.
        assert_eq!(db.read(|tx| forge::list_relationships(tx, a)).unwrap().len(), 5);
        assert_eq!(db.read(|tx| forge::list_relationships_to(tx, a)).unwrap().len(), 1);
    }

    fn what_makes_no_sense_is_refused(place: &Place) {
        let db = store(place);
        let [a, b] = repositories(&db, ["a", "b"]);
        let kind = RelationshipKind::DependsOn;
        let error = relate(&db, a, kind, a).unwrap_err();
        assert_eq!(reason::<SelfRelated>(&error, ErrorKind::Refused).repository_id, a);
        let made = relate(&db, a, kind, b).unwrap();
        reason::<Taken>(&relate(&db, a, kind, b).unwrap_err(), ErrorKind::Refused);
        let error = relate(&db, a, kind, Id::new()).unwrap_err();
        assert_eq!(reason::<Missing>(&error, ErrorKind::NotFound).entity, "repository");
        assert_eq!(db.read(|tx| forge::find_relationship(tx, made.id)).unwrap().as_ref(), Some(&made));
        db.write(|tx| forge::delete_relationship(tx, ADA, made.id)).unwrap();
        assert_eq!(told(&db, a)[1..], ["ada create relationship", "ada delete relationship"]);
    }
}

/// Whether there is a way, looked for in another manner: by hand, depth first.
fn reaches(edges: &BTreeSet<(usize, usize)>, from: usize, to: usize, seen: &mut BTreeSet<usize>) -> bool {
    from == to
        || seen.insert(from)
            && edges.iter().filter(|edge| edge.0 == from).any(|edge| reaches(edges, edge.1, to, seen))
}

larder_kit::engines! {
    fn a_graph_never_gets_a_circle_and_nothing_else_is_refused(place: &Place) {
        many_times(place.engine(), 60, proptest::collection::vec((0usize..7, 0usize..7), 1..30), |place, wanted| {
            let db = store(place);
            let ids = repositories(&db, ["a", "b", "c", "d", "e", "f", "g"]);
            let mut edges = BTreeSet::new();
            for (from, to) in wanted.into_iter().filter(|(from, to)| from != to) {
                let result = relate(&db, ids[from], RelationshipKind::ForkOf, ids[to]);
                if edges.contains(&(from, to)) {
                    let error = result.unwrap_err();
                    prop_assert!(error.find::<Taken>().is_some());
                } else if reaches(&edges, to, from, &mut BTreeSet::new()) {
                    let error = result.unwrap_err();
                    let cycle = error.find::<Cycle>().unwrap();
                    prop_assert_eq!(cycle.path.first(), cycle.path.last());
                    for step in cycle.path[1..].windows(2) {
                        let at = |id| ids.iter().position(|known| *known == id).unwrap();
                        prop_assert!(edges.contains(&(at(step[0]), at(step[1]))));
                    }
                } else {
                    result.unwrap();
                    edges.insert((from, to));
                }
            }
            Ok(())
        });
    }
}
