//! Which fault of the server becomes which kind of error. No message holds a value: where the server quotes one, it is
//! taken out, and its details are only read for the names in them.

use super::message::{self, Read};
use super::session::Broken;
use crate::driver::FORBIDDEN;
use crate::error::{Constraint, ConstraintKind, Error, ErrorKind, Location};
use fallible_iterator::FallibleIterator as _;
use std::fmt;

/// What the server said of a fault.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Fault {
    severity: String,
    pub(super) code: String,
    message: String,
    detail: String,
    hint: String,
    place: String,
    /// The function of the server that said it: the same in every language.
    routine: String,
    position: Option<usize>,
    table: Option<String>,
    column: Option<String>,
    constraint: Option<String>,
}

/// Without the texts, which may quote values.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({} {})", self.severity, self.code)
    }
}

/// The code by which PostgreSQL names a fault; the cause of the [`Error`] it became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlState(String);

impl SqlState {
    /// The five characters, as `23505`.
    pub fn code(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server said SQLSTATE {}", self.0)
    }
}

impl std::error::Error for SqlState {}

impl Fault {
    /// Reads the body of an error's message.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut fault = Self::default();
        let Ok(Read::ErrorResponse(read)) = message::read(b'E', body) else { return fault };
        let mut fields = read.fields();
        while let Ok(Some(field)) = fields.next() {
            let said = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'S' if fault.severity.is_empty() => fault.severity = said,
                // The same in English, whatever the server's language.
                b'V' => fault.severity = said,
                b'C' => fault.code = said,
                b'M' => fault.message = said,
                b'D' => fault.detail = said,
                b'H' => fault.hint = said,
                b'W' => fault.place = said,
                b'R' => fault.routine = said,
                b'P' => fault.position = said.parse().ok(),
                b't' => fault.table = Some(said),
                b'c' => fault.column = Some(said),
                b'n' => fault.constraint = Some(said),
                _ => {}
            }
        }
        fault
    }

    /// What the server said where nothing was bound that it could quote.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The code, as the cause of an error.
    pub(super) fn state(&self) -> SqlState {
        SqlState(self.code.clone())
    }

    /// The server ends the session with it.
    pub(super) fn is_fatal(&self) -> bool {
        self.severity == "FATAL" || self.severity == "PANIC"
    }

    /// A pooler does not know a setting that the session was to begin with.
    pub(super) fn is_unsupported_setting(&self) -> bool {
        self.code == "08P01" && self.message.contains("startup parameter")
            || self.message.contains("unsupported startup parameter")
    }

    /// Another transaction came in between: the whole one is to be run again.
    pub(super) fn is_conflict(&self) -> bool {
        // CockroachDB and YugabyteDB say 40001 as well.
        matches!(self.code.as_str(), "40001" | "40P01" | "40000" | "40002")
    }

    /// Of a fault that says that the server is not there: it may have gone after the work was done.
    pub(super) fn may_have_happened(&self) -> bool {
        // Too many connections, and a server that starts or recovers: these come before the work.
        !matches!(self.code.as_str(), "53300" | "57P03")
    }

    /// The statement that was prepared is not what it was: it is to be prepared again, and nothing ran.
    pub(super) fn is_stale(&self) -> bool {
        match self.code.as_str() {
            // What only speaks the protocol may not name its functions, but it speaks English.
            "0A000" => self.routine == "RevalidateCachedQuery" || self.message.contains("cached plan"),
            _ => self.is_unknown_statement(),
        }
    }

    /// The server does not know the statement, or knows another one by its name: something between us and it changes
    /// the server's sessions, or the session was reset.
    pub(super) fn is_unknown_statement(&self) -> bool {
        matches!(self.code.as_str(), "26000" | "42P05")
    }

    /// The server can't tell which type a parameter is meant to have.
    pub(super) fn is_untyped(&self) -> bool {
        matches!(self.code.as_str(), "42P18" | "42725" | "42P08")
    }

    /// What was bound does not have the form that the server expects by now.
    pub(super) fn is_misfit(&self) -> bool {
        matches!(self.code.as_str(), "08P01" | "22P03")
    }

    /// What was found, without values and without the parts that only the server's log is for.
    fn said(&self) -> String {
        let value_may_be_quoted = self.code.starts_with("22") || self.place.contains("portal parameter $");
        if !value_may_be_quoted {
            return self.message.clone();
        }
        match (self.message.find('"'), self.message.rfind('"')) {
            (Some(first), Some(last)) if first < last => {
                let before = self.message.get(..first).unwrap_or_default();
                let after = self.message.get(last + 1..).unwrap_or_default();
                let before = before.trim_end().trim_end_matches(':');
                // `value "70000" is out of range for type smallint`
                format!("{before}{after}")
            }
            _ => self.message.clone(),
        }
    }

    /// The parameter it is about, counted from 1, where the server says.
    fn parameter(&self) -> Option<usize> {
        let (_, rest) = self.place.split_once("portal parameter $")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, message).with_cause(self.state())
    }
}

