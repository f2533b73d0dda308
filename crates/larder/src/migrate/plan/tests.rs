//! Plans of plain vectors.

use super::*;
use crate::error::{Error, ErrorKind};
use crate::migrate::{Migration, State};
use crate::sql::text::Dialect;
use jiff::Timestamp;

/// A set of migrations that differ from each other, each with a way down.
pub(super) fn set(name: &str, after: &[&str], ids: &[&str]) -> LoadedSet {
    let migration = |id: &&str| Migration::sql(id.to_string(), format!("SELECT '{id}'")).with_down_sql("SELECT 1");
    let after = after.iter().map(|name| (*name).to_owned()).collect();
    LoadedSet::new(name, after, Dialect::Sqlite, ids.iter().map(migration).collect()).unwrap()
}

/// The rows of a history: ids as the history knows them.
fn rows(sets: &[LoadedSet], ids: &[&str]) -> Vec<Applied> {
    ids.iter().map(|id| row(sets, id)).collect()
}

fn row(sets: &[LoadedSet], id: &str) -> Applied {
    let (name, own) = id.split_once('/').unwrap_or(("app", id));
    let known = sets.iter().find(|set| set.name() == name).and_then(|set| {
        set.migrations().iter().find(|migration| migration.id() == own)
    });
    let unknown = Migration::sql(own.to_owned(), format!("SELECT '{own}'"));
    let mut row = Applied::new(name, known.unwrap_or(&unknown), Timestamp::UNIX_EPOCH);
    row.program = "notebook 2.1".to_owned();
    row
}

fn ids(sets: &[LoadedSet], history: &[Applied], request: &Request) -> Vec<String> {
    plan(sets, history, request).unwrap().steps.into_iter().map(|step| step.id).collect()
}

