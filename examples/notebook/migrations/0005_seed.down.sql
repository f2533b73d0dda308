-- Takes away the seeded rows and what was hung on them since; notes in notebooks of one's own stay.
-- Written children first: a migration runs with foreign keys switched off, so nothing cascades.

DELETE FROM sync_state WHERE device_id <= 3 OR note_id <= 600;
DELETE FROM devices WHERE id <= 3;
DELETE FROM upload_attempts
WHERE attachment_id IN (SELECT id FROM attachments WHERE note_id <= 600);
DELETE FROM attachments WHERE note_id <= 600;
DELETE FROM note_tags WHERE note_id <= 600 OR tag_id <= 12;
DELETE FROM tags WHERE id <= 12;
DELETE FROM notes WHERE id <= 600;
-- A notebook that holds a note written since stays, with that note.
DELETE FROM notebooks WHERE id <= 8 AND id NOT IN (SELECT notebook_id FROM notes);
