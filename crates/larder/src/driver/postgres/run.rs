//! Running one statement: what is sent, and what comes of the answers.
//!
//! The first time a text is run it goes in one message, unprepared, with every value and result as text. What the server
//! tells of it then is enough to prepare it the second time and run it in the same message. So no statement ever costs more
//! than one round trip.

use super::connection::PostgresConnection;
use super::decode::{Columns, Layout, Received};
use super::fault::{self, Asked, Fault};
use super::message::{self, Read};
use super::session::{Broken, Session, Status, text};
use super::statement::{Described, Known};
use super::transaction::{Control, GUARD, UNGUARD};
use super::{encode, oid};
use crate::driver::RowSink;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::Mapped;
use crate::sql::{Given, Param, Row, ValueRef};
use fallible_iterator::FallibleIterator as _;
use std::borrow::Cow;
use std::sync::Arc;

/// The values of a statement's parameters.
#[derive(Clone, Copy)]
pub(super) enum Values<'v> {
    /// By name, in any order.
    Named(&'v [Param<'v>]),
    /// In the order of the statement's parameters.
    List(&'v [ValueRef<'v>]),
}

impl<'v> Values<'v> {
    /// In the order of the statement's parameters.
    fn resolve(self, mapped: &Mapped<'_>) -> Result<Vec<Given<'v>>> {
        let names = mapped.names();
        match self {
            Self::Named(params) => {
                let slots = mapped.resolve(params.iter().map(|(name, _)| *name))?;
                let mut given = vec![Given::Borrowed(ValueRef::Null); params.len()];
                for (index, (_, value)) in params.iter().enumerate() {
                    if let Some(place) = given.get_mut(slots.slot(index)) {
                        *place = value.to_value()?;
                    }
                }
                Ok(given)
            }
            Self::List(values) if values.len() != names.len() => {
                let message = format!(
                    "the statement has {} parameters and {} values were given",
                    names.len(),
                    values.len()
                );
                Err(Error::new(ErrorKind::Parameter, message))
            }
            Self::List(values) => Ok(values.iter().map(|value| Given::Borrowed(*value)).collect()),
        }
    }
}

/// How a statement is sent.
enum How {
    /// In one message that leaves nothing behind, all as text.
    Once,
    /// The same, with the types that the values have by themselves.
    Typed,
    /// Prepared under a name, and run.
    Prepare(Arc<str>, Described),
    /// Run, for it was prepared.
    Prepared(Arc<str>, Described),
}

/// What came of a round.
#[derive(Default)]
struct Answer {
    /// How many of the statements before it succeeded.
    controls: usize,
    affected: Option<u64>,
    fault: Option<Fault>,
    /// What the taker of the rows said.
    refused: Option<Error>,
    /// Rows were handed on.
    handed: bool,
    parameters: Option<Arc<[u32]>>,
    columns: Option<Arc<Columns>>,
    copies: bool,
}

/// What to do after a round.
enum Next {
    Done(u64),
    Again(How),
}

impl PostgresConnection {
    /// Runs a statement; gives the number of rows it changed.
    pub(super) fn run(
        &mut self,
        sql: &str,
        values: Values<'_>,
        each: Option<&mut RowSink<'_>>,
    ) -> Result<u64> {
        self.may_run()?;
        let known = self.statements.get(sql, self.watching)?;
        let values = values.resolve(&known.reading.mapped)?;
        self.tally.note_statement();
        // Nothing of this statement was sent yet: whoever finds the connection broken now may use another one.
        if self.transaction.depth() == 0 || self.transaction.is_unsent() {
            self.session.look_after_a_pause().map_err(fault::gone)?;
        }
        let mut each = each;
        let mut how = self.how(&known);
        // Each further round has another reason, so there are few.
        for _ in 0..4 {
            match self.round(sql, &known, &values, &how, each.as_deref_mut())? {
                Next::Done(affected) => return Ok(affected),
                Next::Again(other) => how = other,
            }
        }
        Err(Error::new(ErrorKind::Internal, "a statement was prepared again and again and never fitted"))
    }

    fn how(&mut self, known: &Known) -> How {
        match (&known.described, &known.name) {
            _ if !self.names_statements => How::Once,
            (Some(described), Some(name)) => How::Prepared(Arc::clone(name), described.clone()),
            (Some(described), None) => How::Prepare(self.statements.new_name(), described.clone()),
            (None, _) => How::Once,
        }
    }

