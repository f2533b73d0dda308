//! Every combination of how up to four pieces of work, the commit and the rollbacks may end. What each caller is told, and
//! which rows are there then, is compared with what a few lines say that know nothing of batches.

use super::Batch;
use super::engine::{Call, Engine, Fault, How};
use crate::db::WriteTx;
use crate::db::write::count::Count;
use crate::db::write::queue::{Lead, Owner, Queue, Ticket, Wake};
use crate::db::write::rollback::RollbackFailed;
use crate::db::write::work::{Closure, Outcome, Statement, Work};
use crate::db::write::writer::Job;
use crate::driver::{Connection, Durability};
use crate::error::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a piece of work does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Writes its row.
    Add,
    /// Writes its row and returns an error.
    Fail,
    /// Writes its row and panics.
    Panic,
    /// Has everything rolled back by the engine, and returns that error.
    Lose,
    /// The same, but says that all went well.
    Swallow,
    /// Writes a row that no commit takes.
    Dangle,
    /// One statement that writes its row.
    One,
    /// One statement that is refused.
    OneRefused,
    /// One statement that has everything rolled back.
    OneLost,
}

use Does::{Add, Dangle, Fail, Lose, One, OneLost, OneRefused, Panic, Swallow};

const ALL: [Does; 9] = [Add, Fail, Panic, Lose, Swallow, Dangle, One, OneRefused, OneLost];

/// What a caller saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saw {
    /// Nothing: its work stands in the line, not begun.
    Untouched,
    Fine,
    Error(ErrorKind),
    /// Its own panic.
    Panic,
}

