//! The macro behind `larder::migrations!`. Use it through the crate `larder`.

use larder_file::{ENGINES, Found, Problem, arrange, checksum, read_folder};
use proc_macro::{Delimiter, Literal, TokenStream, TokenTree};
use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Embeds the migrations of a folder in the program, as a `larder::MigrationSet` that can stand in a `static`.
///
/// ```text
/// static MIGRATIONS: larder::MigrationSet = larder::migrations!("migrations");
/// static JOURNAL: larder::MigrationSet = larder::migrations!("migrations/journal", name = "journal");
/// ```
///
/// The folder is relative to the crate's `Cargo.toml`. It may also be absolute, or begin with `$OUT_DIR/` or
/// `$CARGO_MANIFEST_DIR/`, or with any other environment variable that is set while the crate is compiled. Without a
/// name the set is `app`, the application's own.
///
/// The names of the files give the order: `0001_init.sql`, and where wanted `0001_init.down.sql`,
/// `0001_init.sqlite.sql`, `0001_init.sqlite.down.sql`. A folder that is missing or empty, and a file that breaks a
/// rule, are errors of the compilation. The fingerprint of the set is computed here, so that the program can tell that
/// a database is up to date without reading one migration.
///
/// Cargo builds again when an embedded file changes or goes away, but can't see that one was added. A debug build
/// looks at the folder itself when it runs; before a release build that is not from scratch, touch the file in which
/// the macro stands.
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    let code = match Input::parse(input).and_then(|input| expand(&input)) {
        Ok(code) => code,
        Err(message) => format!("::core::compile_error!({})", Literal::string(&message)),
    };
    // Only what is put together below is parsed here, so there is nothing to tell a user about.
    code.parse().unwrap_or_default()
}

struct Input {
    folder: String,
    name: String,
}

const USAGE: &str = "write migrations!(\"folder\") or migrations!(\"folder\", name = \"set\")";

impl Input {
    fn parse(input: TokenStream) -> Result<Self, String> {
        let usage = || USAGE.to_owned();
        let mut tokens = input.into_iter();
        let folder = tokens.next().and_then(|token| string(&token)).ok_or_else(usage)?;
        let mut name = "app".to_owned();
        let rest: Vec<TokenTree> = tokens.collect();
        match rest.as_slice() {
            [] => {}
            [comma] if is_punct(comma, ',') => {}
            [comma, TokenTree::Ident(key), equals, value, end @ ..]
                if is_punct(comma, ',')
                    && key.to_string() == "name"
                    && is_punct(equals, '=')
                    && matches!(end, [] | [_])
                    && end.iter().all(|token| is_punct(token, ',')) =>
            {
                name = string(value).ok_or_else(usage)?;
            }
            _ => return Err(usage()),
        }
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(good) {
            return Err(format!(
                "{name:?} is no name for a set of migrations; use small letters, digits, _ and -"
            ));
        }
        Ok(Self { folder, name })
    }
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

/// The value of a string literal, perhaps handed on by another macro in an invisible group.
fn string(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            let mut inner = group.stream().into_iter();
            let only = inner.next().filter(|_| inner.next().is_none())?;
            string(&only)
        }
        TokenTree::Literal(literal) => unquote(&literal.to_string()),
        _ => None,
    }
}

