//! The data and the settings that all workers use: the same text of SQL for each.

use crate::{Outcome, Random};

/// The pragmas of a database that Larder opens, in the order in which it sets them. Every subject sets these.
pub const PRAGMAS: &str = "PRAGMA busy_timeout=5000;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
PRAGMA foreign_keys=ON;
PRAGMA wal_autocheckpoint=1000;
PRAGMA temp_store=MEMORY;
PRAGMA cache_size=-64000;";

/// The table that single rows are read from.
pub const USERS: &str = "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, \
                         age INTEGER NOT NULL)";

/// Fills [`USERS`] with rows 1 to `rows`.
pub fn fill_users(rows: u64) -> String {
    format!(
        "INSERT INTO users(id, name, email, age)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         SELECT i, 'name ' || i, 'user' || i || '@example.org', i % 90 FROM n"
    )
}

/// One small write to [`USERS`] after the file was filled, closed and opened again. All who read do this first: beside
/// a log without a page in it each read asks the system for the size of the file, beside one with a page it does not.
pub const TOUCH_USERS: &str = "UPDATE users SET age = age WHERE id = 1";

/// The row of [`USERS`] with one key.
pub const READ_USER: &str = "SELECT id, name, email, age FROM users WHERE id = :id";

/// That the row of [`USERS`] that was read is the one with `key`.
#[inline]
pub fn check_user(key: i64, (id, name, email, age): (i64, &str, &str, i64)) -> Outcome {
    let right = id == key && age == key % 90 && name.len() > 5 && email.len() > 16;
    if right { Ok(()) } else { Err(format!("the wrong row for {key}").into()) }
}

/// One small write to [`USERS`] that changes nothing a reader looks for.
pub const TOUCH_USER: &str = "UPDATE users SET age = age WHERE id = :id";

/// So many texts of [`READ_USER`] that differ, as the statements of a larger program do.
pub fn read_user_texts(count: u64) -> Vec<String> {
    (0..count).map(|number| format!("{READ_USER} /* {number} */")).collect()
}

/// An index that [`READ_AGES`] uses, and the samples of its values for the planner.
pub const ANALYZE_USERS: &[&str] = &["CREATE INDEX users_age ON users(age)", "ANALYZE"];

/// Some rows of a range, with the parameters in this order.
pub const READ_AGES: &str = "SELECT id FROM users WHERE age BETWEEN :low AND :high ORDER BY age LIMIT :most";

/// Values for [`READ_AGES`], other ones for each key.
pub fn ages(key: i64) -> (i64, i64, i64) {
    let low = key % 80;
    (low, low + 1 + key % 9, 1 + key % 10)
}

/// That [`READ_AGES`] gave as many rows as it was to.
#[inline]
pub fn check_ages(found: usize, most: i64) -> Outcome {
    if i64::try_from(found)? == most { Ok(()) } else { Err("the wrong number of rows".into()) }
}

/// The table that small rows are written to, one a transaction.
pub const EVENTS: &str = "CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY, thread INTEGER NOT NULL, \
                          body TEXT NOT NULL)";

/// An index whose keys arrive in no order, so that a write touches several pages.
pub const EVENTS_INDEX: &str = "CREATE INDEX IF NOT EXISTS events_body ON events(body)";

/// One row of [`EVENTS`], with the parameters in this order.
pub const WRITE_EVENT: &str = "INSERT INTO events(thread, body) VALUES (:thread, :body)";

/// A table that is filled once, see [`GROW_LOG`].
pub const FILLER: &str = "CREATE TABLE IF NOT EXISTS filler(body BLOB NOT NULL)";

/// Fills [`FILLER`] in one transaction with more than the log may hold before it is moved into the file. All who write do
/// this before their first round: as long as the log's file grows, a wait for the disk takes several times as long, and
/// short rounds of a slow subject would never get beyond that.
pub const GROW_LOG: &str = "INSERT INTO filler(body)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT zeroblob(3900) FROM n";

