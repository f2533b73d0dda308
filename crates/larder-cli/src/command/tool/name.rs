//! What people call a tool.

use larder::{ReadTx, Result};
use larder_stores::registry::{self, ToolFilter};
use std::collections::{HashMap, HashSet};

/// The names of the tools whose ids were made and tell nobody anything.
///
/// Each is a word that every command takes for the tool: its name where no other tool has that as its name or its id.
pub(super) struct Names(HashMap<String, String>);

impl Names {
    pub(super) fn of(tx: &mut ReadTx<'_>) -> Result<Self> {
        let tools = registry::tools(tx, &ToolFilter::default())?;
        let mut seen = HashMap::<&str, usize>::new();
        for tool in &tools {
            *seen.entry(&tool.name).or_default() += 1;
        }
        let ids: HashSet<&str> = tools.iter().map(|tool| tool.id.as_str()).collect();
        let clear = |name: &str| seen.get(name) == Some(&1) && !ids.contains(name);
        let made = tools.iter().filter(|tool| is_made(&tool.id) && clear(&tool.name));
        Ok(Self(made.map(|tool| (tool.id.clone(), tool.name.clone())).collect()))
    }

    /// The name of the tool, or its id where that says more.
    pub(super) fn word<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

/// It has the form of a ULID.
fn is_made(id: &str) -> bool {
    id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}
