//! Which database an environment asks for.

use larder::{Error, ErrorKind, Result};
use std::env::VarError;

/// The file, when nothing names one.
const DEFAULT: &str = "data/forge.db";
/// The server and the database that libpq's own variables name (`PGHOST`, `PGDATABASE`, …), when nothing else names one.
const SERVER: &str = "postgres://";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// The value of a variable. One that can't be read is not one that is not there: another database would be opened.
pub(super) fn value(name: &str, found: std::result::Result<String, VarError>) -> Result<Option<String>> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Error::new(ErrorKind::Config, format!("{name} is not UTF-8"))
            .with_help("give the database a path that is, or unset the variable")),
    }
}

/// The URL of the database.
pub(super) fn url(variable: impl Fn(&str) -> Result<Option<String>>) -> Result<String> {
    let get = |name: &str| Ok::<_, Error>(variable(name)?.filter(|value| !value.is_empty()));
    let asked = get("DB_DRIVER")?.map(|name| engine(&name)).transpose()?;
    let url = get("DATABASE_URL")?;
    let named = url.as_deref().map(engine_of);
    if let (Some(asked), Some(named)) = (asked, named)
        && asked != named
    {
        return Err(Error::new(ErrorKind::Config, "DB_DRIVER and DATABASE_URL ask for two engines")
            .with_help("leave out one of them"));
    }
    match named.or(asked).unwrap_or(Engine::Sqlite) {
        Engine::Sqlite => match url {
            Some(url) => Ok(url),
            None => Ok(get("DB_PATH")?.unwrap_or_else(|| DEFAULT.to_owned())),
        },
        Engine::Postgres if cfg!(feature = "postgres") => Ok(url.unwrap_or_else(|| SERVER.to_owned())),
        Engine::Postgres => Err(Error::new(ErrorKind::Unsupported, "PostgreSQL is not in this build").with_help(
            "build with the feature `postgres`, or set DATABASE_URL to the path of a SQLite file, or DB_DRIVER=sqlite",
        )),
    }
}

fn engine(name: &str) -> Result<Engine> {
    match name.to_ascii_lowercase().as_str() {
        "sqlite" => Ok(Engine::Sqlite),
        "pg" => Ok(Engine::Postgres),
        _ => Err(Error::new(ErrorKind::Config, format!("there is no driver {name:?}"))
            .with_help("DB_DRIVER is sqlite or pg")),
    }
}

fn engine_of(url: &str) -> Engine {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("postgres" | "postgresql") => Engine::Postgres,
        _ => Engine::Sqlite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(variables: &[(&str, &str)]) -> std::result::Result<String, (ErrorKind, String)> {
        let get = |name: &str| variables.iter().find(|known| known.0 == name).map(|known| known.1.to_owned());
        url(|name| Ok(get(name))).map_err(|error| (error.kind(), format!("{error:?}")))
    }

    #[test]
    fn the_url_wins_then_the_driver_with_its_path() {
        let is = |variables: &[(&str, &str)], url: &str| assert_eq!(asked(variables).unwrap(), url);
        is(&[], "data/forge.db");
        is(&[("DATABASE_URL", ""), ("DB_DRIVER", "")], "data/forge.db");
        is(&[("DB_DRIVER", "sqlite"), ("DB_PATH", "x.db")], "x.db");
        is(&[("DATABASE_URL", "sqlite:y.db"), ("DB_PATH", "x.db"), ("DB_DRIVER", "SQLite")], "sqlite:y.db");
    }

    #[test]
    fn a_variable_that_can_t_be_read_is_not_passed_over() {
        let unreadable = |name: &str| match name {
            "DB_PATH" => value(name, Err(VarError::NotUnicode("x".into()))),
            _ => value(name, Err(VarError::NotPresent)),
        };
        let error = url(unreadable).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Config, "DB_PATH is not UTF-8"));
    }

    #[test]
    fn postgres_is_had_where_it_is_in_the_build() {
        let url = "postgres://ada:hunter2@host/forge";
        for (variables, had) in [
            (&[("DATABASE_URL", url)][..], url),
            (&[("DATABASE_URL", url), ("DB_DRIVER", "pg")], url),
            (&[("DB_DRIVER", "pg")], SERVER),
        ] {
            match asked(variables) {
                Ok(url) => assert!(cfg!(feature = "postgres") && url == had, "{url}"),
                Err((kind, said)) => {
                    assert!(!cfg!(feature = "postgres") && kind == ErrorKind::Unsupported, "{said}");
                    assert!(said.contains("not in this build") && !said.contains("hunter2"), "{said}");
                }
            }
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let fails = |variables: &[(&str, &str)]| asked(variables).unwrap_err();
        let both = fails(&[("DATABASE_URL", "postgresql://host/forge"), ("DB_DRIVER", "sqlite")]);
        assert_eq!(both.0, ErrorKind::Config);
        assert_eq!(fails(&[("DB_DRIVER", "mysql")]).0, ErrorKind::Config);
    }
}
