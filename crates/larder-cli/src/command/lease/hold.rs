//! `larder lease hold`: a command that runs while a lease is held.

use super::release::TOKEN;
use super::{LeaseShape, actor};
use crate::args::lease::Hold;
use crate::command::Context;
use crate::command::child::{self, Relay};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::measure;
use jiff::Timestamp;
use larder::{Error, ErrorKind, Result};
use larder_stores::forge::{self, By, Lease, NotHolder};
use std::borrow::Cow;

pub(super) fn run(args: &Hold, environment: &Environment, mut context: Context<'_>) -> Result<Exit> {
    let who = actor::named(args.holder.holder.as_deref(), environment)?;
    let term = args.term.read()?;
    // From here on a signal no longer ends this program before the lease is given back.
    let relay = Relay::listen()?;
    let lease = acquire(&mut context, args, &who, term)?;
    context.output.note(format!(
        "{} is leased by {who} until {}, token {}",
        lease.repository,
        measure::time(lease.lease.expires_at),
        lease.lease.token
    ));
    // The command writes to the same streams.
    context.output.flush();
    let Lease { repository_id, token, expires_at, .. } = &lease.lease;
    let (id, token, until) = (repository_id.to_string(), token.to_string(), expires_at.to_string());
    let variables = [
        (TOKEN, token.as_str()),
        ("LARDER_LEASE_REPOSITORY", &id),
        ("LARDER_LEASE_UNTIL", &until),
        ("LARDER_HOLDER", &who),
    ];
    let ran = relay.run(&args.command, &variables);
    let released = release(&mut context, &who, &lease);
    let (ended, fault) = ran?;
    if let Some(fault) = fault {
        let name = child::name(&args.command);
        let error = Error::new(ErrorKind::Io, format!("can't run {name}")).with_cause(fault);
        context.output.failure(context.command, &error);
    }
    let exit = ended.exit();
    let lost = |error: &Error| error.find::<NotHolder>().is_some();
    if let Err(error) = &released
        && !lost(error)
    {
        // Nobody else will tell whose it is, for as long as its term.
        context.output.warning(&format!(
            "{repository} is still leased: `larder lease release {repository} --holder {who} --token {token}` gives it back",
            repository = quoted(&lease.repository),
            who = quoted(&who),
        ));
    }
    match released {
        Ok(()) => {
            if Timestamp::now() >= lease.lease.expires_at {
                context
                    .output
                    .warning("the command ran longer than the lease lasted; nobody had taken it over");
            }
            Ok(exit)
        }
        // The command gave it back itself.
        Err(error)
            if error.find::<NotHolder>().is_some_and(|it| it.released && it.current == lease.lease.token) =>
        {
            Ok(exit)
        }
        // The command's own failure says more.
        Err(error) if !ended.is_well() => {
            context.output.problem(&error);
            Ok(exit)
        }
        Err(error) if lost(&error) => {
            Err(error.with_help("the command ran longer than the lease lasted, and another took it over"))
        }
        Err(error) => Err(error),
    }
}

/// A word for a shell.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_alphanumeric() || "@%+=:,./-_".contains(letter);
    if word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// The database is closed again: nothing holds it while the command runs. What closing has to say must not keep the lease
/// from being given back.
fn acquire(
    context: &mut Context<'_>,
    args: &Hold,
    who: &str,
    term: Option<jiff::SignedDuration>,
) -> Result<LeaseShape> {
    let database = context.store("forge")?;
    let lease = database.write_durable(|tx| {
        let id = forge::resolve_repository(tx, &args.repository.repository)?.repository_id;
        let lease = forge::acquire_lease(tx, By::new(who), id, term)?;
        LeaseShape::of(tx, lease)
    })?;
    drop(database);
    Ok(lease)
}

fn release(context: &mut Context<'_>, who: &str, lease: &LeaseShape) -> Result<()> {
    let database = context.store("forge")?;
    let (id, token) = (lease.lease.repository_id, lease.lease.token);
    database.write_durable(|tx| forge::release_lease(tx, By::new(who), id, token)).map(drop)
}
