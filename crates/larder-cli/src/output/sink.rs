//! A stream to print on, which outlives its reader and lets no secret through.

use crate::secret;
use anstream::{AutoStream, ColorChoice};
use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};

/// A stream to print on.
pub(crate) struct Sink {
    stream: Box<dyn Write>,
    terminal: bool,
    colour: bool,
    /// The first write that failed; after it nothing more is written.
    fault: Option<io::Error>,
}

impl Sink {
    pub(super) fn stdout() -> Self {
        let stream = io::stdout();
        // NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM are heard here.
        let colour = AutoStream::choice(&stream) != ColorChoice::Never;
        Self { terminal: stream.is_terminal(), colour, stream: Box::new(BufWriter::new(stream)), fault: None }
    }

    pub(super) fn stderr() -> Self {
        let stream = io::stderr();
        let colour = AutoStream::choice(&stream) != ColorChoice::Never;
        Self { terminal: stream.is_terminal(), colour, stream: Box::new(BufWriter::new(stream)), fault: None }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub(super) fn has_colour(&self) -> bool {
        self.colour
    }

    pub(super) fn line(&mut self, text: &str) {
        self.write(text);
        self.write("\n");
    }

    pub(super) fn write(&mut self, text: &str) {
        let text = secret::hide(text);
        let text = if self.terminal { harmless(&text) } else { Cow::Borrowed(&*text) };
        if self.fault.is_none()
            && let Err(error) = self.stream.write_all(text.as_bytes())
        {
            self.fault = Some(error);
        }
        if self.terminal {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        if self.fault.is_none()
            && let Err(error) = self.stream.flush()
        {
            self.fault = Some(error);
        }
    }

    /// True when a write failed.
    pub(super) fn is_faulty(&self) -> bool {
        self.fault.is_some()
    }

    /// Why writing failed, unless the reader just went away.
    pub(super) fn take_fault(&mut self) -> Option<io::Error> {
        self.fault.take().filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }
}

/// True when the standard output is a pipe whose reader has gone away, or a terminal that is closed. A write would tell too;
/// this does without one.
#[cfg(unix)]
pub(super) fn stdout_is_left() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec::default();
    poll(&mut asked, Some(&at_once)).is_ok()
        && asked.iter().any(|asked| asked.revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

#[cfg(not(unix))]
pub(super) fn stdout_is_left() -> bool {
    false
}

/// What moves the cursor of a terminal, or worse, is shown and not done: names come from files that others wrote. Colours and ends
/// of lines stay.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_command = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_command) {
        let (before, command) = rest.split_at(at);
        shown.push_str(before);
        let length = if command.starts_with("\r\n") { 2 } else { colour(command).unwrap_or_default() };
        let (kept, after) = command.split_at(length);
        shown.push_str(kept);
        let mut letters = after.chars();
        if length == 0 {
            shown.extend(letters.next().into_iter().flat_map(char::escape_default));
        }
        rest = letters.as_str();
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// How long the command that sets a colour is, where one begins the text.
fn colour(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let end = numbers.find(|letter: char| !matches!(letter, '0'..='9' | ';'))?;
    numbers.get(end..)?.starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn fault(kind: io::ErrorKind) -> Option<io::ErrorKind> {
        let stream = Box::new(Broken(kind));
        let mut sink = Sink { stream, terminal: false, colour: false, fault: None };
        sink.line("one");
        sink.line("two");
        sink.take_fault().map(|error| error.kind())
    }

    #[test]
    fn commands_to_a_terminal_are_shown_and_colours_stay() {
        assert!(matches!(harmless("plain\n\tgrün"), Cow::Borrowed(_)));
        assert_eq!(harmless("\u{1b}[1;32mgood\u{1b}[0m\n"), "\u{1b}[1;32mgood\u{1b}[0m\n");
        assert_eq!(harmless("a\u{1b}[2Jb\u{1b}]0;title\u{7}\rc"), "a\\u{1b}[2Jb\\u{1b}]0;title\\u{7}\\rc");
        assert_eq!(harmless("one\r\ntwo\r"), "one\r\ntwo\\r");
        assert_eq!(harmless("\u{9b}2J\u{1b}"), "\\u{9b}2J\\u{1b}");
        assert_eq!(harmless("\u{1b}[31\u{1b}[m"), "\\u{1b}[31\u{1b}[m");
    }

    #[test]
    fn a_reader_that_went_away_is_no_fault_and_a_full_disk_is() {
        assert_eq!(fault(io::ErrorKind::BrokenPipe), None);
        assert_eq!(fault(io::ErrorKind::StorageFull), Some(io::ErrorKind::StorageFull));
    }
}
