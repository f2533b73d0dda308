//! Tools and dependencies from what other programs write down: Cargo's metadata, npm's lock file.

mod cargo;
mod input;
mod npm;
mod npm_lock;
mod record;

pub use cargo::{cargo_inventory, read_cargo_metadata, run_cargo_metadata};
pub use npm::read_npm_lock;
pub(super) use record::{
    ADOPT_CONSUMER, ADOPT_CONTRACTS, ADOPT_PROVIDER, ADOPT_TOOL, ALONE, EDGES, FORGET, HAND_MADE,
    INSERT_EDGE, INSERT_MEMBER, INSERT_TOOL, IS_SHARED, REMOVE_TOOL, TOOLS,
};
pub use record::{Changed, Imported, import};

use super::ToolType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one source knows: all its tools, and who depends on whom among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// What it was read from, such as `cargo:/home/ines/app`. Importing it again replaces what it brought before.
    pub source: String,
    /// The tools, each id once.
    pub tools: Vec<InventoryTool>,
    /// The dependencies, each pair once.
    pub dependencies: Vec<InventoryDependency>,
    /// Required dependencies that lead to no tool of the source, in words.
    pub unresolved: Vec<String>,
}

/// A tool of an [`Inventory`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryTool {
    /// What it is told by: `cargo:serde@1.0.0`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ToolType,
    /// Its version.
    pub version: Option<String>,
    /// The file that describes it.
    pub manifest_path: Option<String>,
}

/// A dependency of an [`Inventory`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryDependency {
    /// The tool that needs the other.
    pub consumer_id: String,
    /// The tool that is needed.
    pub provider_id: String,
    /// Which versions will do.
    pub version_constraint: Option<String>,
    /// The consumer works without it: declared as optional, or only for its development.
    pub optional: bool,
}

/// The dependencies as they are gathered: several between the same two become one.
#[derive(Default)]
struct Edges(BTreeMap<(String, String), (Vec<String>, bool)>);

impl Edges {
    /// Adds one. Of several the constraints of the required ones count, where there are any, and all of them together.
    fn add(&mut self, consumer_id: &str, provider_id: &str, constraint: Option<String>, optional: bool) {
        let known = self.0.entry((consumer_id.to_owned(), provider_id.to_owned()));
        let (constraints, all_optional) = known.or_insert_with(|| (Vec::new(), true));
        if optional && !*all_optional {
            return;
        }
        if !optional && *all_optional {
            constraints.clear();
            *all_optional = false;
        }
        if let Some(constraint) = constraint
            && !constraints.contains(&constraint)
        {
            constraints.push(constraint);
        }
    }

    /// `together` writes several constraints as one that asks for all of them.
    fn into_list(self, together: &str) -> Vec<InventoryDependency> {
        let dependency = |((consumer_id, provider_id), (constraints, optional)): (
            (String, String),
            (Vec<String>, bool),
        )| {
            InventoryDependency {
                consumer_id,
                provider_id,
                version_constraint: (!constraints.is_empty()).then(|| constraints.join(together)),
                optional,
            }
        };
        self.0.into_iter().map(dependency).collect()
    }
}
