//! What the bulk insert writes, and where.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Outcome, Sample, Task};

/// Inserts one row of [`data::USERS`](crate::data::USERS), with the parameters in this order.
pub const INSERT_USER: &str = "INSERT INTO users(id, name, email, age) VALUES (:id, :name, :email, :age)";

/// How many rows there are, and the sum of a column.
pub const SUM_USERS: &str = "SELECT count(*) AS count, coalesce(sum(age), 0) AS sum FROM users";

/// A row to insert.
#[derive(Debug)]
pub struct User {
    /// From 1 on.
    pub id: i64,
    /// `name 17`
    pub name: String,
    /// `user17@example.org`
    pub email: String,
    /// From 0 to 89.
    pub age: i64,
}

/// The rows of a task, made before the clock runs, and the file they go to.
#[derive(Debug)]
pub struct Load {
    /// What is inserted.
    pub users: Vec<User>,
    file: PathBuf,
}

impl Load {
    /// `rows=` rows, or `ops=` where the driver counts instructions.
    pub fn of(task: &Task) -> Outcome<Self> {
        let rows = task.number("ops").or_else(|_| task.number("rows"))?;
        let user = |id: i64| User {
            id,
            name: format!("name {id}"),
            email: format!("user{id}@example.org"),
            age: id % 90,
        };
        let users = (1..=i64::try_from(rows)?).map(user).collect();
        Ok(Self { users, file: task.file("bulk.db")? })
    }

    /// The path of a file that is not there, whatever the round before left.
    pub fn fresh(&self) -> Outcome<&Path> {
        for end in ["", "-wal", "-shm"] {
            let mut path = self.file.as_os_str().to_owned();
            path.push(end);
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(&self.file)
    }

    /// A round that inserted all in that time, after which [`SUM_USERS`] gave `count` and `sum`.
    pub fn sample(&self, elapsed: Duration, (count, sum): (i64, i64)) -> Outcome<Sample> {
        let expected: i64 = self.users.iter().map(|user| user.age).sum();
        if usize::try_from(count)? != self.users.len() || sum != expected {
            return Err(format!("{count} rows instead of {}", self.users.len()).into());
        }
        Ok(Sample { ops: self.users.len() as u64, ..Sample::once(elapsed) })
    }
}