fn refused(sets: &[LoadedSet], history: &[Applied], request: &Request, kind: ErrorKind) -> Error {
    let error = plan(sets, history, request).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

fn app() -> [LoadedSet; 1] {
    [set("app", &[], &["0001_init", "0002_users", "0003_index"])]
}

#[test]
fn what_is_pending_is_applied_in_order() {
    let sets = app();
    let plan = plan(&sets, &rows(&sets, &["0001_init"]), &Request::up()).unwrap();
    let step = |migration, id: &str| Step { set: 0, migration, id: id.into(), way: Way::Up, statements_done: 0, warnings: Vec::new() };
    assert_eq!(plan.steps, [step(1, "0002_users"), step(2, "0003_index")]);
    assert!(!plan.up_to_date);
}

#[test]
fn with_nothing_pending_the_plan_is_empty() {
    let sets = app();
    let history = rows(&sets, &["0001_init", "0002_users", "0003_index"]);
    assert_eq!(plan(&sets, &history, &Request::up()).unwrap(), Plan { steps: vec![], up_to_date: true });
    assert!(plan::<LoadedSet>(&[], &[], &Request::up()).unwrap().up_to_date);
    assert!(plan::<LoadedSet>(&[], &[], &Request::down(1)).unwrap().steps.is_empty());
}

#[test]
fn a_target_is_an_id_a_number_or_a_name() {
    let sets = app();
    for target in ["0002_users", "0002", "2", "users"] {
        assert_eq!(ids(&sets, &[], &Request::up_to(target)), ["0001_init", "0002_users"], "{target}");
    }
    let history = rows(&sets, &["0001_init", "0002_users", "0003_index"]);
    assert!(ids(&sets, &history, &Request::up_to("2")).is_empty());
    assert!(plan(&sets, &rows(&sets, &["0001_init"]), &Request::up_to("1")).is_ok_and(|plan| !plan.up_to_date));
}

#[test]
fn an_unknown_target_is_refused_with_the_nearest() {
    let sets = app();
    for (target, found) in [
        ("0002_user", "no migration fits the target \"0002_user\"; did you mean 0002_users"),
        ("0009", "did you mean 0003_index"),
        ("zzzzzzzzzzzzzzzz", "did you mean 0003_index"),
        ("journal/0001", "the target \"journal/0001\" names no set of migrations; they are app"),
        ("0", "stands before the first migration"),
        ("", "no migration fits the target \"\""),
        ("99999999999999999999999", "no migration fits"),
    ] {
        let error = refused(&sets, &[], &Request::up_to(target), ErrorKind::Config);
        assert!(error.to_string().contains(found), "{error}");
    }
}

#[test]
fn sets_are_applied_after_those_they_depend_on() {
    let sets = [
        set("app", &["journal"], &["1_a", "2_b"]),
        set("extra", &["app"], &["1_x"]),
        set("journal", &[], &["1_runs", "2_steps"]),
        set("other", &[], &["1_o"]),
    ];
    let all = ["journal/1_runs", "journal/2_steps", "1_a", "2_b", "extra/1_x", "other/1_o"];
    assert_eq!(ids(&sets, &[], &Request::up()), all);
    // A target moves its own set and those below it.
    assert_eq!(ids(&sets, &[], &Request::up_to("1_a")), ["journal/1_runs", "journal/2_steps", "1_a"]);
    assert_eq!(ids(&sets, &[], &Request::up_to("journal/1")), ["journal/1_runs"]);
}

#[test]
fn sets_that_do_not_fit_together_are_refused() {
    let conflict = |sets: &[LoadedSet], found: &str| {
        let error = refused(sets, &[], &Request::up(), ErrorKind::SetConflict);
        assert!(error.message().contains(found), "{error}");
    };
    conflict(&[set("a", &[], &[]), set("a", &[], &[])], "two sets of migrations have the name \"a\"");
    conflict(&[set("a", &["b"], &[])], "the set \"a\" comes after the set \"b\", which is not there");
    conflict(
        &[set("d", &["c"], &[]), set("a", &["b"], &[]), set("b", &["c"], &[]), set("c", &["a"], &[])],
        "in a circle: c → a → b → c",
    );
    conflict(&[set("a", &["a"], &[])], "in a circle: a → a");
    // All of it at once.
    conflict(&[set("a", &["x"], &[]), set("a", &["y"], &[])], "3 things stand in the way");
}

#[test]
fn rows_of_sets_that_are_not_given_do_not_count() {
    let sets = app();
    let mut history = rows(&sets, &["journal/0009_newer", "0001_init", "0002_users", "0003_index"]);
    history[0].state = State::Started;
    assert!(plan(&sets, &history, &Request::up()).unwrap().up_to_date);
    assert_eq!(ids(&sets, &history, &Request::down(1)), ["0003_index"]);
}

#[test]
fn a_newer_database_is_refused_and_names_both_sides() {
    let sets = app();
    let history = rows(&sets, &["0001_init", "0002_users", "0003_index", "0004_new", "0005_newer"]);
    for request in [Request::up(), Request::up_to("1"), Request::down(1)] {
        let error = refused(&sets, &history, &request, ErrorKind::SchemaNewer);
        assert_eq!(
            error.message(),
            "the database is newer than this program: notebook 2.1 applied \"0005_newer\" and 1 more, and the newest \
             migration of this program is \"0003_index\""
        );
    }
    let error = refused(&[set("app", &[], &[])], &history, &Request::up(), ErrorKind::SchemaNewer);
    assert!(error.message().contains("has no migration of the set \"app\""), "{error}");
}

#[test]
fn an_edited_one_is_refused() {
    let sets = app();
    let mut history = rows(&sets, &["0001_init", "0002_users"]);
    history[0].checksum = "other".to_owned();
    let error = refused(&sets, &history, &Request::up(), ErrorKind::MigrationEdited);
    assert_eq!(error.message(), "\"0001_init\" was edited after it was applied at 1970-01-01T00:00:00Z");
    assert!(error.help().is_some_and(|help| help.contains("larder repair")));
}

#[test]
fn a_renamed_one_is_told_from_a_missing_one() {
    let sets = app();
    let mut history = rows(&sets, &["0001_init", "0002_accounts", "0003_index"]);
    history[1].checksum = sets[0].migrations()[1].checksum().to_owned();
    let error = refused(&sets, &history, &Request::up(), ErrorKind::MigrationEdited);
    assert_eq!(error.message(), "\"0002_accounts\" was applied and is now called \"0002_users\"");

    let history = rows(&sets, &["0001_init", "0002_accounts", "0003_index"]);
    let error = refused(&sets, &history, &Request::up(), ErrorKind::MigrationMissing);
    assert_eq!(error.message(), "\"0002_accounts\" was applied, and \"0002_users\" has taken its number");

    let history = rows(&sets, &["0001_init", "00015_x", "0002_users"]);
    let sets = [set("app", &[], &["0001_init", "0002_users", "20_z"])];
    let error = refused(&sets, &history, &Request::up(), ErrorKind::MigrationMissing);
    assert_eq!(error.message(), "\"00015_x\" was applied, and this program does not have it");
}

#[test]
fn a_pending_one_before_an_applied_one_needs_a_word() {
    let sets = app();
    let history = rows(&sets, &["0001_init", "0003_index"]);
    let error = refused(&sets, &history, &Request::up(), ErrorKind::MigrationOutOfOrder);
    assert_eq!(error.message(), "\"0002_users\" is pending, but \"0003_index\" after it is already applied");
    assert_eq!(ids(&sets, &history, &Request::up().allow_out_of_order()), ["0002_users"]);
}

#[test]
fn an_unfinished_one_is_refused_or_gone_on_with() {
    let sets = app();
    let mut history = rows(&sets, &["0001_init", "0002_users"]);
    history[1].state = State::Started;
    history[1].statements_done = 2;
    let error = refused(&sets, &history, &Request::up(), ErrorKind::MigrationUnfinished);
    assert!(error.message().contains("\"0002_users\"") && error.message().contains("2 of its statements"), "{error}");
    refused(&sets, &history, &Request::down(1).resume(), ErrorKind::MigrationUnfinished);

    let plan = plan(&sets, &history, &Request::up().resume()).unwrap();
    let steps: Vec<_> = plan.steps.iter().map(|step| (step.id.as_str(), step.statements_done)).collect();
    assert_eq!(steps, [("0002_users", 2), ("0003_index", 0)]);
    assert!(!plan.up_to_date);
}

#[test]
fn everything_that_stands_in_the_way_is_told_with_the_most_severe_first() {
    let sets = [set("app", &[], &["1_a", "2_b", "4_d"]), set("notes", &[], &["1_n"])];
    let mut history = rows(&sets, &["1_a", "3_c", "4_d", "notes/2_newer"]);
    history[0].checksum = "other".to_owned();
    let error = refused(&sets, &history, &Request::up_to("nowhere"), ErrorKind::SchemaNewer);
    let lines: Vec<&str> = error.message().lines().collect();
    assert_eq!(lines[0], "5 things stand in the way");
    for (line, found) in lines[1..].iter().zip([
        "\"notes/2_newer\"",
        "\"1_a\" was edited",
        "\"3_c\" was applied, and this program",
        "\"2_b\" is pending, but \"4_d\"",
        "no migration fits the target \"nowhere\"",
    ]) {
        assert!(line.contains(found) && line.starts_with("  - "), "{line}");
    }
}

#[test]
fn a_rollback_goes_back_in_the_order_of_application() {
    let sets = app();
    let history = rows(&sets, &["0001_init", "0003_index", "0002_users"]);
    assert_eq!(ids(&sets, &history, &Request::down(1)), ["0002_users"]);
    assert_eq!(ids(&sets, &history, &Request::down(2)), ["0002_users", "0003_index"]);
    assert_eq!(ids(&sets, &history, &Request::down(99)), ["0002_users", "0003_index", "0001_init"]);
    assert_eq!(ids(&sets, &history, &Request::down_to("1")), ["0002_users", "0003_index"]);
    assert_eq!(ids(&sets, &history, &Request::down_to("0003_index")), ["0002_users"]);
    assert_eq!(ids(&sets, &history, &Request::down_to("0")).len(), 3);
    assert!(ids(&sets, &history, &Request::down_to("users")).is_empty());
    assert!(ids(&sets, &[], &Request::down(1)).is_empty());
    let both = Direction::Down { to: None, steps: None };
    assert_eq!(ids(&sets, &history, &Request { direction: both, resume: false }), ["0002_users"]);
    let both = Request { direction: Direction::Down { to: Some("1".into()), steps: Some(1) }, resume: false };
    refused(&sets, &history, &both, ErrorKind::Config);
    let error = refused(&sets, &history[..1], &Request::down_to("2"), ErrorKind::Config);
    assert_eq!(error.message(), "the target \"0002_users\" is not applied");
}

#[test]
fn a_rollback_needs_a_way_down_for_each() {
    let up_only = |id: &'static str| Migration::sql(id, "SELECT 1");
    let list = vec![up_only("1_a"), up_only("2_b").with_down_sql("SELECT 1"), up_only("3_c")];
    let sets = [LoadedSet::new("app", vec![], Dialect::Sqlite, list).unwrap()];
    let history = rows(&sets, &["1_a", "2_b", "3_c"]);
    let error = refused(&sets, &history, &Request::down_to("0"), ErrorKind::InvalidMigration);
    assert!(error.message().contains("\"3_c\" has no way down: add 3_c.down.sql"), "{error}");
    assert!(error.message().contains("\"1_a\" has no way down") && !error.message().contains("2_b"), "{error}");
}

#[test]
fn a_rollback_under_a_set_that_depends_on_it_is_refused() {
    let sets = [
        set("app", &["journal"], &["1_a", "2_b"]),
        set("journal", &[], &["1_j", "2_j"]),
        set("top", &["app"], &["1_t"]),
    ];
    let history = rows(&sets, &["journal/1_j", "1_a", "2_b", "journal/2_j", "top/1_t"]);
    // What came before the first that leaves is no hindrance.
    let error = refused(&sets, &history, &Request::down_to("journal/1"), ErrorKind::SetConflict);
    assert_eq!(error.message(), "the set \"top\" depends on \"journal\", and was applied after it: top/1_t");
    let error = refused(&sets, &history, &Request::down_to("journal/0"), ErrorKind::SetConflict);
    assert!(error.message().contains("1_a, 2_b") && error.message().contains("top/1_t"), "{error}");
    assert_eq!(ids(&sets, &history[..4], &Request::down_to("journal/1")), ["journal/2_j"]);
    assert_eq!(ids(&sets, &history, &Request::down_to("top/0")), ["top/1_t"]);

    let unclear = [set("a", &[], &["1_a"]), set("b", &[], &["1_b"])];
    let error = refused(&unclear, &[], &Request::down(1), ErrorKind::Config);
    assert!(error.to_string().contains("the sets are a, b"), "{error}");
}
