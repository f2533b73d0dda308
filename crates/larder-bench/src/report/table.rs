//! The tables: of the goals, and of each work's cases.

use std::fmt::Write as _;

use larder_bench_protocol::Outcome;

use crate::figure::Spread;
use crate::measure::Measured;
use crate::number::{digits, grouped, rate, time};
use crate::work::{Bound, Case, Metric, Subject};

/// All goals, a table a theme.
pub(super) fn goals(all: &[Measured]) -> Outcome<String> {
    let mut text = String::new();
    let mut theme = None;
    for measured in all {
        if theme != Some(measured.work.theme) {
            theme = Some(measured.work.theme);
            let title = measured.work.theme.title();
            let gap = if text.is_empty() { "" } else { "\n" };
            writeln!(text, "{gap}**{title}**\n\n| work | goal | measured | middle half | met |")?;
            text.push_str("|---|--:|--:|--:|---|\n");
        }
        for goal in measured.work.goals {
            let (bounds, other) = match goal.or {
                Some(other) => (format!("{} or {}", goal.bound, other.bound), measured.reached(other)),
                None => (goal.bound.to_string(), None),
            };
            let start = format!("| {}: {} | {bounds} |", measured.work.name, goal.text);
            if let Some(told) = measured.reached(goal) {
                let other = goal.or.zip(other).map(|(goal, told)| (goal.bound, told.middle));
                let met =
                    goal.bound.holds(told.middle) || other.is_some_and(|(bound, told)| bound.holds(told));
                let met = if met { "yes" } else { "**no**" };
                let other = other.map_or_else(String::new, |(bound, told)| format!(", {}", bound.show(told)));
                let show = |told: f64| goal.bound.show(told);
                let half = if told.low == told.high {
                    String::new()
                } else {
                    let low = show(told.low);
                    // The sign once, where both have it.
                    let low = if matches!(goal.bound, Bound::AtLeast(_)) {
                        low.trim_end_matches(" ×")
                    } else {
                        &low
                    };
                    format!("{low}–{}", show(told.high))
                };
                writeln!(text, "{start} {}{other} | {half} | {met} |", show(told.middle))?;
            } else if let Some(why) = measured.excuse(goal) {
                writeln!(text, "{start} not measured here: {why} | | |")?;
            } else {
                writeln!(text, "{start} not measured | | **no** |")?;
            }
        }
    }
    Ok(text)
}

/// One work: a table a case.
pub(super) fn work(text: &mut String, measured: &Measured) -> Outcome {
    let work = measured.work;
    let rounds = measured.effort.rounds;
    writeln!(text, "\n### {}\n\n{} {rounds} rounds.", work.name, work.story)?;
    for case in work.cases {
        writeln!(text, "\n{} (`{}`)\n", capitalised(case.story), case.name)?;
        let taking_part: Vec<&Subject> =
            work.subjects.iter().filter(|subject| case.has(subject.name)).collect();
        let measured_ones: Vec<&Subject> = taking_part
            .iter()
            .copied()
            .filter(|it| measured.spread(case.name, it.name, work.metric).is_some())
            .collect();
        match work.metric {
            Metric::Time | Metric::P50 => times(text, measured, case, &measured_ones)?,
            Metric::Rate | Metric::P99 | Metric::P999 => rates(text, measured, case, &measured_ones)?,
        }
        for subject in taking_part {
            if let Some(why) = measured.absent.get(&(case.name, subject.name)) {
                writeln!(text, "\nNot measured here: {}: {why}.", subject.label)?;
            }
        }
    }
    Ok(())
}

/// The heading of a column of versions: which engine works below a subject.
fn engine(measured: &Measured) -> &'static str {
    if measured.work.needs_server() { "PostgreSQL" } else { "SQLite" }
}

/// The first columns: who, and what it links or asks.
fn who(measured: &Measured, subject: &Subject) -> Outcome<String> {
    let sqlite = measured.builds.get(subject.name).map_or("", |(version, _)| version.as_str());
    let version = subject.program.version_of(subject.package)?;
    Ok(format!("| {} | {version} | {sqlite} |", subject.label))
}

