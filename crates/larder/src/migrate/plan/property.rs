//! What holds for every plan.

use super::tests::set;
use super::*;
use crate::migrate::State;
use jiff::Timestamp;
use proptest::prelude::*;

/// Does what a plan says, to the history alone.
fn run(sets: &[LoadedSet], history: &[Applied], plan: &Plan) -> Vec<Applied> {
    let mut history = history.to_vec();
    for step in &plan.steps {
        let set = &sets[step.set];
        let migration = set.get(step.migration).unwrap();
        assert_eq!(step.id, set.history_id(migration));
        let place = history.iter().position(|row| row.id == step.id);
        match (step.way, place) {
            (Way::Up, None) => history.push(Applied::new(set.name(), migration, Timestamp::UNIX_EPOCH)),
            (Way::Up, Some(at)) => {
                assert_eq!(history[at].state, State::Started, "applied twice");
                history[at].state = State::Applied;
            }
            (Way::Down, at) => {
                history.remove(at.expect("rolled back what was not applied"));
            }
        }
    }
    history
}

/// Up to three sets, each after some of those before it, with numbers that have gaps.
fn sets() -> impl Strategy<Value = Vec<LoadedSet>> {
    let numbers = prop::collection::btree_set(1_u64..30, 0..8);
    prop::collection::vec((numbers, any::<[bool; 2]>()), 1..4).prop_map(|parts| {
        let names = ["app", "journal", "notes"];
        let each = parts.into_iter().enumerate().map(|(at, (numbers, after))| {
            let after: Vec<&str> = (0..at).filter(|before| after[*before]).map(|before| names[before]).collect();
            let ids: Vec<String> = numbers.into_iter().map(|number| format!("{number:04}_m")).collect();
            set(names[at], &after, &ids.iter().map(String::as_str).collect::<Vec<_>>())
        });
        each.collect()
    })
}

/// Rows that may or may not be the sets' own, in any order and state.
fn any_history() -> impl Strategy<Value = Vec<Applied>> {
    let row = ("app|journal|notes|gone", 0_u64..32, any::<bool>(), any::<bool>(), 0_u64..4);
    prop::collection::vec(row, 0..12).prop_map(|rows| {
        let each = rows.into_iter().map(|(name, number, edited, started, done)| {
            let id = format!("{number:04}_m");
            let other = set(&name, &[], &[&id]);
            let mut row = Applied::new(&name, other.get(0).unwrap(), Timestamp::UNIX_EPOCH);
            if edited {
                row.checksum.clear();
            }
            if started {
                (row.state, row.statements_done) = (State::Started, done);
            }
            row
        });
        each.collect()
    })
}

fn any_request() -> impl Strategy<Value = Request> {
    let target = prop::option::of("((app|journal|x)?/)?[0-9]{0,4}(_m)?|\\PC{0,8}");
    (target, any::<bool>(), prop::option::of(0_usize..9), any::<bool>(), any::<bool>()).prop_map(
        |(to, allow_out_of_order, steps, up, resume)| Request {
            direction: if up { Direction::Up { to, allow_out_of_order } } else { Direction::Down { to, steps } },
            resume,
        },
    )
}

proptest! {
    #[test]
    fn planned_again_after_it_ran_a_plan_is_empty(sets in sets(), target in prop::option::of(0_usize..8)) {
        let first = sets.iter().find_map(|set| set.get(target? % set.migrations().len().max(1)).map(|one| (set, one)));
        let to = first.map(|(set, one)| set.history_id(one));
        let request = Request { direction: Direction::Up { to, allow_out_of_order: false }, resume: false };
        let applied = run(&sets, &[], &plan(&sets, &[], &request).unwrap());
        prop_assert_eq!(plan(&sets, &applied, &request).unwrap().steps, vec![]);
        let rest = plan(&sets, &applied, &Request::up()).unwrap();
        let whole = run(&sets, &applied, &rest);
        prop_assert!(plan(&sets, &whole, &Request::up()).unwrap().up_to_date);
        prop_assert_eq!(whole.len(), sets.iter().map(|set| set.migrations().len()).sum::<usize>());
    }

    #[test]
    fn up_and_back_down_gives_the_history_from_before(
        numbers in prop::collection::btree_set(1_u64..40, 1..12),
        applied in any::<[bool; 12]>(),
    ) {
        let ids: Vec<String> = numbers.iter().map(|number| format!("{number}_m")).collect();
        let sets = [set("app", &[], &ids.iter().map(String::as_str).collect::<Vec<_>>())];
        let chosen = sets[0].migrations().iter().zip(applied).filter(|(_, applied)| *applied);
        let before: Vec<Applied> =
            chosen.map(|(one, _)| Applied::new("app", one, Timestamp::UNIX_EPOCH)).collect();
        let up = plan(&sets, &before, &Request::up().allow_out_of_order()).unwrap();
        let above = run(&sets, &before, &up);
        let target = before.last().map_or("0".to_owned(), |row| row.id.clone());
        let by_target = plan(&sets, &above, &Request::down_to(target)).unwrap();
        prop_assert_eq!(run(&sets, &above, &by_target), before.clone());
        let by_count = plan(&sets, &above, &Request::down(up.steps.len())).unwrap();
        prop_assert_eq!(run(&sets, &above, &by_count), before);
    }

    #[test]
    fn whatever_is_asked_of_whatever_history_is_planned_or_refused(
        sets in sets(), history in any_history(), request in any_request(),
    ) {
        if let Ok(found) = plan(&sets, &history, &request) {
            let ways: Vec<Way> = found.steps.iter().map(|step| step.way).collect();
            prop_assert!(ways.windows(2).all(|pair| pair[0] == pair[1]), "a plan leads one way");
            let mut ids: Vec<&str> = found.steps.iter().map(|step| step.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), found.steps.len(), "no migration runs twice");
        }
    }

    #[test]
    fn a_set_is_never_begun_before_one_that_it_depends_on_is_done(sets in sets()) {
        let steps = plan(&sets, &[], &Request::up()).unwrap().steps;
        for (at, step) in steps.iter().enumerate() {
            for name in sets[step.set].after() {
                prop_assert!(steps[at..].iter().all(|later| sets[later.set].name() != name));
            }
        }
    }
}
