-- Projects, their repositories, the leases on them, what lies in them, and the trail of every change. Every id is a ULID:
-- 26 characters of Crockford's base32, the first at most 7, counted in bytes because a NUL ends what length() counts. Times
-- are ISO 8601 in UTC with six digits. Each trigger `…_updated_at` sets the time of a change that did not set it itself (or set
-- the one that stood there), never back, and so that it does not fire itself for ever where triggers are recursive.

CREATE TABLE projects (
  id TEXT NOT NULL PRIMARY KEY
    CHECK (length(CAST(id AS BLOB)) = 26 AND id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND id < '8'),
  name TEXT NOT NULL UNIQUE CHECK (name <> '' AND name NOT GLOB '*/*'),
  description TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
) STRICT;

CREATE TRIGGER projects_updated_at AFTER UPDATE ON projects
WHEN new.updated_at = old.updated_at AND new.updated_at < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
BEGIN UPDATE projects SET updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') WHERE id = new.id; END;

CREATE TRIGGER projects_id_kept BEFORE UPDATE OF id ON projects
WHEN new.id <> old.id
BEGIN SELECT raise(ABORT, 'the id of a project never changes'); END;

CREATE TABLE repositories (
  repository_id TEXT NOT NULL PRIMARY KEY
    CHECK (length(CAST(repository_id AS BLOB)) = 26 AND repository_id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND repository_id < '8'),
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE RESTRICT,
  name TEXT NOT NULL CHECK (name <> '' AND name NOT GLOB '*/*'),
  description TEXT,
  default_branch TEXT NOT NULL DEFAULT 'main' CHECK (default_branch <> ''),
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  UNIQUE (project_id, name)
) STRICT;

CREATE TRIGGER repositories_updated_at AFTER UPDATE ON repositories
WHEN new.updated_at = old.updated_at AND new.updated_at < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
BEGIN UPDATE repositories SET updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') WHERE repository_id = new.repository_id; END;

CREATE TRIGGER repositories_id_kept BEFORE UPDATE OF repository_id ON repositories
WHEN new.repository_id <> old.repository_id
BEGIN SELECT raise(ABORT, 'repository_id never changes'); END;

-- One row a repository for ever: `token` only grows in it, and it goes only with its repository. A lease that was released, or
-- whose time is up, is free. Times of another form would be compared wrongly, and decide who has the lease.
CREATE TABLE leases (
  repository_id TEXT NOT NULL PRIMARY KEY REFERENCES repositories (repository_id) ON DELETE CASCADE,
  holder TEXT NOT NULL CHECK (holder <> ''),
  token INTEGER NOT NULL CHECK (token > 0),
  status TEXT NOT NULL CHECK (status IN ('held', 'released')),
  acquired_at TEXT NOT NULL CHECK (acquired_at GLOB '????-??-??T??:??:??.??????Z'),
  expires_at TEXT NOT NULL CHECK (expires_at GLOB '????-??-??T??:??:??.??????Z'),
  released_at TEXT CHECK (released_at GLOB '????-??-??T??:??:??.??????Z'),
  taken_from TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  CHECK ((status = 'released') = (released_at IS NOT NULL))
) STRICT;

CREATE INDEX leases_status_expires_at ON leases (status, expires_at);

CREATE TRIGGER leases_updated_at AFTER UPDATE ON leases
WHEN new.updated_at = old.updated_at AND new.updated_at < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
BEGIN UPDATE leases SET updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') WHERE repository_id = new.repository_id; END;

CREATE TRIGGER leases_token_grows BEFORE UPDATE OF token ON leases
WHEN new.token < old.token
BEGIN SELECT raise(ABORT, 'the token of a lease only grows'); END;

CREATE TRIGGER leases_repository_kept BEFORE UPDATE OF repository_id ON leases
WHEN new.repository_id <> old.repository_id
BEGIN SELECT raise(ABORT, 'a lease stays with its repository'); END;

-- With its repository it may go, which is gone already when this is asked.
CREATE TRIGGER leases_kept BEFORE DELETE ON leases
WHEN EXISTS (SELECT 1 FROM repositories WHERE repository_id = old.repository_id)
BEGIN SELECT raise(ABORT, 'the token of a lease only grows: its row stays as long as its repository'); END;

-- What an object is never changes, for its oid is made from that; where it lies may.
CREATE TABLE object_metadata (
  repository_id TEXT NOT NULL REFERENCES repositories (repository_id) ON DELETE CASCADE,
  oid TEXT NOT NULL CHECK (length(CAST(oid AS BLOB)) IN (40, 64) AND oid NOT GLOB '*[^0-9a-f]*'),
  kind TEXT NOT NULL CHECK (kind IN ('blob', 'tree', 'commit', 'tag')),
  size INTEGER NOT NULL CHECK (size >= 0),
  pack TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  PRIMARY KEY (repository_id, oid)
) STRICT, WITHOUT ROWID;

