//! `larder tool verify [TOOL]`

use super::contract::tone;
use super::{Context, Names, checked};
use crate::args::tool::Verify;
use crate::exit::Exit;
use crate::output::{Output, Shape, Table};
use larder::{Error, ErrorKind, Result};
use larder_stores::registry::{self, ContractStatus, Verified};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct VerifyShape {
    verified: Vec<Verified>,
}

pub(super) fn run(args: &Verify, mut context: Context<'_>) -> Result<Exit> {
    let opened = context.store(super::STORE);
    let database = checked(&context, opened)?;
    let base = args.base.as_deref().unwrap_or(Path::new("."));
    if !base.is_dir() {
        // Every schema below it would count as gone.
        return Err(Error::new(ErrorKind::Config, format!("there is no folder {}", base.display()))
            .with_help("name the folder where relative paths of schemas start"));
    }
    let commit = args.commit.as_deref();
    let verified = match (args.contract, args.accept) {
        (Some(contract), true) => vec![registry::accept(&database, contract, base, commit)?],
        (Some(contract), false) => vec![registry::verify(&database, contract, base, commit)?],
        (None, _) => {
            let tool = args.tool.as_deref();
            let tool = tool.map(|tool| database.read(|tx| registry::find_tool(tx, tool))).transpose()?;
            let tool = tool.as_ref().map(|tool| tool.id.as_str());
            registry::verify_all(&database, tool, base, commit)?
        }
    };
    let sound = verified.iter().all(|one| one.contract.status == ContractStatus::Valid);
    print(context.output, &verified, &database.read(Names::of)?);
    context.output.json(&Shape::new(context.command, sound, VerifyShape { verified }));
    Ok(if sound { Exit::Done } else { Exit::Unsound })
}

fn print(output: &mut Output, verified: &[Verified], names: &Names) {
    if verified.is_empty() {
        output.line("no contracts that name a schema");
        return;
    }
    let mut table = Table::new(["number", "tool", "contract", "status", ""]).right(&[0]);
    for one in verified {
        let contract = &one.contract;
        let cells = [
            contract.id.to_string(),
            names.word(&contract.tool_id).to_owned(),
            contract.name.clone(),
            contract.status.to_string(),
            remark(one),
        ];
        table.row(tone(contract.status), cells);
    }
    output.table(&table);
    if verified.iter().any(|one| one.contract.status == ContractStatus::Drift) {
        output.line("\nwhere a drift was meant: larder tool verify --contract NUMBER --accept");
    }
}

fn remark(one: &Verified) -> String {
    let Some(details) = one.verification.details.as_ref().map(|details| &details.0) else {
        return String::new();
    };
    let short =
        |hash: &Option<String>| hash.as_deref().unwrap_or("nothing").chars().take(12).collect::<String>();
    match &details.problem {
        Some(problem) => format!("{}: {problem}", details.schema_path),
        None if one.contract.status == ContractStatus::Drift => {
            format!(
                "{} is {}, and {} was agreed",
                details.schema_path,
                short(&details.new_hash),
                short(&details.old_hash)
            )
        }
        None if details.accepted => format!("agreed on {}", short(&details.new_hash)),
        None => String::new(),
    }
}