type Body = Box<dyn FnMut(&mut WriteTx<'_>) -> Result<u64> + Send>;

/// A piece of work and all that is noted of it.
struct Note {
    number: usize,
    closure: Option<Closure<Body, u64>>,
    statement: Option<Statement<'static>>,
    runs: Arc<AtomicUsize>,
    told: usize,
    saw: Saw,
}

/// The same piece, for the line and for who looks at it.
#[derive(Clone)]
struct Piece {
    note: Arc<Mutex<Note>>,
    engine: Engine,
}

const ADD: [&str; 4] = ["add 0", "add 1", "add 2", "add 3"];
const REFUSE: [&str; 4] = ["refuse 0", "refuse 1", "refuse 2", "refuse 3"];
const LOSE: [&str; 4] = ["lose 0", "lose 1", "lose 2", "lose 3"];
const DANGLE: [&str; 4] = ["dangle 0", "dangle 1", "dangle 2", "dangle 3"];

impl Piece {
    fn new(number: usize, does: Does, engine: &Engine) -> Self {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let closure = |mut f: Body| {
            let f: Body = Box::new(move |tx| {
                counted.fetch_add(1, Ordering::Relaxed);
                f(tx)
            });
            (Some(Closure::new(f, tracing::Span::none())), None)
        };
        let statement = |sql| (None, Some(Statement::new(sql, &[])));
        let (closure, statement) = match does {
            Add => closure(Box::new(move |tx| tx.execute(ADD[number], &[]))),
            Fail => closure(Box::new(move |tx| {
                tx.execute(ADD[number], &[])?;
                Err(Error::new(ErrorKind::NotFound, "its own"))
            })),
            Panic => closure(Box::new(move |tx| {
                tx.execute(ADD[number], &[])?;
                resume_unwind(Box::new(number))
            })),
            Lose => closure(Box::new(move |tx| {
                tx.execute(ADD[number], &[])?;
                tx.execute(LOSE[number], &[])
            })),
            Swallow => closure(Box::new(move |tx| {
                tx.execute(ADD[number], &[])?;
                let _ = tx.execute(LOSE[number], &[]);
                Ok(1)
            })),
            Dangle => closure(Box::new(move |tx| tx.execute(DANGLE[number], &[]))),
            One => statement(ADD[number]),
            OneRefused => statement(REFUSE[number]),
            OneLost => statement(LOSE[number]),
        };
        let note = Note { number, closure, statement, runs, told: 0, saw: Saw::Untouched };
        Self { note: Arc::new(Mutex::new(note)), engine: engine.clone() }
    }

    fn with<T>(&self, f: impl FnOnce(&mut dyn Work) -> T) -> T {
        let note = &mut *self.note.lock().unwrap();
        match (&mut note.closure, &mut note.statement) {
            (Some(closure), _) => f(closure),
            (_, Some(statement)) => f(statement),
            _ => unreachable!(),
        }
    }

    /// Looks at the outcome as its owner does, and holds it against the rows that are there at that moment.
    fn look(&self) {
        let note = &mut *self.note.lock().unwrap();
        note.told += 1;
        let outcome = match (&mut note.closure, &mut note.statement) {
            (Some(closure), _) => std::mem::replace(&mut closure.outcome, Outcome::NOT),
            (_, Some(statement)) => std::mem::replace(&mut statement.outcome, Outcome::NOT),
            _ => unreachable!(),
        };
        let result = catch_unwind(AssertUnwindSafe(|| outcome.into_result()));
        let rows = self.engine.count(note.number);
        note.saw = match result {
            Ok(Ok(_)) => {
                assert_eq!(rows, 1, "{} was told that it is committed", note.number);
                Saw::Fine
            }
            Ok(Err(error)) => {
                let known = error.kind() != ErrorKind::UnknownOutcome;
                assert!(rows == 0 || (rows == 1 && !known), "{} was told {error}", note.number);
                Saw::Error(error.kind())
            }
            Err(panic) => {
                assert_eq!(panic.downcast_ref::<usize>(), Some(&note.number), "the panic of another");
                assert_eq!(rows, 0, "{} panicked", note.number);
                Saw::Panic
            }
        };
    }
}

impl Work for Piece {
    fn run(&mut self, connection: &mut dyn Connection) -> bool {
        if self.is_one_statement() {
            self.note.lock().unwrap().runs.fetch_add(1, Ordering::Relaxed);
        }
        self.with(|work| work.run(connection))
    }

    fn is_one_statement(&self) -> bool {
        self.with(|work| work.is_one_statement())
    }

    fn fail(&mut self, error: Error) {
        self.with(|work| work.fail(error));
    }

    fn spoil(&mut self, rollback: Error) {
        self.with(|work| work.spoil(rollback));
    }
}

impl Wake<Job> for Piece {
    fn done(&self) {
        self.look();
    }

    fn lead(&self, _: Arc<Ticket<Job>>) {}

    fn since(&self) -> Instant {
        Instant::now()
    }
}

/// What came of a batch: for each who took part what was seen and how often the work ran.
#[derive(Debug, PartialEq, Eq)]
struct End {
    saw: Vec<Saw>,
    runs: Vec<usize>,
}

struct Ran {
    end: End,
    /// The engine panicked.
    panicked: bool,
}

/// Runs a batch in which the first of `does` leads, with all of the line there from the start.
fn run(does: &[Does], fault: Option<Fault>, long: Duration) -> Ran {
    let mut engine = Engine::with(fault);
    let pieces: Vec<_> = does.iter().enumerate().map(|(at, does)| Piece::new(at, *does, &engine)).collect();
    let queue: Queue<Job> = Queue::new();
    let lead = queue.try_lead().unwrap();
    let tickets: Vec<_> = pieces[1..]
        .iter()
        .map(|piece| {
            let ticket =
                Ticket::with(Box::new(piece.clone()) as Job, 0, Owner::Other(Box::new(piece.clone())));
            assert!(queue.join(&ticket).is_none());
            ticket
        })
        .collect();
    let mut own = pieces[0].clone();
    let count = Count::default();
    let mut batch = Batch::new(&lead, Durability::Normal, false, &count);
    batch.long = long;
    let unknown = catch_unwind(AssertUnwindSafe(|| batch.run(&mut engine, &mut own)));
    let ended_well = matches!(unknown, Ok(false));
    assert!(!ended_well || engine.is_idle(), "a transaction was left open and nobody said so");
    let panicked = unknown.is_err();
    if !panicked {
        own.look();
    }
    match unknown {
        Ok(_) => drop(batch.into_members()),
        Err(_) => drop(batch),
    }
    in_line(&lead, &tickets, &pieces);
    let notes: Vec<_> = pieces.iter().map(|piece| piece.note.lock().unwrap()).collect();
    for note in notes.iter().skip(1) {
        assert_eq!(note.told, usize::from(note.saw != Saw::Untouched), "{} was told so often", note.number);
    }
    let end = End {
        saw: notes.iter().map(|note| note.saw).collect(),
        runs: notes.iter().map(|note| note.runs.load(Ordering::Relaxed)).collect(),
    };
    Ran { end, panicked }
}

/// Who was told nothing is in the line still, in its order and with its work; and nobody else is.
fn in_line(lead: &Lead<'_, Job>, tickets: &[Arc<Ticket<Job>>], pieces: &[Piece]) {
    let line: Vec<_> = std::iter::from_fn(|| lead.take(u8::MAX)).collect();
    let untold = tickets
        .iter()
        .zip(&pieces[1..])
        .filter(|(_, piece)| piece.note.lock().unwrap().told == 0)
        .map(|(ticket, _)| ticket);
    assert!(untold.eq_by_place(line.iter()), "someone waits for ever, or twice");
    for ticket in line {
        assert!(ticket.take().is_some(), "the work of one in the line is gone");
    }
}

trait ByPlace<'t>: Iterator<Item = &'t Arc<Ticket<Job>>> + Sized {
    fn eq_by_place(self, other: impl Iterator<Item = &'t Arc<Ticket<Job>>>) -> bool {
        self.map(Arc::as_ptr).eq(other.map(Arc::as_ptr))
    }
}

impl<'t, I: Iterator<Item = &'t Arc<Ticket<Job>>>> ByPlace<'t> for I {}

/// What must be seen. Of the faults it knows those of the outermost commit, by `commit`, and that no savepoint can be
/// rolled back, by `stuck`.
struct Oracle<'d> {
    does: &'d [Does],
    commit: Option<(ErrorKind, bool)>,
    stuck: bool,
    end: End,
}

