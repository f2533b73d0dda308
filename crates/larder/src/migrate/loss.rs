//! What a migration would lose, and who approved it.

use super::migration::Approves;
use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use std::str::FromStr;

/// One thing that was there before a migration and is not there after it, with its measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Loss {
    /// What sort of thing.
    pub kind: LossKind,
    /// Which: a table, `table.column`, or the name of an index, a trigger or a view.
    pub object: String,
    /// How many rows or values.
    pub count: u64,
    /// The count is a lower bound: the table is too large to compare row by row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
}

/// The sorts of [`Loss`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LossKind {
    /// A table was dropped; the count is of its rows.
    Table,
    /// Rows were removed.
    Rows,
    /// A column was dropped; the count is of its values.
    Column,
    /// Values became NULL.
    Nulled,
    /// Values changed their type.
    Retyped,
    /// Values were overwritten by others.
    Overwritten,
    /// Rows point at rows that are not there, and did not before; or, with a count of 0, at columns that are no key any
    /// more, so that nobody can tell.
    ForeignKey,
    /// An index is gone, and no statement said so.
    Index,
    /// A trigger is gone, and no statement said so.
    Trigger,
    /// A view is gone, and no statement said so, or it does not work any more.
    View,
}

impl Loss {
    pub(super) fn new(kind: LossKind, object: impl Into<String>, count: u64) -> Self {
        Self { kind, object: object.into(), count, at_least: false }
    }

    /// What the directive `-- larder: destructive` names to approve it: `column users.email`.
    pub fn target(&self) -> String {
        let word = match self.kind {
            LossKind::Table => "table",
            LossKind::Rows => "rows",
            LossKind::Column | LossKind::Nulled | LossKind::Retyped | LossKind::Overwritten => "column",
            LossKind::ForeignKey => "foreign key",
            LossKind::Index => "index",
            LossKind::Trigger => "trigger",
            LossKind::View => "view",
        };
        format!("{word} {}", self.object)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = if self.at_least { "at least " } else { "" };
        let (object, count) = (&self.object, Thousands(self.count));
        let (rows, values) = match self.count {
            1 => ("row", "value"),
            _ => ("rows", "values"),
        };
        match self.kind {
            LossKind::Table => write!(f, "table {object}: {least}{count} {rows}"),
            LossKind::Rows => write!(f, "rows of {object}: {least}{count} {rows}"),
            LossKind::Column => write!(f, "column {object}: {least}{count} {values}"),
            LossKind::Nulled => write!(f, "column {object}: {least}{count} {values} turned NULL"),
            LossKind::Retyped => write!(f, "column {object}: {least}{count} {values} changed in type"),
            LossKind::Overwritten => write!(f, "column {object}: {least}{count} {values} overwritten"),
            LossKind::ForeignKey if self.count == 0 => {
                write!(f, "foreign key {object}: what it points at would be no key any more")
            }
            LossKind::ForeignKey => {
                write!(
                    f,
                    "foreign key {object}: {least}{count} {rows} would point at a row that is not there"
                )
            }
            LossKind::Index => write!(f, "index {object}: gone without a DROP INDEX"),
            LossKind::Trigger => write!(f, "trigger {object}: gone without a DROP TRIGGER"),
            LossKind::View => write!(f, "view {object}: gone without a DROP VIEW, or broken"),
        }
    }
}

/// A number with its thousands set apart.
struct Thousands(u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// Who may lose what. Without one nothing is lost.
///
/// As text, which the program takes after `--allow-destructive=`: nothing for [`Approval::Everything`], a migration's id,
/// or the id and the fingerprint of its losses that a refusal shows (`0005_drop_email@3f2a9c01`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Whatever is lost by whichever migration of the run.
    Everything,
    /// Whatever this migration loses.
    Migration(String),
    /// Exactly these losses of this migration: should the data have changed since they were shown, it is refused again.
    Exact {
        /// The migration's id.
        id: String,
        /// The fingerprint of its losses.
        losses: String,
    },
}

