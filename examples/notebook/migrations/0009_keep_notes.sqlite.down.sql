-- The same table with CASCADE again; as faithful as the way up.

DROP VIEW note_overview;

CREATE TABLE notes_new (
    id            INTEGER PRIMARY KEY,
    notebook_id   INTEGER NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    title         TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    body          TEXT NOT NULL DEFAULT '',
    pinned        INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    legacy_author TEXT, -- who wrote it in the program before this one; NULL for notes written here
    created_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    word_count    INTEGER NOT NULL DEFAULT 0 CHECK (word_count >= 0)
);

INSERT INTO notes_new (id, notebook_id, title, body, pinned, legacy_author, created_at, updated_at, word_count)
SELECT id, notebook_id, title, body, pinned, legacy_author, created_at, updated_at, word_count FROM notes;

DROP TABLE notes;
ALTER TABLE notes_new RENAME TO notes;

CREATE INDEX notes_by_notebook ON notes (notebook_id, updated_at DESC);
CREATE INDEX notes_pinned ON notes (updated_at DESC) WHERE pinned = 1;

CREATE TRIGGER notes_touch
AFTER UPDATE OF notebook_id, title, body, pinned ON notes
WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE notes SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = NEW.id;
END;

CREATE TRIGGER notes_unsync
AFTER UPDATE OF title, body ON notes
BEGIN
    UPDATE sync_state
    SET status = 'pending', synced_at = NULL
    WHERE note_id = NEW.id AND status = 'synced';
END;

CREATE VIEW note_overview AS
SELECT
    notes.id,
    notebooks.name AS notebook,
    notes.title,
    notes.pinned,
    notes.word_count,
    (SELECT group_concat(tags.name, ', ')
     FROM note_tags
     JOIN tags ON tags.id = note_tags.tag_id
     WHERE note_tags.note_id = notes.id) AS tags,
    (SELECT count(*) FROM attachments WHERE attachments.note_id = notes.id) AS attachments,
    (SELECT count(*) FROM sync_state WHERE sync_state.note_id = notes.id AND sync_state.status <> 'synced') AS unsynced,
    notes.updated_at
FROM notes
JOIN notebooks ON notebooks.id = notes.notebook_id;
