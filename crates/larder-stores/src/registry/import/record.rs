//! Bringing an inventory into the registry.

use super::{Inventory, InventoryDependency, InventoryTool};
use crate::registry::tool::DEFAULT_RELIABILITY;
use crate::registry::{DependencyType, ToolType};
use jiff::Timestamp;
use larder::sql::text::Dialect;
use larder::{Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What an import changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Imported {
    /// What was imported.
    pub source: String,
    /// The tools.
    pub tools: Changed,
    /// The dependencies.
    pub dependencies: Changed,
    /// Tools of which another version came that took over their contracts, their reliability and what was added by hand: from
    /// which id to which.
    pub succeeded: Vec<(String, String)>,
    /// Tools that were left as they are: added by hand under an id that the source has, or gone from the source while contracts or
    /// dependencies of theirs were added by hand. No import touches these any more.
    pub kept: Vec<String>,
    /// Required dependencies that lead to no tool of the source, in words.
    pub unresolved: Vec<String>,
}

/// How many rows changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Were not there before.
    pub added: usize,
    /// Are there with other values.
    pub updated: usize,
    /// Are as they were.
    pub unchanged: usize,
    /// Are gone from the source, and here.
    pub removed: usize,
}

/// All tools with what an import sets, whether any import knows them, and whether this one does.
pub(in crate::registry) const TOOLS: &str = "SELECT id, name, path, type, version, manifest_path,
  EXISTS (SELECT 1 FROM imports WHERE tool_id = tools.id) AS is_imported,
  EXISTS (SELECT 1 FROM imports WHERE tool_id = tools.id AND source = :source) AS is_known
FROM tools";
/// Only for PostgreSQL, where writers run side by side: an import writes by what it read before, and two of them must not
/// mix. As the first statement of a transaction it waits before the snapshot is taken.
pub(in crate::registry) const ALONE: &str = "LOCK TABLE imports IN SHARE ROW EXCLUSIVE MODE";
pub(in crate::registry) const INSERT_TOOL: &str =
    "INSERT INTO tools (id, name, path, type, version, reliability, manifest_path, created_at, updated_at)
VALUES (:id, :name, :path, :kind, :version, :reliability, :manifest_path, :now, :now)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, path = excluded.path, type = excluded.type,
  version = excluded.version, manifest_path = excluded.manifest_path, updated_at = excluded.updated_at";
pub(in crate::registry) const INSERT_MEMBER: &str = "INSERT INTO imports (source, tool_id) VALUES (:source, :tool_id) ON CONFLICT (source, tool_id) DO NOTHING";
pub(in crate::registry) const EDGES: &str = "SELECT id, consumer_id, provider_id, version_constraint, optional FROM dependencies WHERE source = :source";
pub(in crate::registry) const INSERT_EDGE: &str =
    "INSERT INTO dependencies (consumer_id, provider_id, type, version_constraint, optional, created_at, source)
VALUES (:consumer_id, :provider_id, :kind, :version_constraint, :optional, :now, :source)
ON CONFLICT (consumer_id, provider_id, type, source) DO UPDATE SET
  version_constraint = excluded.version_constraint, optional = excluded.optional";
pub(in crate::registry) const FORGET: &str =
    "DELETE FROM imports WHERE source = :source AND tool_id = :tool_id";
/// Whether another import knows the tool.
pub(in crate::registry) const IS_SHARED: &str = "SELECT EXISTS (SELECT 1 FROM imports WHERE tool_id = :id)";
/// Whether a person gave the tool something that would go with it.
pub(in crate::registry) const HAND_MADE: &str = "SELECT EXISTS (SELECT 1 FROM contracts WHERE tool_id = :id)
  OR EXISTS (SELECT 1 FROM dependencies WHERE consumer_id = :id AND source = '')
  OR EXISTS (SELECT 1 FROM dependencies WHERE provider_id = :id AND source = '')";
pub(in crate::registry) const REMOVE_TOOL: &str =
    "DELETE FROM tools WHERE id = :id AND NOT EXISTS (SELECT 1 FROM imports WHERE tool_id = :id)";
pub(in crate::registry) const ADOPT_TOOL: &str = "UPDATE tools SET
  reliability = (SELECT reliability FROM tools WHERE id = :old),
  debt_score = (SELECT debt_score FROM tools WHERE id = :old),
  stub = (SELECT stub FROM tools WHERE id = :old),
  last_verified = (SELECT last_verified FROM tools WHERE id = :old)
