//! Putting a backup in the place of a database.
//!
//! The archive goes into a new database beside the old one; when it is whole, both change names in one transaction. So at
//! every moment the name stands for the whole old database or the whole new one. The old one stays, under another name.

use super::{archive, carry};
use crate::backup::restore::RestoredInto;
use crate::backup::rotation::stamp;
use crate::driver::postgres::{Place, Postgres};
use crate::driver::{Access, Connection, Driver};
use crate::error::{Error, ErrorKind, Result};
use crate::params;
use jiff::Timestamp;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// What PostgreSQL takes of a name, in bytes.
const NAME: usize = 63;

/// What stands between the name of a database and the time, while its successor is being made.
const MAKING: &str = "_restoring_";

/// Databases that one can be connected to while another is made or renamed.
const ELSEWHERE: [&str; 2] = ["postgres", "template1"];

pub(in crate::backup) fn restore(from: &Path, driver: &dyn Driver) -> Result<RestoredInto> {
    let driver = super::postgres(driver)?;
    let program = archive::reader(from)?;
    let verified = archive::verify(from)?;
    let place = &driver.place;
    let name = place.database().to_owned();
    let mut server = elsewhere(driver)?;
    let server = server.as_mut();
    let is_there = look(server, "SELECT count(*) FROM pg_database WHERE datname = :name", &name)? > 0;
    if is_there {
        nobody_else(server, &name)?;
    }
    clear_away(server, &name)?;
    let at = stamp(Timestamp::now()).to_lowercase();
    let fresh = named(&name, MAKING, &at);
    const BUSY: &str = "SELECT set_config('application_name', :fresh, false)";
    server.query(BUSY, params! { fresh }, &mut |_| Ok(ControlFlow::Break(())))?;
    make(server, &fresh, is_there.then_some(&name))?;
    let filled = fill(&program, place, from, &fresh, server).and_then(|()| {
        if is_there {
            carry::over(server, &name, &fresh)?;
        }
        let kept = named(&name, "_before_restore_", &at);
        swap(server, &name, &fresh, is_there.then_some(&kept))?;
        Ok(is_there.then_some(kept))
    });
    match filled {
        Ok(kept) => {
            tracing::info!(from = %from.display(), to = %driver, "restored");
            Ok(RestoredInto { database: driver.to_string(), kept, schema_version: verified.schema_version })
        }
        Err(error) => {
            // It is cleared away by the next restore where that fails too.
            let _ = server.execute(&format!("DROP DATABASE IF EXISTS {}", quoted(&fresh)), &[]);
            Err(error)
        }
    }
}

