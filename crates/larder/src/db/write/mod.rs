//! Writing: the one connection that writes, the line before it, and one commit for all who wait.

mod batch;
mod count;
mod lend;
mod queue;
mod rollback;
mod sync;
mod work;
mod writer;

pub(super) use rollback::RollbackFailed;
pub(crate) use rollback::unusable;
pub(super) use writer::{Writer, closed};
