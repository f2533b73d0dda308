//! A place for one connection, which one thread at a time has.

use super::held::Use;
use crate::driver::Connection;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, TryLockError};

/// The place. As large as what processors fetch at once, so that no two threads write to the same.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Slot {
    connection: Mutex<Option<Box<dyn Connection>>>,
    used: Use,
}

/// A slot that this thread has.
pub(super) struct Place<'s> {
    connection: MutexGuard<'s, Option<Box<dyn Connection>>>,
    used: &'s Use,
}

impl Slot {
    /// The slot, unless somebody has it.
    pub(super) fn take(&self) -> Option<Place<'_>> {
        let connection = match self.connection.try_lock() {
            Ok(connection) => connection,
            // After a panic the connection is not there any more.
            Err(TryLockError::Poisoned(poisoned)) => {
                self.connection.clear_poison();
                poisoned.into_inner()
            }
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Place { connection, used: &self.used })
    }

    pub(super) fn used(&self) -> &Use {
        &self.used
    }
}

impl<'s> Place<'s> {
    pub(super) fn used(&self) -> &'s Use {
        self.used
    }
}

impl Deref for Place<'_> {
    type Target = Option<Box<dyn Connection>>;
    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for Place<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}