CREATE INDEX object_metadata_oid ON object_metadata (oid);

CREATE TRIGGER object_metadata_updated_at AFTER UPDATE ON object_metadata
WHEN new.updated_at = old.updated_at AND new.updated_at < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
BEGIN
  UPDATE object_metadata SET updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
  WHERE repository_id = new.repository_id AND oid = new.oid;
END;

CREATE TRIGGER object_metadata_kept BEFORE UPDATE OF oid, kind, size ON object_metadata
WHEN new.oid <> old.oid OR new.kind <> old.kind OR new.size <> old.size
BEGIN SELECT raise(ABORT, 'the kind and the size of an object never change'); END;

CREATE TABLE mirrors (
  id TEXT NOT NULL PRIMARY KEY
    CHECK (length(CAST(id AS BLOB)) = 26 AND id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND id < '8'),
  repository_id TEXT NOT NULL REFERENCES repositories (repository_id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name <> '' AND name NOT GLOB '*/*'),
  remote_url TEXT NOT NULL CHECK (remote_url <> ''),
  direction TEXT NOT NULL CHECK (direction IN ('pull', 'push')),
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'syncing', 'synced', 'failed', 'paused')),
  last_synced_at TEXT,
  last_error TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  UNIQUE (repository_id, name)
) STRICT;

CREATE INDEX mirrors_status_id ON mirrors (status, id);

CREATE TRIGGER mirrors_updated_at AFTER UPDATE ON mirrors
WHEN new.updated_at = old.updated_at AND new.updated_at < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
BEGIN UPDATE mirrors SET updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') WHERE id = new.id; END;

CREATE TRIGGER mirrors_id_kept BEFORE UPDATE OF id ON mirrors
WHEN new.id <> old.id
BEGIN SELECT raise(ABORT, 'the id of a mirror never changes'); END;

-- `repository_id` is the one that is a fork, has the submodule, depends; `related_id` the other.
CREATE TABLE repository_relationships (
  id TEXT NOT NULL PRIMARY KEY
    CHECK (length(CAST(id AS BLOB)) = 26 AND id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND id < '8'),
  repository_id TEXT NOT NULL REFERENCES repositories (repository_id) ON DELETE CASCADE,
  related_id TEXT NOT NULL REFERENCES repositories (repository_id) ON DELETE RESTRICT,
  kind TEXT NOT NULL CHECK (kind IN ('fork_of', 'submodule', 'template_of', 'mirror_of', 'depends_on')),
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  UNIQUE (repository_id, kind, related_id),
  CHECK (related_id <> repository_id)
) STRICT;

CREATE INDEX repository_relationships_related_id ON repository_relationships (related_id, kind);

CREATE TRIGGER repository_relationships_updated_at AFTER UPDATE ON repository_relationships
WHEN new.updated_at = old.updated_at AND new.updated_at < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
BEGIN UPDATE repository_relationships SET updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') WHERE id = new.id; END;

CREATE TRIGGER repository_relationships_id_kept BEFORE UPDATE OF id ON repository_relationships
WHEN new.id <> old.id
BEGIN SELECT raise(ABORT, 'the id of a relationship never changes'); END;

-- `repository_id` and `entity_id` are no references: the trail outlives what it tells of.
CREATE TABLE audit_entries (
  seq INTEGER NOT NULL PRIMARY KEY,
  created_at TEXT NOT NULL,
  actor TEXT NOT NULL CHECK (actor <> ''),
  action TEXT NOT NULL CHECK (action <> ''),
  entity_kind TEXT NOT NULL CHECK (entity_kind <> ''),
  entity_id TEXT NOT NULL
    CHECK (length(CAST(entity_id AS BLOB)) = 26 AND entity_id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND entity_id < '8'),
  repository_id TEXT
    CHECK (length(CAST(repository_id AS BLOB)) = 26 AND repository_id NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND repository_id < '8'),
  data_json TEXT CHECK (data_json IS NULL OR json_valid(data_json)),
  hash TEXT NOT NULL CHECK (length(hash) = 64 AND hash = lower(hash))
) STRICT;

CREATE INDEX audit_entries_repository_id ON audit_entries (repository_id);

CREATE TRIGGER audit_entries_next BEFORE INSERT ON audit_entries
WHEN new.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_entries)
BEGIN SELECT raise(ABORT, 'audit_entries only grows: an entry has the number after the last'); END;

CREATE TRIGGER audit_entries_kept BEFORE UPDATE ON audit_entries
BEGIN SELECT raise(ABORT, 'audit_entries only grows: no entry is changed'); END;

CREATE TRIGGER audit_entries_whole BEFORE DELETE ON audit_entries
BEGIN SELECT raise(ABORT, 'audit_entries only grows: no entry is removed'); END;
