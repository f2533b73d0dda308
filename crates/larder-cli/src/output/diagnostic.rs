//! An error as people see it: what was found, the line it is about with a marker under it, why, and what to do.

use super::cause;
use super::style::{self, Tone};
use crate::secret;
use larder::{Error, Location};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
    ThemeCharacters, ThemeStyles,
};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The text of an error, ready to be printed.
pub(super) fn text(error: &Error, colour: bool, terminal: bool) -> String {
    let theme = GraphicalTheme {
        // What goes into a file or a pipe may be read anywhere.
        characters: if terminal { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() },
        styles: if colour { ThemeStyles::ansi() } else { ThemeStyles::none() },
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_wrap_lines(false)
        .without_syntax_highlighting()
        .with_context_lines(2);
    let mut text = format!("{} {}\n", style::paint(colour, Tone::Bad, "error:"), error.message());
    for cause in cause::causes(error) {
        text.push_str(&format!("  {} {cause}\n", style::paint(colour, Tone::Quiet, "because:")));
    }
    if let Some(place) = Place::of(error) {
        let mut drawn = String::new();
        if handler.render_report(&mut drawn, &place).is_ok() {
            // The first line would hold the message, which stands above already.
            for line in drawn.lines().skip_while(|line| !line.contains(&*place.name)) {
                text.push_str(line.trim_end());
                text.push('\n');
            }
        } else {
            text.push_str(&format!("  at {}:{}\n", place.name, error.location().map_or(0, Location::line)));
        }
    }
    if let Some(kept) = cause::stopped(error).filter(|report| !report.done.is_empty()) {
        let ids: Vec<&str> = kept.done.iter().map(|done| done.id.as_str()).collect();
        let kept = style::paint(colour, Tone::Quiet, "kept:");
        text.push_str(&format!("  {kept} {} (before it)\n", ids.join(", ")));
    }
    if let Some(help) = error.help() {
        text.push_str(&format!("  {} {help}\n", style::paint(colour, Tone::Good, "help:")));
    }
    text
}

/// A place in a file, in the form that miette draws.
#[derive(Debug)]
struct Place {
    name: Arc<str>,
    source: NamedSource<String>,
    offset: usize,
    length: usize,
}

impl Place {
    fn of(error: &Error) -> Option<Self> {
        let at = error.location()?;
        let (text, marked) = secret::hide_around(&at.text, at.offset..at.offset + at.length);
        let source = NamedSource::new(&at.file, text);
        Some(Self { name: Arc::clone(&at.file), source, offset: marked.start, length: marked.len() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl StdError for Place {}

impl Diagnostic for Place {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new(None, self.offset, self.length))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder::ErrorKind;

    const SQL: &str = "-- Adds the users.\n\nCREATE TABLE users (id INTEGER PRIMARY KEY);\nINSERT INTO users (id, nmae) VALUES (1, 'é');\n\n-- end\n";

    fn failed() -> Error {
        let at = SQL.find("nmae").unwrap();
        Error::new(ErrorKind::MigrationFailed, "0003_users failed and was rolled back")
            .with_location(Location::new("migrations/0003_users.sql", SQL, at, 4))
            .with_help("correct the file and run it again")
            .with_cause(Error::new(ErrorKind::Statement, "table users has no column named nmae"))
    }

    #[test]
    fn a_place_in_a_file_is_shown_with_a_marker_in_plain_letters_for_a_pipe() {
        insta::assert_snapshot!(text(&failed(), false, false), @r"
        error: 0003_users failed and was rolled back
          because: table users has no column named nmae
           ,-[migrations/0003_users.sql:4:24]
         2 |
         3 | CREATE TABLE users (id INTEGER PRIMARY KEY);
         4 | INSERT INTO users (id, nmae) VALUES (1, 'é');
           :                        ^^^^
         5 |
         6 | -- end
           `----
          help: correct the file and run it again
        ");
    }

    #[test]
    fn on_a_terminal_it_is_drawn_in_colour() {
        insta::assert_snapshot!(text(&failed(), true, true).replace('\u{1b}', "ESC"), @r"
        ESC[1mESC[31merror:ESC[0m 0003_users failed and was rolled back
          ESC[2mbecause:ESC[0m table users has no column named nmae
           ╭─[ESC[36;1;4mmigrations/0003_users.sql:4:24ESC[0m]
         ESC[2m2ESC[0m │
         ESC[2m3ESC[0m │ CREATE TABLE users (id INTEGER PRIMARY KEY);
         ESC[2m4ESC[0m │ INSERT INTO users (id, nmae) VALUES (1, 'é');
           · ESC[35;1m                       ────ESC[0m
         ESC[2m5ESC[0m │
         ESC[2m6ESC[0m │ -- end
           ╰────
          ESC[32mhelp:ESC[0m correct the file and run it again
        ");
    }

    #[test]
    fn an_error_without_a_place_is_short() {
        let error = Error::new(ErrorKind::Busy, "the database is locked").with_help("try again");
        insta::assert_snapshot!(text(&error, false, false), @r"
        error: the database is locked
          help: try again
        ");
    }
}
