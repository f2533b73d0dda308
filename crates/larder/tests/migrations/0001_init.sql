-- What a small application keeps.
CREATE TABLE agents(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
