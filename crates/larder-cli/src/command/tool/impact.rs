//! `larder tool impact TOOL`

use super::{Context, Names, there, tools};
use crate::args::tool::Impact as Args;
use crate::exit::Exit;
use crate::output::{Output, Shape, Table, Tone};
use larder::Result;
use larder_stores::registry::{self, Affected, Impact, Verdict, VersionCheck};
use serde::Serialize;

#[derive(Serialize)]
struct ImpactShape<'a> {
    id: &'a str,
    affected: Vec<AffectedShape<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<ToShape<'a>>,
}

#[derive(Serialize)]
struct AffectedShape<'a> {
    #[serde(flatten)]
    affected: &'a Affected,
    path: Vec<&'a str>,
}

#[derive(Serialize)]
struct ToShape<'a> {
    version: &'a str,
    consumers: Vec<ConsumerShape<'a>>,
}

#[derive(Serialize)]
struct ConsumerShape<'a> {
    id: &'a str,
    constraint: Option<&'a str>,
    optional: bool,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// The tools of a chain that a line has room for.
const MOST_SHOWN: usize = 12;

/// Of a longer chain only the end is told: the chains of all together would be as long as its square.
const MOST_IN_PATH: usize = 100;

pub(super) fn run(args: &Args, mut context: Context<'_>) -> Result<Exit> {
    let database = there(&mut context)?;
    let (tool, graph, checked, names) = database.read(|tx| {
        let tool = registry::find_tool(tx, &args.one.tool)?;
        let checked = args.to.as_deref().map(|to| registry::check_version(tx, &tool.id, to)).transpose()?;
        Ok((tool, registry::graph(tx)?, checked, Names::of(tx)?))
    })?;
    // It was there in the same transaction.
    let Some(impact) = graph.impact(&tool.id) else { return Ok(Exit::Failed) };
    let output = context.output;
    print(output, &tool.id, &impact, &names);
    if let (Some(to), Some(checked)) = (&args.to, &checked) {
        print_versions(output, to, checked, &names);
    }
    let path = |affected: &Affected| impact.end_of_path(&affected.id, MOST_IN_PATH).unwrap_or_default();
    let path = |affected| AffectedShape { affected, path: path(affected) };
    let shape = ImpactShape {
        id: &tool.id,
        affected: impact.affected.iter().map(path).collect(),
        to: args
            .to
            .as_deref()
            .zip(checked.as_deref())
            .map(|(version, checked)| ToShape { version, consumers: checked.iter().map(consumer).collect() }),
    };
    output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}

fn consumer(checked: &VersionCheck) -> ConsumerShape<'_> {
    ConsumerShape {
        id: &checked.dependency.consumer_id,
        constraint: checked.dependency.version_constraint.as_deref(),
        optional: checked.dependency.optional,
        verdict: &checked.verdict,
    }
}

fn print(output: &mut Output, id: &str, impact: &Impact<'_>, names: &Names) {
    let required = impact.affected.iter().filter(|one| one.required).count();
    let optional = impact.affected.len() - required;
    let breaks = match required {
        0 => "nothing breaks".to_owned(),
        1 => "1 tool breaks".to_owned(),
        some => format!("{} break", tools(some)),
    };
    let and = if optional == 0 {
        String::new()
    } else {
        format!(", {} through an optional dependency", tools(optional))
    };
    output.line(format!("when {} changes, {breaks}{and}", output.paint(Tone::Strong, names.word(id))));
    if impact.affected.is_empty() {
        return;
    }
    let mut table = Table::new(["tool", "depth", "", "through"]).right(&[1]);
    for one in &impact.affected {
        let word = if one.required { "required" } else { "optional" };
        let tool = names.word(&one.id).to_owned();
        let cells = [tool, one.depth.to_string(), word.to_owned(), through(impact, one, names)];
        table.row(if one.required { Tone::Plain } else { Tone::Quiet }, cells);
    }
    output.table(&table);
}

/// The tools between: `a → b`, of a long chain the last ones.
fn through(impact: &Impact<'_>, one: &Affected, names: &Names) -> String {
    let between = one.depth.saturating_sub(1);
    let shown = between.min(MOST_SHOWN);
    let mut words = impact.end_of_path(&one.id, shown + 1).unwrap_or_default();
    words.pop();
    words.iter_mut().for_each(|id| *id = names.word(id));
    let before = format!("… {} more …", between - shown);
    if between > shown {
        words.insert(0, &before);
    }
    words.join(" → ")
}

fn print_versions(output: &mut Output, to: &str, checked: &[VersionCheck], names: &Names) {
    output.line("");
    if checked.is_empty() {
        output.line(format!("nothing depends on it directly: {to} breaks no constraint"));
        return;
    }
    let mut table = Table::new(["tool", "constraint", to]);
    for one in checked {
        let (tone, word) = match &one.verdict {
            Verdict::Holds => (Tone::Good, "will do".to_owned()),
            Verdict::Violated => (Tone::Bad, "is not let in".to_owned()),
            Verdict::CannotTell(why) => (Tone::Warning, format!("can't tell: {why}")),
            _ => (Tone::Plain, String::new()),
        };
        let constraint = one.dependency.version_constraint.clone().unwrap_or_else(|| "any".to_owned());
        table.row(tone, [names.word(&one.dependency.consumer_id).to_owned(), constraint, word]);
    }
    output.table(&table);
}
