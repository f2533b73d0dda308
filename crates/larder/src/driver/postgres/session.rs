//! The conversation with a server: messages out, messages in. The thread that asks does both, on a socket that blocks.

use super::connection::Ended;
use super::fault::Fault;
use super::message::{self, Read as Received};
use super::seek::Way;
use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A way to a server: a socket, or one with TLS over it.
pub(super) trait Stream: Read + Write + Send {
    /// Whether something is there to be read without waiting.
    fn has_input(&mut self) -> io::Result<bool> {
        self.wait_input(Some(Duration::ZERO))
    }

    /// Waits until something is there to be read, no longer than `patience`; `None` is for ever. True when it is.
    fn wait_input(&mut self, patience: Option<Duration>) -> io::Result<bool>;

    /// Until when the server is waited for; `None` is for ever.
    fn set_deadline(&mut self, until: Option<Instant>);

    /// True where nobody can listen: there is TLS, or no network.
    fn is_private(&self) -> bool;

    /// What binds the password's proof to this very TLS session (`tls-server-end-point`); `None` without TLS.
    fn channel_binding(&self) -> Option<Vec<u8>>;
}

/// What the server is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// No transaction is open.
    Idle,
    /// A transaction is open.
    Open,
    /// A transaction is open in which a statement failed: all are refused but the rollback.
    Failed,
}

/// The connection is of no use any more.
#[derive(Debug)]
pub(super) struct Broken {
    /// What the socket said.
    pub(super) cause: io::Error,
    /// What the server said before it went.
    pub(super) said: Option<Box<Fault>>,
}

/// One message of the server: its tag, and where its body lies.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) tag: u8,
    body: Range<usize>,
}

/// A conversation.
pub(super) struct Session {
    stream: Box<dyn Stream>,
    /// What is to be sent.
    pub(super) out: BytesMut,
    /// What has arrived: from `at` on not yet read, up to `filled`.
    input: Vec<u8>,
    at: usize,
    filled: usize,
    /// Rounds whose answers nobody waited for.
    owed: usize,
    /// When the server said last that it is ready.
    heard: Instant,
    status: Status,
    broken: bool,
    last_words: Option<Box<Fault>>,
    /// Whom a cancel request has to name.
    pub(super) key: (i32, i32),
    /// How the server was reached.
    pub(super) way: Option<Arc<Way>>,
    /// The server took our settings when the session began, as a pooler does not.
    pub(super) settled: bool,
    /// Somebody waits for an answer to what was sent. Who has it stops nothing else.
    busy: Arc<Mutex<bool>>,
    parameters: HashMap<String, String>,
    /// Those that are not now as the server said first, by name.
    changed: HashMap<String, String>,
    /// How often somebody told something to those who listen, since it was last asked.
    pub(super) notifications: u64,
}

const ROOM: usize = 16 * 1024;

