//! What SQLite's authorizer reports, as [`Action`]s.

use crate::driver::{Action, Object};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::sync::{Arc, Mutex, PoisonError};

/// The actions seen so far, shared with the authorizer.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Vec<Action>>>);

impl Seen {
    /// The callback for SQLite: it notes and allows.
    pub(super) fn authorizer(&self) -> impl for<'r> FnMut(AuthContext<'r>) -> Authorization + Send + 'static {
        let seen = self.clone();
        move |context: AuthContext<'_>| {
            if let Some(action) = action(&context) {
                let mut list = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
                // One statement reports the same again and again, as for each column of an UPDATE inside a trigger.
                if list.last() != Some(&action) {
                    list.push(action);
                }
            }
            Authorization::Allow
        }
    }

    pub(super) fn take(&self) -> Vec<Action> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn create(object: Object, name: &str, table: &str) -> Option<Action> {
    Some(Action::Create { object, name: name.into(), table: table.into() })
}

fn drop(object: Object, name: &str, table: &str) -> Option<Action> {
    Some(Action::Drop { object, name: name.into(), table: table.into() })
}

fn action(context: &AuthContext<'_>) -> Option<Action> {
    use AuthAction as A;
    if let A::AlterTable { database_name, table_name } = context.action {
        let table = table_name.into();
        return match context.database_name {
            _ if database_name == "temp" => None,
            // SQLite names the column that is dropped where it names the database otherwise.
            Some(column) => Some(Action::DropColumn { table, column: column.into() }),
            None => Some(Action::Alter { table }),
        };
    }
    if let A::Pragma { pragma_name, pragma_value } = context.action {
        return Some(Action::Pragma { name: pragma_name.into(), value: pragma_value.map(Into::into) });
    }
    // Temporary things are gone with the connection, VACUUM fills a database of its own, and writes to SQLite's own tables
    // only show what the other actions say more plainly.
    if context.database_name.is_some_and(|name| name != "main") {
        return None;
    }
    let own = |table: &str| table.starts_with("sqlite_");
    match context.action {
        A::CreateTable { table_name } | A::CreateVtable { table_name, .. } => {
            create(Object::Table, table_name, table_name)
        }
        A::CreateIndex { index_name, table_name } => create(Object::Index, index_name, table_name),
        A::CreateTrigger { trigger_name, table_name } => create(Object::Trigger, trigger_name, table_name),
        A::CreateView { view_name } => create(Object::View, view_name, view_name),
        A::DropTable { table_name } | A::DropVtable { table_name, .. } => {
            drop(Object::Table, table_name, table_name)
        }
        A::DropIndex { index_name, table_name } => drop(Object::Index, index_name, table_name),
        A::DropTrigger { trigger_name, table_name } => drop(Object::Trigger, trigger_name, table_name),
        A::DropView { view_name } => drop(Object::View, view_name, view_name),
        A::Insert { table_name } if !own(table_name) => Some(Action::Insert { table: table_name.into() }),
        A::Update { table_name, column_name } if !own(table_name) => {
            Some(Action::Update { table: table_name.into(), column: column_name.into() })
        }
        A::Delete { table_name } if !own(table_name) => Some(Action::Delete { table: table_name.into() }),
        A::Transaction { .. } | A::Savepoint { .. } => Some(Action::Transaction),
        A::Attach { .. } | A::Detach { .. } => Some(Action::Attach),
        _ => None,
    }
}
