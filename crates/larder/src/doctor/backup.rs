//! How old is the newest backup?

use super::checkup::State;
use super::exam::Exam;
use crate::error::Result;
use std::path::Path;
use std::time::SystemTime;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    if exam.state() == State::Uninitialized {
        return Ok(());
    }
    let Some(folder) = exam.backups() else { return Ok(()) };
    let stem = exam.stem().unwrap_or_default();
    newest(exam, &folder, &stem);
    Ok(())
}

/// Tells the age of the newest of the files in the folder whose names begin with `stem`.
pub(super) fn newest(exam: &mut Exam<'_>, folder: &Path, stem: &str) {
    let newest = std::fs::read_dir(folder).ok().and_then(|entries| {
        entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let name = entry.file_name().into_string().ok()?;
                let of_this = name.starts_with(stem) && !name.contains(".partial");
                let data = entry.metadata().ok().filter(|data| of_this && data.is_file())?;
                data.modified().ok()
            })
            .max()
    });
    let Some(newest) = newest else {
        exam.info(format!("there is no backup in {}", folder.display())).fix =
            Some("make one with `larder backup`".into());
        return;
    };
    let age = SystemTime::now().duration_since(newest).unwrap_or_default().as_secs();
    let age = match (age / 86_400, age / 3_600) {
        (0, 0) => "less than an hour".to_owned(),
        (0, 1) => "one hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "one day".to_owned(),
        (days, _) => format!("{days} days"),
    };
    exam.info(format!("the newest backup in {} is {age} old", folder.display()));
}
