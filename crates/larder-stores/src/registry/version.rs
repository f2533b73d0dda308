//! Whether a version satisfies a constraint, as the consumer's ecosystem means it.

use serde::{Deserialize, Serialize};

/// What can be said of a version and a constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "because")]
#[non_exhaustive]
pub enum Verdict {
    /// The version will do.
    Holds,
    /// The constraint does not let the version in.
    Violated,
    /// Nobody can tell, and why.
    CannotTell(String),
}

/// The verdict for the consumer's constraint. The words of a constraint mean what the consumer's ecosystem says, which the
/// beginning of its id tells: `cargo:` as Cargo reads them, `npm:` as node-semver does.
pub(super) fn verdict(consumer_id: &str, constraint: Option<&str>, to: &str) -> Verdict {
    let Some(constraint) = constraint else { return Verdict::Holds };
    let held = match consumer_id.split_once(':') {
        Some(("cargo", _)) => cargo(constraint, to),
        Some(("npm", _)) => npm(constraint, to),
        _ => Err(format!("how `{consumer_id}` writes its constraints is not known")),
    };
    match held {
        Ok(true) => Verdict::Holds,
        Ok(false) => Verdict::Violated,
        Err(why) => Verdict::CannotTell(why),
    }
}

fn cargo(constraint: &str, to: &str) -> Result<bool, String> {
    let constraint = semver::VersionReq::parse(constraint)
        .map_err(|error| format!("`{constraint}` is no constraint of Cargo: {error}"))?;
    let to = semver::Version::parse(to).map_err(|error| format!("`{to}` is no version of Cargo: {error}"))?;
    Ok(constraint.matches(&to))
}

fn npm(constraint: &str, to: &str) -> Result<bool, String> {
    // `npm:other@^1`: another package under this one's name.
    let range = match constraint.strip_prefix("npm:") {
        Some(alias) => {
            alias.rsplit_once('@').filter(|(name, _)| !name.is_empty()).map_or("*", |(_, range)| range)
        }
        None => constraint,
    };
    // A URL, a folder, a repository, a workspace: what is there is taken, whatever its version.
    if range.contains([':', '/']) {
        return Err(format!("`{constraint}` names a place, not versions"));
    }
    let range = if range.trim().is_empty() { "*" } else { range };
    let range = nodejs_semver::Range::parse(range)
        .map_err(|_| format!("`{constraint}` is a tag of the registry, or no range"))?;
    let to = nodejs_semver::Version::parse(to).map_err(|_| format!("`{to}` is no version of npm"))?;
    Ok(range.satisfies(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(consumer: &str, constraint: &str, to: &str) -> Option<bool> {
        match verdict(consumer, Some(constraint), to) {
            Verdict::Holds => Some(true),
            Verdict::Violated => Some(false),
            Verdict::CannotTell(_) => None,
        }
    }

    #[test]
    fn constraints_of_cargo_mean_what_cargo_means() {
        for (constraint, to, expected) in [
            ("^1.2", "1.9.0", Some(true)),
            ("^1.2", "2.0.0", Some(false)),
            ("^0.3.1", "0.4.0", Some(false)),
            ("1.2, ^1.4", "1.3.0", Some(false)),
            ("=1.0.0", "1.0.0", Some(true)),
            ("*", "7.0.0", Some(true)),
            ("^1.2", "1.3.0-beta.1", Some(false)),
            ("1 || 2", "1.0.0", None),
            ("^1", "1", None),
        ] {
            assert_eq!(says("cargo:app@0.1.0", constraint, to), expected, "{constraint} {to}");
        }
    }

    #[test]
    fn constraints_of_npm_mean_what_node_means() {
        for (constraint, to, expected) in [
            ("^1.2.3", "1.9.0", Some(true)),
            ("^1.2.3", "2.0.0", Some(false)),
            ("1.x || >=2.5.0 || 5.0.0 - 7.2.3", "2.4.0", Some(false)),
            ("1.x || >=2.5.0 || 5.0.0 - 7.2.3", "1.2.3", Some(true)),
            ("~0.2", "0.3.0", Some(false)),
            ("", "3.0.0", Some(true)),
            ("*", "3.0.0", Some(true)),
            (">=1.0.0", "2.0.0-beta.1", Some(false)),
            (">=2.0.0-alpha", "2.0.0-beta.1", Some(true)),
            ("npm:@scope/other@^1.0.0", "2.0.0", Some(false)),
            ("npm:other", "2.0.0", Some(true)),
            ("latest", "2.0.0", None),
            ("file:../other", "2.0.0", None),
            ("workspace:^", "2.0.0", None),
            ("github:user/repo#semver:^1", "2.0.0", None),
            ("^1.0.0", "two", None),
        ] {
            assert_eq!(says("npm:app@1.0.0", constraint, to), expected, "{constraint} {to}");
        }
    }

    #[test]
    fn a_constraint_of_an_unknown_ecosystem_is_not_guessed() {
        assert_eq!(says("app", "^1", "1.0.0"), None);
        assert_eq!(verdict("app", None, "1.0.0"), Verdict::Holds);
    }
}
