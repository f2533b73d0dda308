-- The length of a note, so that a list need not read every body; filled in for the notes that are there.

ALTER TABLE notes ADD COLUMN word_count INTEGER NOT NULL DEFAULT 0 CHECK (word_count >= 0);

UPDATE notes
SET word_count = 1 + length(trim(replace(body, char(10), ' ')))
                   - length(replace(trim(replace(body, char(10), ' ')), ' ', ''))
WHERE trim(body) <> '';