/// The statement that a fault is about.
#[derive(Clone, Copy)]
pub(super) struct Asked<'s> {
    /// As the program wrote it.
    pub(super) sql: &'s str,
    /// As it was sent.
    pub(super) sent: &'s str,
    /// The names of its parameters.
    pub(super) names: &'s [String],
}

/// The error of a statement.
pub(super) fn statement(fault: &Fault, asked: Asked<'_>) -> Error {
    let error = general(fault, asked.names);
    match fault.position {
        Some(position) if error.kind() == ErrorKind::Statement => {
            let offset = original(asked, position);
            let length = word_length(asked.sql, offset);
            error.with_location(Location::new("<sql>", asked.sql, offset, length))
        }
        _ => error,
    }
}

/// The error of anything that was asked while the session lasts.
pub(super) fn general(fault: &Fault, names: &[String]) -> Error {
    let class = fault.code.get(..2).unwrap_or_default();
    match (fault.code.as_str(), class) {
        (_, "23") | ("P0001", _) => constraint(fault),
        _ if fault.is_conflict() => fault
            .error(ErrorKind::Conflict, "transactions of others came in between")
            .with_help("run the whole transaction again; Larder's `write` does"),
        ("55P03", _) => fault
            .error(ErrorKind::Busy, "another transaction held a lock for longer than was to be waited")
            .with_help("try again, find what holds it, or set a longer busy_timeout"),
        ("57014", _) if fault.message.contains("statement timeout") => fault
            .error(ErrorKind::Interrupted, "the statement took longer than the server's statement_timeout")
            .with_help("make it faster, or set a longer statement_timeout"),
        // The text alone tells the two apart, and it may be in any language.
        ("57014", _) => fault
            .error(ErrorKind::Interrupted, "the statement was stopped")
            .with_help("somebody asked for that, or it took longer than the server's statement_timeout"),
        ("53100", _) => fault
            .error(ErrorKind::DiskFull, "the server's disk is full")
            .with_help("free space on its disk and try again; nothing of this transaction was kept"),
        ("53200", _) => fault.error(ErrorKind::Io, "the server ran out of memory"),
        ("53300" | "57P03" | "57P01" | "57P02" | "57P05" | "25P03" | "25P04", _) | (_, "08") => {
            let message = format!("the server does not serve: {}", fault.said());
            fault.error(ErrorKind::Unavailable, message).with_help("try again when it does")
        }
        ("25006", _) => fault
            .error(ErrorKind::ReadOnly, "a statement writes where only reading is allowed")
            .with_help("run it in `write`, on a database that was not opened read-only"),
        ("42501", _) => fault
            .error(ErrorKind::Statement, format!("{FORBIDDEN}{}", fault.said()))
            .with_help("connect as the owner, or let the owner GRANT it to this role"),
        ("3F000", _) => fault.error(ErrorKind::Statement, fault.said()).with_help(
            "see that the schema is there, and the search_path of the role and of the URL's options",
        ),
        ("XX001" | "XX002", _) => fault
            .error(ErrorKind::Corrupt, format!("the database is damaged: {}", fault.said()))
            .with_help("restore the newest backup, and look at the server's disk"),
        ("58030", _) => fault.error(ErrorKind::Io, format!("the server's disk failed: {}", fault.said())),
        (_, "22") => value(fault, names),
        _ => {
            let error = fault.error(ErrorKind::Statement, fault.said());
            match fault.code.as_str() {
                _ if fault.is_untyped() => {
                    error.with_help("say which type the parameter has, as in CAST(:name AS integer)")
                }
                "42601" if fault.routine == "exec_parse_message" => error.with_help("run each by itself"),
                _ if fault.hint.is_empty() => error,
                _ => error.with_help(fault.hint.trim_end_matches('.')),
            }
        }
    }
}

