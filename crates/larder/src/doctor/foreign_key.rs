//! Do all references lead to rows that are there?

use super::exam::Exam;
use crate::error::Result;
use crate::params;

const REFERRING: &str = "SELECT DISTINCT s.name FROM sqlite_schema AS s JOIN pragma_foreign_key_list(s.name) \
                         WHERE s.type = 'table' ORDER BY 1";
const DANGLING: &str = "SELECT parent, count(*) FROM pragma_foreign_key_check(:name) GROUP BY 1 ORDER BY 1";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let tables: Vec<String> = exam.all(REFERRING)?;
    for name in &tables {
        // Each by itself: one whose key is declared wrongly must not hide the others.
        match exam.reader()?.query_all::<(Option<String>, i64)>(DANGLING, params! { name }) {
            Ok(found) => {
                for (parent, count) in found {
                    let rows = if count == 1 { "row refers" } else { "rows refer" };
                    exam.error(
                        format!(
                            "{count} {rows} from {name} to rows of {} that are not there",
                            parent.as_deref().unwrap_or("a table")
                        ),
                        format!(
                            "`PRAGMA foreign_key_check({name})` lists them; remove them, correct them, or bring back what they \
                             refer to"
                        ),
                    );
                }
            }
            Err(error) => exam.fault(&error),
        }
    }
    Ok(())
}
