//! The stream that a session is spoken over: a socket, with TLS around it or not. Sending and receiving wait. Who waits to
//! send takes in what the server sends meanwhile: it may be waiting for that before it reads on.

use super::session::Stream;
use super::socket::{Ready, Socket};
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
    /// What arrived while something was sent; from `taken` on it was not received yet.
    backlog: Vec<u8>,
    taken: usize,
}

impl Line {
    fn has_backlog(&self) -> bool {
        self.taken < self.backlog.len()
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.has_backlog() {
            let count = self.backlog.get(self.taken..).unwrap_or_default().read(buffer)?;
            self.taken += count;
            if !self.has_backlog() {
                (self.backlog, self.taken) = (Vec::new(), 0);
            }
            return Ok(count);
        }
        self.socket.receive(buffer, self.until)?.ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.socket.send(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            match self.socket.wait_either(self.until)? {
                None => return Err(io::ErrorKind::TimedOut.into()),
                Some(Ready::ToSend) => {}
                Some(Ready::ToReceive) => {
                    let mut room = [0; 8 * 1024];
                    let count = self.socket.receive(&mut room, self.until)?.unwrap_or_default();
                    if count == 0 {
                        return Err(io::ErrorKind::BrokenPipe.into());
                    }
                    self.backlog.extend_from_slice(room.get(..count).unwrap_or_default());
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire {
    pub(super) fn new(socket: Socket, tls: Option<Session>, until: Option<Instant>) -> Self {
        Self { line: Line { socket, until, backlog: Vec::new(), taken: 0 }, tls: tls.map(Box::new) }
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
            if !self.line.has_backlog() && !self.line.socket.wait(until)? {
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

#[cfg(test)]
mod tests {
    use super::super::place::Place;
    use super::super::socket::Address;
    use super::*;
    use std::net::TcpListener;

    /// More than two sockets hold.
    const MUCH: usize = 16 << 20;

    #[test]
    fn two_that_both_send_first_do_not_wait_for_each_other_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        let other = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&vec![7; MUCH]).unwrap();
            let mut all = Vec::new();
            stream.take(MUCH as u64).read_to_end(&mut all).unwrap();
            all.len()
        });
        let until = Some(Instant::now() + Duration::from_secs(60));
        let alive = Place::parse("postgres://u@h/d").unwrap().alive;
        let mut wire = Wire::new(Socket::connect(&address, until, &alive).unwrap(), None, until);
        wire.write_all(&vec![1; MUCH]).unwrap();
        let mut all = Vec::new();
        (&mut wire).take(MUCH as u64).read_to_end(&mut all).unwrap();
        assert!(all.len() == MUCH && all.iter().all(|byte| *byte == 7));
        assert_eq!(other.join().unwrap(), MUCH);
    }
}
