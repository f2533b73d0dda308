//! Whether SQLite may plan a statement anew for each value of its parameters.

use crate::error::Result;
use crate::sql::text::has_bound_pattern;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// SQLite with STAT4, as the bundled one is, looks at the values of parameters while it plans, and so prepares a statement
/// again when the value of a `LIMIT` changes, or on an ANALYZEd database of a range: many times the cost of running it.
/// Its Query Planner Stability Guarantee stops that. But with it, no plan depends on a value: `LIKE :p` does not use an
/// index any more, and neither does a parameter that would select a partial index or one on an expression.
///
/// So the guarantee is in force as long as nothing on the connection needs its contrary, and then never again: changing it
/// makes SQLite prepare every statement anew.
#[derive(Default)]
pub(super) struct Planner {
    stance: Stance,
    /// The version of the schema that was looked at.
    schema: Option<i64>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stance {
    /// No statement with parameters has come yet.
    #[default]
    Open,
    /// One plan, whatever the values.
    Stable,
    /// As SQLite does by itself.
    ByValue,
}

impl Planner {
    /// To be told of each statement with parameters before it is prepared.
    pub(super) fn meet(&mut self, connection: &Connection, sql: &str) -> Result<()> {
        if self.stance == Stance::ByValue {
            return Ok(());
        }
        if has_bound_pattern(sql) {
            return self.take(connection, Stance::ByValue);
        }
        if self.stance == Stance::Open {
            return self.look(connection);
        }
        // A statement that is new shows no change of the schema by being prepared anew.
        self.look_at_change(connection)
    }

    /// To be told when SQLite has prepared a statement anew. While its plans are stable only a change of the schema makes it
    /// do so.
    pub(super) fn prepared_again(&mut self, connection: &Connection) -> Result<()> {
        self.look_at_change(connection)
    }

    fn look_at_change(&mut self, connection: &Connection) -> Result<()> {
        if self.stance == Stance::Stable && self.schema != Some(version(connection)?) {
            return self.look(connection);
        }
        Ok(())
    }

    fn look(&mut self, connection: &Connection) -> Result<()> {
        // Wrongly taken for one that depends on values, an index costs no more than SQLite by itself.
        const BY_VALUE: &str = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'index'
                                AND (sql LIKE '%WHERE%' OR sql GLOB '*(*(*'))";
        self.schema = Some(version(connection)?);
        let by_value = connection.query_row(BY_VALUE, [], |row| row.get(0)).map_err(super::fault::general)?;
        self.take(connection, if by_value { Stance::ByValue } else { Stance::Stable })
    }

    fn take(&mut self, connection: &Connection, stance: Stance) -> Result<()> {
        let stable = stance == Stance::Stable;
        if stable != (self.stance == Stance::Stable) {
            connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, stable)
                .map_err(super::fault::general)?;
        }
        self.stance = stance;
        Ok(())
    }
}

fn version(connection: &Connection) -> Result<i64> {
    connection.query_row("PRAGMA schema_version", [], |row| row.get(0)).map_err(super::fault::general)
}
