-- Brings the form back, not what was in it: that lies in the backup made before the way up.

ALTER TABLE attachments ALTER COLUMN sha256 DROP NOT NULL;

ALTER TABLE notes ADD COLUMN legacy_author TEXT;
