//! `larder tool dep add|list|remove`

use super::{Context, Names, done, made, there};
use crate::args::tool::{Dep, DepAdd, DepCommand, Number, One};
use crate::exit::Exit;
use crate::output::{Output, Shape, Table, Tone};
use larder::Result;
use larder_stores::registry::{self, Dependency, NewDependency};
use serde::Serialize;

#[derive(Serialize)]
struct AddedShape {
    dependency: Dependency,
}

#[derive(Serialize)]
struct ListShape {
    id: String,
    depends_on: Vec<Dependency>,
    used_by: Vec<Dependency>,
}

#[derive(Serialize)]
struct RemovedShape {
    id: i64,
}

pub(super) fn run(args: &Dep, context: Context<'_>) -> Result<Exit> {
    match &args.command {
        DepCommand::Add(args) => add(args, context),
        DepCommand::List(args) => list(args, context),
        DepCommand::Remove(args) => remove(args, context),
    }
}

fn add(args: &DepAdd, mut context: Context<'_>) -> Result<Exit> {
    let database = made(&mut context)?;
    let (dependency, names) = database.write(|tx| {
        let consumer = registry::find_tool(tx, &args.consumer)?.id;
        let provider = registry::find_tool(tx, &args.provider)?.id;
        let new = NewDependency {
            version_constraint: args.constraint.as_deref(),
            optional: args.optional,
            ..NewDependency::new(&consumer, &provider, args.kind)
        };
        Ok((registry::add_dependency(tx, new)?, Names::of(tx)?))
    })?;
    let how = if dependency.optional { "may use" } else { "requires" };
    let (consumer, provider) = (names.word(&dependency.consumer_id), names.word(&dependency.provider_id));
    let line = format!("{}: {consumer} {how} {provider}", dependency.id);
    Ok(done(context, line, AddedShape { dependency }))
}

fn list(args: &One, mut context: Context<'_>) -> Result<Exit> {
    let database = there(&mut context)?;
    let (shape, names) = database.read(|tx| {
        let id = registry::find_tool(tx, &args.tool)?.id;
        let depends_on = registry::dependencies_of(tx, &id)?;
        let used_by = registry::dependents_of(tx, &id)?;
        Ok((ListShape { depends_on, used_by, id }, Names::of(tx)?))
    })?;
    let output = context.output;
    output.line(output.paint(Tone::Strong, names.word(&shape.id)));
    if shape.depends_on.is_empty() && shape.used_by.is_empty() {
        output.line("  depends on nothing, and nothing depends on it");
    }
    print(output, &shape.depends_on, &shape.used_by, &names);
    output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}

/// The dependencies of a tool, both ways.
pub(super) fn print(output: &mut Output, depends_on: &[Dependency], used_by: &[Dependency], names: &Names) {
    for (heading, list) in [("depends on", depends_on), ("is used by", used_by)] {
        if list.is_empty() {
            continue;
        }
        output.line("");
        let mut table = Table::new([heading, "type", "constraint", "", "number", "from"]).right(&[4]);
        for one in list {
            let id = if heading == "depends on" { &one.provider_id } else { &one.consumer_id };
            let cells = [
                names.word(id).to_owned(),
                one.kind.to_string(),
                one.version_constraint.clone().unwrap_or_default(),
                if one.optional { "optional".to_owned() } else { String::new() },
                one.id.to_string(),
                one.source.clone(),
            ];
            table.row(if one.optional { Tone::Quiet } else { Tone::Plain }, cells);
        }
        output.table(&table);
    }
}

fn remove(args: &Number, mut context: Context<'_>) -> Result<Exit> {
    let database = made(&mut context)?;
    database.write(|tx| registry::remove_dependency(tx, args.id))?;
    Ok(done(context, format!("removed dependency {}", args.id), RemovedShape { id: args.id }))
}
