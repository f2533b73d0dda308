//! One connection: statements, transactions.

use super::fault;
use super::link::Link;
use super::load;
use super::open::Settings;
use super::value::{Fetched, Text};
use crate::driver::{
    Access, Action, Connection, Dialect, Durability, Fill, Interrupter, Isolation, Lock, RowSink,
    TableColumns, Tally,
};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::Mapped;
use crate::sql::{Param, Row, ValueRef};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use tokio_postgres::{Client, Statement};

/// A connection to a PostgreSQL server.
pub(super) struct PostgresConnection {
    client: Client,
    link: Link,
    settings: Settings,
    access: Access,
    depth: usize,
    statements: HashMap<String, Arc<(Mapped<'static>, Statement)>>,
    tally: Arc<Tally>,
}

impl PostgresConnection {
    pub(super) fn new(client: Client, link: Link, settings: &Settings, access: Access) -> Self {
        let settings = settings.clone();
        Self { client, link, settings, access, depth: 0, statements: HashMap::new(), tally: Arc::default() }
    }

    fn control(&mut self, sql: &str) -> Result<()> {
        answer(self.link.wait(self.client.batch_execute(sql)))
    }

    fn statement(&mut self, sql: &str) -> Result<Arc<(Mapped<'static>, Statement)>> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(Arc::clone(known));
        }
        let mapped = Mapped::new(sql, Dialect::Postgres)?.into_owned();
        let statement = answer(self.link.wait(self.client.prepare(mapped.text())))?;
        self.tally.note_prepared();
        let made = Arc::new((mapped, statement));
        self.statements.insert(sql.to_owned(), Arc::clone(&made));
        Ok(made)
    }

    fn run(&mut self, sql: &str, values: Vec<Text>, each: &mut RowSink<'_>) -> Result<u64> {
        let made = self.statement(sql)?;
        self.tally.note_statement();
        let rows = answer(self.link.wait(self.client.query_raw(&made.1, values)))?;
        let mut rows = pin!(rows);
        loop {
            let next = self.link.wait(poll_fn(|context| {
                use futures_core::Stream as _;
                rows.as_mut().poll_next(context)
            }));
            match next.map_err(gone)? {
                Some(row) => {
                    let fetched = Fetched::new(&row.map_err(fault::of)?)?;
                    if each(Row::new(&fetched))?.is_break() {
                        return Ok(0);
                    }
                }
                None => return Ok(rows.rows_affected().unwrap_or(0)),
            }
        }
    }
}

pub(super) fn gone(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the server went away").with_cause(error)
}

fn answer<T>(answer: std::io::Result<std::result::Result<T, tokio_postgres::Error>>) -> Result<T> {
    answer.map_err(gone)?.map_err(fault::of)
}

impl Connection for PostgresConnection {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        let made = self.statement(sql)?;
        let slots = made.0.resolve(params.iter().map(|(name, _)| *name))?;
        let mut values = vec![Text(None); params.len()];
        for (given, (_, value)) in params.iter().enumerate() {
            if let Some(place) = values.get_mut(slots.slot(given)) {
                *place = Text::of(value.to_value()?.as_ref());
            }
        }
        self.run(sql, values, &mut |_| Ok(std::ops::ControlFlow::Continue(())))
    }

    fn execute_list(&mut self, sql: &str, values: &[ValueRef<'_>]) -> Result<u64> {
        let values = values.iter().map(|value| Text::of(*value)).collect();
        self.run(sql, values, &mut |_| Ok(std::ops::ControlFlow::Continue(())))
    }

    fn query(&mut self, sql: &str, params: &[Param<'_>], each: &mut RowSink<'_>) -> Result<()> {
        let made = self.statement(sql)?;
        let slots = made.0.resolve(params.iter().map(|(name, _)| *name))?;
        let mut values = vec![Text(None); params.len()];
        for (given, (_, value)) in params.iter().enumerate() {
            if let Some(place) = values.get_mut(slots.slot(given)) {
                *place = Text::of(value.to_value()?.as_ref());
            }
        }
        self.run(sql, values, each).map(|_| ())
    }

    fn load(&mut self, into: &TableColumns<'_>, fill: &mut Fill<'_>) -> Result<u64> {
        load::load(&self.client, &mut self.link, into, fill)
    }

    fn unload(&mut self, of: &TableColumns<'_>, each: &mut RowSink<'_>) -> Result<()> {
        load::unload(&self.client, &mut self.link, of, each)
    }

    fn begin(&mut self, access: Access) -> Result<()> {
        if access == Access::Write && self.access == Access::Read {
            return Err(Error::new(ErrorKind::ReadOnly, "this connection only reads"));
        }
        if self.depth > 0 {
            self.control(&format!("SAVEPOINT s{}", self.depth))?;
        } else if access == Access::Read {
            self.control("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        } else {
            self.control(match self.settings.isolation {
                Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
                Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            })?;
        }
        self.depth += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        match self.depth {
            0 => Err(Error::new(ErrorKind::Internal, "there is no transaction to commit")),
            1 => self.control("COMMIT").inspect(|()| self.depth = 0),
            depth => self
                .control(&format!("RELEASE SAVEPOINT s{}", depth - 1))
                .inspect(|()| self.depth = depth - 1),
        }
    }

    fn rollback(&mut self) -> Result<()> {
        match self.depth {
            0 => Ok(()),
            1 => {
                self.depth = 0;
                self.control("ROLLBACK")
            }
            depth => {
                self.depth = depth - 1;
                let name = depth - 1;
                self.control(&format!("ROLLBACK TO SAVEPOINT s{name}; RELEASE SAVEPOINT s{name}"))
            }
        }
    }

    fn is_lost(&self) -> bool {
        false
    }

    fn lock(&mut self, name: &str) -> Result<Lock> {
        let _ = name;
        Err(Error::new(ErrorKind::Unsupported, "locks by name are not made yet"))
    }

    fn watch(&mut self, on: bool) -> Result<Vec<Action>> {
        let _ = on;
        Ok(Vec::new())
    }

    fn set_durability(&mut self, durability: Durability) -> Result<()> {
        let _ = durability;
        Ok(())
    }

    fn is_broken(&mut self) -> bool {
        self.link.is_gone()
    }

    fn announce(&mut self) -> Result<()> {
        self.control("NOTIFY larder")
    }

    fn interrupter(&self) -> Interrupter {
        let canceller = self.link.canceller(&self.client);
        Interrupter::new(move || {
            if let Err(error) = canceller.cancel() {
                tracing::warn!(%error, "a statement could not be stopped");
            }
        })
    }

    fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}
