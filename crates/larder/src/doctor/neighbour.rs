//! Are there copies beside the database that programs for copying folders left?

use super::exam::Exam;
use crate::error::Result;

const MARKS: [&str; 3] = ["conflicted copy", "sync-conflict", "(conflict"];

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let (Some(stem), Some(folder)) = (exam.stem(), exam.folder()) else { return Ok(()) };
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut copies: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(&stem) && MARKS.iter().any(|mark| name.contains(mark)))
        .collect();
    copies.sort();
    if !copies.is_empty() {
        exam.warn(
            format!("beside the database lie copies that two machines wrote at once: {}", copies.join(", ")),
            "each holds rows that the others may lack: look into them, then keep the database outside synced folders",
        );
    }
    Ok(())
}
