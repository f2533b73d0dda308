//! What was promised: the tables, columns, constraints and indexes that the four systems of the product need. Written out by
//! hand, so that no change of a schema and its document together can lose one. A line says no more than was promised: there
//! may be a NOT NULL or a DEFAULT beyond it.

use crate::row::What;

fn of(store: &str) -> Tables {
    PROMISED.iter().find(|(name, _)| *name == store).unwrap().1
}

pub(crate) fn tables(store: &str) -> impl Iterator<Item = &'static str> {
    of(store).iter().map(|(table, _)| *table)
}

pub(crate) fn promised(store: &str) -> Vec<(String, What)> {
    let mut all = Vec::new();
    for (table, lines) in of(store) {
        for line in *lines {
            all.push(((*table).to_owned(), What::parse(line).unwrap()));
        }
    }
    all
}

type Tables = &'static [(&'static str, &'static [&'static str])];

const PROMISED: &[(&str, Tables)] =
    &[("journal", JOURNAL), ("workflow", WORKFLOW), ("registry", REGISTRY), ("forge", FORGE)];

const JOURNAL: Tables = &[
    (
        "runs",
        &["run_id TEXT PRIMARY KEY", "created_at TEXT", "args_json TEXT", "git_sha TEXT", "config_hash TEXT"],
    ),
    (
        "run_steps",
        &[
            "step_id TEXT PRIMARY KEY",
            "run_id TEXT → runs ON DELETE CASCADE",
            "name TEXT",
            "started_at TEXT",
            "finished_at TEXT",
            "status TEXT",
            "stats_json TEXT",
            "INDEX (run_id)",
        ],
    ),
    (
        "audit_log",
        &[
            "ts TEXT",
            "level TEXT",
            "run_id TEXT",
            "scope TEXT",
            "event TEXT",
            "message TEXT",
            "data_json TEXT",
            "INDEX (run_id)",
        ],
    ),
];

const WORKFLOW: Tables = &[
    (
        "runs",
        &[
            "id TEXT PRIMARY KEY",
            "feature_branch TEXT NOT NULL",
            "repo_path TEXT NOT NULL",
            "target_branch TEXT NOT NULL",
            "tasks_dir TEXT NOT NULL",
            "parallelism INTEGER NOT NULL",
            "status TEXT NOT NULL",
            "started_at",
            "completed_at",
            "error TEXT",
            "config_json TEXT",
            "UNIQUE (feature_branch, repo_path)",
            "INDEX (status)",
        ],
    ),
    (
        "units",
        &[
            "id TEXT PRIMARY KEY",
            "run_id TEXT NOT NULL → runs ON DELETE CASCADE",
            "unit_id TEXT NOT NULL",
            "status TEXT NOT NULL",
            "branch",
            "worktree_path",
            "started_at",
            "completed_at",
            "error",
            "UNIQUE (run_id, unit_id)",
            "INDEX (run_id)",
            "INDEX (status)",
        ],
    ),
    (
        "events",
        &[
            "id INTEGER PRIMARY KEY AUTOINCREMENT",
            "run_id TEXT NOT NULL → runs ON DELETE CASCADE",
            "sequence INTEGER NOT NULL",
            "event_type TEXT NOT NULL",
            "unit_id TEXT",
            "payload_json TEXT",
            "created_at TEXT DEFAULT now",
            "UNIQUE (run_id, sequence)",
            "INDEX (run_id)",
            "INDEX (run_id, sequence)",
        ],
    ),
];

const REGISTRY: Tables = &[
    (
        "tools",
        &[
            "id TEXT PRIMARY KEY",
            "name TEXT NOT NULL",
            "path TEXT NOT NULL",
            "type TEXT NOT NULL",
            "CHECK type: cli|mcp|library|workflow|hook",
            "version",
            "reliability REAL DEFAULT 0.95",
            "debt_score INTEGER DEFAULT 0",
            "manifest_path",
            "stub INTEGER DEFAULT 0",
            "last_verified",
            "created_at TEXT NOT NULL",
            "updated_at TEXT NOT NULL",
            "INDEX (type)",
            "INDEX (stub)",
        ],
    ),
    (
        "dependencies",
        &[
            "id INTEGER PRIMARY KEY AUTOINCREMENT",
            "consumer_id TEXT → tools ON DELETE CASCADE",
            "provider_id TEXT → tools ON DELETE CASCADE",
            "type TEXT NOT NULL",
            "CHECK type: cli|mcp|library|database|implicit",
            "version_constraint",
            "optional INTEGER DEFAULT 0",
            "created_at TEXT NOT NULL",
            "INDEX (consumer_id)",
            "INDEX (provider_id)",
        ],
    ),
    (
        "contracts",
        &[
            "id",
            "tool_id TEXT → tools ON DELETE CASCADE",
            "contract_type TEXT NOT NULL",
            "CHECK contract_type: cli_output|mcp_tool|library_export|db_schema",
            "name TEXT NOT NULL",
            "schema_path",
            "schema_hash",
            "last_verified",
            "status TEXT DEFAULT 'unknown'",
            "CHECK status: valid|drift|broken|unknown",
            "INDEX (tool_id)",
        ],
    ),
    (
        "verifications",
        &[
            "id",
            "contract_id → contracts ON DELETE CASCADE",
            "verified_at TEXT NOT NULL",
            "status TEXT NOT NULL",
            "CHECK status: pass|fail|drift",
            "details",
            "git_commit",
            "INDEX (contract_id)",
        ],
    ),
    (
        "circular_deps",
        &["id", "cycle TEXT NOT NULL", "detected_at TEXT NOT NULL", "resolved INTEGER DEFAULT 0"],
    ),
];

const ID: &str = "id TEXT PRIMARY KEY";
const MADE: &str = "created_at TEXT NOT NULL";
const OF_REPOSITORY: &str = "repository_id TEXT NOT NULL";

const FORGE: Tables = &[
    ("projects", &[ID, "name TEXT NOT NULL", "UNIQUE (name)", MADE, "updated_at TEXT NOT NULL"]),
    (
        "repositories",
        &[
            "repository_id TEXT PRIMARY KEY",
            "project_id TEXT NOT NULL",
            "name TEXT NOT NULL",
            "UNIQUE (project_id, name)",
            "INDEX (project_id)",
            MADE,
            "updated_at TEXT NOT NULL",
        ],
    ),
    ("leases", &[OF_REPOSITORY, "INDEX (repository_id)"]),
    ("audit_entries", &[]),
    ("object_metadata", &[OF_REPOSITORY, "oid TEXT NOT NULL", "INDEX (repository_id, oid)", "INDEX (oid)"]),
    ("mirrors", &[OF_REPOSITORY, "INDEX (repository_id)"]),
    ("repository_relationships", &[]),
];
