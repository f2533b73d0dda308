//! How much of the file is empty?

use super::exam::{Exam, bytes};
use crate::error::Result;

/// Below this it is not worth a word.
const WORTH: u64 = 1 << 20;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let free: i64 = exam.one("PRAGMA freelist_count")?;
    let pages: i64 = exam.one("PRAGMA page_count")?;
    let page: i64 = exam.one("PRAGMA page_size")?;
    let empty = u64::try_from(free.saturating_mul(page)).unwrap_or(0);
    if empty >= WORTH && free.saturating_mul(5) >= pages {
        let share = free.saturating_mul(100) / pages.max(1);
        exam.info(format!(
            "{share} % of the file is empty ({}); it is used again as the database grows",
            bytes(empty)
        ))
        .fix = Some("`larder vacuum` gives it back to the disk".into());
    }
    Ok(())
}
