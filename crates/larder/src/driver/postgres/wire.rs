//! The stream that a session is spoken over: a socket, with TLS around it or not.

use super::session::Stream;
use super::socket::Socket;
use super::tls::Session;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// The stream.
pub(super) struct Wire {
    line: Line,
    tls: Option<Box<Session>>,
}

/// The socket, and how long it is waited for.
pub(super) struct Line {
    pub(super) socket: Socket,
    until: Option<Instant>,
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.receive(buffer, self.until)?.ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.socket.send(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.socket.wait_sendable(self.until)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire {
    pub(super) fn new(socket: Socket, tls: Option<Session>, until: Option<Instant>) -> Self {
        Self { line: Line { socket, until }, tls: tls.map(Box::new) }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.receive(&mut self.line, buffer),
            None => self.line.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.write(&mut self.line, bytes),
            None => self.line.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.flush(&mut self.line),
            None => Ok(()),
        }
    }
}

impl Stream for Wire {
    fn wait_input(&mut self, patience: Option<Duration>) -> io::Result<bool> {
        let until = patience.map(|patience| Instant::now() + patience);
        loop {
            if let Some(tls) = &mut self.tls
                && tls.has_input()?
            {
                return Ok(true);
            }
            if !self.line.socket.wait(until)? {
                return Ok(false);
            }
            // With TLS it may be a record that is none of ours, and then there is nothing to read yet.
            let at_end = match &mut self.tls {
                Some(tls) => !tls.take_record(&mut self.line)?,
                None => true,
            };
            if at_end {
                return Ok(true);
            }
        }
    }

    fn set_deadline(&mut self, until: Option<Instant>) {
        self.line.until = until;
    }

    fn is_private(&self) -> bool {
        self.tls.is_some() || !self.line.socket.is_public()
    }

    fn channel_binding(&self) -> Option<Vec<u8>> {
        self.tls.as_ref()?.end_point()
    }
}

/// Says goodbye.
impl Drop for Wire {
    fn drop(&mut self) {
        self.line.until = Some(Instant::now() + Duration::from_millis(100));
        if let Some(tls) = &mut self.tls {
            tls.close(&mut self.line);
        }
        let _ = self.line.socket.shut();
    }
}
