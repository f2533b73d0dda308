//! Tones of text: what they mean here, and what a terminal makes of them.

use clap::builder::styling::{AnsiColor, Style};

/// What a text says by its colour. Colour never says what the words do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Look at it.
    Warning,
    /// Wrong.
    Bad,
    /// Beside the point.
    Quiet,
    /// The point.
    Strong,
    /// Like its surroundings.
    Plain,
}

/// The text in its tone.
pub(super) fn paint(colour: bool, tone: Tone, text: &str) -> String {
    let style = match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
        Tone::Plain => Style::new(),
    };
    if colour && tone != Tone::Plain { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_the_text_is_as_it_was() {
        assert_eq!(paint(false, Tone::Bad, "x"), "x");
        assert_eq!(paint(true, Tone::Plain, "x"), "x");
        assert_eq!(paint(true, Tone::Good, "x"), "\u{1b}[32mx\u{1b}[0m");
    }
}
