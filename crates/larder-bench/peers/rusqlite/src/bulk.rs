//! Many rows in one transaction.

use std::ffi::{c_char, c_int};
use std::time::Instant;

use larder_bench_protocol::bulk::{self, Load, User};
use larder_bench_protocol::{Outcome, Round, Task, data};
use rusqlite::{Connection, ffi};

/// `prepare_cached` for each row.
pub fn cached(task: &Task) -> Outcome<Round> {
    round(task, |connection, users| {
        for User { id, name, email, age } in users {
            connection.prepare_cached(bulk::INSERT_USER)?.execute((id, name, email, age))?;
        }
        Ok(())
    })
}

/// One statement, prepared once and held.
pub fn held(task: &Task) -> Outcome<Round> {
    round(task, |connection, users| {
        let mut statement = connection.prepare(bulk::INSERT_USER)?;
        for User { id, name, email, age } in users {
            statement.execute((id, name, email, age))?;
        }
        Ok(())
    })
}

/// The C interface with a held statement, row by row, texts bound without a copy.
pub fn raw(task: &Task) -> Outcome<Round> {
    round(task, |connection, users| {
        let mut pointer = std::ptr::null_mut();
        let length = c_int::try_from(bulk::INSERT_USER.len())?;
        // SAFETY: the handle belongs to an open connection, the text is passed with its length; the texts that are bound
        // outlive the statement, which is finalised once, here.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                connection.handle(),
                bulk::INSERT_USER.as_ptr().cast::<c_char>(),
                length,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &mut pointer,
                std::ptr::null_mut(),
            );
            let mut code = ffi::SQLITE_DONE;
            for user in users {
                ffi::sqlite3_bind_int64(pointer, 1, user.id);
                bind(pointer, 2, &user.name);
                bind(pointer, 3, &user.email);
                ffi::sqlite3_bind_int64(pointer, 4, user.age);
                code = ffi::sqlite3_step(pointer);
                if code != ffi::SQLITE_DONE {
                    break;
                }
                ffi::sqlite3_reset(pointer);
            }
            ffi::sqlite3_finalize(pointer);
            code
        };
        if code == ffi::SQLITE_DONE { Ok(()) } else { Err(format!("step: {code}").into()) }
    })
}

/// Binds a text without copying it.
///
/// # Safety
/// The statement is live and the text outlives its next reset.
unsafe fn bind(statement: *mut ffi::sqlite3_stmt, index: c_int, text: &str) {
    // SAFETY: as the caller promises; the length is given.
    unsafe {
        ffi::sqlite3_bind_text(
            statement,
            index,
            text.as_ptr().cast::<c_char>(),
            text.len() as c_int,
            ffi::SQLITE_STATIC(),
        );
    }
}

fn round(task: &Task, insert: impl Fn(&Connection, &[User]) -> Outcome + 'static) -> Outcome<Round> {
    let load = Load::of(task)?;
    Ok(Box::new(move || {
        let connection = crate::open(load.fresh()?)?;
        connection.execute_batch(data::USERS)?;
        let start = Instant::now();
        connection.execute_batch("BEGIN IMMEDIATE")?;
        insert(&connection, &load.users)?;
        connection.execute_batch("COMMIT")?;
        let elapsed = start.elapsed();
        let sums = connection.query_row(bulk::SUM_USERS, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        crate::close(connection)?;
        load.sample(elapsed, sums)
    }))
}
