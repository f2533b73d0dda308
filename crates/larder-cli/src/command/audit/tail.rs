//! `larder audit tail`

use super::{Found, TrailsShape, trails};
use crate::args::audit::Tail;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Output, Shape, Table, Tone, one_line};
use larder::{Error, ErrorKind, Result};
use larder_stores::audit::{self, Column, Entry};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
struct TrailShape {
    store: &'static str,
    trail: &'static str,
    entries: Vec<Entry>,
    #[serde(skip)]
    columns: &'static [Column],
}

pub(super) fn run(args: &Tail, mut context: Context<'_>) -> Result<Exit> {
    let (database, found) = trails(&args.of, &mut context)?;
    let mut shown = Vec::new();
    for Found { store, trail } in found {
        let entries = database.read(|tx| match audit::exists(tx, trail)? {
            true => audit::tail(tx, trail, args.count),
            false => Err(Error::new(ErrorKind::NotFound, format!("the audit trail {} is gone", trail.table))
                .with_help(
                    "`larder doctor` says what else is not as it was; `larder restore` brings a backup back",
                )),
        })?;
        shown.push(TrailShape { store, trail: trail.table, entries, columns: trail.columns });
    }
    let name = context.shown();
    let output = context.output;
    for (at, one) in shown.iter().enumerate() {
        if shown.len() > 1 {
            let blank = if at > 0 { "\n" } else { "" };
            output.line(format!("{blank}{}", output.paint(Tone::Strong, one.trail)));
        }
        print(output, one);
    }
    output.json(&Shape::new(context.command, true, TrailsShape { database: &name, trails: shown }));
    Ok(Exit::Done)
}

fn print(output: &mut Output, one: &TrailShape) {
    if one.entries.is_empty() {
        output.line(format!("{} is empty", one.trail));
        return;
    }
    let names = || one.columns.iter().map(|column| column.name);
    let mut table = Table::new(std::iter::once("seq").chain(names())).right(&[0]);
    for entry in &one.entries {
        let cells = names().map(|name| entry.columns.get(name).map(cell).unwrap_or_default());
        table.row(Tone::Plain, std::iter::once(entry.seq.to_string()).chain(cells));
    }
    output.table(&table);
}

/// A value on one line. What moves the cursor of a terminal, or worse, is shown and not done.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_and_commands_to_the_terminal_are_shown() {
        assert_eq!(cell(&Value::Null), "");
        assert_eq!(cell(&7.into()), "7");
        assert_eq!(cell(&"two\nlines, grün".into()), "two lines, grün");
        assert_eq!(cell(&"\u{1b}[2Jgone\u{9b}".into()), "\\u{1b}[2Jgone\\u{9b}");
    }
}
