//! What is wrong with a file or a folder.

use std::io;

/// A rule that a file or a folder breaks.
#[derive(Debug)]
pub struct Problem {
    /// What was found; it names the file.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// What the operating system said.
    pub cause: Option<io::Error>,
}

impl Problem {
    /// What was found and what to do about it, without a cause.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), cause: None }
    }

    pub(crate) fn with_cause(mut self, cause: io::Error) -> Self {
        self.cause = Some(cause);
        self
    }
}
