DROP TRIGGER notes_unsync ON notes;
DROP TRIGGER notes_touch ON notes;
DROP FUNCTION notes_unsync();
DROP FUNCTION notes_touch();
