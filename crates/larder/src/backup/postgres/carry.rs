//! What belongs to a database and to nothing in it, and so stands in no archive: who may connect, its settings, how many
//! sessions it takes, its comment. A database that is restored keeps those of the one in whose place it comes.

use super::restore::{literal, quoted};
use crate::driver::{Access, Connection};
use crate::error::Result;
use crate::params;
use std::ops::ControlFlow;

/// Gives them to `fresh`. What this role may not give is said, and is no reason to go without the rows.
pub(super) fn over(server: &mut dyn Connection, name: &str, fresh: &str) -> Result<()> {
    for sql in statements(server, name, fresh)? {
        server.begin(Access::Write)?;
        let done = sql
            .iter()
            .try_for_each(|sql| server.query(sql, &[], &mut |_| Ok(ControlFlow::Continue(()))).map(|_| ()));
        match done {
            Ok(()) => server.commit()?,
            Err(error) => {
                server.rollback()?;
                tracing::warn!(database = name, %error, "a right or a setting of the database could not be carried over");
            }
        }
    }
    Ok(())
}

/// The statements, in groups that make sense only as a whole.
fn statements(server: &mut dyn Connection, name: &str, fresh: &str) -> Result<Vec<Vec<String>>> {
    let mut groups = Vec::new();
    let database = format!("DATABASE {}", quoted(fresh));

    const FACTS: &str = "SELECT CAST(datconnlimit AS bigint), shobj_description(oid, 'pg_database') FROM pg_database \
                         WHERE datname = :name";
    server.query(FACTS, params! { name }, &mut |row| {
        let (limit, comment): (i64, Option<String>) = row.to()?;
        if limit >= 0 {
            groups.push(vec![format!("ALTER {database} CONNECTION LIMIT {limit}")]);
        }
        groups.extend(comment.map(|text| vec![format!("COMMENT ON {database} IS {}", literal(&text))]));
        Ok(ControlFlow::Continue(()))
    })?;

    // One with a list of names can't be given as one text: this session takes it, and the database from there.
    const SETTINGS: &str = "SELECT split_part(c, '=', 1), substr(c, strpos(c, '=') + 1), CASE WHEN setrole <> 0 \
                            THEN pg_get_userbyid(setrole) END FROM pg_db_role_setting s \
                            JOIN pg_database d ON d.oid = s.setdatabase, unnest(setconfig) c WHERE datname = :name";
    server.query(SETTINGS, params! { name }, &mut |row| {
        let (setting, value, role): (String, String, Option<String>) = row.to()?;
        let of = match role {
            Some(role) => format!("ALTER ROLE {} IN {database}", quoted(&role)),
            None => format!("ALTER {database}"),
        };
        // Names of extensions' settings have a point in them.
        let parts: Vec<String> = setting.split('.').map(quoted).collect();
        let named = parts.join(".");
        groups.push(vec![
            format!("SELECT set_config({}, {}, true)", literal(&setting), literal(&value)),
            format!("{of} SET {named} FROM CURRENT"),
        ]);
        Ok(ControlFlow::Continue(()))
    })?;

    // Without a list of its own a database lets everybody in; with one, nobody who is not in it.
    const RIGHTS: &str = "SELECT CASE WHEN grantee = 0 THEN NULL ELSE pg_get_userbyid(grantee) END, privilege_type, \
                          is_grantable FROM pg_database, aclexplode(datacl) WHERE datname = :name";
    let mut rights = Vec::new();
    server.query(RIGHTS, params! { name }, &mut |row| {
        let (role, right, further): (Option<String>, String, bool) = row.to()?;
        let role = role.map_or_else(|| "PUBLIC".to_owned(), |role| quoted(&role));
        let further = if further { " WITH GRANT OPTION" } else { "" };
        rights.push(format!("GRANT {right} ON {database} TO {role}{further}"));
        Ok(ControlFlow::Continue(()))
    })?;
    let mut has_list = false;
    const LIST: &str = "SELECT datacl IS NOT NULL FROM pg_database WHERE datname = :name";
    server.query(LIST, params! { name }, &mut |row| {
        has_list = row.get(0)?;
        Ok(ControlFlow::Continue(()))
    })?;
    if has_list {
        rights.insert(0, format!("REVOKE ALL ON {database} FROM PUBLIC"));
        groups.push(rights);
    }
    Ok(groups)
}
