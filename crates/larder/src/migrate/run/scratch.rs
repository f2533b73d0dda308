//! What migrations make on a server, built in a schema that nobody else sees and that is rolled back.

use super::{Next, Running, Settings};
use crate::db::Database;
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::history::one;
use crate::migrate::loaded::LoadedSet;
use crate::migrate::plan::{Request, plan};
use crate::params;
use crate::schema::Catalogue;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The schema. It is never committed, and its transaction is alone among all that migrate.
const NAME: &str = "larder_scratch";
const PUT: &str = "SELECT set_config('search_path', :path, true)";
const PATH: &str = "SELECT current_setting('search_path')";

/// The schema that all migrations of these sets make, from nothing. Where they name other schemas, theirs is used.
pub(in crate::migrate) fn build(
    database: &Database,
    sets: &[Arc<LoadedSet>],
    settings: &mut Settings<'_>,
) -> Result<Catalogue> {
    let request = Request::up();
    let mut running = Running::new(database, sets, &request, settings);
    let mut built = None;
    database.with_writer(|connection| {
        running.unguarded(connection, |running, connection| {
            running.begin_outermost(connection)?;
            connection.execute(&format!("CREATE SCHEMA {NAME}"), &[])?;
            // What extensions brought is found behind it.
            let path = one::<String>(connection, PATH)?.unwrap_or_default();
            let path = if path.is_empty() { NAME.to_owned() } else { format!("{NAME}, {path}") };
            connection.query(PUT, params! { path }, &mut |_| Ok(ControlFlow::Continue(())))?;
            for step in plan(sets, &[], &request)?.steps {
                running.read_text(&step)?;
            }
            while running.transaction(connection, &request)? == Next::Again {}
            built = Some(Catalogue::read(connection)?);
            Ok(())
        })
    })?;
    built.ok_or_else(|| Error::new(ErrorKind::Internal, "nothing was built"))
}