impl<'d> Oracle<'d> {
    fn tell(does: &'d [Does], commit: Option<(ErrorKind, bool)>, stuck: bool) -> End {
        let end = End { saw: vec![Saw::Untouched; does.len()], runs: vec![0; does.len()] };
        let mut oracle = Self { does, commit, stuck, end };
        oracle.together();
        oracle.end
    }

    fn together(&mut self) {
        let mut members = Vec::new();
        for (at, does) in self.does.iter().enumerate() {
            self.end.runs[at] = 1;
            self.end.saw[at] = by_itself(*does);
            if at == 0 && self.end.saw[0] != Saw::Fine {
                return;
            }
            members.push(at);
            let stuck = at > 0 && self.stuck && matches!(does, Fail | Panic);
            let lost = matches!(does, Lose | Swallow | OneLost);
            if stuck || lost {
                return self.again(&members);
            }
        }
        let fine = |at: &usize| self.end.saw[*at] == Saw::Fine;
        if members.iter().filter(|at| fine(at)).any(|at| self.does[*at] == Dangle) {
            // Alone it is not done a second time only to be refused again.
            return if members.len() == 1 { self.end.saw[0] = refused() } else { self.again(&members) };
        }
        let committed = self.commits();
        if committed != Saw::Fine {
            // Also to who failed by itself; but a panic stays one.
            for at in members.into_iter().filter(|at| self.does[*at] != Panic) {
                self.end.saw[at] = committed;
            }
        }
    }

    /// Each by itself; but what panicked is not done again.
    fn again(&mut self, members: &[usize]) {
        for at in members.iter().copied() {
            let does = self.does[at];
            if does == Panic {
                continue;
            }
            self.end.runs[at] += 1;
            self.end.saw[at] = match by_itself(does) {
                Saw::Fine if does == Dangle => refused(),
                Saw::Fine => self.commits(),
                saw => saw,
            };
        }
    }

    fn commits(&mut self) -> Saw {
        match self.commit {
            Some((kind, always)) => {
                self.commit = self.commit.filter(|_| always);
                Saw::Error(kind)
            }
            None => Saw::Fine,
        }
    }
}

fn refused() -> Saw {
    Saw::Error(ErrorKind::Constraint)
}

/// How work ends before the commit, whoever is beside it.
fn by_itself(does: Does) -> Saw {
    match does {
        Add | Dangle | One => Saw::Fine,
        Fail => Saw::Error(ErrorKind::NotFound),
        Panic => Saw::Panic,
        Lose | OneLost => Saw::Error(ErrorKind::DiskFull),
        Swallow => Saw::Error(ErrorKind::Closed),
        OneRefused => refused(),
    }
}

