//! What the first bytes of the file say, for one that the engine has refused.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What the header tells of why the engine refused the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is not that of a database.
    Foreign,
    /// The file is shorter than its header says; both in bytes.
    Short { expected: u64, found: u64 },
    /// Nothing: the damage is elsewhere.
    Whole,
}

/// Looks at the header. Only after the engine has refused the file: closing it here drops the locks that SQLite may
/// have on it in this process.
pub(super) fn look(path: &Path) -> Seen {
    let mut head = Vec::new();
    let Ok(file) = File::open(path) else { return Seen::Whole };
    let Ok(found) = file.metadata().map(|data| data.len()) else { return Seen::Whole };
    if file.take(100).read_to_end(&mut head).is_err() {
        return Seen::Whole;
    }
    read(&head, found)
}

fn read(head: &[u8], found: u64) -> Seen {
    let Some(head) = head.first_chunk::<100>().filter(|head| head.starts_with(b"SQLite format 3\0")) else {
        return Seen::Foreign;
    };
    let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, high, low, ..] = *head;
    // The largest size does not fit and is written as 1.
    let page = match u16::from_be_bytes([high, low]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages =
        head.get(28..32).and_then(|four| <[u8; 4]>::try_from(four).ok()).map_or(0, u32::from_be_bytes);
    let expected = page * u64::from(pages);
    if expected > found { Seen::Short { expected, found } } else { Seen::Whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(page: u16, pages: u32) -> Vec<u8> {
        let mut head = vec![0; 100];
        head[..16].copy_from_slice(b"SQLite format 3\0");
        head[16..18].copy_from_slice(&page.to_be_bytes());
        head[28..32].copy_from_slice(&pages.to_be_bytes());
        head
    }

    #[test]
    fn a_header_tells_the_size() {
        assert_eq!(read(&head(4096, 3), 4096 * 3), Seen::Whole);
        assert_eq!(read(&head(4096, 3), 5000), Seen::Short { expected: 12_288, found: 5000 });
        assert_eq!(read(&head(1, 2), 65_536), Seen::Short { expected: 131_072, found: 65_536 });
    }

    #[test]
    fn what_is_no_header_is_foreign() {
        assert_eq!(read(b"", 0), Seen::Foreign);
        assert_eq!(read(&head(4096, 1)[..99], 99), Seen::Foreign);
        assert_eq!(read(&[0; 100], 100), Seen::Foreign);
    }
}
