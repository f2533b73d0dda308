//! The lines of a file, whatever is in them.

use super::BadLine;
use larder::{Error, ErrorKind, Result};
use std::io::BufRead;

/// A line has at most so many bytes. A longer one is passed over without being held.
pub(super) const LONGEST: usize = 1 << 20;

/// A line that has something on it: its number, counted from 1, and its text, or what is wrong with it.
pub(super) type Line = (u64, std::result::Result<String, BadLine>);

/// Hands over each line that is not blank, without its end and without the mark that some programs put at the beginning.
pub(super) fn each(mut reader: impl BufRead, mut take: impl FnMut(Line)) -> Result<()> {
    let mut bytes = Vec::new();
    let mut number = 0;
    while let Some(whole) = next(&mut reader, &mut bytes)? {
        number += 1;
        if number == 1 && bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        if !whole {
            let reason = format!("the line is longer than {LONGEST} bytes");
            take((number, Err(BadLine::new(number, None, reason))));
            continue;
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => take((number, Ok(text.trim_end().to_owned()))),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let column = String::from_utf8_lossy(good).chars().count() as u64 + 1;
                take((number, Err(BadLine::new(number, Some(column), "it is not UTF-8".to_owned()))));
            }
        }
    }
    Ok(())
}

/// The next line into `bytes`; `None` at the end, and false when it was too long to be held.
fn next(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> Result<Option<bool>> {
    bytes.clear();
    let (mut whole, mut any) = (true, false);
    loop {
        let there = match reader.fill_buf() {
            Ok(there) => there,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Error::new(ErrorKind::Io, "the leases can't be read").with_cause(error));
            }
        };
        if there.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let end = there.iter().position(|byte| *byte == b'\n');
        let part = there.get(..end.unwrap_or(there.len())).unwrap_or_default();
        if whole && bytes.len() + part.len() <= LONGEST {
            bytes.extend_from_slice(part);
        } else {
            whole = false;
        }
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(whole));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn lines(bytes: &[u8]) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        // A small buffer, so that lines fall apart.
        each(BufReader::with_capacity(7, bytes), |(number, line)| {
            lines.push((number, line.unwrap_or_else(|bad| bad.to_string())));
        })
        .unwrap();
        lines
    }

    #[test]
    fn blank_lines_are_counted_and_line_ends_and_the_mark_do_not_matter() {
        let found = lines(b"\xEF\xBB\xBFone\r\n\n  \t\r\ntwo\nthree");
        assert_eq!(found, [(1, "one".into()), (4, "two".into()), (5, "three".into())]);
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n\n"), []);
    }

    #[test]
    fn what_can_t_be_read_is_named_and_the_next_line_is_read() {
        let mut bytes = "é\u{e9}".as_bytes().to_vec();
        bytes.extend(b"\xFFx\nnext\n");
        bytes.extend(vec![b'x'; LONGEST + 1]);
        bytes.extend(b"\nlast");
        let found = lines(&bytes);
        assert_eq!(found[0], (1, "line 1, column 3: it is not UTF-8".into()));
        assert_eq!(found[1], (2, "next".into()));
        assert_eq!(found[2], (3, "line 3: the line is longer than 1048576 bytes".into()));
        assert_eq!(found[3], (4, "last".into()));
    }
}
