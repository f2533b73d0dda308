//! The part of README.md that is measured.

use std::fmt::Write as _;

use larder_bench_protocol::Outcome;

use super::{Report, table};

/// What stands before and after that part.
const START: &str = "<!-- cargo xtask bench --readme: from here -->";
const END: &str = "<!-- cargo xtask bench --readme: to here -->";

/// The part as the report has it.
pub(super) fn section(report: &Report<'_>) -> Outcome<String> {
    let machine = |name: &str| {
        let found = report.machine.iter().find(|(known, _)| *known == name);
        found.map_or("unknown", |(_, value)| value)
    };
    let mut text = String::new();
    writeln!(
        text,
        "Measured by `cargo xtask bench{}`, which makes this anew, on {} cores ({}), {}, {}, one wait for the disk {}. All take turns in \
         one run, and a ratio is the median of the rounds. `≤ 1.15` is Larder's time by the other's, `≥ 8 ×` how many times as fast it is. \
         The versions and the figures behind it stand in `target/bench/report.md`.\n",
        if report.quick { " --quick" } else { "" },
        machine("cores"),
        machine("processor"),
        machine("file system"),
        machine("compiler"),
        machine("fsync"),
    )?;
    text.push_str("![Times beside Larder's, on a logarithmic scale](https://raw.githubusercontent.com/larder-db/larder/main/docs/bench.svg)\n\n");
    text.push_str(&table::goals(report.all)?);
    Ok(text)
}

/// Puts `section` between the two marks of `readme`.
pub(super) fn replace(readme: &str, section: &str) -> Outcome<String> {
    let parts = readme.split_once(START).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("README.md has no lines \"{START}\" and \"{END}\""))?;
    Ok(format!("{before}{START}\n\n{}\n\n{END}{after}", section.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let readme = format!("# A\n\n{START}\nold\n{END}\n\nB\n");
        let new = replace(&readme, "\nnew\n").unwrap();
        assert_eq!(new, format!("# A\n\n{START}\n\nnew\n\n{END}\n\nB\n"));
        assert_eq!(replace(&new, "new").unwrap(), new);
        assert!(replace("# A", "new").is_err());
    }

    #[test]
    fn the_readme_has_the_marks() {
        let readme = std::fs::read_to_string(crate::program::root().join("README.md")).unwrap();
        assert!(replace(&readme, "new").is_ok());
    }
}
