-- What the list of notes shows.

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
