//! Who is this, and what may he do?

use crate::doctor::exam::Exam;
use crate::error::Result;

const ASKED: &str = "SELECT r.rolname::text, r.rolsuper, r.rolbypassrls, \
    CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) \
    THEN extract(epoch FROM r.rolvaliduntil - pg_catalog.now()) END::double precision \
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
const PASSWORD: &str =
    "SELECT p.rolpassword LIKE 'md5%' FROM pg_catalog.pg_authid p WHERE p.rolname = current_user";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let (name, superuser, bypass, left): (String, bool, bool, Option<f64>) = exam.one(ASKED)?;
    if superuser {
        exam.warn(
            format!("the program connects as {name}, a superuser: one fault in it reaches every database and the server's files"),
            "give it a role of its own that owns the database: `CREATE ROLE app LOGIN; ALTER DATABASE … OWNER TO app`",
        );
        // Nobody else may look.
        if exam.one::<Option<bool>>(PASSWORD)? == Some(true) {
            exam.warn(
                format!("the password of {name} is kept as an md5, which is easily broken"),
                "set it anew with password_encryption = 'scram-sha-256'",
            );
        }
    } else if bypass {
        exam.info(format!("{name} is not bound by row-level security"));
    }
    if let Some(left) = left.filter(|left| *left < 14.0 * 86_400.0) {
        exam.warn(
            format!("the password of {name} ends in {}", super::time(left as i64)),
            "`ALTER ROLE … VALID UNTIL 'infinity'`, or a new password",
        );
    }
    if !exam
        .one::<bool>("SELECT pg_catalog.has_schema_privilege(pg_catalog.current_schema(), 'CREATE')")
        .unwrap_or(false)
        && !exam.one::<bool>("SELECT pg_catalog.pg_is_in_recovery()")?
    {
        exam.info(format!("{name} may not make tables in the current schema, so it can't migrate")).fix =
            Some("`GRANT CREATE ON SCHEMA … TO …`, or migrate as the owner".into());
    }
    Ok(())
}
