-- Tidies up after the move from the old program, and loses data on purpose: who wrote the imported notes, the
-- attachments that never arrived, and the attempts to upload them.

ALTER TABLE notes DROP COLUMN legacy_author;

-- Takes the attempts to upload them along: ON DELETE CASCADE.
DELETE FROM attachments WHERE sha256 IS NULL;

ALTER TABLE attachments ALTER COLUMN sha256 SET NOT NULL;
