//! The audit log as a trail.

use crate::audit::{Trail, trail};

/// The audit log: each entry covers the one before, so that [`verify`](crate::audit::verify()) finds the first that was
/// changed.
pub static TRAIL: Trail = trail!(audit_log:
    ts text, level text, run_id text, scope text, event text, message text, data_json text);
