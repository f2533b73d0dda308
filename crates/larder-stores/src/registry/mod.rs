//! The store `registry`: tools, who depends on whom, and whether their contracts still hold.
//!
//! ```
//! use larder::Database;
//! use larder_stores::registry::{self, DependencyType, NewDependency, NewTool, ToolType};
//!
//! let db = Database::open(":memory:")?;
//! db.migrate(&[&registry::MIGRATIONS])?;
//! db.write(|tx| {
//!     registry::add_tool(tx, NewTool::new("fetch", "bin/fetch", ToolType::Cli).id("fetch"))?;
//!     registry::add_tool(tx, NewTool::new("report", "bin/report", ToolType::Cli).id("report"))?;
//!     registry::add_dependency(tx, NewDependency::new("report", "fetch", DependencyType::Cli))
//! })?;
//!
//! let graph = db.read(registry::graph)?;
//! let broken = graph.impact("fetch").expect("it is there");
//! assert_eq!(broken.path("report").as_deref(), Some(&["fetch", "report"][..]));
//! let chain = db.read(|tx| registry::reliability(tx, "report"))?.chain;
//! assert!((chain - 0.95 * 0.95).abs() < 1e-9);
//! # Ok::<(), larder::Error>(())
//! ```

mod contract;
mod cycle;
mod dependency;
mod graph;
mod impact;
mod import;
mod kind;
mod place;
mod reliability;
mod schema;
mod tool;
mod verification;
mod version;

pub use contract::{Contract, NewContract, add_contract, contract, contracts, remove_contract};
pub use cycle::{
    CYCLE_LIMIT, Cycle, Cycles, FoundCycle, RecordedCycles, cycles, detect_cycles, record_cycles,
};
pub use dependency::{
    Dependency, NewDependency, add_dependency, dependencies_of, dependents_of, remove_dependency,
};
pub use graph::{Graph, graph};
pub use impact::{Affected, Impact, VersionCheck, check_version};
pub use import::{
    Changed, Imported, Inventory, InventoryDependency, InventoryTool, cargo_inventory, import,
    read_cargo_metadata, read_npm_lock, run_cargo_metadata,
};
pub use kind::{ContractStatus, ContractType, DependencyType, ToolType, VerificationStatus};
pub use place::{PATIENCE, Reset, SchemaMismatch, check, open, open_file, reset, way_out};
pub use reliability::{Part, Reliability, reliability};
pub use schema::{MAX_SCHEMA_BYTES, Reading, Unreadable, read_schema};
pub use tool::{
    NewTool, NoProbability, Tool, ToolChange, ToolFilter, add_tool, find_tool, remove_tool, tool, tools,
    update_tool,
};
pub use verification::{
    Details, NothingToVerify, Verification, Verified, accept, accept_schema, record_verification,
    verifications, verify, verify_all,
};
pub use version::Verdict;

use larder::MigrationSet;

/// The migrations of this store.
pub static MIGRATIONS: MigrationSet = larder::migrations!("migrations/registry", name = "registry");

/// Every query of this store, by a name; a test prepares them all.
#[doc(hidden)]
pub const QUERIES: &[(&str, &str)] = &[
    ("tool::INSERT", tool::INSERT),
    ("tool::UPDATE", tool::UPDATE),
    ("tool::DELETE", tool::DELETE),
    ("tool::BY_ID", tool::BY_ID),
    ("tool::ALL", tool::ALL),
    ("tool::BY_NAME", tool::BY_NAME),
    ("tool::BY_TYPE", tool::BY_TYPE),
    ("tool::BY_STUB", tool::BY_STUB),
    ("dependency::INSERT", dependency::INSERT),
    ("dependency::DELETE", dependency::DELETE),
    ("dependency::OF_CONSUMER", dependency::OF_CONSUMER),
    ("dependency::OF_PROVIDER", dependency::OF_PROVIDER),
    ("contract::INSERT", contract::INSERT),
    ("contract::DELETE", contract::DELETE),
    ("contract::BY_ID", contract::BY_ID),
    ("contract::TO_JUDGE (sqlite)", contract::TO_JUDGE.sqlite),
    ("contract::TO_JUDGE (postgres)", contract::TO_JUDGE.postgres),
    ("contract::OF_TOOL", contract::OF_TOOL),
    ("contract::ALL", contract::ALL),
    ("verification::INSERT", verification::INSERT),
    ("verification::UPDATE_CONTRACT", verification::UPDATE_CONTRACT),
    ("verification::UPDATE_TOOL", verification::UPDATE_TOOL),
    ("verification::OF_CONTRACT", verification::OF_CONTRACT),
    ("graph::NODES", graph::NODES),
    ("graph::EDGES", graph::EDGES),
    ("cycle::ALL", cycle::ALL),
    ("cycle::OPEN", cycle::OPEN),
    ("cycle::INSERT", cycle::INSERT),
    ("cycle::MARK", cycle::MARK),
    ("cycle::ALONE (postgres)", cycle::ALONE),
    ("import::ALONE (postgres)", import::ALONE),
    ("import::TOOLS", import::TOOLS),
    ("import::INSERT_TOOL", import::INSERT_TOOL),
    ("import::INSERT_MEMBER", import::INSERT_MEMBER),
    ("import::EDGES", import::EDGES),
    ("import::INSERT_EDGE", import::INSERT_EDGE),
    ("import::FORGET", import::FORGET),
    ("import::IS_SHARED", import::IS_SHARED),
    ("import::HAND_MADE", import::HAND_MADE),
    ("import::REMOVE_TOOL", import::REMOVE_TOOL),
    ("import::ADOPT_TOOL", import::ADOPT_TOOL),
    ("import::ADOPT_CONTRACTS", import::ADOPT_CONTRACTS),
    ("import::ADOPT_CONSUMER", import::ADOPT_CONSUMER),
    ("import::ADOPT_PROVIDER", import::ADOPT_PROVIDER),
    ("place::SHAPE", place::SHAPE),
    ("reliability::CHAIN", reliability::CHAIN),
];
