-- Written on another system: its lines end in CR and LF.
CREATE TABLE notes(
  agent INTEGER NOT NULL REFERENCES agents(id),
  text TEXT
);