/// The median ratio of a number to that of the first subject.
fn ratio(measured: &Measured, case: &Case, subject: &Subject, base: &Subject, metric: Metric) -> Option<f64> {
    let ratios = measured.ratios(metric, (case.name, subject.name), (case.name, base.name));
    Some(Spread::of(ratios)?.middle)
}

fn times(text: &mut String, measured: &Measured, case: &Case, subjects: &[&Subject]) -> Outcome {
    let engine = engine(measured);
    writeln!(
        text,
        "| subject | version | {engine} | time | middle half | ratio |\n|---|---|---|--:|--:|--:|"
    )?;
    let metric = measured.work.metric;
    for subject in subjects {
        let Some(times) = measured.spread(case.name, subject.name, metric) else { continue };
        let base = measured.work.subjects.first().unwrap_or(subject);
        let ratio = ratio(measured, case, subject, base, metric);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let who = who(measured, subject)?;
        writeln!(
            text,
            "{who} {} | {}–{} | {ratio} |",
            time(times.middle),
            time(times.low),
            time(times.high)
        )?;
    }
    Ok(())
}

/// For work of several threads: how many a second, and how long single ones took.
fn rates(text: &mut String, measured: &Measured, case: &Case, subjects: &[&Subject]) -> Outcome {
    let engine = engine(measured);
    writeln!(
        text,
        "| subject | version | {engine} | a second | middle half | to the first | p50 | p99 | p99.9 | counts |"
    )?;
    text.push_str("|---|---|---|--:|--:|--:|--:|--:|--:|---|\n");
    for subject in subjects {
        let Some(times) = measured.spread(case.name, subject.name, Metric::Rate) else { continue };
        let base = measured.work.subjects.first().unwrap_or(subject);
        let ratio = ratio(measured, case, subject, base, Metric::Rate);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{} ×", digits(1.0 / ratio)));
        let who = who(measured, subject)?;
        let half = format!("{}–{}", rate(times.high), rate(times.low));
        write!(text, "{who} {} | {half} | {ratio} |", rate(times.middle))?;
        for metric in [Metric::P50, Metric::P99, Metric::P999] {
            let spread = measured.spread(case.name, subject.name, metric);
            write!(text, " {} |", spread.map_or_else(String::new, |spread| time(spread.middle)))?;
        }
        let counts = measured.counts(case.name, subject.name);
        let counts: Vec<String> =
            counts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
        writeln!(text, " {} |", counts.join(", "))?;
    }
    Ok(())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Figures;
    use crate::work::ALL;

    #[test]
    fn a_goal_is_met_missed_or_not_measured_and_says_so() {
        let work = ALL.iter().find(|work| work.name == "slow-disk").unwrap();
        let mut measured = Measured::new(work, work.quick);
        let rows = |measured: &Measured| {
            let text = goals(std::slice::from_ref(measured)).unwrap();
            text.lines().skip(4).map(str::to_owned).collect::<Vec<_>>()
        };
        let start = "| slow-disk: 64 threads FULL, throughput / mutex | ≥ 34 × |";
        assert_eq!(rows(&measured)[0], format!("{start} not measured | | **no** |"));
        measured.absent.insert(("64-full", "mutex"), "no glibc".to_owned());
        assert_eq!(rows(&measured)[0], format!("{start} not measured here: no glibc | | |"));
        let round = |ns: u64| {
            let said = format!(r#"{{"ns":{ns},"ops":1,"p99":{ns}}}"#);
            Figures::read(&serde_json::from_str(&said).unwrap()).unwrap()
        };
        measured.rounds.insert(("64-full", "larder"), vec![round(1000), round(1000)]);
        measured.rounds.insert(("64-full", "mutex"), vec![round(40_000), round(3_000)]);
        assert_eq!(rows(&measured)[0], format!("{start} 21.5 × | 12.2–30.8 × | **no** |"));
        measured.rounds.insert(("64-full", "mutex"), vec![round(40_000), round(40_000)]);
        assert_eq!(rows(&measured)[0], format!("{start} 40.0 × |  | yes |"));
        let p99 = "| slow-disk: 64 threads FULL, p99 / mutex | ≤ 1/8 | 1/40.0 |  | yes |";
        assert_eq!(rows(&measured)[1], p99);
    }
}
