//! A server that says what none says: nothing may panic, wait for ever, or take memory that was only promised.

use super::connection::PostgresConnection;
use super::open::{Postgres, Settings};
use super::place::Place;
use super::session::{Session, Stream};
use crate::driver::{Access, Connection};
use crate::error::ErrorKind;
use crate::sql::Value;
use proptest::prelude::*;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Says what it was given, however it is asked, and hangs up.
struct Said {
    text: Vec<u8>,
    at: usize,
    /// How much at a time.
    piece: usize,
}

impl Read for Said {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len()).min(self.piece);
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Said {
    fn wait_input(&mut self, _: Option<Duration>) -> io::Result<bool> {
        Ok(false)
    }

    fn set_deadline(&mut self, _: Option<Instant>) {}

    fn is_private(&self) -> bool {
        true
    }

    fn channel_binding(&self) -> Option<Vec<u8>> {
        None
    }
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

fn columns(oids: &[u32]) -> Vec<u8> {
    let mut body = u16::try_from(oids.len()).unwrap().to_be_bytes().to_vec();
    for oid in oids {
        body.extend(b"c\0\0\0\0\0\0\0");
        body.extend(oid.to_be_bytes());
        body.extend([0; 8]);
    }
    message(b'T', &body)
}

/// What a server says to a statement that is run for the first time.
fn answer() -> Vec<u8> {
    [
        message(b'1', b""),
        message(b't', &[0, 1, 0, 0, 0, 25]),
        columns(&[23, 25, 17, 1184]),
        message(b'2', b""),
        message(b'N', b"SNOTICE\0C00000\0Mhello\0\0"),
        message(b'A', b"\0\0\0\x07larder\0payload\0"),
        message(b'S', b"application_name\0x\0"),
        message(b'D', b"\0\x04\0\0\0\x0242\0\0\0\x03abc\0\0\0\x04\\x01\xff\xff\xff\xff"),
        message(b'C', b"SELECT 1\0"),
        message(b'E', b"SERROR\0C22012\0Mdivision by zero\0\0"),
        message(b'Z', b"I"),
    ]
    .concat()
}

fn connection(text: Vec<u8>, piece: usize) -> PostgresConnection {
    let session = Session::new(Box::new(Said { text, at: 0, piece }));
    let place = Place::parse("postgres://u@h/d").unwrap();
    PostgresConnection::new(session, &Postgres { place, settings: Settings::default() }, Access::Write)
}

fn ask(connection: &mut PostgresConnection) -> crate::Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    connection.query("SELECT :a", &[("a", &1)], &mut |row| {
        rows.push(row.values()?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

#[test]
fn a_message_that_is_none_ends_the_session() {
    let one = columns(&[23]);
    for (what, said) in [
        ("a length below its own", b"D\0\0\0\x03\0\0\0\0".to_vec()),
        ("a negative length", b"D\xff\xff\xff\xff\0\0\0\0".to_vec()),
        ("more than can be", b"D\x7f\xff\xff\xff\0\0\0\0".to_vec()),
        ("a row that is cut off", [one.clone(), message(b'D', b"\0\x01\0\0\0\x05a")].concat()),
        ("a row without its count", [one.clone(), message(b'D', b"\0")].concat()),
        ("a row with more values", [one.clone(), message(b'D', b"\0\x02\0\0\0\0\0\0\0\0")].concat()),
        ("a row with fewer values", [one.clone(), message(b'D', b"\0\0")].concat()),
        ("a value behind the last", [one.clone(), message(b'D', b"\0\x01\0\0\0\0xx")].concat()),
        ("more columns than there are", message(b'T', b"\xff\xffa\0")),
        ("more parameters than there are", message(b't', b"\xff\xff\0\0")),
        ("a state that is none", message(b'Z', b"?")),
        ("a state without one", message(b'Z', b"")),
        ("a setting without a value", message(b'S', b"name")),
        ("a notification without a channel", message(b'A', b"\0\0")),
    ] {
        let mut it = connection([said, message(b'Z', b"I")].concat(), usize::MAX);
        let error = ask(&mut it).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error:?}");
        assert!(it.is_broken(), "{what}");
        assert_eq!(ask(&mut it).unwrap_err().kind(), ErrorKind::Unavailable, "{what}");
    }
}

#[test]
fn room_is_made_for_what_has_arrived_and_not_for_what_was_promised() {
    let mut it = connection([&b"D\x3f\xff\xff\0"[..], &[0; 1000]].concat(), 100);
    assert!(ask(&mut it).is_err());
    assert!(it.session.room() < 1 << 20, "{}", it.session.room());
}

#[test]
fn a_message_of_many_pieces_is_read_as_a_whole() {
    let text = vec![b'x'; 300_000];
    let row = [b"\0\x01", &300_000_i32.to_be_bytes()[..], &text].concat();
    let said = [columns(&[25]), message(b'D', &row), message(b'C', b"SELECT 1\0"), message(b'Z', b"I")];
    for piece in [1, 999, usize::MAX] {
        let rows = ask(&mut connection(said.concat(), piece)).unwrap();
        assert_eq!(rows, [[Value::Text(String::from_utf8(text.clone()).unwrap())]]);
    }
}

proptest! {
    /// Whatever is changed, cut out or cut off: an answer or an error, and no more.
    #[test]
    fn no_answer_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        (from, length) in (any::<prop::sample::Index>(), 0..12_usize),
        piece in 1..64_usize,
    ) {
        let mut said = [answer(), answer()].concat();
        for (place, byte) in changes {
            let at = place.index(said.len());
            said[at] = byte;
        }
        let from = from.index(said.len());
        said.drain(from..said.len().min(from + length));
        let mut it = connection(said, piece);
        for _ in 0..3 {
            let _ = ask(&mut it);
        }
        let _ = it.begin(Access::Write);
        let _ = it.execute("UPDATE t SET a = :a", &[("a", &1)]);
        let _ = it.commit();
        prop_assert!(it.session.room() < 1 << 20);
    }
}