/// What makes [`EVENTS`], with [`EVENTS_INDEX`] or without, and grows the log.
pub fn set_up_events(index: bool) -> &'static [&'static str] {
    if index { &[EVENTS, EVENTS_INDEX, FILLER, GROW_LOG] } else { &[EVENTS, FILLER, GROW_LOG] }
}

/// How many rows [`EVENTS`] has: none is ever deleted, and the last key is at hand.
pub const COUNT_EVENTS: &str = "SELECT coalesce(max(id), 0) FROM events";

/// The text of one row of [`EVENTS`], of 36 letters.
pub fn event_body(random: &mut Random) -> String {
    format!("{:08x} the text of one small event", random.key(1 << 32) - 1)
}

/// Numbers that are read and written back within one transaction.
pub const COUNTERS: &str =
    "CREATE TABLE IF NOT EXISTS counters(id INTEGER PRIMARY KEY, value INTEGER NOT NULL)";

/// Fills [`COUNTERS`] with [`COUNTERS_ROWS`] zeros, unless they are there.
pub const FILL_COUNTERS: &str = "INSERT OR IGNORE INTO counters(id, value)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16) SELECT i, 0 FROM n";

/// What makes [`COUNTERS`]; several processes may do it one after another.
pub const SET_UP_COUNTERS: &[&str] = &[COUNTERS, FILL_COUNTERS];

/// How many rows [`COUNTERS`] has.
pub const COUNTERS_ROWS: u64 = 16;

/// One number of [`COUNTERS`].
pub const READ_COUNTER: &str = "SELECT value FROM counters WHERE id = :id";

/// Writes a number back that was read, one larger; the parameters in this order.
pub const WRITE_COUNTER: &str = "UPDATE counters SET value = :value WHERE id = :id";

/// The sum of all [`COUNTERS`]: how many transactions there were, if none overwrote another's number.
pub const SUM_COUNTERS: &str = "SELECT sum(value) FROM counters";

/// The table that a migration copies, with an index when `index` is set.
pub fn orders(index: bool) -> String {
    let table = "CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, state TEXT NOT NULL, \
                 amount REAL NOT NULL, note TEXT, created_at TEXT NOT NULL);";
    if index { format!("{table}\n{ORDERS_INDEX};") } else { table.to_owned() }
}

const ORDERS_INDEX: &str = "CREATE INDEX orders_customer ON orders(customer_id)";

/// Fills the table of [`orders`] with rows 1 to `rows`; a third of the notes is NULL.
pub fn fill_orders(rows: u64) -> String {
    format!(
        "INSERT INTO orders(id, customer_id, state, amount, note, created_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         SELECT i, (i * 7919) % 50000, CASE i % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' ELSE 'sent' END,
                (i % 100000) / 4.0, CASE WHEN i % 3 THEN 'note number ' || i END,
                '2026-01-' || printf('%02d', 1 + i % 28) || 'T10:00:00.000Z'
         FROM n"
    )
}

/// The migration that is measured: a rebuild that keeps every row and value and adds a column. With `expression` one
/// column is copied through a function that changes nothing, which only a look at the values can tell.
pub fn rebuild_orders(index: bool, expression: bool) -> String {
    let created_at = if expression { "coalesce(created_at, '')" } else { "created_at" };
    let index = if index { format!("{ORDERS_INDEX};\n") } else { String::new() };
    format!(
        "CREATE TABLE orders_new(id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'open',
    amount REAL NOT NULL, note TEXT, created_at TEXT NOT NULL, shipped_at TEXT);
INSERT INTO orders_new(id, customer_id, state, amount, note, created_at)
    SELECT id, customer_id, state, amount, note, {created_at} FROM orders;
DROP TABLE orders;
ALTER TABLE orders_new RENAME TO orders;
{index}"
    )
}
