-- Projects, their repositories, the leases on them, what lies in them, and the trail of every change. As 0001_init.sqlite.sql,
-- with the types of PostgreSQL. Every id is a ULID: 26 characters of Crockford's base32, the first at most 7. What lists are
-- ordered by, and what ids are compared with, is compared by its bytes (COLLATE "C"), as on SQLite. Each trigger
-- `…_updated_at` sets the time of a change that did not set it itself (or set the one that stood there), never back.

CREATE FUNCTION forge_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.updated_at := clock_timestamp();
  RETURN new;
END $$;

-- Refuses what its trigger is there for, with the message that the trigger gives.
CREATE FUNCTION forge_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', tg_argv[0] USING ERRCODE = 'integrity_constraint_violation', TABLE = tg_table_name;
END $$;

CREATE TABLE projects (
  id text COLLATE "C" NOT NULL PRIMARY KEY CHECK (id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
  name text COLLATE "C" NOT NULL UNIQUE CHECK (name <> '' AND name NOT LIKE '%/%'),
  description text,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);

CREATE TRIGGER projects_updated_at BEFORE UPDATE ON projects
FOR EACH ROW WHEN (new.updated_at = old.updated_at AND new.updated_at < clock_timestamp())
EXECUTE FUNCTION forge_updated_at();

CREATE TRIGGER projects_id_kept BEFORE UPDATE OF id ON projects
FOR EACH ROW WHEN (new.id <> old.id)
EXECUTE FUNCTION forge_refuse('the id of a project never changes');

CREATE TABLE repositories (
  repository_id text COLLATE "C" NOT NULL PRIMARY KEY CHECK (repository_id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
  project_id text COLLATE "C" NOT NULL REFERENCES projects (id) ON DELETE RESTRICT,
  name text COLLATE "C" NOT NULL CHECK (name <> '' AND name NOT LIKE '%/%'),
  description text,
  default_branch text NOT NULL DEFAULT 'main' CHECK (default_branch <> ''),
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  UNIQUE (project_id, name)
);

CREATE TRIGGER repositories_updated_at BEFORE UPDATE ON repositories
FOR EACH ROW WHEN (new.updated_at = old.updated_at AND new.updated_at < clock_timestamp())
EXECUTE FUNCTION forge_updated_at();

CREATE TRIGGER repositories_id_kept BEFORE UPDATE OF repository_id ON repositories
FOR EACH ROW WHEN (new.repository_id <> old.repository_id)
EXECUTE FUNCTION forge_refuse('repository_id never changes');

-- One row a repository for ever: `token` only grows in it, and it goes only with its repository. A lease that was released, or
-- whose time is up, is free. A time without an end would decide who has the lease, and no client could read it.
CREATE TABLE leases (
  repository_id text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES repositories (repository_id) ON DELETE CASCADE,
  holder text NOT NULL CHECK (holder <> ''),
  token bigint NOT NULL CHECK (token > 0),
  status text NOT NULL CHECK (status IN ('held', 'released')),
  acquired_at timestamptz NOT NULL CHECK (isfinite(acquired_at)),
  expires_at timestamptz NOT NULL CHECK (isfinite(expires_at)),
  released_at timestamptz CHECK (isfinite(released_at)),
  taken_from text,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CHECK ((status = 'released') = (released_at IS NOT NULL))
);

CREATE INDEX leases_status_expires_at ON leases (status, expires_at);

CREATE TRIGGER leases_updated_at BEFORE UPDATE ON leases
FOR EACH ROW WHEN (new.updated_at = old.updated_at AND new.updated_at < clock_timestamp())
EXECUTE FUNCTION forge_updated_at();

CREATE TRIGGER leases_token_grows BEFORE UPDATE OF token ON leases
FOR EACH ROW WHEN (new.token < old.token)
EXECUTE FUNCTION forge_refuse('the token of a lease only grows');

CREATE TRIGGER leases_repository_kept BEFORE UPDATE OF repository_id ON leases
FOR EACH ROW WHEN (new.repository_id <> old.repository_id)
EXECUTE FUNCTION forge_refuse('a lease stays with its repository');

-- With its repository it may go, which is gone already when this is asked. That table is named with its schema, or a session's
-- temporary table of that name would be asked instead.
CREATE FUNCTION leases_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  is_there boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.repositories WHERE repository_id = $1)', tg_table_schema)
    INTO is_there USING old.repository_id;
  IF is_there THEN
    RAISE EXCEPTION 'the token of a lease only grows: its row stays as long as its repository'
      USING ERRCODE = 'integrity_constraint_violation', TABLE = tg_table_name;
  END IF;
  RETURN old;
END $$;

CREATE TRIGGER leases_kept BEFORE DELETE ON leases
FOR EACH ROW EXECUTE FUNCTION leases_kept();

CREATE TRIGGER leases_not_emptied BEFORE TRUNCATE ON leases
FOR EACH STATEMENT EXECUTE FUNCTION forge_refuse('the token of a lease only grows: its row stays as long as its repository');

-- What an object is never changes, for its oid is made from that; where it lies may.
CREATE TABLE object_metadata (
  repository_id text COLLATE "C" NOT NULL REFERENCES repositories (repository_id) ON DELETE CASCADE,
  oid text COLLATE "C" NOT NULL CHECK (oid ~ '^([0-9a-f]{40}|[0-9a-f]{64})$'),
  kind text NOT NULL CHECK (kind IN ('blob', 'tree', 'commit', 'tag')),
  size bigint NOT NULL CHECK (size >= 0),
  pack text,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (repository_id, oid)
);

CREATE INDEX object_metadata_oid ON object_metadata (oid);

CREATE TRIGGER object_metadata_updated_at BEFORE UPDATE ON object_metadata
FOR EACH ROW WHEN (new.updated_at = old.updated_at AND new.updated_at < clock_timestamp())
EXECUTE FUNCTION forge_updated_at();

CREATE TRIGGER object_metadata_kept BEFORE UPDATE OF oid, kind, size ON object_metadata
FOR EACH ROW WHEN (new.oid <> old.oid OR new.kind <> old.kind OR new.size <> old.size)
EXECUTE FUNCTION forge_refuse('the kind and the size of an object never change');

CREATE TABLE mirrors (
  id text COLLATE "C" NOT NULL PRIMARY KEY CHECK (id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
  repository_id text COLLATE "C" NOT NULL REFERENCES repositories (repository_id) ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL CHECK (name <> '' AND name NOT LIKE '%/%'),
  remote_url text NOT NULL CHECK (remote_url <> ''),
  direction text NOT NULL CHECK (direction IN ('pull', 'push')),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'syncing', 'synced', 'failed', 'paused')),
  last_synced_at timestamptz,
  last_error text,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  UNIQUE (repository_id, name)
);

