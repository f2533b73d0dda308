//! Does a process still have a file open that was deleted under this name? What it writes is lost when it ends.

use super::exam::Exam;
use crate::error::Result;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(file) = &exam.file {
        let mut gone = file.as_os_str().to_owned();
        gone.push(" (deleted)");
        for (process, descriptor) in holders(std::path::Path::new(&gone)) {
            exam.error(
                format!("process {process} still writes to a file of this name that was deleted; its rows are lost when it ends"),
                format!(
                    "before it ends, copy /proc/{process}/fd/{descriptor} (and its -wal, listed beside it in \
                     /proc/{process}/fd) to a safe place; then restart that program"
                ),
            );
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = exam;
    Ok(())
}

/// Each process of this user that has `path` open, with one of its descriptors.
#[cfg(target_os = "linux")]
fn holders(path: &std::path::Path) -> Vec<(u32, String)> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut found: Vec<(u32, String)> = processes
        .filter_map(|process| {
            let process = process.ok()?;
            let number: u32 = process.file_name().to_str()?.parse().ok()?;
            let descriptor = std::fs::read_dir(process.path().join("fd")).ok()?.find_map(|descriptor| {
                let descriptor = descriptor.ok()?;
                let same = std::fs::read_link(descriptor.path()).is_ok_and(|target| target == path);
                same.then(|| descriptor.file_name().to_string_lossy().into_owned())
            })?;
            Some((number, descriptor))
        })
        .collect();
    found.sort();
    found
}
