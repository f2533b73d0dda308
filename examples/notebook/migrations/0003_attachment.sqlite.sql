-- Files that hang on a note. Their bytes lie in a folder under their hash; the database knows what they are.

CREATE TABLE attachments (
    id         INTEGER PRIMARY KEY,
    note_id    INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    file_name  TEXT NOT NULL CHECK (length(file_name) > 0 AND instr(file_name, '/') = 0),
    media_type TEXT NOT NULL CHECK (media_type LIKE '%_/_%'),
    byte_size  INTEGER NOT NULL CHECK (byte_size >= 0),
    -- NULL until all of the file has arrived.
    sha256     TEXT CHECK (length(sha256) = 64),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (note_id, file_name)
);

CREATE INDEX attachments_by_hash ON attachments (sha256);

-- What went wrong on the way, for the attachments that have not arrived yet.
CREATE TABLE upload_attempts (
    id            INTEGER PRIMARY KEY,
    attachment_id INTEGER NOT NULL REFERENCES attachments (id) ON DELETE CASCADE,
    attempted_at  TEXT NOT NULL,
    error         TEXT NOT NULL
);

CREATE INDEX upload_attempts_by_attachment ON upload_attempts (attachment_id, attempted_at);
