//! The contract of each store: what stands in `docs/stores/NAME.md` under `## Contract`, what the database really has, and
//! what the product was promised to have (`product.rs`) are the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod document;
mod live;
mod product;
mod row;
mod server;

use document::Document;
use larder::Database;
use larder_kit::Place;
use larder_stores::Store;
use live::Live;
use row::What;

/// The live schema of a store, in a database of its own, and in what its types are not those that the document means.
fn live(place: &Place, store: &str, document: &Document) -> (Live, Vec<String>) {
    let store = Store::named(store).unwrap();
    let database = Database::options(place.url()).open().unwrap();
    database.migrate(&[store.set]).unwrap();
    if place.is_postgres() {
        server::read(place, &document.kinds())
    } else {
        (Live::read(&database), Vec::new())
    }
}

/// Everything in which a document, the schema and the promises differ.
fn differences(document: &Document, live: &Live, promised: &[(String, What)]) -> Vec<String> {
    let mut found = Vec::new();
    for row in &document.rows {
        if let Err(why) = live.has(&row.table, &row.what) {
            found.push(format!("the documents say {} {}: {why}", row.table, row.what));
        }
        if row.functions.is_empty() {
            found.push(format!("{} {}: no function serves it", row.table, row.what));
        }
    }
    for (table, what) in &live.rows {
        if !document.rows.iter().any(|row| row.table == *table && row.what.is(what)) {
            found.push(format!("the database has {table} {what}, and the documents don't"));
        }
    }
    for (table, what) in promised {
        if !document.rows.iter().any(|row| row.table == *table && row.what.covers(what)) {
            found.push(format!("promised was {table} {what}, and the documents don't have it"));
        }
    }
    found
}

fn check(place: &Place, store: &str) {
    let document = Document::of(store);
    let (live, wrong) = live(place, store, &document);
    let mut found = differences(&document, &live, &product::promised(store));
    found.extend(wrong);
    found.extend(document.missing_functions());
    assert!(found.is_empty(), "docs/stores/{store}.md:\n  {}\n", found.join("\n  "));
}

/// Whether the schema alone keeps what was promised, before anything is said about it.
fn keeps_its_promises(place: &Place, store: &str) {
    let (live, _) = live(place, store, &Document::of(store));
    let promised = product::promised(store);
    assert!(!promised.is_empty(), "nothing was promised of {store}");
    let mut missing: Vec<String> = promised
        .iter()
        .filter_map(|(table, what)| {
            live.satisfies(table, what).err().map(|why| format!("{table} {what}: {why}"))
        })
        .collect();
    let tables = product::tables(store).filter(|table| !live.has_table(table));
    missing.extend(tables.map(|table| format!("{table}: there is no such table")));
    assert!(missing.is_empty(), "{store}: {missing:#?}");
}

larder_kit::engines! {
    fn the_document_of_the_journal_is_true_and_whole(place: &Place) {
        check(place, "journal");
    }

    fn the_journal_has_what_was_promised(place: &Place) {
        keeps_its_promises(place, "journal");
    }

    fn the_document_of_the_forge_is_true_and_whole(place: &Place) {
        check(place, "forge");
    }

    fn the_forge_has_what_was_promised(place: &Place) {
        keeps_its_promises(place, "forge");
    }

    fn the_document_of_the_registry_is_true_and_whole(place: &Place) {
        check(place, "registry");
    }

    fn the_registry_has_what_was_promised(place: &Place) {
        keeps_its_promises(place, "registry");
    }

    fn the_document_of_the_workflow_is_true_and_whole(place: &Place) {
        check(place, "workflow");
    }

    fn the_workflow_has_what_was_promised(place: &Place) {
        keeps_its_promises(place, "workflow");
    }
}

mod machinery {
    //! The comparison itself: it must find what differs.

    use super::{Database, Document, Live, What, differences};

