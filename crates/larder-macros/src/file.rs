//! The files of a folder of migrations: what their names mean, and which rules they break.
//!
//! This file stands twice, byte for byte: in `larder`, which reads folders at run time, and in `larder-macros`, which
//! does so while the program is compiled. A macro's crate can't share code with the crate that hands it on; a test
//! holds the two equal. So nothing here knows either crate.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// The engines that a file's name may ask for, as in `0001_init.sqlite.sql`.
pub(crate) const ENGINES: [&str; 2] = ["sqlite", "postgres"];

/// The largest number a migration may have: it is stored as a signed 64-bit integer.
const LARGEST: u64 = i64::MAX as u64;

const FORMS: &str =
    "name it like 0001_init.sql: a number, an underscore, and a name of letters, digits, _ and -";

/// A rule that a file or a folder breaks.
#[derive(Debug)]
pub(crate) struct Problem {
    /// What was found; it names the file.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: String,
    /// What the operating system said.
    pub(crate) cause: Option<io::Error>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), cause: None }
    }

    fn with_cause(mut self, cause: io::Error) -> Self {
        self.cause = Some(cause);
        self
    }
}

/// The number and the name in an id such as `0001_init`.
pub(crate) fn parse_id(id: &str) -> Result<(u64, &str), Problem> {
    let digits = id.len() - id.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = id.split_at(digits);
    if number.is_empty() {
        return Err(Problem::new(format!("{id:?} does not begin with a number"), FORMS));
    }
    let version = number.parse().ok().filter(|version| *version <= LARGEST).ok_or_else(|| {
        Problem::new(
            format!("the number of {id:?} is too large"),
            format!("use one up to {LARGEST}, such as 0001 or 20260131120000"),
        )
    })?;
    let name = match rest.strip_prefix('_') {
        Some(name) if !name.is_empty() => name,
        _ if rest.is_empty() || rest == "_" => {
            return Err(Problem::new(format!("{id:?} has a number but no name"), FORMS));
        }
        _ => return Err(Problem::new(format!("{id:?} has no underscore after its number"), FORMS)),
    };
    if let Some(bad) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))) {
        return Err(Problem::new(format!("the name of {id:?} holds {bad:?}"), FORMS));
    }
    Ok((version, name))
}

/// What the name of a file says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileName<'a> {
    /// `0001_init`
    pub(crate) id: &'a str,
    /// `1`
    pub(crate) version: u64,
    /// Its position in [`ENGINES`], where the text is for one engine only.
    pub(crate) engine: Option<usize>,
    /// True where the text leads down.
    pub(crate) down: bool,
}

/// Reads a file's name: `ID.sql`, `ID.down.sql`, `ID.ENGINE.sql` or `ID.ENGINE.down.sql`. `None` where it is no
/// migration: anything that does not end in `.sql`, which includes what editors leave behind (`….sql~`, `….sql.bak`),
/// and hidden files.
pub(crate) fn parse_name(file: &str) -> Result<Option<FileName<'_>>, Problem> {
    if file.starts_with('.') {
        return Ok(None);
    }
    let Some(stem) = file.strip_suffix(".sql") else {
        // Nearly right is refused: silently leaving such a file out would look like applying it.
        let lower = file.to_ascii_lowercase();
        if lower.ends_with(".sql") || lower.ends_with(".sql.txt") {
            let message = format!("{file:?} looks like a migration but does not end in .sql");
            return Err(Problem::new(message, "let its name end in .sql, in small letters"));
        }
        return Ok(None);
    };
    let mut parts = stem.split('.');
    let id = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let engine = |word: &str| ENGINES.iter().position(|known| *known == word);
    let (engine, down) = match rest.as_slice() {
        [] => (None, false),
        ["down"] => (None, true),
        [one] if engine(one).is_some() => (engine(one), false),
        [one, "down"] if engine(one).is_some() => (engine(one), true),
        ["down", one] if engine(one).is_some() => {
            let message = format!("{file:?} names the engine after the direction");
            return Err(Problem::new(message, format!("rename it to {id}.{one}.down.sql")));
        }
        ["up"] => {
            let message = format!("{file:?} says .up, which goes without saying");
            return Err(Problem::new(message, format!("rename it to {id}.sql")));
        }
        other => {
            let message = format!("{file:?} has {:?} between its name and .sql", other.join("."));
            let help = format!("use {id}.sql, {id}.down.sql, {id}.sqlite.sql or {id}.sqlite.down.sql");
            return Err(Problem::new(message, help));
        }
    };
    let (version, _) = parse_id(id)
        .map_err(|problem| Problem { message: format!("{file:?}: {}", problem.message), ..problem })?;
    Ok(Some(FileName { id, version, engine, down }))
}

