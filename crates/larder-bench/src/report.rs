//! The report: Markdown, goals first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use larder_bench_protocol::Outcome;

use crate::machine;
use crate::measure::{Effort, Measured, Spread};
use crate::work::Bound;

/// Writes the whole report.
pub(crate) fn markdown(all: &[Measured], effort: Effort, folder: &Path) -> Outcome<String> {
    let mut text = String::from("# Larder beside its peers\n\n");
    writeln!(
        text,
        "Measured by `cargo xtask bench`: {} rounds a work, all subjects in turns within a round, each in a process of \
         its own. A time is the median of the rounds with its middle half. A ratio is taken round by round; its median \
         is shown. All subjects set the same pragmas.\n",
        effort.rounds
    )?;
    for (name, value) in machine::describe(folder) {
        writeln!(text, "- {name}: {value}")?;
    }
    text.push_str("\n## Goals\n\n| work | goal | measured | middle half | met |\n|---|--:|--:|--:|---|\n");
    for measured in all {
        for goal in measured.work.goals {
            let bound = match goal.bound {
                Bound::AtMost(most) => format!("≤ {most:.2}"),
                Bound::Below(limit) => format!("< {limit:.2}"),
            };
            let name = format!("{}: {}", measured.work.name, goal.text);
            match measured.reached(goal) {
                Some(ratio) => {
                    let met = if goal.bound.holds(ratio.middle) { "yes" } else { "**no**" };
                    let half = format!("{:.2}–{:.2}", ratio.low, ratio.high);
                    writeln!(text, "| {name} | {bound} | {:.2} | {half} | {met} |", ratio.middle)?;
                }
                None => writeln!(text, "| {name} | {bound} | not measured | | **no** |")?,
            }
        }
    }
    for failure in all.iter().flat_map(|measured| &measured.failures) {
        writeln!(text, "\nNot measured: {failure}")?;
    }
    for measured in all {
        work(&mut text, measured)?;
    }
    builds(&mut text, all)?;
    Ok(text)
}

fn work(text: &mut String, measured: &Measured) -> Outcome {
    let work = measured.work;
    writeln!(text, "\n## {}\n\n{}", work.name, work.story)?;
    let base = work.subjects.first().ok_or("a work without subjects")?;
    for case in work.cases {
        writeln!(text, "\n{} (`{}`)\n", capitalised(case.story), case.name)?;
        text.push_str(
            "| subject | version | SQLite | time | middle half | ratio |\n|---|---|---|--:|--:|--:|\n",
        );
        for subject in work.subjects {
            let Some(times) = measured.times(case.name, subject.name) else { continue };
            let ratio = measured
                .ratio((case.name, subject.name), (case.name, base.name))
                .map_or_else(String::new, |ratio| format!("{:.2}", ratio.middle));
            let sqlite = measured.builds.get(subject.name).map_or("", |(version, _)| version.as_str());
            let version = subject.program.version_of(subject.package)?;
            writeln!(
                text,
                "| {} | {version} | {sqlite} | {} | {} | {ratio} |",
                subject.label,
                time(times.middle),
                half(times),
            )?;
        }
    }
    Ok(())
}

/// Which SQLite each subject links, and in what their compile options differ.
fn builds(text: &mut String, all: &[Measured]) -> Outcome {
    let mut users: BTreeMap<(&str, BTreeSet<&str>), BTreeSet<&str>> = BTreeMap::new();
    for measured in all {
        for (subject, (version, options)) in &measured.builds {
            let options = options.iter().map(String::as_str).collect();
            users.entry((version, options)).or_default().insert(subject);
        }
    }
    let mut sets = users.keys().map(|(_, options)| options);
    let Some(first) = sets.next() else { return Ok(()) };
    let shared: BTreeSet<&str> =
        sets.fold(first.clone(), |shared, options| shared.intersection(options).copied().collect());
    text.push_str("\n## The SQLite libraries\n\n| SQLite | subjects | compile options that not all have |\n|---|---|---|\n");
    for ((version, options), subjects) in &users {
        let own: Vec<&str> = options.difference(&shared).copied().collect();
        let subjects: Vec<&str> = subjects.iter().copied().collect();
        writeln!(text, "| {version} | {} | {} |", subjects.join(", "), own.join(", "))?;
    }
    let shared: Vec<&str> = shared.into_iter().collect();
    writeln!(text, "\nAll have: {}.", shared.join(", "))?;
    Ok(())
}

fn half(times: Spread) -> String {
    format!("{}–{}", time(times.low), time(times.high))
}

/// Nanoseconds in three digits or so.
fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e4 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    match value {
        value if value < 10.0 => format!("{value:.2} {unit}"),
        value if value < 100.0 => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        assert_eq!(time(870.4), "870 ns");
        assert_eq!(time(2_345.0), "2345 ns");
        assert_eq!(time(36_000.0), "36.0 µs");
        assert_eq!(time(1_500_000.0), "1.50 ms");
        assert_eq!(time(2_000_000_000.0), "2.00 s");
    }
}