    const SCHEMA: &str = "CREATE TABLE shelf (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL DEFAULT 'dry' CHECK (kind IN ('dry', 'cold')), made TEXT DEFAULT (strftime('%Y', 'now')),
        room TEXT NOT NULL REFERENCES room (id) ON DELETE CASCADE, width REAL CHECK (width > 0));
        CREATE TABLE room (id TEXT NOT NULL PRIMARY KEY);
        CREATE INDEX shelf_kind ON shelf (kind, name DESC)";

    const ROWS: &[&str] = &[
        "shelf | `id INTEGER PRIMARY KEY AUTOINCREMENT`",
        "shelf | `name TEXT NOT NULL`",
        "shelf | `UNIQUE (name)`",
        "shelf | `kind TEXT NOT NULL DEFAULT 'dry'`",
        "shelf | `CHECK kind: dry|cold`",
        "shelf | `made TEXT DEFAULT now`",
        "shelf | `room TEXT NOT NULL → room ON DELETE CASCADE`",
        "shelf | `width REAL`",
        "shelf | `INDEX (kind, name)`",
        "shelf | `INDEX (name)`",
        "room | `id TEXT PRIMARY KEY`",
    ];

    fn found(rows: &[&str], promised: &[(&str, &str)]) -> Vec<String> {
        let database = Database::open(":memory:").unwrap();
        for statement in SCHEMA.split(';') {
            database.execute(statement, &[]).unwrap();
        }
        let head = "# Shelf\n\n## Contract\n\n| table | what | function | command |\n|---|---|---|---|\n";
        let rows: Vec<String> = rows.iter().map(|row| format!("| {row} | `forge::f` | — |\n")).collect();
        let document = Document::parse(&format!("{head}{}", rows.concat()));
        let promised: Vec<(String, What)> =
            promised.iter().map(|(table, what)| ((*table).to_owned(), What::parse(what).unwrap())).collect();
        differences(&document, &Live::read(&database), &promised)
    }

    #[test]
    fn what_is_the_same_has_no_differences() {
        let promised = [
            ("shelf", "id INTEGER PRIMARY KEY"),
            ("shelf", "kind"),
            ("shelf", "INDEX (kind)"),
            ("shelf", "name TEXT"),
        ];
        assert_eq!(found(ROWS, &promised), Vec::<String>::new());
    }

    #[test]
    fn every_row_that_is_left_out_is_missed() {
        for left_out in (0..ROWS.len()).filter(|at| !ROWS[*at].contains("INDEX (name)")) {
            let rows: Vec<&str> =
                ROWS.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, row)| *row).collect();
            assert!(!found(&rows, &[]).is_empty(), "{}", ROWS[left_out]);
        }
    }

    #[test]
    fn every_row_that_is_otherwise_is_found() {
        for (was, is) in [
            ("INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER PRIMARY KEY"),
            ("id INTEGER PRIMARY KEY AUTOINCREMENT", "id INTEGER AUTOINCREMENT"),
            ("name TEXT NOT NULL", "name TEXT"),
            ("name TEXT NOT NULL", "name BLOB NOT NULL"),
            ("UNIQUE (name)", "UNIQUE (kind)"),
            ("DEFAULT 'dry'", "DEFAULT 'cold'"),
            ("TEXT NOT NULL DEFAULT 'dry'", "TEXT NOT NULL"),
            ("dry|cold", "dry|cold|warm"),
            ("dry|cold", "dry"),
            ("made TEXT DEFAULT now", "made TEXT"),
            ("ON DELETE CASCADE", "ON DELETE RESTRICT"),
            (" → room ON DELETE CASCADE", ""),
            ("→ room", "→ shelf"),
            ("width REAL", "width REAL → room ON DELETE CASCADE"),
            ("width REAL", "height REAL"),
            ("INDEX (kind, name)", "INDEX (name, kind)"),
            ("room | `id", "rooms | `id"),
        ] {
            let rows: Vec<String> = ROWS.iter().map(|row| row.replacen(was, is, 1)).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            assert!(rows != ROWS, "{was} is in no row");
            assert!(!found(&rows, &[]).is_empty(), "{was} → {is}");
        }
    }

    #[test]
    fn a_promise_that_is_not_kept_is_found() {
        for what in [
            "UNIQUE (name, kind)",
            "INDEX (room)",
            "colour TEXT",
            "name TEXT → room ON DELETE CASCADE",
            "CHECK kind: dry",
        ] {
            assert_eq!(found(ROWS, &[("shelf", what)]).len(), 1, "{what}");
        }
    }

    #[test]
    fn a_row_that_can_not_be_read_is_told() {
        for text in [
            "",
            "name",
            "CHECK kind",
            "name TEXT NOT",
            "UNIQUE name",
            "name TEXT → room",
            "name TEXT ON DELETE CASCADE",
        ] {
            let error = What::parse_whole(text).unwrap_err();
            assert!(!error.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_function_that_is_not_there_is_told() {
        let text = "## Contract\n| table | what | function | command |\n|---|---|---|---|\n\
            | a | `b TEXT` | `forge::no_such_function`, `elsewhere::f` | — |\n";
        assert_eq!(Document::parse(text).missing_functions().len(), 2);
    }
}

/// `json_valid(NULL)` is NULL for SQLite 3.45 and later, and 0 for the programs with an older one that people have on their
/// machines: their `PRAGMA integrity_check` would find every NULL broken, and their INSERT be refused.
#[test]
fn a_check_for_json_lets_a_null_through_in_every_sqlite() {
    let mut checks = 0;
    for store in &larder_stores::STORES {
        let database = Database::open(":memory:").unwrap();
        database.migrate(&[store.set]).unwrap();
        let tables: Vec<String> =
            database.query_all("SELECT sql FROM sqlite_schema WHERE sql LIKE '%json_valid%'", &[]).unwrap();
        for line in tables.iter().flat_map(|table| table.lines()).filter(|line| line.contains("json_valid("))
        {
            let column = line.split_whitespace().next().unwrap();
            let guard = format!("CHECK ({column} IS NULL OR json_valid({column}))");
            assert!(line.contains(" NOT NULL ") || line.contains(&guard), "{}: {line}", store.name);
            checks += 1;
        }
    }
    assert!(checks > 0);
}
