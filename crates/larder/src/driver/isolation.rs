//! How much transactions see of each other.

/// How much of what others do a transaction that writes may see, on an engine where several write at the same time. On SQLite,
/// where one writes at a time, it is always [`Serializable`](Self::Serializable).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// As if transactions ran one after the other, as they do on SQLite. One that others came in between of is run again.
    #[default]
    Serializable,
    /// Each statement sees what is committed when it begins. For loads where many write the same rows, by closures that
    /// take the locks they need themselves.
    ReadCommitted,
}