/// A value that does not fit.
fn value(fault: &Fault, names: &[String]) -> Error {
    let parameter = fault.parameter().and_then(|number| names.get(number.checked_sub(1)?));
    match parameter {
        Some(name) => fault.error(ErrorKind::Parameter, format!("the parameter :{name}: {}", fault.said())),
        None => fault.error(ErrorKind::Conversion, fault.said()),
    }
    .with_help("give a value of the type that the statement asks for")
}

fn constraint(fault: &Fault) -> Error {
    let primary = |name: &str| fault.table.as_ref().is_some_and(|table| name == format!("{table}_pkey"));
    let kind = match fault.code.as_str() {
        // The server does not say which it is; this is the name that it gives a primary key itself.
        "23505" if fault.constraint.as_deref().is_some_and(primary) => ConstraintKind::PrimaryKey,
        "23505" => ConstraintKind::Unique,
        "23503" | "23001" => ConstraintKind::ForeignKey,
        "23502" => ConstraintKind::NotNull,
        "23514" if fault.constraint.is_some() || fault.table.is_some() => ConstraintKind::Check,
        _ => ConstraintKind::Other,
    };
    let mut constraint = Constraint::new(kind);
    constraint.table.clone_from(&fault.table);
    constraint.name.clone_from(&fault.constraint);
    constraint.columns = match &fault.column {
        Some(column) => vec![column.clone()],
        None => columns(&fault.detail),
    };
    let message = if fault.code == "P0001" { fault.message.clone() } else { fault.said() };
    fault.error(ErrorKind::Constraint, message).with_constraint(constraint)
}

/// The columns of `Key (a, b)=(1, 2) already exists.` Some servers translate the first word.
fn columns(detail: &str) -> Vec<String> {
    let (Some(open), Some(end)) = (detail.find('('), detail.find(")=(")) else { return Vec::new() };
    let list = detail.get(open + 1..end).unwrap_or_default();
    list.split(", ").map(|name| name.trim_matches('"').to_owned()).collect()
}

/// The error of a session that ended before what was asked could have had an effect.
pub(super) fn gone(broken: Broken) -> Error {
    let error = match broken.said.as_deref().map(|fault| fault.said()) {
        Some(said) => Error::new(ErrorKind::Unavailable, format!("the server ended the connection: {said}")),
        None => Error::new(ErrorKind::Unavailable, "the connection to the server broke"),
    };
    error.with_help("try again; nothing was done").with_cause(broken.cause)
}

/// The error of a session that ended while something was under way that may have had an effect.
pub(super) fn uncertain(broken: Broken) -> Error {
    // The server ended the session because nothing was asked of it: so it heard nothing of what was asked.
    if broken.said.as_deref().is_some_and(|said| matches!(said.code.as_str(), "25P03" | "57P05")) {
        return gone(broken);
    }
    doubtful().with_cause(broken.cause)
}

/// The error where a write may have happened.
pub(super) fn doubtful() -> Error {
    let message = "the connection to the server broke while a write was under way, which may have happened";
    Error::new(ErrorKind::UnknownOutcome, message)
        .with_help("read what was written before you write it again")
}

