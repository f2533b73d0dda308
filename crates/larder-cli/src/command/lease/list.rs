//! `larder lease list`

use super::LeaseShape;
use crate::args::lease::List;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Table, Tone, measure};
use jiff::Timestamp;
use larder::Result;
use larder_stores::forge;
use serde::Serialize;

#[derive(Serialize)]
struct ListShape {
    leases: Vec<LeaseShape>,
}

pub(super) fn run(args: &List, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading("forge")?;
    let now = Timestamp::now();
    let leases = database.read(|tx| {
        let mut leases = Vec::new();
        if args.all {
            let mut after = None;
            loop {
                let page = forge::list_leases(tx, after, 1000)?;
                let Some(last) = page.last() else { break };
                after = Some(last.repository_id);
                leases.extend(page);
            }
        } else {
            leases = forge::list_expired_leases(tx, now, u32::MAX)?;
            if !args.expired {
                leases.extend(forge::list_live_leases(tx, now, u32::MAX)?);
            }
        }
        leases.into_iter().map(|lease| LeaseShape::of(tx, lease)).collect::<Result<Vec<_>>>()
    })?;
    let output = context.output;
    let mut table = Table::new(["repository", "state", "holder", "token", "since", "until"]).right(&[3]);
    for LeaseShape { repository, state, lease } in &leases {
        let tone = match *state {
            "expired" => Tone::Warning,
            "released" => Tone::Quiet,
            _ => Tone::Plain,
        };
        table.row(
            tone,
            [
                repository.clone(),
                (*state).to_owned(),
                lease.holder.clone(),
                lease.token.to_string(),
                measure::time(lease.acquired_at),
                measure::time(lease.expires_at),
            ],
        );
    }
    if leases.is_empty() {
        output.line("no leases");
    } else {
        output.table(&table);
    }
    output.json(&Shape::new(context.command, true, ListShape { leases }));
    Ok(Exit::Done)
}
