//! The first words with a server: who asks, for which database, and the proof of a password.

use super::connection::Ended;
use super::fault::Fault;
use super::message::{self, Read};
use super::place::ChannelBinding;
use super::session::{Broken, Message, Session};
use crate::error::{Error, ErrorKind, Result};
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{self, ScramSha256};
use postgres_protocol::message::backend::AuthenticationSaslBody;
use postgres_protocol::message::frontend;

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
        let all = own.into_iter().chain(self.parameters.iter().copied());
        frontend::startup_message(all, &mut session.out).map_err(unsaid)?;
        session.send()?;
        self.authenticate(session)?;
        loop {
            let message = next(session)?;
            match message.tag {
                b'K' => {
                    if let Ok(Read::BackendKeyData(key)) = message::read(message.tag, session.body(&message))
                    {
                        session.key = (key.process_id(), key.secret_key());
                    }
                }
                b'Z' => return Ok(()),
                _ => {}
            }
        }
    }

    fn authenticate(&self, session: &mut Session) -> Result<(), Refused> {
        loop {
            match step(session)? {
                Read::AuthenticationOk => {
                    self.unbound()?;
                    return Ok(());
                }
                Read::AuthenticationCleartextPassword if !session.stream().is_private() => {
                    let message =
                        "the server asks for the password in clear text, and the connection is not encrypted";
                    return Err(Refused::Here(Error::new(ErrorKind::CannotOpen, message).with_help(
                        "encrypt it (`sslmode=require`), or have the server ask by scram-sha-256",
                    )));
                }
                Read::AuthenticationCleartextPassword => {
                    frontend::password_message(self.password()?, &mut session.out).map_err(unsaid)?;
                    session.send()?;
                }
                Read::AuthenticationMd5Password(asked) => {
                    let proof = md5_hash(self.user.as_bytes(), self.password()?, asked.salt());
                    frontend::password_message(proof.as_bytes(), &mut session.out).map_err(unsaid)?;
                    session.send()?;
                }
                Read::AuthenticationSasl(asked) => return self.scram(session, &asked),
                _ => return Err(Refused::Here(unknown())),
            }
        }
    }

    fn scram(&self, session: &mut Session, asked: &AuthenticationSaslBody) -> Result<(), Refused> {
        let (mut plain, mut plus) = (false, false);
        let mut mechanisms = asked.mechanisms();
        while let Some(mechanism) = mechanisms.next().map_err(|_| Refused::Here(strange()))? {
            match mechanism {
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
        frontend::sasl_initial_response(mechanism, scram.message(), &mut session.out).map_err(unsaid)?;
        session.send()?;
        let Read::AuthenticationSaslContinue(answer) = step(session)? else {
            return Err(Refused::Here(strange()));
        };
        scram.update(answer.data()).map_err(wrong)?;
        frontend::sasl_response(scram.message(), &mut session.out).map_err(unsaid)?;
        session.send()?;
        let Read::AuthenticationSaslFinal(answer) = step(session)? else {
            return Err(Refused::Here(strange()));
        };
        scram.finish(answer.data()).map_err(wrong)?;
        match step(session)? {
            Read::AuthenticationOk => Ok(()),
            _ => Err(Refused::Here(strange())),
        }
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

/// The next message about logging in.
fn step(session: &mut Session) -> Result<Read, Refused> {
    let message = next(session)?;
    if message.tag != b'R' {
        return Err(Refused::Here(strange()));
    }
    // What that crate does not know is a way to log in that is not known here.
    message::read(message.tag, session.body(&message))
        .map_err(|error| Refused::Here(unknown().with_cause(error)))
}

fn next(session: &mut Session) -> Result<Message, Refused> {
    let message = session.receive()?;
    if message.tag == b'E' {
        return Err(Refused::Server(Box::new(Fault::parse(session.body(&message)))));
    }
    Ok(message)
}

fn unknown() -> Error {
    Error::new(ErrorKind::CannotOpen, "the server asks for a way to log in that Larder does not know")
        .with_help("let it ask for a password (scram-sha-256) or a client certificate in pg_hba.conf")
}

/// A text that is to be said holds a NUL character.
fn unsaid(error: std::io::Error) -> Refused {
    let error =
        Error::new(ErrorKind::CannotOpen, "what the server is to be told can't be sent").with_cause(error);
    Refused::Here(error.with_help("see that no part of the URL holds a NUL character (%00)"))
}

fn strange() -> Error {
    Error::new(ErrorKind::CannotOpen, "what answers does not speak as a PostgreSQL server does")
        .with_help("see that host and port are those of the server")
}
