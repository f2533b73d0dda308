//! The audit trail that stores share: a table that only grows, whose entries are chained by hashes.
//!
//! The hash of an entry covers its number, what it holds and the hash of the entry before. So whoever changes, removes or
//! inserts an entry breaks the chain there, and [`verify`] names the first entry that is broken. Whoever can write the file
//! can also write a whole new chain: only an [`Anchor`] kept elsewhere shows that, and shows a tail that was cut off.
//! `docs/stores/audit.md` has the exact bytes, and says what a trail does not protect from.
//!
//! A [`Trail`] describes the table. The stores that have one write their entries themselves; its readers are here.
//!
//! ```
//! use larder::Database;
//! use larder_stores::{audit, journal};
//!
//! # fn main() -> larder::Result<()> {
//! # let db = Database::open(":memory:")?;
//! db.migrate(&[&journal::MIGRATIONS])?;
//! let verification = db.read(|tx| audit::verify(tx, &journal::TRAIL, None))?;
//! assert!(verification.is_whole());
//! # Ok(())
//! # }
//! ```

mod anchor;
mod append;
mod chain;
mod check;
mod hash;
mod tail;
mod trail;
mod verify;

pub use anchor::{Anchor, anchor};
pub use append::{NewEntries, append, append_many};
pub(crate) use append::{append_in_turn, append_many_in_turn, take_turn};
pub(crate) use check::Check;
pub use check::exists;
pub use hash::{Hash, Head};
pub use tail::{Entry, tail};
pub(crate) use trail::trail;
pub use trail::{Column, Kind, Trail};
pub use verify::{Broken, Fault, Verification, verify};
