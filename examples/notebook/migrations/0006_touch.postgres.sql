-- updated_at follows what a person changes. The trigger names its columns, so that a backfill of another column does not
-- make every note look new.

CREATE FUNCTION notes_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE TRIGGER notes_touch
BEFORE UPDATE OF notebook_id, title, body, pinned ON notes
FOR EACH ROW WHEN (NEW.updated_at = OLD.updated_at)
EXECUTE FUNCTION notes_touch();

-- What changed here is no longer what the devices have.
CREATE FUNCTION notes_unsync() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sync_state
    SET status = 'pending', synced_at = NULL
    WHERE note_id = NEW.id AND status = 'synced';
    RETURN NULL;
END $$;

CREATE TRIGGER notes_unsync
AFTER UPDATE OF title, body ON notes
FOR EACH ROW
EXECUTE FUNCTION notes_unsync();
