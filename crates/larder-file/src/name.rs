//! The name of a file and the id in it.

use crate::problem::Problem;

/// The engines that a file's name may ask for, as in `0001_init.sqlite.sql`. What is kept for each engine stands in this
/// order.
pub const ENGINES: [&str; 2] = ["sqlite", "postgres"];

/// The largest number a migration may have: it is stored as a signed 64-bit integer.
const LARGEST: u64 = i64::MAX as u64;

/// What to do about an id that breaks a rule.
pub(crate) const FORMS: &str =
    "name it like 0001_init.sql: a number, an underscore, and a name of letters, digits, _ and -";

/// The number and the name in an id such as `0001_init`.
///
/// # Errors
/// A [`Problem`] where the number or the name is missing, the number does not fit a signed 64-bit integer, or the name
/// holds anything but ASCII letters, digits, `_` and `-`.
pub fn parse_id(id: &str) -> Result<(u64, &str), Problem> {
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
pub struct FileName<'a> {
    /// The migration's id, such as `0001_init`.
    pub id: &'a str,
    /// The number in the id, such as 1.
    pub version: u64,
    /// Its position in [`ENGINES`], where the text is for one engine only.
    pub engine: Option<usize>,
    /// True where the text leads down.
    pub down: bool,
}

/// Reads a file's name: `ID.sql`, `ID.down.sql`, `ID.ENGINE.sql` or `ID.ENGINE.down.sql`. `None` where it is no
/// migration: anything that does not end in `.sql`, which includes what editors leave behind (`….sql~`, `….sql.bak`),
/// and hidden files.
///
/// # Errors
/// A [`Problem`] where a name that looks like a migration's is none of these forms.
pub fn parse_name(file: &str) -> Result<Option<FileName<'_>>, Problem> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str) -> (String, u64, Option<usize>, bool) {
        let name = parse_name(name).unwrap().unwrap();
        (name.id.to_owned(), name.version, name.engine, name.down)
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
}
