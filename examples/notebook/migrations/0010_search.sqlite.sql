-- Full-text search over the notes. The index keeps no copy of the text; triggers keep it in step.

CREATE VIRTUAL TABLE note_search USING fts5 (
    title, body,
    content = 'notes', content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO note_search (note_search) VALUES ('rebuild');

CREATE TRIGGER notes_search_insert
AFTER INSERT ON notes
BEGIN
    INSERT INTO note_search (rowid, title, body) VALUES (NEW.id, NEW.title, NEW.body);
END;

CREATE TRIGGER notes_search_delete
AFTER DELETE ON notes
BEGIN
    INSERT INTO note_search (note_search, rowid, title, body) VALUES ('delete', OLD.id, OLD.title, OLD.body);
END;

CREATE TRIGGER notes_search_update
AFTER UPDATE OF title, body ON notes
BEGIN
    INSERT INTO note_search (note_search, rowid, title, body) VALUES ('delete', OLD.id, OLD.title, OLD.body);
    INSERT INTO note_search (rowid, title, body) VALUES (NEW.id, NEW.title, NEW.body);
END;