/// A connection to another database of the same server.
fn elsewhere(driver: &Postgres) -> Result<Box<dyn Connection>> {
    let mut first = None;
    for name in ELSEWHERE.into_iter().filter(|name| *name != driver.place.database()) {
        let other = Postgres { place: driver.place.with_database(name), settings: driver.settings.clone() };
        match other.connect(Access::Write) {
            Ok(mut connection) => {
                connection.watch(true)?;
                return Ok(connection);
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    let error = Error::new(
        ErrorKind::CannotOpen,
        "a restore needs a connection to another database of the server, `postgres` or `template1`",
    )
    .with_help("let this user connect to one of them");
    Err(match first {
        Some(cause) => error.with_cause(cause),
        None => error,
    })
}

/// For how long a session that has just been closed may still be there, as for the server's own renaming.
const PATIENCE: Duration = Duration::from_secs(3);

/// Refuses when another has the database open.
fn nobody_else(server: &mut dyn Connection, name: &str) -> Result<()> {
    const WHO: &str = "SELECT pid, coalesce(nullif(application_name, ''), 'a program without a name'), \
                       coalesce(usename, '') FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid() \
                       ORDER BY pid LIMIT 10";
    let begun = Instant::now();
    loop {
        let mut who = Vec::new();
        server.query(WHO, params! { name }, &mut |row| {
            let (pid, program, user): (i64, String, String) = row.to()?;
            who.push(format!("{program} (process {pid}, user {user})"));
            Ok(ControlFlow::Continue(()))
        })?;
        if who.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(in_use(name, &who.join(", ")));
        }
        std::thread::sleep(PATIENCE / 30);
    }
}

fn in_use(name: &str, who: &str) -> Error {
    Error::new(ErrorKind::Busy, format!("the database {name} is in use by {who}"))
        .with_help("close it there first; nothing is restored over a database that is open")
}

/// Removes what a restore that was killed left behind.
fn clear_away(server: &mut dyn Connection, name: &str) -> Result<()> {
    // Nothing but what `stamp` writes may stand behind the start: all else is somebody's own. One that another restore is
    // filling has a session, or will soon: they say for which they are there.
    const LEFT: &str = "SELECT datname FROM pg_database d WHERE left(datname, length(:start)) = :start \
                        AND substr(datname, length(:start) + 1) ~ '^[0-9]{8}t[0-9]{9}z$' AND NOT EXISTS \
                        (SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname OR a.application_name = d.datname)";
    let start = named(name, MAKING, "");
    let mut left: Vec<String> = Vec::new();
    server.query(LEFT, params! { start }, &mut |row| {
        left.push(row.get(0)?);
        Ok(ControlFlow::Continue(()))
    })?;
    for name in left {
        server.execute(&format!("DROP DATABASE IF EXISTS {}", quoted(&name)), &[])?;
    }
    Ok(())
}

/// Makes the new database, with the encoding, the collation and the owner of the old one.
fn make(server: &mut dyn Connection, fresh: &str, like: Option<&String>) -> Result<()> {
    // What collates is in a column since 15, whose name changed in 17.
    const AS: &str = "SELECT pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba), \
                      CASE WHEN to_jsonb(d) ->> 'datlocprovider' = 'i' \
                      THEN coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') END \
                      FROM pg_database d WHERE datname = :name";
    let mut sql = format!("CREATE DATABASE {} TEMPLATE template0", quoted(fresh));
    if let Some(name) = like {
        server.query(AS, params! { name }, &mut |row| {
            let (encoding, collate, ctype, owner, icu): (String, String, String, String, Option<String>) =
                row.to()?;
            sql.push_str(&format!(
                " ENCODING {} LC_COLLATE {} LC_CTYPE {} OWNER {}",
                literal(&encoding),
                literal(&collate),
                literal(&ctype),
                quoted(&owner)
            ));
            if let Some(locale) = icu {
                sql.push_str(&format!(" LOCALE_PROVIDER icu ICU_LOCALE {}", literal(&locale)));
            }
            Ok(ControlFlow::Break(()))
        })?;
    }
    server.execute(&sql, &[]).map(|_| ()).map_err(|error| {
        Error::new(ErrorKind::Backup, "the database for the restore can't be made beside the old one")
            .with_help("the role needs CREATEDB and, to give it the old one's owner, membership in that role")
            .with_cause(error)
    })
}

fn fill(
    program: &super::program::Program,
    place: &Place,
    from: &Path,
    fresh: &str,
    server: &mut dyn Connection,
) -> Result<()> {
    let own = look(
        server,
        "SELECT count(*) FROM pg_roles WHERE rolname = current_user AND rolsuper AND :name <> ''",
        fresh,
    )?;
    let mut restore = program.at(&place.with_database(fresh));
    restore.args(["--exit-on-error", "--single-transaction", "--no-password"]);
    if own == 0 {
        // Only a superuser may give things to others.
        restore.args(["--no-owner", "--no-privileges"]);
    }
    restore.arg("--dbname").arg(fresh).arg(from);
    program.run(&mut restore, &format!("{} could not be restored", from.display())).map(|_| ())
}

/// Gives the new database the name, and the old one another.
fn swap(server: &mut dyn Connection, name: &str, fresh: &str, kept: Option<&String>) -> Result<()> {
    server.begin(Access::Write)?;
    let mut rename = |from: &str, to: &str| {
        server.execute(&format!("ALTER DATABASE {} RENAME TO {}", quoted(from), quoted(to)), &[])
    };
    let done = kept.map_or(Ok(0), |kept| rename(name, kept)).and_then(|_| rename(fresh, name));
    match done.and_then(|_| server.commit()) {
        Ok(()) => Ok(()),
        Err(error) => {
            server.rollback()?;
            Err(match nobody_else(server, name) {
                Err(busy) => busy,
                Ok(()) => {
                    Error::new(ErrorKind::Backup, format!("the restored database can't take the name {name}"))
                        .with_help("only its owner may rename a database")
                        .with_cause(error)
                }
            })
        }
    }
}

fn look(server: &mut dyn Connection, sql: &str, name: &str) -> Result<i64> {
    let mut found = 0;
    server.query(sql, params! { name }, &mut |row| {
        found = row.get(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// A name for a database, no longer than may be.
fn named(name: &str, between: &str, end: &str) -> String {
    // The time is the part that must stay whole; `20260131t093000123z` is the longest end.
    let room = NAME - "_before_restore_".len() - "20260131t093000123z".len();
    let start = name.get(..name.floor_char_boundary(room)).unwrap_or(name);
    format!("{start}{between}{end}")
}

/// A name as it stands in a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_longer_than_the_server_takes() {
        let long = "é".repeat(40);
        for between in [MAKING, "_before_restore_"] {
            let made = named(&long, between, "20260131t093000123z");
            assert!(made.len() <= NAME && made.ends_with("20260131t093000123z"), "{made}");
        }
        assert_eq!(named("app", MAKING, "x"), "app_restoring_x");
    }
}