/// Where in the text that the program wrote lies what the server counts in the text that was sent, in characters from 1.
fn original(asked: Asked<'_>, position: usize) -> usize {
    use crate::sql::text::{Dialect, TokenKind, tokens};
    let characters = asked.sent.char_indices().map(|(offset, _)| offset);
    let sent = characters.clone().nth(position.saturating_sub(1)).unwrap_or(asked.sent.len());
    let bytes = asked.sent.as_bytes();
    let (mut there, mut here) = (0, 0);
    for token in tokens(asked.sql, Dialect::Postgres).filter(|token| token.kind == TokenKind::Parameter) {
        let number = there + (token.offset - here);
        // A blank may have been put before it.
        let number = if bytes.get(number) == Some(&b'$') { number } else { number + 1 };
        let digits = bytes.get(number + 1..).unwrap_or_default();
        let end = number + 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if sent < number {
            break;
        }
        if sent < end {
            return token.offset;
        }
        (there, here) = (end, token.end());
    }
    (here + sent.saturating_sub(there)).min(asked.sql.len())
}

fn word_length(sql: &str, offset: usize) -> usize {
    let rest = sql.get(offset..).unwrap_or_default();
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(fields: &[(u8, &str)]) -> Fault {
        let mut body = Vec::new();
        for (field, text) in fields {
            body.push(*field);
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
        body.push(0);
        Fault::parse(&body)
    }

    #[test]
    fn no_message_holds_a_value() {
        for (code, message, shown) in [
            (
                "22P02",
                "invalid input syntax for type integer: \"se\"cret\"",
                "invalid input syntax for type integer",
            ),
            (
                "22003",
                "value \"secret\" is out of range for type smallint",
                "value is out of range for type smallint",
            ),
            ("22007", "invalid input syntax for type date: \"secret\"", "invalid input syntax for type date"),
        ] {
            let fault = fault(&[
                (b'C', code),
                (b'M', message),
                (b'D', "secret"),
                (b'W', "unnamed portal parameter $2 = 'secret'"),
            ]);
            let error = general(&fault, &["a".into(), "b".into()]);
            assert_eq!(error.message(), format!("the parameter :b: {shown}"));
            assert!(!format!("{error:?} {fault:?}").contains("secret"));
            assert_eq!(error.kind(), ErrorKind::Parameter);
        }
    }

    #[test]
    fn a_stale_plan_is_known_in_any_language() {
        let plan = [(b'C', "0A000"), (b'M', "gecachter Plan darf den Ergebnistyp nicht ändern")];
        assert!(fault(&[plan[0], plan[1], (b'R', "RevalidateCachedQuery")]).is_stale());
        assert!(!fault(&plan).is_stale());
        assert!(fault(&[(b'C', "0A000"), (b'M', "cached plan must not change result type")]).is_stale());
    }

    #[test]
    fn a_constraint_names_its_table_and_columns() {
        let fault = fault(&[
            (b'C', "23505"),
            (b'M', "duplicate key value violates unique constraint \"t_a_b_key\""),
            (b'D', "Key (a, \"B\")=(secret, 2)=(3) already exists."),
            (b't', "t"),
            (b'n', "t_a_b_key"),
        ]);
        let error = general(&fault, &[]);
        let constraint = error.constraint().unwrap();
        assert_eq!((error.kind(), constraint.kind), (ErrorKind::Constraint, ConstraintKind::Unique));
        assert_eq!(constraint.columns, ["a", "B"]);
        assert_eq!((constraint.table.as_deref(), constraint.name.as_deref()), (Some("t"), Some("t_a_b_key")));
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn the_place_is_found_in_the_text_that_the_program_wrote() {
        let sql = "SELECT 'é', :name, LIMIT:n oops :name x";
        let mapped = crate::sql::text::Mapped::new(sql, crate::sql::text::Dialect::Postgres).unwrap();
        let asked = Asked { sql, sent: mapped.text(), names: mapped.names() };
        for word in ["'é'", "oops", "x"] {
            let position =
                mapped.text().find(word).map(|at| mapped.text()[..at].chars().count() + 1).unwrap();
            assert_eq!(original(asked, position), sql.find(word).unwrap(), "{word}");
        }
        let position = mapped.text()[..mapped.text().find("$2").unwrap()].chars().count() + 1;
        assert_eq!(original(asked, position), sql.find(":n oops").unwrap());
        assert_eq!(original(asked, 9999), sql.len());
    }
}
