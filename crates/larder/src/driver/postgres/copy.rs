//! COPY, between this thread and the server: its data passes as it is, in whatever form the statement names.

use super::connection::PostgresConnection;
use super::fault::{self, Fault};
use super::message;
use super::run::affected;
use super::session::{Broken, text};
use crate::error::{Error, Result};

impl PostgresConnection {
    /// Begins `COPY … FROM STDIN`: the server waits for data, until [`Self::end_copy_in`].
    pub(super) fn begin_copy_in(&mut self, sql: &str) -> Result<()> {
        self.begin_copy(sql)?;
        // Not the end of the round: the server does not hear that while it takes data.
        message::flush(&mut self.session.out);
        let begun = self.send_copy().and_then(|()| {
            loop {
                let message = self.session.receive()?;
                match message.tag {
                    b'G' => return Ok(None),
                    b'E' => return Ok(Some(Fault::parse(self.session.body(&message)))),
                    _ => {}
                }
            }
        });
        match begun.map_err(|broken| self.copy_broke(broken))? {
            None => Ok(()),
            Some(fault) => self.end_copy(Some(fault)).map(|_| ()),
        }
    }

    /// Sends a piece of the data. False when the server has said something already, which is nothing good: it says what
    /// when the copying ends.
    pub(super) fn copy_in(&mut self, data: &[u8]) -> Result<bool> {
        message::copy_data(&mut self.session.out, data)?;
        self.session.send().map_err(|broken| self.copy_broke(broken))?;
        Ok(!self.session.was_told())
    }

    /// Ends it; where the data did not come to its end, nothing of it stays. Gives the number of rows.
    pub(super) fn end_copy_in(&mut self, whole: bool) -> Result<u64> {
        if whole {
            message::copy_done(&mut self.session.out);
        } else {
            message::copy_fail(&mut self.session.out, "the rows did not come to their end");
        }
        self.end_copy(None)
    }

    /// Runs `COPY … TO STDOUT`, and hands on each piece of the data until `each` says that it is enough.
    pub(super) fn copy_out(&mut self, sql: &str, each: &mut dyn FnMut(&[u8]) -> Result<bool>) -> Result<()> {
        self.begin_copy(sql)?;
        message::sync(&mut self.session.out);
        let mut outcome = Ok(true);
        let ended = self.send_copy().and_then(|()| {
            let mut fault = None;
            loop {
                let message = self.session.receive()?;
                match message.tag {
                    b'd' if matches!(outcome, Ok(true)) => outcome = each(self.session.body(&message)),
                    b'E' => fault = Some(Fault::parse(self.session.body(&message))),
                    b'Z' => return Ok(fault),
                    _ => {}
                }
            }
        });
        let fault = ended.map_err(|broken| self.broke(broken))?;
        self.note_copied(fault.as_ref());
        match fault {
            Some(fault) => Err(fault::general(&fault, &[])),
            None => outcome.map(|_| ()),
        }
    }

    fn begin_copy(&mut self, sql: &str) -> Result<()> {
        self.may_run()?;
        if self.transaction.depth() == 0 || self.transaction.is_unsent() {
            self.session.look().map_err(fault::gone)?;
        }
        self.tally.note_statement();
        for control in &self.transaction.due(self.driver.settings.isolation, &self.begin_settings()) {
            message::control(&mut self.session.out, control);
        }
        message::statement(&mut self.session.out, sql).inspect_err(|_| self.session.out.clear())
    }

    fn send_copy(&mut self) -> Result<(), Broken> {
        self.session.send()?;
        self.session.settle()
    }

    /// Ends the round, in which there may have been a fault already.
    fn end_copy(&mut self, fault: Option<Fault>) -> Result<u64> {
        message::sync(&mut self.session.out);
        let mut fault = fault;
        let mut rows = 0;
        let ended = self.session.send().and_then(|()| {
            loop {
                let message = self.session.receive()?;
                let body = self.session.body(&message);
                match message.tag {
                    b'C' => rows = affected(&text(body)),
                    b'E' => fault = fault.take().or(Some(Fault::parse(body))),
                    b'Z' => return Ok(()),
                    _ => {}
                }
            }
        });
        ended.map_err(|broken| self.copy_broke(broken))?;
        self.note_copied(fault.as_ref());
        match fault {
            Some(fault) => Err(fault::general(&fault, &[])),
            None => Ok(rows),
        }
    }

    fn copy_broke(&mut self, broken: Broken) -> Error {
        if self.transaction.depth() == 0 { fault::uncertain(broken) } else { self.broke(broken) }
    }

    /// What came of it for the transaction.
    fn note_copied(&mut self, fault: Option<&Fault>) {
        if self.transaction.depth() == 0 {
            return;
        }
        self.transaction.told();
        match fault {
            Some(fault) if fault.is_conflict() => self.transaction.lose(),
            Some(_) => self.transaction.fail(),
            None => {}
        }
    }
}
