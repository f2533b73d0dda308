DROP TRIGGER notes_search_update;
DROP TRIGGER notes_search_delete;
DROP TRIGGER notes_search_insert;
DROP TABLE note_search;
