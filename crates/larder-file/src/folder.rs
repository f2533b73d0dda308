//! A folder of migrations: what its files are together, and which rules they break.

use crate::name::{ENGINES, FORMS, parse_name};
use crate::problem::Problem;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// One migration of a folder: for each of [`ENGINES`], where in the list of files its texts stand.
#[derive(Debug)]
pub struct Found {
    /// Its id, such as `0001_init`.
    pub id: String,
    /// The number in the id, such as 1.
    pub version: u64,
    /// For each engine the text that leads up. A text for every engine stands here for each of them.
    pub up: [Option<usize>; ENGINES.len()],
    /// For each engine the text that leads down.
    pub down: [Option<usize>; ENGINES.len()],
}

/// Sorts the files of a folder into migrations, in the order of their numbers. What is no migration is left out.
///
/// # Errors
/// Every rule that is broken: a name of no known form, two texts for one engine and direction, a way down without a way
/// up, two migrations with the same number.
pub fn arrange<'a>(files: impl IntoIterator<Item = &'a str>) -> Result<Vec<Found>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut found: BTreeMap<(u64, &str), Found> = BTreeMap::new();
    for (index, file) in files.into_iter().enumerate() {
        let name = match parse_name(file) {
            Ok(Some(name)) => name,
            Ok(None) => continue,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let entry = found.entry((name.version, name.id)).or_insert_with(|| Found {
            id: name.id.to_owned(),
            version: name.version,
            up: [None; ENGINES.len()],
            down: [None; ENGINES.len()],
        });
        let slots = if name.down { &mut entry.down } else { &mut entry.up };
        let mut twice = false;
        for (engine, slot) in slots.iter_mut().enumerate() {
            if name.engine.is_none_or(|wanted| wanted == engine) {
                twice |= slot.replace(index).is_some();
            }
        }
        if twice {
            let direction = if name.down { "down" } else { "up" };
            let end = if name.down { ".down.sql" } else { ".sql" };
            problems.push(Problem::new(
                format!(
                    "{:?} has both a text for every engine and one for a single engine ({direction})",
                    name.id
                ),
                format!("name each after its engine: {0}.sqlite{end} and {0}.postgres{end}", name.id),
            ));
        }
    }
    let found: Vec<Found> = found.into_values().collect();
    for one in &found {
        // A way down for every engine is fine as long as one of the engines has a way up.
        let led_up = |down: &Option<usize>| {
            one.up.iter().zip(&one.down).any(|(up, other)| up.is_some() && other == down)
        };
        if one.down.iter().any(|down| down.is_some() && !led_up(down)) {
            problems.push(Problem::new(
                format!("{:?} has a file that leads down but none that leads up", one.id),
                format!("add {0}.sql for the same engine, or remove the file {0}….down.sql", one.id),
            ));
        }
    }
    let ups: Vec<&Found> = found.iter().filter(|one| one.up.iter().any(Option::is_some)).collect();
    problems.extend(same_numbers(ups.iter().map(|one| (one.version, one.id.as_str()))));
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// A problem for each migration that has the number of the one before it. They are given as numbers and ids, sorted.
pub fn same_numbers<'a>(sorted: impl IntoIterator<Item = (u64, &'a str)>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut last: Option<(u64, &str)> = None;
    for (version, id) in sorted {
        if let Some((_, before)) = last.filter(|(number, _)| *number == version) {
            problems.push(if before == id {
                Problem::new(format!("{id:?} is there twice"), "remove one of them")
            } else {
                Problem::new(
                    format!("{before:?} and {id:?} have the same number"),
                    "give the newer one the next free number",
                )
            });
        }
        last = Some((version, id));
    }
    problems
}

