//! The first words with a server: who asks, for which database, and the proof of a password.

use super::connection::Ended;
use super::fault::Fault;
use super::message;
use super::place::ChannelBinding;
use super::session::{Broken, Message, Session, Texts};
use crate::error::{Error, ErrorKind, Result};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{self, ScramSha256};

/// As whom, and how, a session begins.
pub(super) struct Startup<'p> {
    pub(super) user: &'p str,
    pub(super) password: Option<&'p str>,
    pub(super) channel_binding: ChannelBinding,
    /// What else the server is told: `database`, and settings for the session.
    pub(super) parameters: &'p [(&'p str, &'p str)],
}

/// Why a session did not begin.
pub(super) enum Refused {
    /// The server said no.
    Server(Box<Fault>),
    /// It went away.
    Broken(Broken),
    /// It wants something that is not to be had here.
    Here(Error),
}

impl From<Ended> for Refused {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Fault(fault) => Self::Server(fault),
            Ended::Broken(broken) => Self::Broken(broken),
        }
    }
}

impl From<Broken> for Refused {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl Startup<'_> {
    /// Begins the session.
    pub(super) fn run(&self, session: &mut Session) -> Result<(), Refused> {
        let own = [("user", self.user), ("client_encoding", "UTF8")];
        message::startup(&mut session.out, own.into_iter().chain(self.parameters.iter().copied()));
        session.send()?;
        self.authenticate(session)?;
        loop {
            let message = next(session)?;
            match message.tag {
                b'K' => {
                    if let [a, b, c, d, secret @ ..] = session.body(&message) {
                        session.key = (i32::from_be_bytes([*a, *b, *c, *d]), secret.to_vec());
                    }
                }
                b'Z' => return Ok(()),
                _ => {}
            }
        }
    }

    fn authenticate(&self, session: &mut Session) -> Result<(), Refused> {
        loop {
            let message = next(session)?;
            let body = session.body(&message);
            let (kind, rest) = match body {
                [0, 0, 0, kind, rest @ ..] if message.tag == b'R' => (*kind, rest.to_vec()),
                _ => return Err(Refused::Here(strange())),
            };
            match kind {
                0 => {
                    self.unbound()?;
                    return Ok(());
                }
                3 if !session.stream().is_private() => {
                    let message =
                        "the server asks for the password in clear text, and the connection is not encrypted";
                    return Err(Refused::Here(Error::new(ErrorKind::CannotOpen, message).with_help(
                        "encrypt it (`sslmode=require`), or have the server ask by scram-sha-256",
                    )));
                }
                3 => {
                    message::password(&mut session.out, self.password()?);
                    session.send()?;
                }
                5 => {
                    let salt = rest.first_chunk().copied().unwrap_or_default();
                    let proof = md5_hash(self.user.as_bytes(), self.password()?, salt);
                    message::password(&mut session.out, proof.as_bytes());
                    session.send()?;
                }
                10 => return self.scram(session, &rest),
                _ => {
                    let error = Error::new(
                        ErrorKind::CannotOpen,
                        "the server asks for a way to log in that Larder does not know",
                    );
                    return Err(Refused::Here(error.with_help(
                        "let it ask for a password (scram-sha-256) or a client certificate in pg_hba.conf",
                    )));
                }
            }
        }
    }

    fn scram(&self, session: &mut Session, mechanisms: &[u8]) -> Result<(), Refused> {
        let (mut plain, mut plus) = (false, false);
        let mut names = Texts(mechanisms);
        loop {
            match names.next().as_str() {
                "" => break,
                sasl::SCRAM_SHA_256 => plain = true,
                sasl::SCRAM_SHA_256_PLUS => plus = true,
                _ => {}
            }
        }
        let binding = match self.channel_binding {
            ChannelBinding::Disable => None,
            _ => session.stream().channel_binding(),
        };
        let (binding, mechanism) = match binding {
            Some(binding) if plus => {
                (sasl::ChannelBinding::tls_server_end_point(binding), sasl::SCRAM_SHA_256_PLUS)
            }
            Some(_) if plain => (sasl::ChannelBinding::unrequested(), sasl::SCRAM_SHA_256),
            None if plain => (sasl::ChannelBinding::unsupported(), sasl::SCRAM_SHA_256),
            _ => return Err(Refused::Here(strange())),
        };
        if mechanism != sasl::SCRAM_SHA_256_PLUS {
            self.unbound()?;
        }
        let wrong = |error: std::io::Error| {
            let error =
                Error::new(ErrorKind::CannotOpen, "the server did not prove that it knows the password")
                    .with_help("see that this is the right server")
                    .with_cause(error);
            Refused::Here(error)
        };
        let mut scram = ScramSha256::new(self.password()?, binding);
        message::sasl_initial(&mut session.out, mechanism, scram.message());
        session.send()?;
        scram.update(&step(session, 11)?).map_err(wrong)?;
        message::sasl(&mut session.out, scram.message());
        session.send()?;
        scram.finish(&step(session, 12)?).map_err(wrong)?;
        step(session, 0).map(|_| ())
    }

    fn password(&self) -> Result<&[u8], Refused> {
        self.password.map(str::as_bytes).ok_or_else(|| {
            let error =
                Error::new(ErrorKind::CannotOpen, "the server asks for a password and none was given");
            Refused::Here(error.with_help("put it into the URL, PGPASSWORD or ~/.pgpass"))
        })
    }

    /// Refuses to go on without channel binding where it is required.
    fn unbound(&self) -> Result<(), Refused> {
        if self.channel_binding != ChannelBinding::Require {
            return Ok(());
        }
        let error = Error::new(ErrorKind::CannotOpen, "the server did not offer channel binding");
        Err(Refused::Here(error.with_help("use TLS and scram-sha-256, or take channel_binding=require away")))
    }
}

/// The data of the next message about logging in, which has to be of that `kind`.
fn step(session: &mut Session, kind: u8) -> Result<Vec<u8>, Refused> {
    let message = next(session)?;
    match session.body(&message) {
        [0, 0, 0, found, data @ ..] if message.tag == b'R' && *found == kind => Ok(data.to_vec()),
        _ => Err(Refused::Here(strange())),
    }
}

fn next(session: &mut Session) -> Result<Message, Refused> {
    let message = session.receive()?;
    if message.tag == b'E' {
        return Err(Refused::Server(Box::new(Fault::parse(session.body(&message)))));
    }
    Ok(message)
}

fn strange() -> Error {
    Error::new(ErrorKind::CannotOpen, "what answers does not speak as a PostgreSQL server does")
        .with_help("see that host and port are those of the server")
}
