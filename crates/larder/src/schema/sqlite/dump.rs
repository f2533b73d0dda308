//! The schema as SQL.

use super::read::is_own;
use crate::driver::Connection;
use crate::error::Result;
use crate::sql::text::{Dialect, TokenKind, tokens};
use std::ops::ControlFlow;

// A trigger may belong to a view, an index only to a table; within a sort the order in which they were made. What a
// virtual table keeps its data in is made with it.
const OBJECTS: &str = "SELECT m.tbl_name, m.sql FROM main.sqlite_schema m
    LEFT JOIN pragma_table_list t ON t.schema = 'main' AND t.name = m.tbl_name
    WHERE m.sql IS NOT NULL AND (m.type <> 'table' OR t.type IS NULL OR t.type <> 'shadow')
    ORDER BY CASE m.type WHEN 'table' THEN m.rootpage = 0 WHEN 'index' THEN 2 WHEN 'view' THEN 3 ELSE 4 END, m.rowid";

/// Tables, indexes, views, triggers.
pub(in crate::schema) fn dump(connection: &mut dyn Connection) -> Result<String> {
    let mut text = String::new();
    connection.query(OBJECTS, &[], &mut |row| {
        let (table, sql): (String, String) = row.to()?;
        if !is_own(&table) {
            text.push_str(&sql);
            // SQLite keeps a comment at the end of a view; a semicolon behind it would be part of it.
            let last = tokens(&sql, Dialect::Sqlite).last();
            if last.is_some_and(|token| token.kind == TokenKind::Comment && token.text.starts_with("--")) {
                text.push('\n');
            }
            text.push_str(";\n");
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(text)
}