CREATE INDEX mirrors_status_id ON mirrors (status, id);

CREATE TRIGGER mirrors_updated_at BEFORE UPDATE ON mirrors
FOR EACH ROW WHEN (new.updated_at = old.updated_at AND new.updated_at < clock_timestamp())
EXECUTE FUNCTION forge_updated_at();

CREATE TRIGGER mirrors_id_kept BEFORE UPDATE OF id ON mirrors
FOR EACH ROW WHEN (new.id <> old.id)
EXECUTE FUNCTION forge_refuse('the id of a mirror never changes');

-- `repository_id` is the one that is a fork, has the submodule, depends; `related_id` the other.
CREATE TABLE repository_relationships (
  id text COLLATE "C" NOT NULL PRIMARY KEY CHECK (id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
  repository_id text COLLATE "C" NOT NULL REFERENCES repositories (repository_id) ON DELETE CASCADE,
  related_id text COLLATE "C" NOT NULL REFERENCES repositories (repository_id) ON DELETE RESTRICT,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('fork_of', 'submodule', 'template_of', 'mirror_of', 'depends_on')),
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  UNIQUE (repository_id, kind, related_id),
  CHECK (related_id <> repository_id)
);

CREATE INDEX repository_relationships_related_id ON repository_relationships (related_id, kind);

CREATE TRIGGER repository_relationships_updated_at BEFORE UPDATE ON repository_relationships
FOR EACH ROW WHEN (new.updated_at = old.updated_at AND new.updated_at < clock_timestamp())
EXECUTE FUNCTION forge_updated_at();

CREATE TRIGGER repository_relationships_id_kept BEFORE UPDATE OF id ON repository_relationships
FOR EACH ROW WHEN (new.id <> old.id)
EXECUTE FUNCTION forge_refuse('the id of a relationship never changes');

-- `repository_id` and `entity_id` are no references: the trail outlives what it tells of. `data_json` is json and not jsonb:
-- the hash covers the text as it was written, and jsonb would write it anew.
CREATE TABLE audit_entries (
  seq bigint NOT NULL PRIMARY KEY,
  created_at timestamptz NOT NULL,
  actor text NOT NULL CHECK (actor <> ''),
  action text NOT NULL CHECK (action <> ''),
  entity_kind text NOT NULL CHECK (entity_kind <> ''),
  entity_id text COLLATE "C" NOT NULL CHECK (entity_id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
  repository_id text COLLATE "C" CHECK (repository_id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
  data_json json,
  hash text NOT NULL CHECK (length(hash) = 64 AND hash = lower(hash))
);

-- With the number, which an index of SQLite has at its end by itself.
CREATE INDEX audit_entries_repository_id ON audit_entries (repository_id, seq);

-- Who appends locks this, and nothing else does: so entries are appended one transaction after the other.
CREATE VIEW audit_entries_turn AS SELECT 'audit_entries' AS trail;

-- The table is named with its schema, or a session's temporary table of that name would be asked instead.
CREATE FUNCTION audit_entries_next() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  next bigint;
BEGIN
  EXECUTE format('SELECT coalesce(max(seq), 0) + 1 FROM %I.%I', tg_table_schema, tg_table_name) INTO next;
  IF new.seq IS DISTINCT FROM next THEN
    RAISE EXCEPTION 'audit_entries only grows: an entry has the number after the last'
      USING ERRCODE = 'integrity_constraint_violation', TABLE = tg_table_name;
  END IF;
  RETURN new;
END $$;

CREATE TRIGGER audit_entries_next BEFORE INSERT ON audit_entries
FOR EACH ROW EXECUTE FUNCTION audit_entries_next();

CREATE TRIGGER audit_entries_kept BEFORE UPDATE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION forge_refuse('audit_entries only grows: no entry is changed');

CREATE TRIGGER audit_entries_whole BEFORE DELETE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION forge_refuse('audit_entries only grows: no entry is removed');

CREATE TRIGGER audit_entries_not_emptied BEFORE TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION forge_refuse('audit_entries only grows: no entry is removed');
