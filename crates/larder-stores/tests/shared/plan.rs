//! How each engine would answer a query: that it understands it at all, and by which index.

use larder::sql::text::{Dialect, Mapped};
use larder::{Database, Param, Value};
use larder_kit::Place;

/// Whether a query is one of this engine's: those for a single engine say so behind their names.
fn is_for(place: &Place, name: &str) -> bool {
    let other = if place.is_postgres() { "(sqlite)" } else { "(postgres)" };
    !name.ends_with(other)
}

/// Fails unless the engine understands every query that is for it; gives how many those are.
pub(crate) fn understood<'q>(
    place: &Place,
    db: &Database,
    queries: impl IntoIterator<Item = (&'q str, &'q str)>,
) -> usize {
    let mine: Vec<_> = queries.into_iter().filter(|(name, _)| is_for(place, name)).collect();
    let mut client = place.is_postgres().then(|| place.client());
    for (name, sql) in &mine {
        match &mut client {
            Some(client) => {
                let mapped = Mapped::new(sql, Dialect::Postgres).unwrap();
                client.prepare(mapped.text()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
            None => drop(sqlite(db, "EXPLAIN QUERY PLAN", sql)),
        }
    }
    mine.len()
}

/// The steps by which a query is answered, whatever its values are. A server would read small tables from end to end, and sort
/// them, whatever indexes there are; it is told not to, so that what is shown is which index would serve.
pub(crate) fn steps(place: &Place, db: &Database, sql: &str) -> Vec<String> {
    if !place.is_postgres() {
        return sqlite(db, "EXPLAIN QUERY PLAN", sql);
    }
    let mapped = Mapped::new(sql, Dialect::Postgres).unwrap();
    let nothing = vec!["NULL"; mapped.names().len()].join(", ");
    let values = if nothing.is_empty() { String::new() } else { format!("({nothing})") };
    let mut client = place.client();
    // What is listed in part is to be in its order already.
    let sort = if sql.contains("LIMIT") { "off" } else { "on" };
    let before = format!(
        "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = {sort}; \
         SET enable_incremental_sort = {sort}; SET plan_cache_mode = force_generic_plan"
    );
    client.batch_execute(&format!("{before}; PREPARE it AS {}", mapped.text())).unwrap();
    let rows = client.query(&format!("EXPLAIN EXECUTE it{values}"), &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn sqlite(db: &Database, before: &str, sql: &str) -> Vec<String> {
    let mapped = Mapped::new(sql, Dialect::Sqlite).unwrap();
    let params: Vec<Param<'_>> =
        mapped.names().iter().map(|name| (name.as_str(), &Value::Null as _)).collect();
    let sql = format!("{before} {sql}");
    // A statement that writes is explained where one may write.
    let rows: Vec<(i64, i64, i64, String)> =
        db.write(|tx| tx.query_all(&sql, &params)).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.into_iter().map(|(.., detail)| detail).collect()
}

/// Fails unless the query finds its rows by that index and by no other way: no table is read from end to end but those that
/// the query makes itself, and what is listed in part is in its order already, so that the rest is not even read.
pub(crate) fn goes_by(place: &Place, db: &Database, (name, sql): (&str, &str), index: &str, own: &[&str]) {
    let steps = steps(place, db, sql);
    let is_own = |step: &&String| own.iter().any(|own| step.contains(own));
    assert!(steps.iter().any(|step| step.contains(index)), "{name}: {index} is not in {steps:#?}");
    let scan = if place.is_postgres() { "Seq Scan" } else { "SCAN" };
    let scans = steps.iter().filter(|step| step.contains(scan)).filter(|step| !is_own(step));
    assert_eq!(scans.count(), 0, "{name}: {steps:#?}");
    let sort = if place.is_postgres() { "Sort " } else { "TEMP B-TREE" };
    let sorted = steps.iter().any(|step| step.contains(sort));
    assert!(!sorted || !sql.contains("LIMIT"), "{name}: {steps:#?}");
}

/// The query of that name; of one for a single engine, this engine's.
pub(crate) fn query<'q>(
    place: &Place,
    queries: impl IntoIterator<Item = (&'q str, &'q str)>,
    name: &str,
) -> (&'q str, &'q str) {
    let is_it = |known: &str| known.split(" (").next() == Some(name) && is_for(place, known);
    queries.into_iter().find(|(known, _)| is_it(known)).unwrap_or_else(|| panic!("no query {name}"))
}
