-- A notebook that still has notes in it can no longer be deleted: CASCADE becomes RESTRICT. PostgreSQL changes the foreign
-- key in place, and looks whether the rows that are there keep it.

ALTER TABLE notes
    DROP CONSTRAINT notes_notebook_id_fkey,
    ADD CONSTRAINT notes_notebook_id_fkey FOREIGN KEY (notebook_id) REFERENCES notebooks (id) ON DELETE RESTRICT;
