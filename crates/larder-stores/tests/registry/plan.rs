//! Every query fits the schema, and the frequent ones find their rows by an index.

use crate::empty;
use larder::{Param, ToValue, Value};
use larder_stores::registry::QUERIES;

/// The plan of a query, with null for every parameter.
fn plan(name: &str) -> String {
    let db = empty();
    let (_, sql) = QUERIES.iter().find(|(known, _)| *known == name).unwrap();
    let names = parameters(sql);
    let params: Vec<Param<'_>> = names.iter().map(|name| (*name, &Value::Null as &dyn ToValue)).collect();
    let rows: Vec<(i64, i64, i64, String)> =
        db.write(|tx| tx.query_all(&format!("EXPLAIN QUERY PLAN {sql}"), &params)).unwrap();
    rows.into_iter().map(|row| row.3).collect::<Vec<_>>().join("\n")
}

/// The names after a colon; no query of the registry has one in a text.
fn parameters(sql: &str) -> Vec<&str> {
    let mut names: Vec<&str> = sql
        .split(':')
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn every_query_prepares() {
    for (name, _) in QUERIES {
        plan(name);
    }
    assert!(QUERIES.len() > 25);
}

#[test]
fn the_frequent_queries_name_their_index() {
    for (query, index) in [
        ("tool::BY_ID", "SEARCH tools USING INDEX sqlite_autoindex_tools_1 (id=?)"),
        ("tool::BY_NAME", "SEARCH tools USING INDEX tools_name (name=?)"),
        ("tool::BY_TYPE", "SEARCH tools USING INDEX tools_type (type=?)"),
        ("tool::BY_STUB", "SEARCH tools USING INDEX tools_stub (stub=?)"),
        (
            "dependency::OF_CONSUMER",
            "SEARCH dependencies USING INDEX sqlite_autoindex_dependencies_1 (consumer_id=?)",
        ),
        (
            "dependency::OF_PROVIDER",
            "SEARCH dependencies USING INDEX dependencies_provider_id (provider_id=?)",
        ),
        ("contract::OF_TOOL", "SEARCH contracts USING INDEX sqlite_autoindex_contracts_1 (tool_id=?)"),
        (
            "verification::OF_CONTRACT",
            "SEARCH verifications USING INDEX verifications_contract_id (contract_id=?)",
        ),
        (
            "reliability::CHAIN",
            "SEARCH dependencies USING INDEX sqlite_autoindex_dependencies_1 (consumer_id=?)",
        ),
    ] {
        let plan = plan(query);
        assert!(plan.contains(index), "{query}:\n{plan}");
    }
}
