//! The arrows between the modules of a crate, read from the paths in its sources.

use std::collections::BTreeMap;

use super::File;
use super::arrow::{BINDINGS, BINDINGS_PLACE, TABLES, Table, allowed};
use super::code::{code_only, ends_in_word};

/// Every path that goes upwards, every module that the table does not know, and every use of an engine's bindings
/// outside the driver.
pub(super) fn breaches(files: &[File]) -> Vec<String> {
    TABLES.iter().flat_map(|(folder, table)| of_crate(files, folder, table)).collect()
}

fn of_crate(files: &[File], folder: &str, table: &'static Table) -> Vec<String> {
    let sources: Vec<Source<'_>> = files.iter().filter_map(|file| Source::new(file, folder, table)).collect();
    let names = root_names(&sources, table);
    let mut found = Vec::new();
    for source in &sources {
        if !source.is_root() && allowed(table, source.module, source.module).is_none() {
            let module = source.module;
            found.push(format!(
                "{}: the table of xtask/src/structure/arrow.rs does not know {module}: add it",
                source.path
            ));
            continue;
        }
        for (line, word) in source.bindings() {
            found.push(format!("{}:{line}: only {BINDINGS_PLACE} may name {word}", source.path));
        }
        for (line, name) in source.uses() {
            let known = table.iter().any(|(module, _)| *module == name);
            let used = if known { Some(name.as_str()) } else { names.get(&name).map(String::as_str) };
            match used {
                _ if source.is_root() => {}
                Some(used) if allowed(table, source.module, used) == Some(true) => {}
                Some(used) => found.push(format!(
                    "{}:{line}: {} may not use {used} (as {name}): arrows run downwards only",
                    source.path, source.module,
                )),
                None => found.push(format!(
                    "{}:{line}: crate::{name} is neither a known module nor what lib.rs gives out: name its module",
                    source.path,
                )),
            }
        }
    }
    found
}

/// A file of the crate, without comments and literals.
struct Source<'a> {
    table: &'static Table,
    path: &'a str,
    /// The module of the crate that it belongs to; `lib` for the root.
    module: &'a str,
    /// How many modules deep the file is; 0 for the root.
    depth: usize,
    code: String,
}

impl<'a> Source<'a> {
    fn new(file: &'a File, folder: &str, table: &'static Table) -> Option<Self> {
        let inner = file.path.strip_prefix(folder)?.strip_suffix(".rs")?;
        let place = inner.strip_suffix("/mod").unwrap_or(inner);
        let module = place.split('/').next().unwrap_or(place);
        let depth = if place == "lib" { 0 } else { place.split('/').count() };
        Some(Self { table, path: &file.path, module, depth, code: code_only(&file.text) })
    }

    fn is_root(&self) -> bool {
        self.depth == 0
    }

    /// The first name after every `crate::`, or after as many `super::` as lead to the root, with its line.
    fn uses(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("crate::") {
            if self.begins_word(at) {
                found.extend(self.names_at(at, at + "crate::".len()));
            }
        }
        // A chain that climbs to the root, or past it when a module inside the file adds a step.
        for (at, _) in self.code.match_indices("super::") {
            let before = self.code.get(..at).unwrap_or_default();
            if !self.begins_word(at) || before.ends_with("super::") {
                continue;
            }
            let chain = self.code.get(at..).unwrap_or_default();
            let steps = (0..)
                .take_while(|step| chain.get(step * 7..).is_some_and(|rest| rest.starts_with("super::")))
                .count();
            if steps >= self.depth && self.depth > 0 {
                let names = self.names_at(at, at + steps * "super::".len());
                found.extend(
                    names.into_iter().filter(|(_, name)| self.table.iter().any(|(module, _)| module == name)),
                );
            }
        }
        found
    }

    fn begins_word(&self, at: usize) -> bool {
        !self.code.get(..at).is_some_and(ends_in_word)
    }

    /// The name that stands at `at`, or the first names of the members of a group in braces.
    fn names_at(&self, line_of: usize, at: usize) -> Vec<(usize, String)> {
        let line = self.line(line_of);
        let rest = self.code.get(at..).unwrap_or_default();
        let Some(group) = rest.trim_start().strip_prefix('{') else {
            return name(rest).map(|name| (line, name)).into_iter().collect();
        };
        let mut depth = 0_usize;
        let mut names = Vec::new();
        let mut member = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => names.extend(name(&std::mem::take(&mut member))),
                _ if depth == 0 => member.push(c),
                _ => {}
            }
        }
        names.extend(name(&member));
        names.into_iter().map(|name| (line, name)).collect()
    }

    /// Where the bindings of an engine are named by a file outside the driver.
    fn bindings(&self) -> Vec<(usize, &'static str)> {
        let mut found = Vec::new();
        if self.module == BINDINGS_PLACE {
            return found;
        }
        for binding in BINDINGS {
            for (at, _) in self.code.match_indices(binding) {
                let before = self.code.get(..at).unwrap_or_default();
                let after = self.code.get(at + binding.len()..).unwrap_or_default();
                // `driver::rusqlite` is a name that the driver gives out; `rusqlite` at the head of a path is the crate itself.
                let of_a_path = before.strip_suffix("::").is_some_and(ends_in_word);
                let head = self.begins_word(at) && !of_a_path;
                let path = after.starts_with("::");
                let import =
                    before.trim_end().ends_with("use") || before.trim_end().ends_with("extern crate");
                if head && (path || import) {
                    found.push((self.line(at), *binding));
                }
            }
        }
        found
    }

    fn line(&self, at: usize) -> usize {
        self.code.get(..at).unwrap_or_default().matches('\n').count() + 1
    }
}

