ALTER TABLE notes DROP COLUMN word_count;