/// Reads the migrations of a folder: names and texts, in the order of the names. What is no migration is left out,
/// and a name that breaks a rule is kept: [`arrange`] is what refuses it.
///
/// # Errors
/// Everything that can't be read: the folder, a file, a text or the name of a migration that is not UTF-8.
pub fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, Vec<Problem>> {
    let unreadable = |error: io::Error| {
        let shown = folder.display();
        vec![match error.kind() {
            io::ErrorKind::NotFound => Problem::new(
                format!("there is no folder {shown}"),
                "make it, or name the folder of the migrations",
            ),
            io::ErrorKind::NotADirectory => {
                Problem::new(format!("{shown} is not a folder"), "name the folder of the migrations")
            }
            _ => Problem::new(format!("can't read the folder {shown}"), "see that it may be read")
                .with_cause(error),
        }]
    };
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let shown = name.to_string_lossy();
            if shown.ends_with(".sql") {
                problems.push(Problem::new(format!("the file name {shown:?} is not UTF-8"), FORMS));
            }
            continue;
        };
        if matches!(parse_name(name), Ok(None)) || entry.path().is_dir() {
            continue;
        }
        match fs::read(entry.path()).map(String::from_utf8) {
            Ok(Ok(text)) => files.push((name.to_owned(), text)),
            Ok(Err(error)) => problems.push(Problem::new(
                format!("{name:?} is not UTF-8: byte {} is {:#04x}", error.utf8_error().valid_up_to(), {
                    let at = error.utf8_error().valid_up_to();
                    error.as_bytes().get(at).copied().unwrap_or_default()
                }),
                "save it as UTF-8",
            )),
            Err(error) => {
                let message = format!("can't read {}", entry.path().display());
                problems.push(Problem::new(message, "see that it may be read").with_cause(error));
            }
        }
    }
    files.sort();
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(files: &[&str]) -> Vec<String> {
        let problems = arrange(files.iter().copied()).unwrap_err();
        problems.into_iter().map(|problem| format!("{} / {}", problem.message, problem.help)).collect()
    }

    #[test]
    fn files_become_migrations_in_the_order_of_their_numbers() {
        let files = [
            "10_c.sql",
            "2_b.down.sql",
            "2_b.sql",
            "0001_a.postgres.sql",
            "0001_a.sqlite.sql",
            "0001_a.down.sql",
        ];
        let found = arrange(files).unwrap();
        let ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["0001_a", "2_b", "10_c"]);
        assert_eq!((found[0].up, found[0].down), ([Some(4), Some(3)], [Some(5), Some(5)]));
        assert_eq!((found[1].up, found[1].down), ([Some(2), Some(2)], [Some(1), Some(1)]));
    }

    #[test]
    fn all_problems_of_a_folder_are_told_at_once() {
        assert_eq!(
            messages(&[
                "0001_a.sql",
                "01_b.sql",
                "0002_c.down.sql",
                "0003_d.sql",
                "0003_d.sqlite.sql",
                "x.sql"
            ]),
            [
                r#""0003_d" has both a text for every engine and one for a single engine (up) / name each after its engine: 0003_d.sqlite.sql and 0003_d.postgres.sql"#,
                r#""x.sql": "x" does not begin with a number / name it like 0001_init.sql: a number, an underscore, and a name of letters, digits, _ and -"#,
                r#""0002_c" has a file that leads down but none that leads up / add 0002_c.sql for the same engine, or remove the file 0002_c….down.sql"#,
                r#""0001_a" and "01_b" have the same number / give the newer one the next free number"#,
            ]
        );
    }

    #[test]
    fn a_way_down_for_an_engine_without_a_way_up_is_refused() {
        assert_eq!(messages(&["1_a.sqlite.sql", "1_a.postgres.down.sql"]).len(), 1);
        assert!(arrange(["1_a.sql", "1_a.sqlite.down.sql"]).is_ok());
        assert!(arrange(["1_a.sqlite.sql", "1_a.down.sql"]).is_ok());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let problems = read_folder(Path::new("no/such/folder")).unwrap_err();
        assert_eq!(problems[0].message, "there is no folder no/such/folder");
    }
}
