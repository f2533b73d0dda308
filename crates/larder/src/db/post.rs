//! What tasks ask for, on either way of keeping connections.

use super::pool::Sent;
use super::write::Posted;
use super::{Database, Way, WriteTx};
use crate::driver::Durability;
use crate::error::Result;
use crate::sql::{Cells, Param, Row, ToValue, Value, ValueRef};
use std::future::Future;
use std::ops::ControlFlow;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What a task waits for.
pub(crate) enum Pending<T> {
    /// In the line before the one connection that writes.
    Line(Posted<T>),
    /// On a thread that has a connection of the pool.
    Pool(Sent<T>),
}

impl<T: Send + 'static> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match self.get_mut() {
            Self::Line(posted) => Pin::new(posted).poll(context),
            Self::Pool(sent) => Pin::new(sent).poll(context),
        }
    }
}

/// Rows that were fetched on another thread.
pub(crate) struct Fetched {
    columns: Arc<[Box<str>]>,
    rows: Vec<Vec<Value>>,
}

struct FetchedRow<'f> {
    columns: &'f [Box<str>],
    values: &'f [Value],
}

impl Database {
    /// A write for a task; what [`write`](Self::write) and `write_durable` are for a thread.
    pub(crate) fn post<T: Send + 'static>(
        &self,
        durability: Durability,
        f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Pending<T>> {
        self.check_writable()?;
        Ok(match &self.inner.way {
            Way::Line { writer, .. } => Pending::Line(Posted::write(writer, durability, f)),
            Way::Pool { pool, .. } => {
                let db = self.clone();
                Pending::Pool(pool.send(true, move || db.write_as(durability, f)))
            }
        })
    }

    /// One statement of a task; what [`execute`](Self::execute) is for a thread.
    pub(crate) fn post_statement(&self, sql: String, params: Vec<(String, Value)>) -> Result<Pending<u64>> {
        self.check_writable()?;
        Ok(match &self.inner.way {
            Way::Line { writer, .. } => Pending::Line(Posted::statement(writer, sql, params)),
            Way::Pool { pool, .. } => {
                let db = self.clone();
                Pending::Pool(pool.send(true, move || db.execute(&sql, &given(&params))))
            }
        })
    }

    /// One statement of a task that reads, of which no more than `most` rows are wanted; nothing where it is read so quickly
    /// that the task may do it by itself.
    pub(crate) fn post_query(
        &self,
        caller: &'static Location<'static>,
        sql: &str,
        params: impl FnOnce() -> Result<Vec<(String, Value)>>,
        most: usize,
    ) -> Option<Result<Sent<Fetched>>> {
        let Way::Pool { pool, .. } = &self.inner.way else { return None };
        let params = match params() {
            Ok(params) => params,
            Err(error) => return Some(Err(error)),
        };
        let (db, sql) = (self.clone(), sql.to_owned());
        Some(Ok(pool.send(false, move || {
            let params = given(&params);
            db.straight(caller, super::Seat::Slot, &sql, |tx| {
                let mut fetched = Fetched { columns: Arc::default(), rows: Vec::new() };
                tx.query_each(&sql, &params, |row| {
                    if fetched.rows.is_empty() {
                        fetched.columns = row.columns().into();
                    }
                    fetched.rows.push(row.values()?);
                    let enough = fetched.rows.len() >= most;
                    Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                })?;
                Ok(fetched)
            })
        })))
    }
}

impl Fetched {
    /// Hands each row to `each`.
    pub(crate) fn each<T>(&self, mut each: impl FnMut(Row<'_>) -> Result<T>) -> Result<Vec<T>> {
        let columns = &self.columns;
        self.rows.iter().map(|values| each(Row::new(&FetchedRow { columns, values }))).collect()
    }
}

impl Cells for FetchedRow<'_> {
    fn columns(&self) -> &[Box<str>] {
        self.columns
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        Ok(self.values.get(index).map_or(ValueRef::Null, Value::as_ref))
    }

    fn bytes(&self, index: usize) -> &[u8] {
        match self.values.get(index) {
            Some(Value::Text(text)) => text.as_bytes(),
            Some(Value::Blob(bytes)) => bytes,
            _ => &[],
        }
    }
}

fn given(params: &[(String, Value)]) -> Vec<Param<'_>> {
    params.iter().map(|(name, value)| (name.as_str(), value as &dyn ToValue)).collect()
}