/// The identifier that a text begins with.
fn name(text: &str) -> Option<String> {
    let text = text.trim_start();
    let text = text.strip_prefix("r#").unwrap_or(text);
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Names that stand at the root of the crate and the module that each comes from: what lib.rs gives out with
/// `pub use module::{…}`, and exported macros.
fn root_names(sources: &[Source<'_>], table: &Table) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for source in sources {
        for (at, _) in source.code.match_indices("macro_rules!") {
            let after = source.code.get(at + "macro_rules!".len()..).unwrap_or_default();
            names.extend(name(after).map(|macro_name| (macro_name, source.module.to_owned())));
        }
        if !source.is_root() {
            continue;
        }
        for statement in source.code.split(';') {
            let Some((_, path)) = statement.split_once("use ") else { continue };
            let path = path.trim().trim_start_matches("self::").trim_start_matches("crate::");
            let Some(module) = name(path) else { continue };
            for word in path.split(|c: char| !c.is_alphanumeric() && c != '_') {
                names.insert(word.to_owned(), module.clone());
            }
        }
    }
    for (module, _) in table {
        names.remove(*module);
    }
    // What lib.rs itself defines stands above all, and what it takes from other crates is nobody's.
    names
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    const SOURCES: &str = "crates/larder/src/";

    fn check(path: &str, text: &str) -> Vec<String> {
        let lib = "mod error;\npub use error::{Error, ErrorKind};\npub use db::{Database, tx::ReadTx};\n";
        let parameter = "macro_rules! params { () => { $crate::sql::Params::new() } }";
        breaches(&[
            file("crates/larder/src/lib.rs", lib),
            file("crates/larder/src/sql/param.rs", parameter),
            file(&format!("{SOURCES}{path}"), text),
        ])
    }

    #[test]
    fn a_path_downwards_is_fine() {
        let text = "use crate::{Error, driver::{self, Driver}, sql::Value};\nuse super::tx;\nfn f() { crate::params!{}; crate::error::f() }";
        assert_eq!(check("db/tx/one.rs", text), Vec::<String>::new());
        assert_eq!(
            check(
                "error.rs",
                "/// See [`crate::db::Database`].\n// crate::db\nconst A: &str = \"crate::db\";"
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_path_upwards_is_found() {
        let up = |line: &str, used: &str, name: &str| {
            format!(
                "crates/larder/src/sql/value.rs:{line}: sql may not use {used} (as {name}): arrows run downwards only"
            )
        };
        assert_eq!(check("sql/value.rs", "\nuse crate::db::Database;"), [up("2", "db", "db")]);
        assert_eq!(
            check("sql/value.rs", "use crate::{Error, error::ErrorKind,\n migrate::{Plan, run}};"),
            [up("1", "migrate", "migrate")]
        );
        assert_eq!(check("sql/value.rs", "fn f(tx: &crate::ReadTx) {}"), [up("1", "db", "ReadTx")]);
        assert_eq!(check("sql/value.rs", "use super::super::doctor::run;"), [up("1", "doctor", "doctor")]);
        assert_eq!(check("sql/value.rs", "fn f() { $crate::backup::run() }"), [up("1", "backup", "backup")]);
    }

    #[test]
    fn a_store_that_uses_another_is_found() {
        let lib =
            file("crates/larder-stores/src/lib.rs", "pub mod audit;\npub use canonical::canonical_json;\n");
        let journal = file(
            "crates/larder-stores/src/journal/run.rs",
            "use crate::audit::append;\nuse crate::canonical_json;\nuse crate::workflow::Run;\n",
        );
        assert_eq!(
            breaches(&[lib, journal]),
            [
                "crates/larder-stores/src/journal/run.rs:3: journal may not use workflow (as workflow): arrows run downwards only"
            ]
        );
    }

    #[test]
    fn an_unknown_module_or_name_is_found() {
        let found = check("cache/mod.rs", "");
        assert_eq!(
            found,
            [
                "crates/larder/src/cache/mod.rs: the table of xtask/src/structure/arrow.rs does not know cache: add it"
            ]
        );
        let found = check("sql/value.rs", "use crate::Somewhere;");
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn bindings_outside_the_driver_are_found() {
        let found = check(
            "db/open.rs",
            "use rusqlite::Connection;\nfn f(c: &::rusqlite::Connection) {}\nuse rusqlite as r;",
        );
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found.first().unwrap(), "crates/larder/src/db/open.rs:1: only driver may name rusqlite");
        assert_eq!(
            check("db/open.rs", "fn rusqlite(tx: &Tx) { tx.rusqlite(); crate::driver::rusqlite() }"),
            Vec::<String>::new()
        );
        assert_eq!(check("driver/sqlite.rs", "use rusqlite::Connection;"), Vec::<String>::new());
    }
}
