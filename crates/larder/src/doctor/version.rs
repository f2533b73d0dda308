//! Do the two places that keep the version of the schema agree?

use super::exam::Exam;
use crate::error::Result;

/// `PRAGMA user_version` holds no more than 32 bits: for a longer number it stays at the greatest that it can hold.
pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let Some(kept) = exam.checkup().schema_version else { return Ok(()) };
    let shown: i64 = exam.one("PRAGMA user_version")?;
    let expected = kept.min(i64::from(i32::MAX));
    if shown != expected {
        exam.warn(
            format!("the table meta says version {kept} and PRAGMA user_version says {shown}"),
            "some other program set one of them: compare with `larder status`, then set user_version to what meta says",
        );
    }
    Ok(())
}
