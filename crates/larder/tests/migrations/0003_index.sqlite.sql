CREATE INDEX notes_agent ON notes(agent);
