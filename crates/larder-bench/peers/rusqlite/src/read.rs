//! One row by its primary key into a struct.

use std::ffi::{CStr, c_char, c_int};
use std::hint::black_box;

use larder_bench_protocol::{Outcome, Round, Task, data};
use rusqlite::{Connection, Row, ffi};

pub(crate) struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

impl User {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, name: row.get(1)?, email: row.get(2)?, age: row.get(3)? })
    }

    /// That the row is the one asked for, and that nothing of it is optimised away.
    pub(crate) fn check(self, key: i64) -> Outcome {
        let user = black_box(self);
        data::check_user(key, (user.id, &user.name, &user.email, user.age))
    }
}

pub(crate) fn filled(task: &Task) -> Outcome<Connection> {
    let file = task.file("read.db")?;
    let connection = crate::open(&file)?;
    connection.execute_batch(data::USERS)?;
    connection.execute_batch(&data::fill_users(task.number("rows")?))?;
    crate::close(connection)?;
    let connection = crate::open(&file)?;
    connection.execute_batch(data::TOUCH_USERS)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// `prepare_cached` for each read: what a program without a layer of its own does.
pub fn cached(task: &Task) -> Outcome<Round> {
    let connection = filled(task)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|key| {
            let mut statement = connection.prepare_cached(data::READ_USER)?;
            statement.query_row([key], User::from_row)?.check(key)
        })
    }))
}

/// One statement, prepared once and held.
pub fn held(task: &Task) -> Outcome<Round> {
    let connection = filled(task)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        let mut statement = connection.prepare(data::READ_USER)?;
        keys.round(|key| statement.query_row([key], User::from_row)?.check(key))
    }))
}

/// The C interface with a held statement: the floor.
pub fn raw(task: &Task) -> Outcome<Round> {
    let connection = filled(task)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        let statement = Statement::prepare(&connection, data::READ_USER)?;
        keys.round(|key| statement.read(key)?.check(key))
    }))
}

/// The same inside one transaction for the whole round.
pub fn raw_many(task: &Task) -> Outcome<Round> {
    let connection = filled(task)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        let statement = Statement::prepare(&connection, data::READ_USER)?;
        connection.execute_batch("BEGIN")?;
        let sample = keys.round(|key| statement.read(key)?.check(key))?;
        connection.execute_batch("COMMIT")?;
        Ok(sample)
    }))
}

/// Many statements in turn, each prepared once and held.
pub fn raw_statements(task: &Task) -> Outcome<Round> {
    let connection = filled(task)?;
    let mut keys = task.keys()?;
    let texts = data::read_user_texts(200);
    Ok(Box::new(move || {
        let held: Vec<_> =
            texts.iter().map(|text| Statement::prepare(&connection, text)).collect::<Outcome<_>>()?;
        let mut statements = held.iter().cycle();
        keys.round(|key| statements.next().ok_or("no statement")?.read(key)?.check(key))
    }))
}

/// Many texts in turn through the cache.
pub fn cached_statements(task: &Task) -> Outcome<Round> {
    let connection = filled(task)?;
    let mut keys = task.keys()?;
    let texts = data::read_user_texts(200);
    Ok(Box::new(move || {
        let mut texts = texts.iter().cycle();
        keys.round(|key| {
            let mut statement = connection.prepare_cached(texts.next().ok_or("no text")?)?;
            statement.query_row([key], User::from_row)?.check(key)
        })
    }))
}

/// A range and a limit with other values each time.
pub fn analyzed(task: &Task) -> Outcome<Round> {
    let connection = filled(task)?;
    for statement in data::ANALYZE_USERS {
        connection.execute_batch(statement)?;
    }
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|key| {
            let (low, high, most) = data::ages(key);
            let mut statement = connection.prepare_cached(data::READ_AGES)?;
            let found: Vec<i64> =
                statement.query_map((low, high, most), |row| row.get(0))?.collect::<Result<_, _>>()?;
            data::check_ages(black_box(found).len(), most)
        })
    }))
}

/// A statement of the C library; the connection outlives it.
struct Statement<'c> {
    pointer: *mut ffi::sqlite3_stmt,
    _connection: &'c Connection,
}

impl<'c> Statement<'c> {
    fn prepare(connection: &'c Connection, sql: &str) -> Outcome<Self> {
        let mut pointer = std::ptr::null_mut();
        let length = c_int::try_from(sql.len())?;
        // SAFETY: the handle belongs to an open connection, the text is passed with its length.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                connection.handle(),
                sql.as_ptr().cast::<c_char>(),
                length,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &mut pointer,
                std::ptr::null_mut(),
            )
        };
        if code == ffi::SQLITE_OK {
            Ok(Self { pointer, _connection: connection })
        } else {
            Err(format!("prepare: {code}").into())
        }
    }

    #[inline]
    fn read(&self, key: i64) -> Outcome<User> {
        // SAFETY: the statement is live; the columns are read while it stands on a row, and copied before reset.
        unsafe {
            ffi::sqlite3_bind_int64(self.pointer, 1, key);
            let code = ffi::sqlite3_step(self.pointer);
            if code != ffi::SQLITE_ROW {
                return Err(format!("step: {code}").into());
            }
            let user = User {
                id: ffi::sqlite3_column_int64(self.pointer, 0),
                name: self.text(1),
                email: self.text(2),
                age: ffi::sqlite3_column_int64(self.pointer, 3),
            };
            ffi::sqlite3_reset(self.pointer);
            Ok(user)
        }
    }

    /// A column as text.
    ///
    /// # Safety
    /// The statement stands on a row whose column is not NULL.
    #[inline]
    unsafe fn text(&self, column: c_int) -> String {
        // SAFETY: SQLite returns a text that ends with a zero byte and lives until the next step or reset.
        unsafe {
            let text = ffi::sqlite3_column_text(self.pointer, column);
            let bytes = CStr::from_ptr(text.cast::<c_char>()).to_bytes();
            String::from_utf8_unchecked(bytes.to_vec())
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: the statement is finalised once, here.
        unsafe { ffi::sqlite3_finalize(self.pointer) };
    }
}
