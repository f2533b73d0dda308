//! Why a lease is not granted, not taken back, or not good any more.

use crate::forge::Id;
use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// The repository is leased already. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// The repository.
    pub repository_id: Id,
    /// Who has the lease.
    pub holder: String,
    /// Until when, unless it is given back before.
    pub until: Timestamp,
    /// Its token. It is no secret: it orders writes, and only the holder can give the lease back.
    pub token: i64,
    /// It is the one who asked that has it. A lease is not renewed: give it back, or wait until its time is up.
    pub yours: bool,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository_id, holder, until, token, yours } = self;
        let who = if *yours { " (the one who asks)" } else { "" };
        write!(f, "the repository {repository_id} is leased by {holder}{who} until {until:.0}, token {token}")
    }
}

impl std::error::Error for Held {}

/// The lease is not given back: who asks does not hold it, or not any more. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotHolder {
    /// The repository.
    pub repository_id: Id,
    /// Who wanted to give it back.
    pub actor: String,
    /// With which token.
    pub token: i64,
    /// Who had the lease last; `None` when the repository was never leased.
    pub holder: Option<String>,
    /// The token of that; 0 when there was none.
    pub current: i64,
    /// It was given back already.
    pub released: bool,
}

impl fmt::Display for NotHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository_id, actor, token, holder, current, released } = self;
        write!(f, "{actor} does not hold the lease on {repository_id} with token {token}: ")?;
        match holder {
            None => write!(f, "it was never leased"),
            Some(holder) if *released => write!(f, "{holder} gave the last one back, token {current}"),
            Some(holder) => write!(f, "it is that of {holder}, token {current}"),
        }
    }
}

impl std::error::Error for NotHolder {}

/// A write came with a token that is not that of a lease in force. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaleToken {
    /// The repository.
    pub repository_id: Id,
    /// The token that came.
    pub token: i64,
    /// The token of the last grant; 0 when there was none.
    pub current: i64,
    /// The grant of that token was given back.
    pub released: bool,
    /// When its time was up, or is.
    pub until: Option<Timestamp>,
}

impl fmt::Display for StaleToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository_id, token, current, released, until } = self;
        write!(f, "the token {token} is no longer good for {repository_id}: ")?;
        match until {
            None => write!(f, "it was never leased"),
            Some(_) if token != current => write!(f, "the last one granted is {current}"),
            Some(_) if *released => write!(f, "its lease was given back"),
            Some(until) => write!(f, "its time was up at {until:.0}"),
        }
    }
}

impl std::error::Error for StaleToken {}

/// A term that a lease can't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidTerm {
    /// The term that was asked for.
    pub term: SignedDuration,
}

impl fmt::Display for InvalidTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a lease can't last {:#}", self.term)
    }
}

impl std::error::Error for InvalidTerm {}