    fn round(
        &mut self,
        sql: &str,
        known: &Known,
        values: &[Given<'_>],
        how: &How,
        each: Option<&mut RowSink<'_>>,
    ) -> Result<Next> {
        let alone = self.transaction.depth() == 0;
        // Whose rows nobody wants is run for what its functions do.
        let writes = known.reading.may_write() || each.is_none();
        let first = matches!(how, How::Once | How::Typed | How::Prepare(..));
        // A migration's statement that fails ends the migration.
        let guarded =
            !alone && !self.watching && (first && self.names_statements || known.reading.may_write());
        let wrapped = alone && self.needs_wrapping(&known.reading);
        let mut before = if wrapped {
            self.wrapping()
        } else if self.transaction.is_told() {
            Vec::new()
        } else {
            self.transaction.due(self.driver.settings.isolation, &self.begin_settings())
        };
        let was_unsent = self.transaction.is_unsent();
        let due = before.len();
        if guarded {
            before.push(Cow::Borrowed(GUARD));
        }
        let after = if wrapped { Some("COMMIT") } else { guarded.then_some(UNGUARD) };

        let written = self.write_round(&before, known, values, how, after);
        if let Err(error) = written {
            self.session.out.clear();
            return Err(error);
        }
        self.statements.to_close.clear();
        let result_form = match how {
            How::Once | How::Typed => None,
            How::Prepare(_, described) | How::Prepared(_, described) => Some(Arc::clone(&described.columns)),
        };
        if matches!(how, How::Once | How::Typed | How::Prepare(..)) {
            self.tally.note_prepared();
        }
        let answer = self
            .session
            .send()
            .and_then(|()| self.session.settle())
            .and_then(|()| receive(&mut self.session, &mut self.layout, before.len(), result_form, each));
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(broken) if alone && writes => {
                self.transaction.lose();
                return Err(fault::uncertain(broken));
            }
            Err(broken) => return Err(self.broke(broken)),
        };
        if !alone && answer.controls >= due {
            self.transaction.told();
        }
        if let Some(fault) = answer.fault.take() {
            let guarded = guarded && answer.controls > due;
            return self.failed(
                sql,
                known,
                values,
                how,
                &answer,
                &fault,
                Failing { guarded, was_unsent, wrapped, writes },
            );
        }
        self.learn(sql, known, how, &answer);
        if known.reading.listens {
            self.listen();
        }
        if let Some(error) = answer.refused {
            return Err(error);
        }
        if answer.copies {
            return Err(Error::new(ErrorKind::Unsupported, "COPY to or from the program can't run here")
                .with_help("name a file of the server, or use `larder copy`"));
        }
        Ok(Next::Done(answer.affected.unwrap_or(0)))
    }

    /// Writes all that one round sends.
    fn write_round(
        &mut self,
        before: &[Control],
        known: &Known,
        values: &[Given<'_>],
        how: &How,
        after: Option<&'static str>,
    ) -> Result<()> {
        let out = &mut self.session.out;
        for name in &self.statements.to_close {
            message::close(out, name);
        }
        for control in before {
            message::control(out, control);
        }
        let mapped = &known.reading.mapped;
        let given = mapped.names().iter().map(String::as_str).zip(values);
        match how {
            How::Once | How::Typed => {
                let declared = |value: &Given<'_>| match value.as_ref() {
                    // In its own form, for as text it could be taken for another type.
                    ValueRef::Blob(_) => oid::BYTEA,
                    value if matches!(how, How::Typed) => encode::own_type(value),
                    _ => oid::ANY,
                };
                message::parse(out, "", mapped.text(), values.iter().map(declared))?;
                message::describe(out, "");
                let bound = given.map(|(name, value)| (name, value.as_ref(), declared(value)));
                message::bind(out, "", bound, [].into_iter())?;
            }
            How::Prepare(name, described) | How::Prepared(name, described) => {
                let declared = &described.parameters;
                if declared.len() != values.len() {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        "the server counts the parameters of a statement otherwise than Larder",
                    ));
                }
                if matches!(how, How::Prepare(..)) {
                    message::parse(out, name, mapped.text(), declared.iter().copied())?;
                    message::describe(out, name);
                }
                let bound = given.zip(declared.iter());
                let bound = bound.map(|((name, value), declared)| (name, value.as_ref(), *declared));
                message::bind(out, name, bound, described.columns.formats())?;
            }
        }
        message::execute(out);
        if let Some(control) = after {
            message::control(out, control);
        }
        message::sync(out);
        if out.len() > message::LIMIT {
            return Err(message::too_large());
        }
        Ok(())
    }

    /// Keeps what the server told.
    fn learn(&mut self, sql: &str, known: &Known, how: &How, answer: &Answer) {
        let name = match how {
            How::Prepared(..) => return,
            How::Prepare(name, _) => Some(Arc::clone(name)),
            // What was typed by its values would be typed by the next ones otherwise.
            How::Typed => return,
            How::Once => None,
        };
        if let (Some(parameters), Some(columns)) = (&answer.parameters, &answer.columns) {
            let described =
                Some(Described { parameters: Arc::clone(parameters), columns: Arc::clone(columns) });
            self.statements.keep(sql, Known { reading: Arc::clone(&known.reading), described, name });
        }
    }

    #[allow(clippy::too_many_arguments, reason = "what a round was is known in parts only here")]
    fn failed(
        &mut self,
        sql: &str,
        known: &Known,
        values: &[Given<'_>],
        how: &How,
        answer: &Answer,
        fault: &Fault,
        failing: Failing,
    ) -> Result<Next> {
        let alone = self.transaction.depth() == 0;
        let open = self.session.status() != Status::Idle;
        if alone {
            if open {
                // The transaction around the single statement.
                message::control(&mut self.session.out, "ROLLBACK");
                message::sync(&mut self.session.out);
                let _ = self.session.send_ahead();
            }
        } else if fault.is_conflict() || fault.is_fatal() || !open {
            self.transaction.lose();
        } else if failing.guarded {
            self.transaction.undo_statement();
        } else {
            self.transaction.fail();
        }
        let again = !answer.handed && !self.transaction.is_lost();
        let stale = match how {
            How::Prepared(..) => fault.is_stale() || fault.is_misfit(),
            How::Prepare(..) => fault.is_stale() || fault.is_misfit() || fault.is_untyped(),
            How::Once | How::Typed => false,
        };
        let typed = matches!(how, How::Once) && fault.is_untyped() && !values.is_empty();
        if stale {
            self.statements.forget(sql);
            if fault.is_unknown_statement() {
                tracing::debug!(
                    "prepared statements do not last on this connection: they are not used any more"
                );
                self.names_statements = false;
                self.statements.forget_all();
            }
            self.tally.note_prepared_again(1);
        }
        if (stale || typed) && again {
            let how = if typed { How::Typed } else { How::Once };
            if alone || failing.guarded {
                return Ok(Next::Again(how));
            }
            if failing.was_unsent {
                self.transaction.restart();
                return Ok(Next::Again(how));
            }
            if stale {
                self.transaction.lose();
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "the schema was changed while the transaction ran",
                )
                .with_help("run the whole transaction again; Larder's `write` does"));
            }
        }
        let mapped = &known.reading.mapped;
        let error = fault::statement(fault, Asked { sql, sent: mapped.text(), names: mapped.names() });
        let whole = alone && failing.writes || failing.wrapped;
        if whole && error.kind() == ErrorKind::Unavailable && fault.may_have_happened() {
            return Err(fault::doubtful().with_cause(error));
        }
        Err(error)
    }

    /// The connection broke inside a transaction, or while something was read.
    pub(super) fn broke(&mut self, broken: Broken) -> Error {
        self.transaction.lose();
        fault::gone(broken)
    }
}

