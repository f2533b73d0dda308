ALTER TABLE notes
    DROP CONSTRAINT notes_notebook_id_fkey,
    ADD CONSTRAINT notes_notebook_id_fkey FOREIGN KEY (notebook_id) REFERENCES notebooks (id) ON DELETE CASCADE;
