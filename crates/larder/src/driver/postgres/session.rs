//! The conversation with a server: messages out, messages in. The thread that asks does both, on a socket that blocks.

use super::connection::Ended;
use super::fault::Fault;
use super::message;
use super::seek::Way;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;
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

/// What another session told those who listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notification {
    /// Where it was told.
    pub(super) channel: String,
    /// What was told.
    pub(super) payload: String,
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
    pub(super) out: Vec<u8>,
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
    pub(super) key: (i32, Vec<u8>),
    /// How the server was reached.
    pub(super) way: Option<Arc<Way>>,
    /// The server took our settings when the session began, as a pooler does not.
    pub(super) settled: bool,
    parameters: HashMap<String, String>,
    /// What arrived for those who listen.
    pub(super) notifications: VecDeque<Notification>,
}

const ROOM: usize = 16 * 1024;

impl Session {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            out: Vec::with_capacity(1024),
            input: vec![0; ROOM],
            at: 0,
            filled: 0,
            owed: 0,
            heard: Instant::now(),
            status: Status::Idle,
            broken: false,
            last_words: None,
            key: (0, Vec::new()),
            way: None,
            settled: false,
            parameters: HashMap::new(),
            notifications: VecDeque::new(),
        }
    }

    /// What the server told of a setting of its own, as `server_version`.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
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
        let out = std::mem::take(&mut self.out);
        let result = self.stream.write_all(&out).and_then(|()| self.stream.flush());
        self.out = out;
        self.out.clear();
        // A large value is not kept for ever.
        self.out.shrink_to(64 * ROOM);
        result.map_err(|error| {
            // What the server said before it hung up may still lie there.
            let _ = self.drain_last_words();
            self.gone(error)
        })
    }

    /// Sends a round whose answer is not waited for: it is read before the next one.
    pub(super) fn send_ahead(&mut self) -> Result<(), Broken> {
        self.send()?;
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
                b'C' => tag = Texts(self.body(&message)).next(),
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
                // How many values there are, how long the first is, and that.
                b'D' => {
                    let length = body.get(2..6).and_then(|length| length.first_chunk());
                    let length = length.and_then(|it| usize::try_from(i32::from_be_bytes(*it)).ok());
                    let text = length.and_then(|length| body.get(6..6 + length));
                    value = text.map(|text| String::from_utf8_lossy(text).into_owned());
                }
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
        let (mut arrived, mut patience) = (false, patience);
        loop {
            while let Some(message) = self.take() {
                arrived = true;
                if !self.note(&message) && message.tag == b'Z' {
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
            if let Some(message) = self.take() {
                if self.note(&message) {
                    continue;
                }
                return Ok(message);
            }
            self.fill()?;
        }
    }

    /// The body of a message, until the next is received.
    pub(super) fn body(&self, message: &Message) -> &[u8] {
        self.input.get(message.body.clone()).unwrap_or_default()
    }

    /// Takes a whole message out of what has arrived.
    fn take(&mut self) -> Option<Message> {
        let header = self.input.get(self.at..self.filled)?;
        let &[tag, a, b, c, d, ..] = header else { return None };
        let length = usize::try_from(i32::from_be_bytes([a, b, c, d])).unwrap_or(4).max(4);
        let end = self.at + 1 + length;
        if end > self.filled {
            return None;
        }
        let body = self.at + 5..end;
        self.at = end;
        Some(Message { tag, body })
    }

    /// Takes note of what a message says of the session; true where that is all there is to it.
    fn note(&mut self, message: &Message) -> bool {
        let body = self.input.get(message.body.clone()).unwrap_or_default();
        match message.tag {
            b'N' => true,
            b'S' => {
                let mut texts = Texts(body);
                let (name, value) = (texts.next(), texts.next());
                self.parameters.insert(name, value);
                true
            }
            b'A' => {
                let mut texts = Texts(body.get(4..).unwrap_or_default());
                let (channel, payload) = (texts.next(), texts.next());
                self.notifications.push_back(Notification { channel, payload });
                true
            }
            b'Z' => {
                self.heard = Instant::now();
                self.status = match body {
                    b"T" => Status::Open,
                    b"E" => Status::Failed,
                    _ => Status::Idle,
                };
                false
            }
            b'E' => {
                let fault = Fault::parse(body);
                if fault.is_fatal() {
                    self.last_words = Some(Box::new(fault));
                }
                false
            }
            _ => false,
        }
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
            let needed = self.needed().max(self.filled + ROOM);
            if self.input.len() < needed {
                self.input.resize(needed, 0);
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
        match self.input.get(self.at..self.filled) {
            Some(&[_, a, b, c, d, ..]) => {
                usize::try_from(i32::from_be_bytes([a, b, c, d])).unwrap_or(0).min(message::LIMIT + 4) + 1
            }
            _ => 0,
        }
    }

    fn drain_last_words(&mut self) -> Result<(), Broken> {
        while self.stream.has_input().unwrap_or(false) {
            self.fill()?;
            while let Some(message) = self.take() {
                self.note(&message);
            }
        }
        Ok(())
    }

    fn gone(&mut self, cause: io::Error) -> Broken {
        self.broken = true;
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

/// Texts one after the other, each ended by a zero.
pub(super) struct Texts<'b>(pub(super) &'b [u8]);

impl Texts<'_> {
    pub(super) fn next(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let text = String::from_utf8_lossy(self.0.get(..end).unwrap_or_default()).into_owned();
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        text
    }
}