/// The circumstances in which a statement failed.
#[derive(Clone, Copy)]
struct Failing {
    /// There is a savepoint before it.
    guarded: bool,
    /// It was the first of its transaction.
    was_unsent: bool,
    /// It had a transaction of its own.
    wrapped: bool,
    /// It may have changed something.
    writes: bool,
}

/// Receives the answers to a round, to its end.
fn receive(
    session: &mut Session,
    layout: &mut Layout,
    controls: usize,
    known: Option<Arc<Columns>>,
    mut each: Option<&mut RowSink<'_>>,
) -> Result<Answer, Broken> {
    let mixed = known.is_some();
    let mut columns = known;
    let mut answer = Answer::default();
    let mut wanted = true;
    loop {
        let message = session.receive()?;
        let body = session.body(&message);
        match message.tag {
            b'D' => {
                let (Some(each), Some(columns), true) = (each.as_deref_mut(), &columns, wanted) else {
                    continue;
                };
                if layout.read(body, columns.types.len()).is_none() {
                    return Err(session.garbled());
                }
                answer.handed = true;
                match each(Row::new(&Received { columns, mixed, layout, body })) {
                    Ok(flow) => wanted = flow.is_continue(),
                    Err(error) => {
                        wanted = false;
                        answer.refused = Some(error);
                    }
                }
            }
            b'C' if answer.controls < controls => answer.controls += 1,
            b'C' if answer.affected.is_none() => answer.affected = Some(affected(&text(body))),
            b'I' => answer.affected = Some(0),
            b't' => match message::read(message.tag, body) {
                Ok(Read::ParameterDescription(types)) => match types.parameters().collect::<Vec<_>>() {
                    Ok(types) => answer.parameters = Some(types.into()),
                    Err(_) => return Err(session.garbled()),
                },
                _ => return Err(session.garbled()),
            },
            b'T' => {
                let Ok(told) = Columns::parse(body) else { return Err(session.garbled()) };
                let told = Arc::new(told);
                answer.columns = Some(Arc::clone(&told));
                columns = Some(told);
            }
            b'n' => answer.columns = Some(Arc::default()),
            b'E' => answer.fault = Some(Fault::parse(body)),
            // It wants data. It has stopped to listen for the end of the round, so that is to be sent anew.
            b'G' => {
                answer.copies = true;
                message::copy_fail(&mut session.out, "no data comes with a statement");
                message::sync(&mut session.out);
                session.send()?;
            }
            b'H' | b'W' => answer.copies = true,
            b'Z' => return Ok(answer),
            _ => {}
        }
    }
}

/// The number of rows in `INSERT 0 5`; what is only read counts nothing.
pub(super) fn affected(tag: &str) -> u64 {
    let mut words = tag.split(' ');
    match words.next() {
        Some("INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY") => {
            words.next_back().and_then(|count| count.parse().ok()).unwrap_or(0)
        }
        _ => 0,
    }
}
