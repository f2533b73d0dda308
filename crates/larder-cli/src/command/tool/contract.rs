//! `larder tool contract add|list|remove`

use super::{Context, Names, done, made, there};
use crate::args::tool::{Contract as Args, ContractAdd, ContractCommand, Number, Perhaps};
use crate::exit::Exit;
use crate::output::{Output, Shape, Table, Tone, measure};
use larder::{Error, ErrorKind, Result};
use larder_stores::registry::{self, Contract, ContractStatus, NewContract};
use serde::Serialize;

#[derive(Serialize)]
struct AddedShape {
    contract: Contract,
}

#[derive(Serialize)]
struct ListShape {
    contracts: Vec<Contract>,
}

#[derive(Serialize)]
struct RemovedShape {
    id: i64,
}

pub(super) fn run(args: &Args, context: Context<'_>) -> Result<Exit> {
    match &args.command {
        ContractCommand::Add(args) => add(args, context),
        ContractCommand::List(args) => list(args, context),
        ContractCommand::Remove(args) => remove(args, context),
    }
}

fn add(args: &ContractAdd, mut context: Context<'_>) -> Result<Exit> {
    let schema = args.schema.as_deref().map(|path| schema_path(path, args.relative)).transpose()?;
    let database = made(&mut context)?;
    let (contract, names) = database.write(|tx| {
        let tool = registry::find_tool(tx, &args.one.tool)?.id;
        let new = NewContract {
            tool_id: &tool,
            contract_type: args.kind,
            name: &args.name,
            schema_path: schema.as_deref(),
            schema_hash: args.hash.as_deref(),
        };
        Ok((registry::add_contract(tx, new)?, Names::of(tx)?))
    })?;
    let line = format!("{}: {} promises {}", contract.id, names.word(&contract.tool_id), contract.name);
    Ok(done(context, line, AddedShape { contract }))
}

/// The registry is the user's and is asked from any folder: what is relative to this one would be lost elsewhere.
fn schema_path(path: &std::path::Path, relative: bool) -> Result<String> {
    let whole = if relative { Ok(path.to_owned()) } else { std::path::absolute(path) };
    let text = whole.ok().and_then(|path| path.to_str().map(str::to_owned));
    text.filter(|text| !text.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("the path `{}` of the schema can't be kept", path.display()))
            .with_help("give the path of a file, in UTF-8")
    })
}

fn list(args: &Perhaps, mut context: Context<'_>) -> Result<Exit> {
    let database = there(&mut context)?;
    let (contracts, names) = database.read(|tx| {
        let tool = args.tool.as_deref().map(|tool| registry::find_tool(tx, tool)).transpose()?;
        let tool = tool.as_ref().map(|tool| tool.id.as_str());
        Ok((registry::contracts(tx, tool)?, Names::of(tx)?))
    })?;
    if contracts.is_empty() {
        context.output.line("no contracts");
    } else {
        print(context.output, &contracts, &names);
    }
    context.output.json(&Shape::new(context.command, true, ListShape { contracts }));
    Ok(Exit::Done)
}

/// Contracts as a table.
pub(super) fn print(output: &mut Output, contracts: &[Contract], names: &Names) {
    let mut table =
        Table::new(["number", "tool", "name", "type", "status", "verified", "schema"]).right(&[0]);
    for one in contracts {
        let cells = [
            one.id.to_string(),
            names.word(&one.tool_id).to_owned(),
            one.name.clone(),
            one.contract_type.to_string(),
            one.status.to_string(),
            one.last_verified.map(measure::time).unwrap_or_default(),
            one.schema_path.clone().unwrap_or_default(),
        ];
        table.row(tone(one.status), cells);
    }
    output.table(&table);
}

pub(super) fn tone(status: ContractStatus) -> Tone {
    match status {
        ContractStatus::Valid => Tone::Good,
        ContractStatus::Drift => Tone::Warning,
        ContractStatus::Broken => Tone::Bad,
        _ => Tone::Plain,
    }
}

fn remove(args: &Number, mut context: Context<'_>) -> Result<Exit> {
    let database = made(&mut context)?;
    database.write(|tx| registry::remove_contract(tx, args.id))?;
    Ok(done(context, format!("removed contract {}", args.id), RemovedShape { id: args.id }))
}
