//! Tables for people.

use super::style::{self, Tone};
use comfy_table::{CellAlignment, ContentArrangement, presets};

/// A table: a line of headings, and rows that each have a tone.
pub(crate) struct Table {
    table: comfy_table::Table,
    tones: Vec<Tone>,
}

impl Table {
    pub(crate) fn new<'h>(headings: impl IntoIterator<Item = &'h str>) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        // One row is one line: what reads the output line by line (`head`, `grep`) can rely on it.
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headings);
        Self { table, tones: vec![Tone::Quiet] }
    }

    /// The columns whose cells stand to the right: numbers.
    pub(crate) fn right(mut self, columns: &[usize]) -> Self {
        for column in columns {
            if let Some(column) = self.table.column_mut(*column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self
    }

    pub(crate) fn row(&mut self, tone: Tone, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells.into_iter().map(|cell| one_line(&cell)));
        self.tones.push(tone);
    }

    pub(super) fn lines(&self, colour: bool) -> Vec<String> {
        let text = self.table.trim_fmt();
        let tones = self.tones.iter().copied().chain(std::iter::repeat(Tone::Plain));
        // The style puts a blank before each cell, also before the first.
        let line = |line: &str| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned();
        text.lines().zip(tones).map(|(text, tone)| style::paint(colour, tone, &line(text))).collect()
    }
}

/// What stands in a database, on one line. What moves the cursor of a terminal, or worse, is shown and not done.
pub(crate) fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' | '\t' => shown.push(' '),
            letter if letter.is_control() => shown.extend(letter.escape_default()),
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_and_numbers_stand_to_the_right() {
        let mut table = Table::new(["id", "rows"]).right(&[1]);
        table.row(Tone::Good, ["0001_init".into(), "8".into()]);
        table.row(Tone::Good, ["0002\nx".into(), "1,300".into()]);
        insta::assert_snapshot!(table.lines(false).join("\n"), @r"
        id          rows
        0001_init      8
        0002 x     1,300
        ");
        assert!(table.lines(true)[1].starts_with("\u{1b}[32m"));
    }

    #[test]
    fn commands_to_the_terminal_are_shown_and_not_done() {
        assert_eq!(one_line("two\nlines, grün"), "two lines, grün");
        assert_eq!(one_line("\u{1b}[2Jgone\u{9b}"), "\\u{1b}[2Jgone\\u{9b}");
        let mut table = Table::new(["name"]);
        table.row(Tone::Plain, ["\u{1b}[31mred".to_owned()]);
        assert_eq!(table.lines(false)[1], "\\u{1b}[31mred");
    }
}