impl Session {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            out: BytesMut::with_capacity(1024),
            input: vec![0; ROOM],
            at: 0,
            filled: 0,
            owed: 0,
            heard: Instant::now(),
            status: Status::Idle,
            broken: false,
            last_words: None,
            key: (0, 0),
            way: None,
            settled: false,
            busy: Arc::default(),
            parameters: HashMap::new(),
            changed: HashMap::new(),
            notifications: 0,
        }
    }

    /// What the server told of a setting of its own, as `server_version`.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    fn note_parameter(&mut self, name: String, value: String) {
        let Some(before) = self.parameters.insert(name.clone(), value.clone()) else { return };
        let first = self.changed.entry(name.clone()).or_insert(before);
        if *first == value {
            self.changed.remove(&name);
        }
    }

    /// A setting is not as it was when the session began. The server says so of those that change how it is understood.
    pub(super) fn is_changed(&self) -> bool {
        // What is the server's own, and not the session's.
        self.changed.keys().any(|name| !matches!(name.as_str(), "in_hot_standby" | "application_name"))
    }

    /// True while somebody waits for the answer to a question.
    pub(super) fn busy(&self) -> Arc<Mutex<bool>> {
        Arc::clone(&self.busy)
    }

    fn set_busy(&self, busy: bool) {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = busy;
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Nothing can be asked any more.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) fn stream(&mut self) -> &mut dyn Stream {
        &mut *self.stream
    }

    /// Sends what is to be sent.
    pub(super) fn send(&mut self) -> Result<(), Broken> {
        if self.broken {
            return Err(self.gone(io::ErrorKind::NotConnected.into()));
        }
        self.set_busy(true);
        let out = std::mem::take(&mut self.out);
        let result = self.stream.write_all(&out).and_then(|()| self.stream.flush());
        // A large value is not kept for ever.
        self.out = if out.capacity() > 64 * ROOM { BytesMut::with_capacity(ROOM) } else { out };
        self.out.clear();
        result.map_err(|error| {
            // What the server said before it hung up may still lie there.
            let _ = self.drain_last_words();
            self.gone(error)
        })
    }

    /// Sends a round whose answer is not waited for: it is read before the next one.
    pub(super) fn send_ahead(&mut self) -> Result<(), Broken> {
        self.send()?;
        self.set_busy(false);
        self.owed += 1;
        Ok(())
    }

    /// Reads the answers that nobody waited for.
    pub(super) fn settle(&mut self) -> Result<(), Broken> {
        while self.owed > 0 {
            if self.receive()?.tag == b'Z' {
                self.owed -= 1;
            }
        }
        Ok(())
    }

    /// Receives the answers to a round whose results nobody wants; gives the tag of the last statement.
    pub(super) fn finish(&mut self) -> Result<String, Ended> {
        let (mut tag, mut fault) = (String::new(), None);
        loop {
            let message = self.receive()?;
            match message.tag {
                b'C' => tag = text(self.body(&message)).into_owned(),
                b'E' => fault = Some(Box::new(Fault::parse(self.body(&message)))),
                b'Z' => return fault.map_or(Ok(tag), |fault| Err(Ended::Fault(fault))),
                _ => {}
            }
        }
    }

    /// Receives the answers to a round that gives one value, as text.
    pub(super) fn value(&mut self) -> Result<Option<String>, Ended> {
        let (mut value, mut fault) = (None, None);
        loop {
            let message = self.receive()?;
            let body = self.body(&message);
            match message.tag {
                b'D' => match message::read(message.tag, body) {
                    Ok(Received::DataRow(row)) => {
                        let place = row.ranges().next().ok().flatten().flatten();
                        let text = place.and_then(|place| row.buffer().get(place));
                        value = text.map(|text| String::from_utf8_lossy(text).into_owned());
                    }
                    _ => return Err(self.garbled().into()),
                },
                b'E' => fault = Some(Box::new(Fault::parse(body))),
                b'Z' => return fault.map_or(Ok(value), |fault| Err(Ended::Fault(fault))),
                _ => {}
            }
        }
    }

    /// Whether the server has said something that was not received yet.
    pub(super) fn was_told(&mut self) -> bool {
        self.at < self.filled || self.stream.has_input().unwrap_or(true)
    }

    /// Sees, without waiting, what has arrived: notifications, or that the server has gone.
    pub(super) fn look(&mut self) -> Result<(), Broken> {
        self.look_for(Duration::ZERO).map(|_| ())
    }

    /// Sees whether the server has gone, where it was not heard of just now: a loop of short questions is not to ask the
    /// system each time.
    pub(super) fn look_after_a_pause(&mut self) -> Result<(), Broken> {
        const PAUSE: Duration = Duration::from_micros(500);
        if self.owed == 0 && !self.broken && self.heard.elapsed() < PAUSE {
            return Ok(());
        }
        self.look()
    }

    /// As [`look`](Self::look), waiting for the first thing to arrive; false when nothing did.
    pub(super) fn look_for(&mut self, patience: Duration) -> Result<bool, Broken> {
        if self.broken {
            return Err(self.gone(io::ErrorKind::NotConnected.into()));
        }
        let (mut arrived, mut patience) = (false, patience);
        loop {
            while let Some(message) = self.take()? {
                arrived = true;
                if !self.note(&message)? && message.tag == b'Z' {
                    self.owed = self.owed.saturating_sub(1);
                }
            }
            if arrived {
                patience = Duration::ZERO;
            }
            match self.stream.wait_input(Some(patience)) {
                Ok(true) => self.fill()?,
                Ok(false) => return Ok(arrived),
                Err(error) => return Err(self.gone(error)),
            }
        }
    }

    /// The next message that answers a question.
    pub(super) fn receive(&mut self) -> Result<Message, Broken> {
        loop {
            if let Some(message) = self.take()? {
                if self.note(&message)? {
                    continue;
                }
                return Ok(message);
            }
            self.fill()?;
        }
    }

    /// How much memory there is for what arrives.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.input.len()
    }

    /// The body of a message, until the next is received.
    pub(super) fn body(&self, message: &Message) -> &[u8] {
        self.input.get(message.body.clone()).unwrap_or_default()
    }

    /// Takes a whole message out of what has arrived.
    fn take(&mut self) -> Result<Option<Message>, Broken> {
        let arrived = self.input.get(self.at..self.filled).unwrap_or_default();
        let length = match message::length(arrived) {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.gone(error)),
        };
        let (Some(&tag), true) = (arrived.first(), length <= arrived.len()) else { return Ok(None) };
        let body = self.at + 5..self.at + length;
        self.at += length;
        Ok(Some(Message { tag, body }))
    }

    /// Takes note of what a message says of the session; true where that is all there is to it.
    fn note(&mut self, message: &Message) -> Result<bool, Broken> {
        let body = self.input.get(message.body.clone()).unwrap_or_default();
        match message.tag {
            b'N' => return Ok(true),
            b'S' | b'A' => match message::read(message.tag, body) {
                Ok(Received::ParameterStatus(said)) => {
                    if let (Ok(name), Ok(value)) = (said.name(), said.value()) {
                        self.note_parameter(name.to_owned(), value.to_owned());
                    }
                }
                Ok(_) => self.notifications += 1,
                Err(error) => return Err(self.gone(error)),
            },
            b'Z' => {
                self.heard = Instant::now();
                if self.owed == 0 {
                    self.set_busy(false);
                }
                self.status = match body {
                    b"I" => Status::Idle,
                    b"T" => Status::Open,
                    b"E" => Status::Failed,
                    _ => return Err(self.garbled()),
                };
                return Ok(false);
            }
            b'E' => {
                let fault = Fault::parse(body);
                if fault.is_fatal() {
                    self.last_words = Some(Box::new(fault));
                }
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Waits for more to arrive.
    fn fill(&mut self) -> Result<(), Broken> {
        if self.broken {
            return Err(self.gone(io::ErrorKind::NotConnected.into()));
        }
        if self.at == self.filled {
            (self.at, self.filled) = (0, 0);
            if self.input.len() > 64 * ROOM {
                self.input.truncate(ROOM);
                self.input.shrink_to_fit();
            }
        } else if self.input.len() - self.filled < ROOM / 2 {
            self.input.copy_within(self.at..self.filled, 0);
            self.filled -= self.at;
            self.at = 0;
            // What a message says of its length is believed only as far as it has arrived.
            let room = self.needed().clamp(self.filled + ROOM, 2 * self.filled + ROOM);
            if self.input.len() < room {
                self.input.resize(room, 0);
            }
        }
        loop {
            let Some(room) = self.input.get_mut(self.filled..) else {
                return Err(self.gone(io::ErrorKind::OutOfMemory.into()));
            };
            return match self.stream.read(room) {
                Ok(0) => Err(self.gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => {
                    self.filled += count;
                    Ok(())
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(self.gone(error)),
            };
        }
    }

    /// How large the message is that has begun to arrive.
    fn needed(&self) -> usize {
        let arrived = self.input.get(self.at..self.filled).unwrap_or_default();
        message::length(arrived).ok().flatten().unwrap_or(0)
    }

    fn drain_last_words(&mut self) -> Result<(), Broken> {
        while self.stream.has_input().unwrap_or(false) {
            self.fill()?;
            while let Some(message) = self.take()? {
                self.note(&message)?;
            }
        }
        Ok(())
    }

    /// What was received makes no sense; nor does what follows it.
    pub(super) fn garbled(&mut self) -> Broken {
        self.gone(message::garbled())
    }

    fn gone(&mut self, cause: io::Error) -> Broken {
        self.broken = true;
        self.set_busy(false);
        Broken { cause, said: self.last_words.clone() }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.broken {
            self.out.clear();
            message::terminate(&mut self.out);
            let _ = self.send();
        }
    }
}

/// The text at the beginning of a message's body, which a zero ends.
pub(super) fn text(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body.split(|byte| *byte == 0).next().unwrap_or_default())
}
