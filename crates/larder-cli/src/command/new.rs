//! `larder new NAME`

use super::Context;
use crate::args::New;
use crate::exit::Exit;
use crate::output::Shape;
use jiff::Timestamp;
use larder::{Error, ErrorKind, Result};
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A number with so many digits is a time: 20260131120000.
const DIGITS_OF_A_TIME: usize = 14;
/// How wide the first number of a folder is.
const WIDTH: usize = 4;

#[derive(Serialize)]
struct Made {
    id: String,
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &New, context: Context<'_>) -> Result<Exit> {
    let dir = &context.settings.dir;
    let name = name(&args.name)?;
    let taken = numbers(dir)?;
    let number = if args.timestamp || taken.iter().any(|number| number.len() >= DIGITS_OF_A_TIME) {
        time_after(&taken, Timestamp::now())?
    } else {
        next(&taken)?
    };
    let id = format!("{number}_{name}");
    fs::create_dir_all(dir)
        .map_err(|error| failed(format!("can't make the folder {}", dir.display()), error))?;

    let title = name.replace(['_', '-'], " ");
    let mut files = vec![write(&dir.join(format!("{id}.sql")), &format!("-- {title}\n"))?];
    if args.down {
        let back = format!("-- Back from: {title}\n");
        files.push(write(&dir.join(format!("{id}.down.sql")), &back)?);
    }
    for file in &files {
        context.output.line(format!("made {}", file.display()));
    }
    context.output.json(&Shape::new(context.command, true, Made { id, files }));
    Ok(Exit::Done)
}

/// The name as it may stand in a file's name.
fn name(given: &str) -> Result<String> {
    let words: Vec<&str> = given.split_whitespace().collect();
    let name = words.join("_").to_ascii_lowercase();
    let bad = name.chars().find(|letter| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')));
    let problem = match bad {
        _ if name.is_empty() => "the name of the migration is empty".to_owned(),
        Some(bad) => format!("the name of the migration holds {bad:?}"),
        None => return Ok(name),
    };
    Err(Error::new(ErrorKind::Config, problem)
        .with_help("use letters from a to z, digits, _ and -; the number is put before it"))
}

/// The numbers of the migrations that are there, as they are written.
fn numbers(dir: &Path) -> Result<Vec<String>> {
    let unreadable = |error| failed(format!("can't read the folder {}", dir.display()), error);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy();
        let end = name.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(name.len());
        let (number, rest) = name.split_at(end);
        if !number.is_empty() && rest.starts_with('_') && rest.ends_with(".sql") {
            numbers.push(number.to_owned());
        }
    }
    Ok(numbers)
}

/// The number after the largest, as wide as the widest.
fn next(taken: &[String]) -> Result<String> {
    let largest = taken.iter().filter_map(|number| number.parse::<i64>().ok()).max().unwrap_or(0);
    let width = taken.iter().map(String::len).max().unwrap_or(WIDTH);
    Ok(format!("{:0width$}", after(largest)?))
}

/// The time, or the number after the largest where that lies in the future: a clock that went back must not put a new
/// migration before an old one.
fn time_after(taken: &[String], now: Timestamp) -> Result<String> {
    let now: i64 = now.strftime("%Y%m%d%H%M%S").to_string().parse().unwrap_or(0);
    let largest = taken.iter().filter_map(|number| number.parse::<i64>().ok()).max().unwrap_or(0);
    Ok(now.max(after(largest)?).to_string())
}

fn after(number: i64) -> Result<i64> {
    number.checked_add(1).ok_or_else(|| {
        Error::new(ErrorKind::InvalidMigration, format!("there is no number after {number}"))
            .with_help("name the file yourself")
    })
}

fn write(path: &Path, text: &str) -> Result<PathBuf> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| failed(format!("can't make {}", path.display()), error))?;
    Ok(path.to_owned())
}

fn failed(message: String, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, message).with_cause(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(numbers: &[&str]) -> Vec<String> {
        numbers.iter().map(|number| (*number).to_owned()).collect()
    }

    #[test]
    fn the_next_number_is_as_wide_as_the_others() {
        for (there, expected) in [
            (&[][..], "0001"),
            (&["0001", "0002"], "0003"),
            (&["1", "2", "10"], "11"),
            (&["0009", "0003"], "0010"),
            (&["9999"], "10000"),
            (&["001"], "002"),
        ] {
            assert_eq!(next(&taken(there)).unwrap(), expected, "{there:?}");
        }
        assert!(next(&taken(&["9223372036854775807"])).is_err());
    }

    #[test]
    fn a_time_never_lies_before_what_is_there() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(time_after(&taken(&["20250101000000"]), now).unwrap(), "20260131120000");
        assert_eq!(time_after(&taken(&["20990101000000"]), now).unwrap(), "20990101000001");
        assert_eq!(time_after(&taken(&["0007"]), now).unwrap(), "20260131120000");
    }

    #[test]
    fn a_name_is_made_fit_or_refused() {
        assert_eq!(name("  Add Tags ").unwrap(), "add_tags");
        assert_eq!(name("add-tags_2").unwrap(), "add-tags_2");
        for bad in ["", " ", "größe", "../x", "a/b", "a.down"] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
