//! The bytes that are hashed. `docs/stores/audit.md` describes them for others; whoever changes them makes a new version
//! of the tag.

use super::hash::{Hash, Head};
use super::trail::{Column, Kind, Trail};
use larder::ValueRef;
use sha2::{Digest, Sha256};

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const TEXT: u8 = 2;

/// A chain up to some entry, and the entry that is being added. Its memory is used again for every entry.
pub(super) struct Chain {
    /// The tag and the table's name, and behind them the entry so far.
    bytes: Vec<u8>,
    /// How long the tag is with the table's name.
    tag: usize,
    head: Head,
}

/// A value that a covered column can't hold.
pub(super) struct Unfit;

impl Chain {
    pub(super) fn new(trail: &Trail, head: Head) -> Self {
        let bytes = format!("larder-audit:1:{}\n", trail.table).into_bytes();
        Self { tag: bytes.len(), bytes, head }
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    /// Begins the entry after the head and gives its number.
    pub(super) fn begin(&mut self) -> i64 {
        let seq = self.head.seq.saturating_add(1);
        self.bytes.truncate(self.tag);
        self.bytes.extend_from_slice(&self.head.hash.0);
        self.bytes.extend_from_slice(&seq.to_be_bytes());
        seq
    }

    /// Adds the value of the next column.
    pub(super) fn value(&mut self, column: &Column, value: ValueRef<'_>) -> Result<(), Unfit> {
        match (value, column.kind) {
            (ValueRef::Null, _) => self.bytes.push(NULL),
            (ValueRef::Integer(number), Kind::Integer) => {
                self.bytes.push(INTEGER);
                self.bytes.extend_from_slice(&number.to_be_bytes());
            }
            (ValueRef::Text(text), Kind::Text) => {
                let length = u32::try_from(text.len()).map_err(|_| Unfit)?;
                self.bytes.push(TEXT);
                self.bytes.extend_from_slice(&length.to_be_bytes());
                self.bytes.extend_from_slice(text.as_bytes());
            }
            _ => return Err(Unfit),
        }
        Ok(())
    }

    /// Ends the entry: it is the head now. Gives its hash.
    pub(super) fn seal(&mut self) -> Hash {
        let hash = Hash(Sha256::digest(&self.bytes).into());
        self.head = Head { seq: self.head.seq.saturating_add(1), hash };
        hash
    }
}