const ALWAYS_TIME: Duration = Duration::from_secs(3600);

/// Every row of up to `most` pieces of work.
fn each(most: u32, mut f: impl FnMut(&[Does])) {
    for length in 1..=most {
        for number in 0..ALL.len().pow(length) {
            let does: Vec<_> = (0..length).map(|at| ALL[number / ALL.len().pow(at) % ALL.len()]).collect();
            f(&does);
        }
    }
}

#[test]
fn each_is_told_what_it_would_be_told_alone() {
    each(4, |does| {
        let ran = run(does, None, ALWAYS_TIME);
        assert_eq!(ran.end, Oracle::tell(does, None, false), "{does:?}");
    });
}

#[test]
fn a_failed_commit_is_told_to_all_it_was_for_and_to_nobody_else() {
    let hows = [
        How::Instead(ErrorKind::Busy),
        How::Gone(ErrorKind::DiskFull),
        How::After(ErrorKind::UnknownOutcome),
        How::Gone(ErrorKind::UnknownOutcome),
    ];
    each(3, |does| {
        for how in hows {
            for always in [false, true] {
                let (How::Instead(kind) | How::Gone(kind) | How::After(kind)) = how else { unreachable!() };
                let ran = run(does, Some(Fault { call: Call::Commit, how, nth: 0, always }), ALWAYS_TIME);
                let oracle = Oracle::tell(does, Some((kind, always)), false);
                assert_eq!(ran.end, oracle, "{does:?} {how:?} {always}");
            }
        }
    });
}

#[test]
fn a_savepoint_that_can_not_be_rolled_back_takes_nobody_along() {
    let how = How::Instead(ErrorKind::Io);
    each(4, |does| {
        let ran = run(does, Some(Fault { call: Call::RollbackTo, how, nth: 0, always: true }), ALWAYS_TIME);
        assert_eq!(ran.end, Oracle::tell(does, None, true), "{does:?}");
    });
}

/// Whatever fails, and should the engine itself panic: nobody is told what is not so, and nobody is forgotten.
#[test]
fn whatever_fails_nobody_is_told_what_is_not_so() {
    const CALLS: [Call; 6] =
        [Call::Begin, Call::Commit, Call::Rollback, Call::Savepoint, Call::Release, Call::RollbackTo];
    let mut panics = 0;
    each(3, |does| {
        for call in CALLS {
            for how in [How::Instead(ErrorKind::Io), How::Gone(ErrorKind::Io), How::Panics] {
                for (nth, always) in [(0, false), (0, true), (1, false), (1, true)] {
                    let fault = Fault { call, how, nth, always };
                    let ran = catch_unwind(|| run(does, Some(fault), ALWAYS_TIME));
                    let Ok(ran) = ran else { panic!("{does:?} {fault:?}") };
                    panics += usize::from(ran.panicked);
                }
            }
        }
    });
    assert!(panics > 1000, "the engine was to panic");
}

#[test]
fn when_it_has_been_enough_the_rest_keeps_its_place() {
    let ran = run(&[Add, Add, Add, Add], None, Duration::ZERO);
    assert_eq!(ran.end.saw, [Saw::Fine, Saw::Fine, Saw::Untouched, Saw::Untouched]);
    let ran = run(&[Add, Fail, Add, Add], None, Duration::ZERO);
    let own = Saw::Error(ErrorKind::NotFound);
    assert_eq!(ran.end.saw, [Saw::Fine, own, Saw::Untouched, Saw::Untouched]);
}

#[test]
fn an_error_that_could_not_be_rolled_back_says_both() {
    let engine = Engine::with(Some(Fault {
        call: Call::Rollback,
        how: How::Instead(ErrorKind::Io),
        nth: 0,
        always: false,
    }));
    let queue: Queue<Job> = Queue::new();
    let lead = queue.try_lead().unwrap();
    let count = Count::default();
    let mut batch = Batch::new(&lead, Durability::Normal, false, &count);
    let mut work: Closure<_, u64> = Closure::new(
        |_: &mut WriteTx<'_>| Err(Error::new(ErrorKind::NotFound, "its own")),
        tracing::Span::none(),
    );
    assert!(batch.run(&mut engine.clone(), &mut work), "nobody knows the state of the connection");
    let error = work.outcome.into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(RollbackFailed::is_in(&error));
}
