//! Does the engine find the pages, and with `thorough` every index, whole?

use super::checkup::State;
use super::exam::{Exam, RESTORE};
use crate::error::Result;

/// So many findings of the engine are shown.
const SHOWN: usize = 10;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let question =
        if exam.settings.thorough { "PRAGMA integrity_check(100)" } else { "PRAGMA quick_check(100)" };
    let said: Vec<String> = exam.all(question)?;
    if said == ["ok"] {
        return Ok(());
    }
    // Rows that break the schema's own rules are wrong rows in a sound file.
    let (rules, damage): (Vec<_>, Vec<_>) =
        said.iter().flat_map(|text| text.lines()).partition(|line| breaks_rule(line));
    if !damage.is_empty() {
        exam.becomes(State::Damaged);
        exam.error(format!("the database is damaged: {}", listed(&damage)), RESTORE);
    }
    if !rules.is_empty() {
        exam.error(
            format!("rows break the rules of their tables: {}", listed(&rules)),
            "find them with a SELECT on the condition that is broken, and correct or remove them",
        );
    }
    Ok(())
}

/// `NULL value in t.c`, `non-INTEGER value in t.c`, `TEXT value in t.c`. CHECKs are not among them: SQLite does not read
/// them from the schema of a file that it opened only for reading.
fn breaks_rule(line: &str) -> bool {
    line.contains(" value in ")
}

fn listed(lines: &[&str]) -> String {
    let shown = lines.iter().take(SHOWN).copied().collect::<Vec<_>>().join("; ");
    match lines.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