impl FromStr for Approval {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('@') {
            _ if text.is_empty() => Ok(Self::Everything),
            None => Ok(Self::Migration(text.to_owned())),
            Some((id, losses))
                if !id.is_empty() && losses.len() == 8 && losses.chars().all(|c| c.is_ascii_hexdigit()) =>
            {
                Ok(Self::Exact { id: id.to_owned(), losses: losses.to_ascii_lowercase() })
            }
            Some(_) => Err(Error::new(ErrorKind::Config, format!("`{text}` approves nothing")).with_help(
                "give a migration's id, or the id and the 8 digits that the refusal showed: 0005_x@3f2a9c01",
            )),
        }
    }
}

/// What approves exactly these losses of this migration, as [`Approval`] reads it: `0005_drop_email@3f2a9c01`.
pub fn token(id: &str, losses: &[Loss]) -> String {
    format!("{id}@{}", fingerprint(losses))
}

/// The fingerprint of losses: 8 hexadecimal digits of their SHA-256.
fn fingerprint(losses: &[Loss]) -> String {
    let mut sorted: Vec<String> = losses.iter().map(ToString::to_string).collect();
    sorted.sort();
    let digest = Sha256::digest(sorted.join("\n").as_bytes());
    digest.iter().take(4).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What approves these losses of this migration, in words for the history; `None` when nothing does.
pub(super) fn approved(
    id: &str,
    own_id: &str,
    losses: &[Loss],
    approvals: &[Approval],
    head: &Approves,
) -> Option<String> {
    let print = fingerprint(losses);
    let named = |given: &str| given == id || given == own_id;
    for approval in approvals {
        match approval {
            Approval::Everything => return Some("everything was approved for the run".into()),
            Approval::Migration(given) if named(given) => return Some(format!("{given} was approved")),
            Approval::Exact { id: given, losses } if named(given) && *losses == print => {
                return Some(format!("{given}@{losses} was approved"));
            }
            _ => {}
        }
    }
    match head {
        Approves::Everything => Some("its own text approves it".into()),
        Approves::Only(items) if losses.iter().all(|loss| lists(items, loss)) => {
            Some(format!("its own text approves: {}", items.join(", ")))
        }
        Approves::Only(_) | Approves::Nothing => None,
    }
}

fn lists(items: &[String], loss: &Loss) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let target = squeeze(&loss.target());
    items.iter().any(|item| squeeze(item) == target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email() -> Loss {
        Loss::new(LossKind::Column, "users.email", 12_431)
    }

    #[test]
    fn a_loss_reads_as_the_documents_say() {
        assert_eq!(email().to_string(), "column users.email: 12,431 values");
        assert_eq!(Loss::new(LossKind::Rows, "orders", 1).to_string(), "rows of orders: 1 row");
        let mut vague = Loss::new(LossKind::Overwritten, "t.c", 1_000_000);
        vague.at_least = true;
        assert_eq!(vague.to_string(), "column t.c: at least 1,000,000 values overwritten");
    }

    #[test]
    fn an_approval_is_for_one_migration_with_one_set_of_losses() {
        let losses = [email()];
        let token: Approval = format!("5_x@{}", fingerprint(&losses)).parse().unwrap();
        let ask = |losses: &[Loss], id: &str| {
            approved(id, id, losses, std::slice::from_ref(&token), &Approves::Nothing)
        };
        assert!(ask(&losses, "5_x").is_some());
        assert!(ask(&losses, "6_x").is_none());
        assert!(ask(&[Loss::new(LossKind::Column, "users.email", 12_432)], "5_x").is_none());
    }

    #[test]
    fn a_directive_that_lists_approves_only_what_it_lists() {
        let head = Approves::Only(vec!["Column  users.email".into()]);
        assert!(approved("1", "1", &[email()], &[], &head).is_some());
        assert!(approved("1", "1", &[email(), Loss::new(LossKind::Rows, "users", 2)], &[], &head).is_none());
    }

    #[test]
    fn a_text_that_approves_nothing_is_an_error() {
        assert_eq!("".parse::<Approval>().unwrap(), Approval::Everything);
        assert!("x@zz".parse::<Approval>().is_err());
        assert!("@3f2a9c01".parse::<Approval>().is_err());
    }
}
