-- larder: no-transaction
CREATE INDEX CONCURRENTLY notes_agent ON notes(agent);
