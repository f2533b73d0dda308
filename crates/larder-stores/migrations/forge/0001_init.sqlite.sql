-- Projects, their repositories, the leases on them, and the trail of every change. Every id is a ULID: 26 characters of
-- Crockford's base32, the first at most 7.

CREATE TABLE projects (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26 AND id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND id < '8'),
  name TEXT NOT NULL UNIQUE CHECK (name <> ''),
  description TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
) STRICT;

CREATE TABLE repositories (
  repository_id TEXT NOT NULL PRIMARY KEY
    CHECK (length(repository_id) = 26 AND repository_id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND repository_id < '8'),
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE RESTRICT,
  name TEXT NOT NULL CHECK (name <> ''),
  default_branch TEXT NOT NULL DEFAULT 'main',
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  UNIQUE (project_id, name)
) STRICT;

CREATE TRIGGER repositories_id_kept BEFORE UPDATE OF repository_id ON repositories
WHEN new.repository_id <> old.repository_id
BEGIN SELECT raise(ABORT, 'repository_id never changes'); END;