/// One migration of a folder: for each of [`ENGINES`] where in the list its texts stand.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) up: [Option<usize>; ENGINES.len()],
    pub(crate) down: [Option<usize>; ENGINES.len()],
}

/// Sorts the files of a folder into migrations, in the order of their numbers.
pub(crate) fn arrange<'a>(files: impl IntoIterator<Item = &'a str>) -> Result<Vec<Found>, Vec<Problem>> {
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

/// The migrations that share a number. They come sorted.
pub(crate) fn same_numbers<'a>(sorted: impl IntoIterator<Item = (u64, &'a str)>) -> Vec<Problem> {
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

/// Reads the migrations of a folder: names and texts, in the order of the names. What is no migration is left out.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, Vec<Problem>> {
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
        // A name that breaks a rule is kept: to arrange the names is what refuses it.
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

    fn parsed(name: &str) -> (String, u64, Option<usize>, bool) {
        let name = parse_name(name).unwrap().unwrap();
        (name.id.to_owned(), name.version, name.engine, name.down)
    }

    fn messages(files: &[&str]) -> Vec<String> {
        let problems = arrange(files.iter().copied()).unwrap_err();
        problems.into_iter().map(|problem| format!("{} / {}", problem.message, problem.help)).collect()
    }

    #[test]
    fn every_form_of_a_name_is_read() {
        assert_eq!(parsed("0001_init.sql"), ("0001_init".into(), 1, None, false));
        assert_eq!(parsed("0001_init.down.sql"), ("0001_init".into(), 1, None, true));
        assert_eq!(parsed("7_a-b_C.sqlite.sql"), ("7_a-b_C".into(), 7, Some(0), false));
        assert_eq!(
            parsed("20260131120000_x.postgres.down.sql"),
            ("20260131120000_x".into(), 20_260_131_120_000, Some(1), true)
        );
        assert_eq!(parsed("9223372036854775807_x.sql").1, LARGEST);
    }

    #[test]
    fn what_is_no_migration_is_left_out() {
        for name in
            ["README.md", "0001_init.sql.bak", "0001_init.sql~", ".0001_init.sql", ".#0001_init.sql", "sql"]
        {
            assert_eq!(parse_name(name).unwrap(), None, "{name}");
        }
    }

    #[test]
    fn a_name_that_breaks_a_rule_is_refused_with_what_to_do() {
        for (name, found, help) in [
            ("init.sql", "does not begin with a number", "0001_init.sql"),
            ("V1__init.sql", "does not begin with a number", "0001_init.sql"),
            ("0001.sql", "no name", "0001_init.sql"),
            ("0001_.sql", "no name", "0001_init.sql"),
            ("0001-init.sql", "no underscore", "0001_init.sql"),
            ("0001_in it.sql", "holds ' '", "letters"),
            ("0001_größe.sql", "holds 'ö'", "letters"),
            ("9223372036854775808_x.sql", "too large", "9223372036854775807"),
            ("99999999999999999999999_x.sql", "too large", "9223372036854775807"),
            ("0001_init.up.sql", "says .up", "rename it to 0001_init.sql"),
            ("0001_init.down.sqlite.sql", "after the direction", "0001_init.sqlite.down.sql"),
            ("0001_init.mysql.sql", "has \"mysql\"", "0001_init.sqlite.sql"),
            ("0001_init.SQL", "does not end in .sql", "small letters"),
            ("0001_init.sql.txt", "does not end in .sql", "end in .sql"),
        ] {
            let problem = parse_name(name).unwrap_err();
            assert!(problem.message.contains(found) && problem.message.contains(name), "{problem:?}");
            assert!(problem.help.contains(help), "{problem:?}");
        }
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
