//! A part of a long list.

/// A part of a list that may be long: what comes after a name, and no more than so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// The name, or whatever the list is ordered by, of the last that was seen; empty for the beginning.
    pub after: &'a str,
    /// At most so many.
    pub limit: u32,
}

/// The first thousand.
impl Default for Page<'_> {
    fn default() -> Self {
        Self { after: "", limit: 1000 }
    }
}
