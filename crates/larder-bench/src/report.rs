//! The report: Markdown, goals first.

mod plot;
mod readme;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use larder_bench_protocol::Outcome;

use crate::machine::Machine;
use crate::measure::Measured;
use crate::program;

/// The name of the plot beside the report.
const PLOT: &str = "report.svg";

/// What all that was measured says.
pub(crate) struct Report<'a> {
    all: &'a [Measured],
    machine: Machine,
    quick: bool,
    took: Duration,
}

impl<'a> Report<'a> {
    /// Of works measured on a machine, which took so long in all.
    pub(crate) fn new(all: &'a [Measured], machine: Machine, quick: bool, took: Duration) -> Self {
        Self { all, machine, quick, took }
    }

    /// Writes the report and the plot where the reports are, and gives the text.
    pub(crate) fn write(&self) -> Outcome<String> {
        let text = self.markdown()?;
        std::fs::create_dir_all(program::output())?;
        std::fs::write(program::output().join("report.md"), &text)?;
        std::fs::write(program::output().join(PLOT), plot::svg(self.all))?;
        Ok(text)
    }

    /// Puts the goals into README.md, and the plot beside the documents.
    pub(crate) fn write_readme(&self) -> Outcome {
        let file = program::root().join("README.md");
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, readme::replace(&text, &readme::section(self)?)?)?;
        Ok(std::fs::write(program::root().join("docs").join("bench.svg"), plot::svg(self.all))?)
    }

    fn markdown(&self) -> Outcome<String> {
        let mut text = String::from("# Larder beside its peers\n\n");
        writeln!(
            text,
            "Measured by `cargo xtask bench{}` in {} s. Within a round all subjects take turns, each in a process of its own. A \
             figure is the median of the rounds, with its middle half. A ratio is taken round by round, and its median is shown. \
             All subjects set the same pragmas; those on a server use the same one, which waits for its disk.\n",
            if self.quick { " --quick" } else { "" },
            self.took.as_secs()
        )?;
        for (name, value) in &self.machine {
            writeln!(text, "- {name}: {value}")?;
        }
        writeln!(text, "\n## Goals\n\n{}", table::goals(self.all)?)?;
        for failure in self.all.iter().flat_map(|measured| &measured.failures) {
            writeln!(text, "Not measured: {failure}\n")?;
        }
        writeln!(text, "![Times beside Larder's, on a logarithmic scale]({PLOT})")?;
        let mut theme = None;
        for measured in self.all {
            if theme != Some(measured.work.theme) {
                theme = Some(measured.work.theme);
                writeln!(text, "\n## {}", measured.work.theme.title())?;
            }
            table::work(&mut text, measured)?;
        }
        self.builds(&mut text)?;
        Ok(text)
    }

    /// Which SQLite each subject links, and in what their compile options differ.
    fn builds(&self, text: &mut String) -> Outcome {
        let mut users: BTreeMap<(&str, BTreeSet<&str>), BTreeSet<&str>> = BTreeMap::new();
        for measured in self.all.iter().filter(|measured| !measured.work.needs_server()) {
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
}
