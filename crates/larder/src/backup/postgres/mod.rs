//! Backup and restore of a PostgreSQL database, through the server's own `pg_dump` and `pg_restore`: they know every sort of
//! thing that a database can hold, and their archives are what its people know.

mod archive;
mod carry;
mod dump;
mod program;
mod restore;

pub(super) use archive::{is_archive, verify};
pub(super) use dump::create;
pub(super) use restore::restore;

use crate::driver::Driver;
use crate::driver::postgres::Postgres;
use crate::error::{Error, ErrorKind, Result};
use std::any::Any;

/// The driver, which must be the one for PostgreSQL: the programs need to know where the server is.
fn postgres(driver: &dyn Driver) -> Result<&Postgres> {
    let any: &dyn Any = driver;
    any.downcast_ref().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("there is no way to back up {driver}"))
            .with_help("back it up with the tools of its engine")
    })
}
