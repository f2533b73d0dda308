//! What a commit that was acknowledged has to survive.

/// What of the acknowledged writes a power cut, or a crash of the operating system, may take.
///
/// A crash or a kill of the program alone takes nothing that was acknowledged, whichever of the two holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Durability {
    /// It may take the last transactions, as many as were committed since the engine last waited for the disk; what is
    /// left is a state that the database was in, none is half there, and the file is never damaged. On SQLite that is
    /// `synchronous=NORMAL` in WAL mode: the disk is waited for when the log is moved into the file, not at each commit.
    #[default]
    Normal,
    /// It takes nothing: a commit returns when the disk says that it holds it. On SQLite that is `synchronous=FULL`, one
    /// wait for the disk a commit. A disk that says so and lies can't be helped.
    Full,
}
