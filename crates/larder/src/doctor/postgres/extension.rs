//! Extensions whose files are newer than what the database has of them.

use crate::doctor::exam::Exam;
use crate::error::Result;

const ASKED: &str = "SELECT e.extname::text, e.extversion, a.default_version FROM pg_catalog.pg_extension e \
    LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = e.extname ORDER BY 1";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    for (name, has, newest) in exam.all::<(String, String, Option<String>)>(ASKED)? {
        match newest {
            None => {
                exam.warn(
                    format!("the files of the extension {name} are not on the server: what uses it fails"),
                    "install the package that it came with",
                );
            }
            Some(newest) if newest != has => {
                exam.info(format!("the extension {name} is at version {has}, and the server has {newest}"))
                    .fix = Some(format!("`ALTER EXTENSION {name} UPDATE`"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
