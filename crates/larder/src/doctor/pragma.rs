//! Are the settings in force, on a connection as Larder opens it?

use super::exam::Exam;
use crate::error::Result;

/// What a setting other than the default does. Words and numbers as SQLite answers them.
const EXPECTED: [(&str, &str, &str); 7] = [
    ("journal_mode", "wal", "readers and the writer wait for each other"),
    ("synchronous", "1", ""),
    ("foreign_keys", "1", "references to rows that are not there are accepted"),
    ("busy_timeout", "5000", ""),
    ("wal_autocheckpoint", "1000", ""),
    ("temp_store", "2", ""),
    ("cache_size", "-64000", ""),
];

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    for (name, expected, harm) in EXPECTED {
        let value = exam.one::<crate::sql::Value>(&format!("PRAGMA {name}"))?;
        let value = match value {
            crate::sql::Value::Text(text) => text.to_ascii_lowercase(),
            crate::sql::Value::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        if value != expected {
            differs(exam, name, expected, &value, harm);
        }
    }
    Ok(())
}

fn differs(exam: &mut Exam<'_>, name: &str, expected: &str, value: &str, harm: &str) {
    let shown = format!("{name} is {}, not {}", word(name, value), word(name, expected));
    match (name, value) {
        ("journal_mode", _) => {
            exam.warn(
                format!("{shown}: {harm}"),
                "Larder switches it when it opens the database for writing, unless the options say otherwise; on a \
                 network file system leave it",
            );
        }
        ("synchronous", "0") => {
            exam.warn(
                format!("{shown}: a power cut can damage the database"),
                "take the setting out of the options",
            );
        }
        ("foreign_keys", _) => {
            exam.warn(format!("{shown}: {harm}"), "take the setting out of the options");
        }
        ("busy_timeout", "0") => {
            exam.warn(
                format!("{shown}: whoever meets a lock fails at once"),
                "take the setting out of the options",
            );
        }
        ("wal_autocheckpoint", "0") => {
            exam.warn(
                format!("{shown}: the log grows until somebody calls for a checkpoint"),
                "take the setting out of the options, or checkpoint regularly",
            );
        }
        _ => {
            exam.info(format!("{shown}, as the options ask for"));
        }
    }
}

fn word<'a>(name: &str, value: &'a str) -> &'a str {
    match (name, value) {
        ("synchronous", "0") => "OFF",
        ("synchronous", "1") => "NORMAL",
        ("synchronous", "2") => "FULL",
        ("synchronous", "3") => "EXTRA",
        ("temp_store", "0") => "DEFAULT",
        ("temp_store", "1") => "FILE",
        ("temp_store", "2") => "MEMORY",
        ("foreign_keys", "0") => "OFF",
        ("foreign_keys", "1") => "ON",
        _ => value,
    }
}
