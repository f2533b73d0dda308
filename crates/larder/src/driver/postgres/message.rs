//! The messages of PostgreSQL's protocol, version 3, that are sent.

/// Appends one message.
fn message(out: &mut Vec<u8>, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    with_length(out, body);
}

/// Appends what `body` writes behind its length, which counts itself.
fn with_length(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    // What is larger than the protocol can say is refused before it is sent; see `LIMIT`.
    let length = i32::try_from(out.len() - at).unwrap_or(i32::MAX);
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// The server takes no message as long as this.
pub(super) const LIMIT: usize = 0x3fff_ffff;

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

fn count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
}

/// The first message of a connection.
pub(super) fn startup<'p>(out: &mut Vec<u8>, parameters: impl Iterator<Item = (&'p str, &'p str)>) {
    with_length(out, |out| {
        out.extend_from_slice(&0x0003_0000_i32.to_be_bytes());
        for (name, value) in parameters {
            text(out, name);
            text(out, value);
        }
        out.push(0);
    });
}

/// Asks, on a connection of its own, to stop what another one runs.
pub(super) fn cancel(out: &mut Vec<u8>, process: i32, secret: &[u8]) {
    with_length(out, |out| {
        out.extend_from_slice(&80_877_102_i32.to_be_bytes());
        out.extend_from_slice(&process.to_be_bytes());
        out.extend_from_slice(secret);
    });
}

pub(super) fn password(out: &mut Vec<u8>, password: &[u8]) {
    message(out, b'p', |out| {
        out.extend_from_slice(password);
        out.push(0);
    });
}

pub(super) fn sasl_initial(out: &mut Vec<u8>, mechanism: &str, data: &[u8]) {
    message(out, b'p', |out| {
        text(out, mechanism);
        out.extend_from_slice(&i32::try_from(data.len()).unwrap_or(i32::MAX).to_be_bytes());
        out.extend_from_slice(data);
    });
}

pub(super) fn sasl(out: &mut Vec<u8>, data: &[u8]) {
    message(out, b'p', |out| out.extend_from_slice(data));
}

/// One or more statements without parameters.
pub(super) fn query(out: &mut Vec<u8>, sql: &str) {
    message(out, b'Q', |out| text(out, sql));
}

/// Prepares a statement; the empty name is the one that lasts until the next.
pub(super) fn parse(out: &mut Vec<u8>, name: &str, sql: &str, types: impl ExactSizeIterator<Item = u32>) {
    message(out, b'P', |out| {
        text(out, name);
        text(out, sql);
        count(out, types.len());
        for oid in types {
            out.extend_from_slice(&oid.to_be_bytes());
        }
    });
}

pub(super) fn describe(out: &mut Vec<u8>, name: &str) {
    message(out, b'D', |out| {
        out.push(b'S');
        text(out, name);
    });
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Binary,
}

/// Gives a statement its parameters: `formats` of them, then their values as `values` writes them, each behind its length.
pub(super) fn bind(
    out: &mut Vec<u8>,
    name: &str,
    formats: impl ExactSizeIterator<Item = Format>,
    values: impl FnOnce(&mut Vec<u8>),
    results: impl ExactSizeIterator<Item = Format>,
) {
    message(out, b'B', |out| {
        out.push(0);
        text(out, name);
        let parameters = formats.len();
        count(out, parameters);
        for format in formats {
            out.extend_from_slice(&code(format));
        }
        count(out, parameters);
        values(out);
        count(out, results.len());
        for format in results {
            out.extend_from_slice(&code(format));
        }
    });
}

fn code(format: Format) -> [u8; 2] {
    match format {
        Format::Text => [0, 0],
        Format::Binary => [0, 1],
    }
}

/// The value of a parameter.
pub(super) fn value(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = i32::try_from(out.len() - at - 4).unwrap_or(i32::MAX);
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

pub(super) fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i32).to_be_bytes());
}

pub(super) fn execute(out: &mut Vec<u8>) {
    out.extend_from_slice(b"E\0\0\0\x09\0\0\0\0\0");
}

/// Closes a prepared statement.
pub(super) fn close(out: &mut Vec<u8>, name: &str) {
    message(out, b'C', |out| {
        out.push(b'S');
        text(out, name);
    });
}

pub(super) fn sync(out: &mut Vec<u8>) {
    out.extend_from_slice(b"S\0\0\0\x04");
}

/// Asks for what is answered so far, in the middle of a round.
pub(super) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"H\0\0\0\x04");
}

pub(super) fn terminate(out: &mut Vec<u8>) {
    out.extend_from_slice(b"X\0\0\0\x04");
}

pub(super) fn copy_data(out: &mut Vec<u8>, data: &[u8]) {
    message(out, b'd', |out| out.extend_from_slice(data));
}

pub(super) fn copy_done(out: &mut Vec<u8>) {
    out.extend_from_slice(b"c\0\0\0\x04");
}

pub(super) fn copy_fail(out: &mut Vec<u8>, why: &str) {
    message(out, b'f', |out| text(out, why));
}
