-- updated_at follows what a person changes. It names its columns, so that a backfill of another column does not make
-- every note look new.

CREATE TRIGGER notes_touch
AFTER UPDATE OF notebook_id, title, body, pinned ON notes
WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE notes SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = NEW.id;
END;

-- What changed here is no longer what the devices have.
CREATE TRIGGER notes_unsync
AFTER UPDATE OF title, body ON notes
BEGIN
    UPDATE sync_state
    SET status = 'pending', synced_at = NULL
    WHERE note_id = NEW.id AND status = 'synced';
END;
