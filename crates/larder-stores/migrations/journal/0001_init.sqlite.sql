-- What a tool ran, step by step, and the trail of what it did.

CREATE TABLE runs (
  run_id TEXT NOT NULL PRIMARY KEY,
  created_at TEXT NOT NULL,
  args_json TEXT NOT NULL CHECK (json_valid(args_json)),
  git_sha TEXT,
  config_hash TEXT CHECK (length(config_hash) = 64),
  actor TEXT,
  status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
  finished_at TEXT,
  error TEXT,
  CHECK ((status = 'running') = (finished_at IS NULL))
) STRICT;

-- With the key, so that a list is read in one order, page after page, without sorting.
CREATE INDEX runs_created_at ON runs (created_at, run_id);
CREATE INDEX runs_status ON runs (status, created_at, run_id);

CREATE TABLE run_steps (
  step_id TEXT NOT NULL PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed')),
  stats_json TEXT CHECK (stats_json IS NULL OR json_valid(stats_json)),
  error TEXT,
  CHECK ((status = 'running') = (finished_at IS NULL))
) STRICT;

CREATE INDEX run_steps_run_id ON run_steps (run_id, started_at, step_id);

-- `run_id` is no reference: the trail outlives the runs that it tells of.
CREATE TABLE audit_log (
  seq INTEGER NOT NULL PRIMARY KEY,
  ts TEXT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
  run_id TEXT,
  scope TEXT NOT NULL,
  event TEXT NOT NULL,
  message TEXT,
  data_json TEXT CHECK (data_json IS NULL OR json_valid(data_json)),
  hash TEXT NOT NULL CHECK (length(hash) = 64 AND hash = lower(hash))
) STRICT;

CREATE INDEX audit_log_run_id ON audit_log (run_id);

-- The trail only grows (docs/stores/audit.md). The first of these also refuses INSERT OR REPLACE of an entry, and an entry
-- without a number, which has -1 here.
CREATE TRIGGER audit_log_next BEFORE INSERT ON audit_log
WHEN new.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_log)
BEGIN SELECT raise(ABORT, 'audit_log only grows: an entry has the number after the last'); END;

CREATE TRIGGER audit_log_kept BEFORE UPDATE ON audit_log
BEGIN SELECT raise(ABORT, 'audit_log only grows: no entry is changed'); END;

CREATE TRIGGER audit_log_whole BEFORE DELETE ON audit_log
BEGIN SELECT raise(ABORT, 'audit_log only grows: no entry is removed'); END;
