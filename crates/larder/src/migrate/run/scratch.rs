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
const PATH: &str = "SELECT current_setting('search_path'), current_schema()";

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
            let (path, current): (String, Option<String>) = one(connection, PATH)?.unwrap_or_default();
            let path = if path.is_empty() { NAME.to_owned() } else { format!("{NAME}, {path}") };
            connection.query(PUT, params! { path }, &mut |_| Ok(ControlFlow::Continue(())))?;
            for step in plan(sets, &[], &request)?.steps {
                running.read_text(&step)?;
            }
            while running.transaction(connection, &request)? == Next::Again {}
            let mut catalogue = Catalogue::read(connection)?;
            if let Some(current) = current {
                forget(&mut catalogue, &format!("{current}."));
            }
            built = Some(catalogue);
            Ok(())
        })
    })?;
    built.ok_or_else(|| Error::new(ErrorKind::Internal, "nothing was built"))
}

/// Leaves out what is in the schema whose names begin so: the one that the scratch stands for.
fn forget(catalogue: &mut Catalogue, prefix: &str) {
    let stays = |name: &str| !name.starts_with(prefix);
    catalogue.tables.retain(|name, _| stays(name));
    let entries = [
        &mut catalogue.indexes,
        &mut catalogue.triggers,
        &mut catalogue.views,
        &mut catalogue.sequences,
        &mut catalogue.types,
        &mut catalogue.functions,
    ];
    for map in entries {
        map.retain(|name, _| stays(name));
    }
}
