//! The schema as a diagram.

use super::{Catalogue, Column, ForeignKey, Table};
use std::fmt::Write;

/// The tables and what points from one to another, as the text of a Mermaid `erDiagram`, which many pages that show
/// Markdown draw.
pub fn diagram(catalogue: &Catalogue) -> String {
    let mut text = "erDiagram\n".to_owned();
    let tables = || catalogue.tables.values().filter(|table| !table.shadow);
    for table in tables() {
        // Writing to a string can't fail.
        let _ = writeln!(text, "    {} {{", entity(&table.name));
        for column in table.columns.iter().filter(|column| !column.hidden) {
            let _ = writeln!(text, "        {}", attribute(table, column));
        }
        text.push_str("    }\n");
    }
    for table in tables() {
        for key in &table.foreign_keys {
            let _ = writeln!(text, "    {}", relation(table, key));
        }
    }
    text
}

fn attribute(table: &Table, column: &Column) -> String {
    let of = |columns: &[String]| columns.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
    let alone = |columns: &[String]| columns.len() == 1 && of(columns);
    let mut keys = Vec::new();
    if column.primary_key.is_some() {
        keys.push("PK");
    }
    if table.foreign_keys.iter().any(|key| of(&key.columns)) {
        keys.push("FK");
    }
    if table.uniques.iter().any(|unique| !unique.primary_key && alone(&unique.columns)) {
        keys.push("UK");
    }
    let declared = if column.declared_type.is_empty() { "ANY" } else { &column.declared_type };
    let mut text = format!("{} {}", word(declared), word(&column.name));
    if !keys.is_empty() {
        let _ = write!(text, " {}", keys.join(", "));
    }
    if column.not_null {
        text.push_str(" \"not null\"");
    }
    text
}

fn relation(table: &Table, key: &ForeignKey) -> String {
    let required = key
        .columns
        .iter()
        .all(|name| table.column(name).is_some_and(|column| column.not_null || column.primary_key.is_some()));
    let same = |columns: &[&str]| {
        columns.len() == key.columns.len()
            && columns.iter().all(|name| key.columns.iter().any(|other| other.eq_ignore_ascii_case(name)))
    };
    let once = same(&table.primary_key())
        || table.uniques.iter().any(|u| same(&u.columns.iter().map(String::as_str).collect::<Vec<_>>()));
    format!(
        "{} {}--{} {} : \"{}\"",
        entity(&key.to_table),
        if required { "||" } else { "|o" },
        if once { "o|" } else { "o{" },
        entity(&table.name),
        key.columns.join(", ").replace('"', "'"),
    )
}

fn entity(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace(['"', '\n', '\r'], "'")) }
}

/// What the diagram takes for a type or a column: a letter, then letters, digits and a few signs.
fn word(text: &str) -> String {
    let taken = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '(' | ')' | '[' | ']');
    let word: String = text.chars().map(|c| if taken(c) { c } else { '_' }).collect();
    if word.starts_with(char::is_alphabetic) || word.starts_with('_') { word } else { format!("_{word}") }
}