/// A plain string without escapes other than `\\` and `\"`, or a raw one.
fn unquote(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        let marks = raw.len() - raw.trim_start_matches('#').len();
        let inner = raw.get(marks..raw.len().checked_sub(marks)?)?;
        return Some(inner.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let mut text = String::new();
    let mut chars = literal.strip_prefix('"')?.strip_suffix('"')?.chars();
    while let Some(next) = chars.next() {
        match next {
            '\\' => text.push(chars.next().filter(|c| matches!(c, '\\' | '"'))?),
            other => text.push(other),
        }
    }
    Some(text)
}

fn expand(input: &Input) -> Result<String, String> {
    let folder = resolve(&input.folder, |name| env::var(name).ok())?;
    let shown = folder.display();
    let files = read_folder(&folder).map_err(|problems| explain(&folder, &problems))?;
    let found = arrange(files.iter().map(|(name, _)| name.as_str()))
        .map_err(|problems| explain(&folder, &problems))?;
    let Some(newest) = found.last() else {
        return Err(format!("there is no migration in {shown}; add one, such as 0001_init.sql"));
    };

    let absolute = |path: &Path| {
        path.to_str().map(|path| Literal::string(path).to_string()).ok_or_else(|| {
            format!("the path {} is not UTF-8, and only such a path can stand in a program", path.display())
        })
    };
    let mut list = String::new();
    for (name, text) in &files {
        let path = absolute(&folder.join(name))?;
        // include_str! and not the text itself: so the compiler knows the file, and builds again when it changes.
        let _ = write!(
            list,
            "({}, ::core::include_str!({path}), {}),",
            Literal::string(name),
            Literal::string(&checksum::of_text(text))
        );
    }
    let mut fingerprints = String::new();
    for engine in 0..ENGINES.len() {
        let print = fingerprint(&files, &found, engine).unwrap_or_default();
        let _ = write!(fingerprints, "{},", Literal::string(&print));
    }
    Ok(format!(
        "::larder::MigrationSet::embedded({name}, ::larder::migrate::Embedded {{ \
            files: &[{list}], \
            folder: if ::core::cfg!(debug_assertions) {{ {folder} }} else {{ \"\" }}, \
            fingerprints: [{fingerprints}], newest: {newest}, count: {count}usize }})",
        name = Literal::string(&input.name),
        folder = absolute(&folder)?,
        newest = Literal::string(&newest.id),
        count = found.len(),
    ))
}

/// The fingerprint for one engine; `None` where a migration has no text for it, which loading the set refuses.
fn fingerprint(files: &[(String, String)], found: &[Found], engine: usize) -> Option<String> {
    let mut list = Vec::new();
    for one in found {
        let index = one.up.get(engine).copied().flatten()?;
        let (_, text) = files.get(index)?;
        list.push((one.id.as_str(), checksum::of_text(text)));
    }
    Some(checksum::of_list(list.iter().map(|(id, checksum)| (*id, checksum.as_str()))))
}

/// The folder that the argument means: `$NAME/…`, an absolute path, or one relative to the crate.
fn resolve(folder: &str, variable: impl Fn(&str) -> Option<String>) -> Result<PathBuf, String> {
    let get = |name: &str| {
        variable(name)
            .ok_or_else(|| format!("the environment variable {name} is not set while this crate is compiled"))
    };
    if let Some(rest) = folder.strip_prefix('$') {
        let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
        return Ok(PathBuf::from(get(name)?).join(rest.trim_start_matches('/')));
    }
    if Path::new(folder).is_absolute() {
        return Ok(PathBuf::from(folder));
    }
    Ok(PathBuf::from(get("CARGO_MANIFEST_DIR")?).join(folder))
}

fn explain(folder: &Path, problems: &[Problem]) -> String {
    let mut text = format!("these migrations can't be embedded (folder {})", folder.display());
    for problem in problems {
        let _ = write!(text, "\n- {}", problem.message);
        if let Some(cause) = &problem.cause {
            let _ = write!(text, " ({cause})");
        }
        let _ = write!(text, "; {}", problem.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_found_by_variable_absolute_or_from_the_crate() {
        let variable = |name: &str| (name != "NONE").then(|| format!("/{}", name.to_lowercase()));
        assert_eq!(resolve("$OUT_DIR/a/b", variable).unwrap(), Path::new("/out_dir/a/b"));
        assert_eq!(resolve("$OUT_DIR", variable).unwrap(), Path::new("/out_dir"));
        assert_eq!(resolve("/a/b", variable).unwrap(), Path::new("/a/b"));
        assert_eq!(resolve("a", variable).unwrap(), Path::new("/cargo_manifest_dir/a"));
        assert!(resolve("$NONE/a", variable).unwrap_err().contains("NONE is not set"));
    }

    #[test]
    fn a_folder_that_cannot_be_embedded_is_explained() {
        let place = env::temp_dir().join(format!("larder-macros-{}", std::process::id()));
        let input = Input { folder: place.to_str().unwrap().to_owned(), name: "app".to_owned() };
        assert!(expand(&input).unwrap_err().contains("there is no folder"));
        std::fs::create_dir(&place).unwrap();
        let empty = expand(&input);
        std::fs::write(place.join("0001_a.sql"), "SELECT 1").unwrap();
        std::fs::write(place.join("0001_b.sql"), "SELECT 1").unwrap();
        std::fs::write(place.join("c.sql"), "SELECT 1").unwrap();
        let broken = expand(&input);
        std::fs::remove_dir_all(&place).unwrap();
        assert!(empty.unwrap_err().contains("there is no migration in"));
        let broken = broken.unwrap_err();
        for found in
            ["- \"0001_a\" and \"0001_b\" have the same number; give", "- \"c.sql\": \"c\" does not begin"]
        {
            assert!(broken.contains(found), "{broken}");
        }
    }

    #[test]
    fn string_literals_are_read() {
        assert_eq!(unquote(r#""a b""#).unwrap(), "a b");
        assert_eq!(unquote(r#""c:\\x\"y""#).unwrap(), "c:\\x\"y");
        assert_eq!(unquote(r##"r#"c:\x"#"##).unwrap(), "c:\\x");
        assert_eq!(unquote("12"), None);
        assert_eq!(unquote(r#"b"x""#), None);
        assert_eq!(unquote(r#""\n""#), None);
    }
}
