-- Tidies up after the move from the old program, and loses data on purpose: who wrote the imported notes, the
-- attachments that never arrived, and the attempts to upload them.

ALTER TABLE notes DROP COLUMN legacy_author;

DROP VIEW note_overview;

-- With foreign keys switched off nothing cascades, so the children go first and by name.
DELETE FROM upload_attempts WHERE attachment_id IN (SELECT id FROM attachments WHERE sha256 IS NULL);

CREATE TABLE attachments_new (
    id         INTEGER PRIMARY KEY,
    note_id    INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    file_name  TEXT NOT NULL CHECK (length(file_name) > 0 AND instr(file_name, '/') = 0),
    media_type TEXT NOT NULL CHECK (media_type LIKE '%_/_%'),
    byte_size  INTEGER NOT NULL CHECK (byte_size >= 0),
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (note_id, file_name)
);

INSERT INTO attachments_new (id, note_id, file_name, media_type, byte_size, sha256, created_at)
SELECT id, note_id, file_name, media_type, byte_size, sha256, created_at FROM attachments
WHERE sha256 IS NOT NULL;

DROP TABLE attachments;
ALTER TABLE attachments_new RENAME TO attachments;

CREATE INDEX attachments_by_hash ON attachments (sha256);

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
