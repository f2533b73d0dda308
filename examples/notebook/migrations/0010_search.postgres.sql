-- Full-text search over the notes: WHERE search @@ websearch_to_tsquery('simple', …). The server keeps the column in step.

ALTER TABLE notes ADD COLUMN search tsvector
    GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || body)) STORED;

CREATE INDEX notes_by_word ON notes USING gin (search);
