-- The devices that share these notebooks, and how far each of them has come with each note.

CREATE TABLE devices (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    platform     TEXT NOT NULL CHECK (platform IN ('linux', 'macos', 'windows', 'ios', 'android')),
    last_seen_at TEXT
);

CREATE TABLE sync_state (
    device_id INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    note_id   INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    revision  INTEGER NOT NULL CHECK (revision >= 0),
    status    TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'synced', 'conflict')),
    synced_at TEXT,
    PRIMARY KEY (device_id, note_id),
    CHECK (status <> 'synced' OR synced_at IS NOT NULL)
) WITHOUT ROWID;

CREATE INDEX sync_state_by_note ON sync_state (note_id);
-- What a device still has to fetch or to settle: few rows of many.
CREATE INDEX sync_state_open ON sync_state (device_id, note_id, status) WHERE status <> 'synced';
