//! `larder doctor`

use super::Context;
use crate::args::Doctor;
use crate::exit::Exit;
use crate::output::{Output, Tone, measure};
use larder::Result;
use larder::doctor::{self, Checkup, Finding, Severity, State};

pub(crate) fn run(args: &Doctor, context: Context<'_>) -> Result<Exit> {
    let sets = context.sets_if_any()?;
    let without = sets.is_without_folder();
    let settings = doctor::Settings {
        fix: args.fix,
        thorough: args.thorough,
        backups: context.settings.backup_dir.clone(),
    };
    let checks: Vec<_> = sets.stores().iter().flat_map(|store| store.checks.iter().copied()).collect();
    let mut checkup = doctor::examine_with(&context.options(), &sets.list(), &settings, &checks)?;
    // The engine knows of no stores.
    let command = format!("`{}`", context.settings.migrate_command());
    for fix in checkup.findings.iter_mut().filter_map(|finding| finding.fix.as_mut()) {
        *fix = fix.replace("`larder migrate`", &command);
    }
    let output = context.output;
    print(output, &checkup);
    if without {
        let folder = context.settings.dir.display();
        output.line(format!("there is no folder {folder}: no migrations were compared"));
    }
    output.value(&checkup);
    Ok(if checkup.worst() == Some(Severity::Error) { Exit::Unsound } else { Exit::Done })
}

fn print(output: &mut Output, checkup: &Checkup) {
    let (state, tone) = match checkup.state {
        State::Ready => ("ready", Tone::Good),
        State::Pending => ("migrations are pending", Tone::Warning),
        State::Uninitialized => ("not initialised yet", Tone::Warning),
        State::Unmanaged => ("not made by Larder", Tone::Warning),
        State::Newer => ("newer than this program's migrations", Tone::Bad),
        State::Unreadable => ("can't be read", Tone::Bad),
        State::NotADatabase => ("not a database", Tone::Bad),
        State::Damaged => ("damaged", Tone::Bad),
        _ => ("in an unknown state", Tone::Bad),
    };
    let mut head =
        format!("{}: {}", output.paint(Tone::Strong, &checkup.database), output.paint(tone, state));
    if let Some(version) = checkup.schema_version {
        head.push_str(&format!(", version {version}"));
    }
    if let Some(engine) = &checkup.engine {
        head.push_str(&format!(", {engine}"));
    }
    output.line(head);
    for finding in &checkup.findings {
        print_finding(output, finding);
    }
    let wrong =
        checkup.findings.iter().filter(|finding| finding.severity > Severity::Info && !finding.fixed).count();
    let checks = measure::count(checkup.checked.len(), "check");
    output.line(match wrong {
        0 => format!("{checks}, nothing wrong"),
        _ => format!("{checks}, {} to look at", measure::count(wrong, "finding")),
    });
}

fn print_finding(output: &mut Output, finding: &Finding) {
    let (word, tone) = match finding.severity {
        _ if finding.fixed => ("fixed", Tone::Good),
        Severity::Info => ("note", Tone::Quiet),
        Severity::Warning => ("warning", Tone::Warning),
        _ => ("error", Tone::Bad),
    };
    output.line(format!("  {} {}", output.paint(tone, &format!("{word}:")), finding.message));
    if let Some(fix) = finding.fix.as_ref().filter(|_| !finding.fixed) {
        output.line(format!("    {} {fix}", output.paint(Tone::Quiet, "what to do:")));
    }
}
