//! Writing: the one connection that writes, the line before it, and one commit for all who wait.

mod batch;
mod count;
mod lend;
#[cfg(feature = "tokio")]
mod post;
mod queue;
mod rollback;
#[cfg(feature = "tokio")]
mod stand_in;
mod sync;
#[cfg(feature = "tokio")]
mod watch;
mod work;
mod writer;

#[cfg(feature = "tokio")]
pub(crate) use post::Posted;
pub(super) use rollback::RollbackFailed;
pub(crate) use rollback::unusable;
pub(super) use writer::{Writer, closed};
