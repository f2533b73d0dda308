DROP TRIGGER notes_unsync;
DROP TRIGGER notes_touch;
