//! How reliable a tool is when everything that it requires is counted.

use super::tool::no_tool;
use larder::{ReadTx, Result, params};
use serde::{Deserialize, Serialize};

/// The reliability of a tool through its chain of required dependencies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reliability {
    /// The tool.
    pub tool_id: String,
    /// Its own reliability.
    pub own: f64,
    /// The product over `parts`: how likely all of them do their work, if they fail independently of each other.
    pub chain: f64,
    /// The tool and all that it requires, directly and through others, each once; the weakest first.
    pub parts: Vec<Part>,
}

/// A tool of a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its own reliability.
    pub reliability: f64,
    /// It is not there yet.
    pub stub: bool,
}

pub(super) const CHAIN: &str = "WITH RECURSIVE chain (id) AS (
  SELECT id FROM tools WHERE id = :id
  UNION
  SELECT dependencies.provider_id FROM chain JOIN dependencies ON dependencies.consumer_id = chain.id
  WHERE NOT dependencies.optional
)
SELECT tools.id, tools.name, tools.reliability, tools.stub FROM chain JOIN tools ON tools.id = chain.id";

/// The reliability of the tool `id` through its chain. Optional dependencies do not count, and what is required in several ways,
/// or in a circle, counts once.
///
/// # Errors
/// [`ErrorKind::NotFound`](larder::ErrorKind::NotFound).
pub fn reliability(tx: &mut ReadTx<'_>, id: &str) -> Result<Reliability> {
    let mut parts: Vec<Part> = tx.query_all(CHAIN, params! { id })?;
    let own = parts.iter().find(|part| part.id == id).ok_or_else(|| no_tool(id))?.reliability;
    parts.sort_by(|a, b| a.reliability.total_cmp(&b.reliability).then_with(|| a.id.cmp(&b.id)));
    let chain = parts.iter().map(|part| part.reliability).product();
    Ok(Reliability { tool_id: id.to_owned(), own, chain, parts })
}