WHERE id = :new";
pub(in crate::registry) const ADOPT_CONTRACTS: &str =
    "UPDATE contracts SET tool_id = :new WHERE tool_id = :old";
pub(in crate::registry) const ADOPT_CONSUMER: &str =
    "UPDATE dependencies SET consumer_id = :new WHERE consumer_id = :old AND source = ''";
pub(in crate::registry) const ADOPT_PROVIDER: &str =
    "UPDATE dependencies SET provider_id = :new WHERE provider_id = :old AND source = ''";

#[derive(Deserialize)]
struct KnownTool {
    id: String,
    name: String,
    path: String,
    #[serde(rename = "type")]
    kind: ToolType,
    version: Option<String>,
    manifest_path: Option<String>,
    is_imported: bool,
    is_known: bool,
}

impl KnownTool {
    fn is(&self, tool: &InventoryTool) -> bool {
        let known = (&self.name, &self.path, self.kind, &self.version, &self.manifest_path);
        known == (&tool.name, &tool.path, tool.kind, &tool.version, &tool.manifest_path)
    }
}

#[derive(Deserialize)]
struct KnownEdge {
    id: i64,
    consumer_id: String,
    provider_id: String,
    version_constraint: Option<String>,
    optional: bool,
}

/// Makes the registry say what the inventory says: its tools and dependencies are added or changed, and those that the same source
/// brought before and no longer has are removed. What came otherwise stays: tools and dependencies added by hand, and those that
/// another source has too. Of a tool only name, place, type, version and manifest are set. Importing the same again changes nothing.
///
/// When of a name one version is gone and one has come, the new one takes over what was added to the old by hand.
///
/// # Errors
/// What the engine says.
pub fn import(tx: &mut WriteTx<'_>, inventory: &Inventory) -> Result<Imported> {
    let mut imported = Imported {
        source: inventory.source.clone(),
        unresolved: inventory.unresolved.clone(),
        ..Imported::default()
    };
    if tx.dialect() == Dialect::Postgres {
        tx.execute(ALONE, &[])?;
    }
    let known: Vec<KnownTool> = tx.query_all(TOOLS, params! { source: inventory.source })?;
    let known: HashMap<&str, &KnownTool> = known.iter().map(|tool| (tool.id.as_str(), tool)).collect();
    write_tools(tx, inventory, &known, &mut imported)?;
    let (edges, stale) = sort_edges(tx, inventory, &mut imported)?;
    for id in stale {
        tx.execute(crate::registry::dependency::DELETE, params! { id })?;
    }
    retire_tools(tx, inventory, &known, &mut imported)?;
    write_edges(tx, &inventory.source, &edges)?;
    Ok(imported)
}

fn write_tools(
    tx: &mut WriteTx<'_>,
    inventory: &Inventory,
    known: &HashMap<&str, &KnownTool>,
    imported: &mut Imported,
) -> Result<()> {
    let (mut to_write, mut to_join) = (Vec::new(), Vec::new());
    for tool in &inventory.tools {
        let before = known.get(tool.id.as_str());
        match before {
            None => imported.tools.added += 1,
            Some(before) if !before.is_imported => {
                imported.kept.push(tool.id.clone());
                continue;
            }
            Some(before) if before.is(tool) => imported.tools.unchanged += 1,
            Some(_) => imported.tools.updated += 1,
        }
        if !before.is_some_and(|before| before.is(tool)) {
            to_write.push(tool);
        }
        if !before.is_some_and(|before| before.is_known) {
            to_join.push(tool);
        }
    }
    let now = Timestamp::now();
    let reliability = DEFAULT_RELIABILITY;
    tx.insert_many(INSERT_TOOL, |rows| {
        to_write.iter().try_for_each(|tool| {
            let InventoryTool { id, name, path, kind, version, manifest_path } = tool;
            rows.push(params! { id, name, path, kind, version, reliability, manifest_path, now })
        })
    })?;
    tx.insert_many(INSERT_MEMBER, |rows| {
        let mut join =
            |tool: &&InventoryTool| rows.push(params! { source: inventory.source, tool_id: tool.id });
        to_join.iter().try_for_each(&mut join)
    })?;
    Ok(())
}

