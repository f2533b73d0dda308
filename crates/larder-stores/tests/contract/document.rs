//! The table under `## Contract` of a document.

use crate::row::What;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const HEAD: &str = "| table | what | function | command |";

pub(crate) struct Document {
    pub(crate) rows: Vec<Row>,
}

/// One row: a thing of the schema, and what serves it.
pub(crate) struct Row {
    pub(crate) table: String,
    pub(crate) what: What,
    pub(crate) functions: Vec<String>,
}

impl Document {
    pub(crate) fn of(store: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/stores/{store}.md"));
        Self::parse(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    pub(crate) fn parse(text: &str) -> Self {
        let (_, contract) =
            text.split_once("\n## Contract").or(text.split_once("## Contract")).expect("no `## Contract`");
        let contract = contract.split_once("\n## ").map_or(contract, |(contract, _)| contract);
        let (_, table) = contract.split_once(HEAD).unwrap_or_else(|| panic!("there is no table {HEAD}"));
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|')).map(Row::parse).collect();
        Self { rows }
    }

    /// The type of each column, by table and column.
    pub(crate) fn kinds(&self) -> BTreeMap<(String, String), String> {
        let columns = self.rows.iter().filter_map(|row| match &row.what {
            What::Column(column) => Some(((row.table.clone(), column.name.clone()), column.kind.clone())),
            _ => None,
        });
        columns.collect()
    }

    /// The functions that the sources don't have.
    pub(crate) fn missing_functions(&self) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        for function in self.rows.iter().flat_map(|row| &row.functions) {
            if !exists(function) {
                missing.push(format!("there is no function {function}"));
            }
        }
        missing.sort();
        missing.dedup();
        missing
    }
}

impl Row {
    fn parse(line: &str) -> Self {
        // The values of a CHECK are separated by the same sign as the cells.
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        let (table, rest) = inner.split_once('|').unwrap_or_else(|| panic!("{line}"));
        let rest =
            rest.trim().strip_prefix('`').unwrap_or_else(|| panic!("{line}: no backtick before what it is"));
        let (what, rest) =
            rest.split_once('`').unwrap_or_else(|| panic!("{line}: no backtick after what it is"));
        let what = What::parse_whole(&what.replace("\\|", "|")).unwrap_or_else(|why| panic!("{line}: {why}"));
        let cells: Vec<&str> = rest.trim().trim_start_matches('|').split('|').collect();
        assert_eq!(cells.len(), 2, "{line}: after what it is come the functions and the command");
        Self { table: table.trim().to_owned(), what, functions: names(cells[0]) }
    }
}

/// What stands in backticks in a cell, separated by commas; nothing for a dash.
fn names(cell: &str) -> Vec<String> {
    cell.split(',')
        .map(|name| name.trim().trim_matches('`').trim_end_matches("()").to_owned())
        .filter(|name| !name.is_empty() && name != "—")
        .collect()
}

/// Whether a function is there: `store::name`, or `store::Type::name` for one of a type. The store's folder must have it.
fn exists(function: &str) -> bool {
    let Some((module, rest)) = function.split_once("::") else { return false };
    let name = rest.rsplit("::").next().unwrap_or(rest);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![sources.join(format!("{module}.rs"))];
    files.extend(below(&sources.join(module)));
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).any(|text| {
        ["fn", "const fn", "async fn"].iter().any(|word| {
            let start = format!("pub {word} {name}");
            text.match_indices(&start).any(|(at, _)| text[at + start.len()..].starts_with(['(', '<']))
        })
    })
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(below(&path)) } else { files.push(path) }
    }
    files
}
