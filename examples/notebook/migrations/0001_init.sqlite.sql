-- Notebooks, and the notes in them.

CREATE TABLE notebooks (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE CHECK (length(trim(name)) > 0),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE TABLE notes (
    id            INTEGER PRIMARY KEY,
    notebook_id   INTEGER NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    title         TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    body          TEXT NOT NULL DEFAULT '',
    pinned        INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    legacy_author TEXT, -- who wrote it in the program before this one; NULL for notes written here
    created_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX notes_by_notebook ON notes (notebook_id, updated_at DESC);
CREATE INDEX notes_pinned ON notes (updated_at DESC) WHERE pinned = 1;
