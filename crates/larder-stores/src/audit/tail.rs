//! The last entries, to be shown.

use super::trail::Trail;
use larder::{Error, ErrorKind, ReadTx, Result, Row, ValueRef, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::ops::ControlFlow;

/// An entry of any trail, as it stands in the table; whether it is what was written is not checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Its number.
    pub seq: i64,
    /// The covered columns by their names.
    pub columns: Map<String, Value>,
    /// Its hash, as text; something else where another tool wrote it.
    pub hash: Value,
}

/// The last `count` entries, the oldest of them first.
///
/// # Errors
/// [`ErrorKind::Conversion`] for an entry whose number is not an integer, or what the engine says.
pub fn tail(tx: &mut ReadTx<'_>, trail: &Trail, count: usize) -> Result<Vec<Entry>> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let mut entries = Vec::new();
    tx.query_each(trail.last, params! { count }, |row| {
        let Ok(ValueRef::Integer(seq)) = row.value(0) else {
            return Err(Error::new(
                ErrorKind::Conversion,
                format!("an entry of {} has a number that is not an integer", trail.table),
            ));
        };
        let names = trail.columns.iter().enumerate();
        let columns = names.map(|(at, column)| (column.name.into(), shown(row, at + 2))).collect();
        entries.push(Entry { seq, columns, hash: shown(row, 1) });
        Ok(ControlFlow::Continue(()))
    })?;
    entries.reverse();
    Ok(entries)
}

/// A value for people, whatever it is.
fn shown(row: Row<'_>, column: usize) -> Value {
    match row.value(column) {
        Ok(ValueRef::Null) => Value::Null,
        Ok(ValueRef::Integer(number)) => number.into(),
        Ok(ValueRef::Real(number)) => number.into(),
        Ok(ValueRef::Text(text)) => text.into(),
        Ok(ValueRef::Blob(bytes)) => format!("(a blob of {} bytes)", bytes.len()).into(),
        Err(_) => "(text that is not UTF-8)".into(),
    }
}