/// The dependencies that have to be written, and the numbers of those that are gone.
fn sort_edges<'i>(
    tx: &mut WriteTx<'_>,
    inventory: &'i Inventory,
    imported: &mut Imported,
) -> Result<(Vec<&'i InventoryDependency>, Vec<i64>)> {
    let known: Vec<KnownEdge> = tx.query_all(EDGES, params! { source: inventory.source })?;
    let mut before: HashMap<(&str, &str), &KnownEdge> =
        known.iter().map(|edge| ((edge.consumer_id.as_str(), edge.provider_id.as_str()), edge)).collect();
    let mut to_write = Vec::new();
    let count = &mut imported.dependencies;
    for edge in &inventory.dependencies {
        match before.remove(&(edge.consumer_id.as_str(), edge.provider_id.as_str())) {
            Some(known)
                if (&known.version_constraint, known.optional)
                    == (&edge.version_constraint, edge.optional) =>
            {
                count.unchanged += 1;
                continue;
            }
            Some(_) => count.updated += 1,
            None => count.added += 1,
        }
        to_write.push(edge);
    }
    count.removed = before.len();
    Ok((to_write, before.into_values().map(|edge| edge.id).collect()))
}

/// Lets go of the tools that the source no longer has, and removes those that nobody else knows.
fn retire_tools(
    tx: &mut WriteTx<'_>,
    inventory: &Inventory,
    known: &HashMap<&str, &KnownTool>,
    imported: &mut Imported,
) -> Result<()> {
    let still: HashSet<&str> = inventory.tools.iter().map(|tool| tool.id.as_str()).collect();
    let mut gone: Vec<&&KnownTool> =
        known.values().filter(|tool| tool.is_known && !still.contains(tool.id.as_str())).collect();
    gone.sort_by(|a, b| a.id.cmp(&b.id));
    let heirs = heirs(inventory, known, &gone);
    for tool in gone {
        let id = tool.id.as_str();
        tx.execute(FORGET, params! { source: inventory.source, tool_id: id })?;
        if tx.query_one::<bool>(IS_SHARED, params! { id })? {
            continue;
        }
        if let Some(new) = heirs.get(id) {
            for adopt in [ADOPT_TOOL, ADOPT_CONTRACTS, ADOPT_CONSUMER, ADOPT_PROVIDER] {
                tx.execute(adopt, params! { old: id, new })?;
            }
            imported.succeeded.push((id.to_owned(), (*new).to_owned()));
        }
        if tx.query_one::<bool>(HAND_MADE, params! { id })? {
            imported.kept.push(id.to_owned());
        } else {
            imported.tools.removed += usize::try_from(tx.execute(REMOVE_TOOL, params! { id })?).unwrap_or(0);
        }
    }
    Ok(())
}

/// For each tool that is gone, the one of the same name that has come, where there is one of each.
fn heirs<'i>(
    inventory: &'i Inventory,
    known: &HashMap<&str, &KnownTool>,
    gone: &[&&KnownTool],
) -> HashMap<String, &'i str> {
    let mut by_name: BTreeMap<&str, (Vec<&str>, Vec<&'i str>)> = BTreeMap::new();
    for tool in gone {
        by_name.entry(&tool.name).or_default().0.push(&tool.id);
    }
    for tool in inventory.tools.iter().filter(|tool| !known.contains_key(tool.id.as_str())) {
        if let Some((_, new)) = by_name.get_mut(tool.name.as_str()) {
            new.push(&tool.id);
        }
    }
    let pair = |(_, (old, new)): (&str, (Vec<&str>, Vec<&'i str>))| match (&*old, &*new) {
        ([old], [new]) => Some(((*old).to_owned(), *new)),
        _ => None,
    };
    by_name.into_iter().filter_map(pair).collect()
}

fn write_edges(tx: &mut WriteTx<'_>, source: &str, edges: &[&InventoryDependency]) -> Result<()> {
    let (now, kind) = (Timestamp::now(), DependencyType::Library);
    tx.insert_many(INSERT_EDGE, |rows| {
        edges.iter().try_for_each(|edge| {
            let InventoryDependency { consumer_id, provider_id, version_constraint, optional } = edge;
            rows.push(params! { consumer_id, provider_id, kind, version_constraint, optional, now, source })
        })
    })?;
    Ok(())
}
