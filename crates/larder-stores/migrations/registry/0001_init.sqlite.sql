-- Tools, who depends on whom, and whether their contracts still hold.

CREATE TABLE tools (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('cli', 'mcp', 'library', 'workflow', 'hook')),
  version TEXT,
  reliability REAL NOT NULL DEFAULT 0.95 CHECK (reliability BETWEEN 0 AND 1),
  debt_score INTEGER NOT NULL DEFAULT 0,
  manifest_path TEXT,
  stub INTEGER NOT NULL DEFAULT 0 CHECK (stub IN (0, 1)),
  last_verified TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

CREATE INDEX tools_name ON tools (name);
CREATE INDEX tools_type ON tools (type);
CREATE INDEX tools_stub ON tools (stub);

CREATE TABLE dependencies (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  consumer_id TEXT NOT NULL REFERENCES tools (id) ON DELETE CASCADE,
  provider_id TEXT NOT NULL REFERENCES tools (id) ON DELETE CASCADE,
  type TEXT NOT NULL CHECK (type IN ('cli', 'mcp', 'library', 'database', 'implicit')),
  version_constraint TEXT,
  optional INTEGER NOT NULL DEFAULT 0 CHECK (optional IN (0, 1)),
  created_at TEXT NOT NULL,
  -- What brought it: an import's source, or '' for one that was added by itself. Two imports may each know the same edge.
  source TEXT NOT NULL DEFAULT '',
  UNIQUE (consumer_id, provider_id, type, source)
) STRICT;

-- The index on consumer_id is UNIQUE (consumer_id, …).
CREATE INDEX dependencies_provider_id ON dependencies (provider_id);

CREATE TABLE contracts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tool_id TEXT NOT NULL REFERENCES tools (id) ON DELETE CASCADE,
  contract_type TEXT NOT NULL CHECK (contract_type IN ('cli_output', 'mcp_tool', 'library_export', 'db_schema')),
  name TEXT NOT NULL,
  schema_path TEXT,
  schema_hash TEXT CHECK (length(schema_hash) = 64),
  last_verified TEXT,
  status TEXT NOT NULL DEFAULT 'unknown' CHECK (status IN ('valid', 'drift', 'broken', 'unknown')),
  -- The index on tool_id.
  UNIQUE (tool_id, name)
) STRICT;

CREATE TABLE verifications (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  contract_id INTEGER NOT NULL REFERENCES contracts (id) ON DELETE CASCADE,
  verified_at TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pass', 'fail', 'drift')),
  details TEXT CHECK (details IS NULL OR json_valid(details)),
  git_commit TEXT
) STRICT;

CREATE INDEX verifications_contract_id ON verifications (contract_id);

CREATE TABLE circular_deps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  cycle TEXT NOT NULL CHECK (json_type(cycle) = 'array'),
  detected_at TEXT NOT NULL,
  resolved INTEGER NOT NULL DEFAULT 0 CHECK (resolved IN (0, 1)),
  UNIQUE (cycle)
) STRICT;

-- Which import knows which tool. A tool that was added by itself has no row here, and no import removes it.
CREATE TABLE imports (
  source TEXT NOT NULL,
  tool_id TEXT NOT NULL REFERENCES tools (id) ON DELETE CASCADE,
  PRIMARY KEY (source, tool_id)
) STRICT;

CREATE INDEX imports_tool_id ON imports (tool_id);
