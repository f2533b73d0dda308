//! toasty's driver of SQLite, with the settings that every subject uses: the driver itself sets none.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use larder_bench_protocol::{Outcome, Task};
use toasty_core::driver::operation::{RawSql, RawSqlRet};
use toasty_core::driver::{Capability, ConnectContext, Connection, Driver};
use toasty_core::schema::db::Migration;
use toasty_core::schema::{Builder, app, diff};
use toasty_core::{Result, Schema};
use toasty_driver_sqlite::Sqlite;

/// Sets the pragmas on each connection that it opens.
#[derive(Debug)]
pub struct Tuned {
    inner: Sqlite,
    pragmas: String,
    schema: Arc<Schema>,
}

impl Tuned {
    /// For a file, with the pragmas of a task.
    pub fn new(file: &Path, task: &Task) -> Outcome<Self> {
        // The driver asks for a schema with each statement and does not look at it where the statement is text.
        let schema = Builder::new().build(app::Schema::default(), &Capability::SQLITE)?;
        Ok(Self { inner: Sqlite::open(file), pragmas: task.pragmas(), schema: Arc::new(schema) })
    }
}

#[async_trait]
impl Driver for Tuned {
    fn url(&self) -> Cow<'_, str> {
        self.inner.url()
    }

    fn capability(&self) -> &'static Capability {
        self.inner.capability()
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn Connection>> {
        let mut connection = self.inner.connect(context).await?;
        for pragma in self.pragmas.split(';').map(str::trim).filter(|pragma| !pragma.is_empty()) {
            let statement = RawSql { sql: pragma.to_owned(), params: Vec::new(), ret: RawSqlRet::Infer };
            connection.exec(&self.schema, statement.into()).await?;
        }
        Ok(connection)
    }

    fn max_connections(&self) -> Option<usize> {
        self.inner.max_connections()
    }

    fn generate_migration(&self, difference: &diff::Schema<'_>) -> Migration {
        self.inner.generate_migration(difference)
    }

    async fn reset_db(&self) -> Result<()> {
        self.inner.reset_db().await
    }
}
