//! What a store or a copy refused, in parts that a program can use.

use larder::Error;
use larder::copy::Misfits;
use larder_stores::forge::{BadLine, Held, Id, ImportRefused};
use serde::Serialize;

/// The parts of a refusal; which there are depends on what was refused.
#[derive(Default, Serialize)]
pub(super) struct Reason<'a> {
    /// A lease that another has.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<HeldShape<'a>>,
    /// The lines for which an import was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    bad: Option<&'a [BadLine]>,
    /// What does not fit into the target of a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    misfits: Option<&'a Misfits>,
}

#[derive(Serialize)]
struct HeldShape<'a> {
    repository_id: Id,
    holder: &'a str,
    until: String,
    token: i64,
    yours: bool,
}

impl<'a> Reason<'a> {
    pub(super) fn of(error: &'a Error) -> Self {
        Self {
            held: error.find::<Held>().map(|held| HeldShape {
                repository_id: held.repository_id,
                holder: &held.holder,
                until: held.until.to_string(),
                token: held.token,
                yours: held.yours,
            }),
            bad: error.find::<ImportRefused>().map(|refused| refused.bad.as_slice()),
            misfits: error.find::<Misfits>(),
        }
    }
}
