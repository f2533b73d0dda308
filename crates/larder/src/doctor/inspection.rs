//! Checks that come from above: of what lies in the tables, by those who own them.

use super::checkup::{Finding, Severity};
use super::exam::Exam;
use crate::db::ReadTx;
use crate::error::Result;

/// A check of the rows of a store, or of the application's own. [`examine_with`](super::examine_with) makes it.
///
/// ```
/// use larder::doctor::{self, Findings, Inspection};
/// use larder::{Database, ReadTx, Result};
///
/// struct Stock;
///
/// impl Inspection for Stock {
///     fn name(&self) -> &'static str {
///         "stock"
///     }
///
///     fn inspect(&self, tx: &mut ReadTx<'_>, findings: &mut Findings) -> Result<()> {
///         let below: i64 = tx.query_one("SELECT count(*) FROM stock WHERE amount < 0", &[])?;
///         if below > 0 {
///             findings.error(format!("{below} rows of stock have less than nothing"), "count what is there, and write that");
///         }
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("app.db").display().to_string();
/// # let db = Database::open(&path)?;
/// # db.execute("CREATE TABLE stock (amount INTEGER NOT NULL)", &[])?;
/// # db.execute("INSERT INTO stock VALUES (-1)", &[])?;
/// let options = Database::options(&path);
/// let checkup = doctor::examine_with(&options, &[], &doctor::Settings::default(), &[&Stock])?;
/// assert!(checkup.findings.iter().any(|finding| finding.check == "stock"));
/// # Ok(())
/// # }
/// ```
pub trait Inspection: Sync {
    /// The name under which its findings stand.
    fn name(&self) -> &'static str;

    /// Looks, and notes what it finds. The database may lack the tables, or hold anything in them.
    ///
    /// # Errors
    /// What kept it from its end; that becomes a finding, too.
    fn inspect(&self, tx: &mut ReadTx<'_>, findings: &mut Findings) -> Result<()>;
}

/// Takes what an [`Inspection`] finds. Messages are plain sentences without a full stop at their end; a fix says what to do.
#[derive(Debug)]
pub struct Findings {
    check: &'static str,
    found: Vec<Finding>,
}

impl Findings {
    /// It does not work, or data is lost or in danger.
    pub fn error(&mut self, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Error, message.into(), Some(fix.into()));
    }

    /// It works, and something should be done before it does not.
    pub fn warn(&mut self, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Warning, message.into(), Some(fix.into()));
    }

    /// Good to know; nothing needs to be done.
    pub fn info(&mut self, message: impl Into<String>) {
        self.add(Severity::Info, message.into(), None);
    }

    fn add(&mut self, severity: Severity, message: String, fix: Option<String>) {
        self.found.push(Finding { check: self.check, severity, message, fix, fixed: false });
    }
}

/// Makes one, in a transaction of its own. What it found before an error counts.
pub(super) fn make(exam: &mut Exam<'_>, inspection: &dyn Inspection) {
    exam.begin(inspection.name());
    let mut findings = Findings { check: inspection.name(), found: Vec::new() };
    let result = exam.reader().and_then(|database| database.read(|tx| inspection.inspect(tx, &mut findings)));
    exam.extend(findings.found);
    if let Err(error) = result {
        exam.fault(&error);
    }
}
