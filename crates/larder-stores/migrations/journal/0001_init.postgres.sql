-- What a tool ran, step by step, and the trail of what it did. As 0001_init.sqlite.sql, with the types of PostgreSQL. What
-- lists are ordered by, and what ids are compared with, is compared by its bytes (COLLATE "C"), as on SQLite.

CREATE TABLE runs (
  run_id text COLLATE "C" NOT NULL PRIMARY KEY,
  created_at timestamptz NOT NULL,
  args_json jsonb NOT NULL,
  git_sha text,
  config_hash text CHECK (length(config_hash) = 64),
  actor text,
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
  finished_at timestamptz,
  error text,
  CHECK ((status = 'running') = (finished_at IS NULL))
);

-- With the key, so that a list is read in one order, page after page, without sorting.
CREATE INDEX runs_created_at ON runs (created_at, run_id);
CREATE INDEX runs_status ON runs (status, created_at, run_id);

CREATE TABLE run_steps (
  step_id text COLLATE "C" NOT NULL PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
  name text NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  status text NOT NULL CHECK (status IN ('running', 'completed', 'failed')),
  stats_json jsonb,
  error text,
  CHECK ((status = 'running') = (finished_at IS NULL))
);

CREATE INDEX run_steps_run_id ON run_steps (run_id, started_at, step_id);

-- `run_id` is no reference: the trail outlives the runs that it tells of. `data_json` is json and not jsonb: the hash covers
-- the text as it was written, and jsonb would write it anew.
CREATE TABLE audit_log (
  seq bigint NOT NULL PRIMARY KEY,
  ts timestamptz NOT NULL,
  level text NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
  run_id text COLLATE "C",
  scope text NOT NULL,
  event text NOT NULL,
  message text,
  data_json json,
  hash text NOT NULL CHECK (length(hash) = 64 AND hash = lower(hash))
);

-- With the number, which an index of SQLite has at its end by itself.
CREATE INDEX audit_log_run_id ON audit_log (run_id, seq);

-- Who appends locks this, and nothing else does: so entries are appended one transaction after the other.
CREATE VIEW audit_log_turn AS SELECT 'audit_log' AS trail;

-- The trail only grows (docs/stores/audit.md). The table is named with its schema, or a session's temporary table of that name
-- would be asked instead.
CREATE FUNCTION audit_log_next() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  next bigint;
BEGIN
  EXECUTE format('SELECT coalesce(max(seq), 0) + 1 FROM %I.%I', tg_table_schema, tg_table_name) INTO next;
  IF new.seq IS DISTINCT FROM next THEN
    RAISE EXCEPTION 'audit_log only grows: an entry has the number after the last'
      USING ERRCODE = 'integrity_constraint_violation', TABLE = tg_table_name;
  END IF;
  RETURN new;
END $$;

CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', tg_argv[0] USING ERRCODE = 'integrity_constraint_violation', TABLE = tg_table_name;
END $$;

CREATE TRIGGER audit_log_next BEFORE INSERT ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_next();

CREATE TRIGGER audit_log_kept BEFORE UPDATE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_refuse('audit_log only grows: no entry is changed');

CREATE TRIGGER audit_log_whole BEFORE DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_refuse('audit_log only grows: no entry is removed');

CREATE TRIGGER audit_log_not_emptied BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse('audit_log only grows: no entry is removed');
