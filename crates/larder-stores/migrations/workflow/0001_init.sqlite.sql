-- What a daemon runs in parallel, and every event of it.

CREATE TABLE runs (
  id TEXT NOT NULL PRIMARY KEY,
  feature_branch TEXT NOT NULL,
  repo_path TEXT NOT NULL,
  target_branch TEXT NOT NULL,
  tasks_dir TEXT NOT NULL,
  parallelism INTEGER NOT NULL CHECK (parallelism > 0),
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted')),
  started_at TEXT,
  completed_at TEXT,
  error TEXT,
  config_json TEXT CHECK (config_json IS NULL OR json_valid(config_json)),
  created_at TEXT NOT NULL,
  -- The process that runs it, or ran it last.
  owner TEXT CHECK (owner IS NULL OR json_valid(owner)),
  -- The number of its newest event.
  last_sequence INTEGER NOT NULL DEFAULT 0,
  -- Since when it is as good as gone; what is left of it is deleted piece by piece.
  pruned_at TEXT,
  UNIQUE (feature_branch, repo_path)
) STRICT;

CREATE INDEX runs_status ON runs (status);
CREATE INDEX runs_repo_path ON runs (repo_path);
CREATE INDEX runs_pruned_at ON runs (pruned_at);

CREATE TABLE units (
  id TEXT NOT NULL PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  unit_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted')),
  branch TEXT,
  worktree_path TEXT,
  started_at TEXT,
  completed_at TEXT,
  error TEXT,
  UNIQUE (run_id, unit_id)
) STRICT;

-- The index on run_id alone is UNIQUE (run_id, unit_id).
CREATE INDEX units_status ON units (status);

-- The indexes on run_id and on (run_id, sequence) are UNIQUE (run_id, sequence).
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  unit_id TEXT,
  payload_json TEXT CHECK (payload_json IS NULL OR json_valid(payload_json)),
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  UNIQUE (run_id, sequence)
) STRICT;
