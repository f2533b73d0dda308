-- A year in the life of a household's notebooks. No clock and no chance in it: each run gives the same rows.

INSERT INTO notebooks (id, name, created_at) VALUES
    (1, 'Journal',  '2025-01-01T07:00:00.000Z'),
    (2, 'Kitchen',  '2025-01-01T07:05:00.000Z'),
    (3, 'House',    '2025-01-02T18:30:00.000Z'),
    (4, 'Garden',   '2025-01-04T09:15:00.000Z'),
    (5, 'Work',     '2025-01-06T08:00:00.000Z'),
    (6, 'Reading',  '2025-01-11T20:45:00.000Z'),
    (7, 'Travel',   '2025-02-02T11:20:00.000Z'),
    (8, 'Health',   '2025-02-14T06:50:00.000Z');

INSERT INTO tags (id, name, colour) VALUES
    (1, 'idea', '#f2c14e'), (2, 'todo', '#d1495b'), (3, 'done', '#66a182'), (4, 'someday', '#8d96a3'),
    (5, 'family', '#edae49'), (6, 'money', '#2e4057'), (7, 'recipe', '#e4572e'), (8, 'repair', '#5f4bb6'),
    (9, 'seedling', '#4f772d'), (10, 'meeting', '#30638e'), (11, 'quote', '#a37871'), (12, 'trip', '#00798c');

-- 600 notes, one and a bit a day. Two of every five came from the program before this one and still say who wrote
-- them: 240 in all.
WITH RECURSIVE
    counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 600),
    subject (i, word) AS (VALUES
        (0, 'tomatoes'), (1, 'the boiler'), (2, 'sourdough'), (3, 'the budget'), (4, 'Lisbon'), (5, 'the roof'),
        (6, 'running'), (7, 'the parish archive'), (8, 'bees'), (9, 'the old radio'), (10, 'grandmother''s letters')),
    form (i, word) AS (VALUES
        (0, 'Notes on'), (1, 'Plans for'), (2, 'What to know about'), (3, 'A question about'), (4, 'Progress with'),
        (5, 'Costs of'), (6, 'Remember:')),
    remark (i, text) AS (VALUES
        (0, 'Ask Ines before the weekend.'), (1, 'It took longer than we thought; write down the steps next time.'),
        (2, 'See the photographs from March.'), (3, 'Cheaper at the market than in the shop.'),
        (4, 'Half of it is done, the rest waits for better weather.'), (5, 'Nothing to do here until spring.'),
        (6, 'The second attempt worked.'), (7, 'Look up the number in the blue folder.'),
        (8, 'Twenty minutes are enough, forty are too many.'), (9, 'Agreed with everybody at the table.'),
        (10, 'Read the chapter again.'), (11, 'The part that is missing costs 14.90.'),
        (12, 'Keep the receipt.'))
INSERT INTO notes (id, notebook_id, title, body, pinned, legacy_author, created_at, updated_at)
SELECT
    n,
    1 + (n * 5 + n / 7) % 8,
    form.word || ' ' || subject.word || ' (' || n || ')',
    first.text || chr(10) || second.text || CASE WHEN n % 3 = 0 THEN chr(10) || third.text ELSE '' END,
    n % 50 = 0,
    CASE WHEN n % 5 IN (0, 1)
         THEN CASE n % 4 WHEN 0 THEN 'Ines' WHEN 1 THEN 'Tomas' WHEN 2 THEN 'Oma' ELSE 'Jun' END END,
    timestamptz '2025-01-01 07:00:00Z' + n * 873 * interval '1 minute',
    timestamptz '2025-01-01 07:00:00Z' + (n * 873 + n % 11 * 95) * interval '1 minute'
FROM counter
JOIN subject ON subject.i = n % 11
JOIN form ON form.i = n % 7
JOIN remark AS first ON first.i = n % 13
JOIN remark AS second ON second.i = (n * 3 + 1) % 13
JOIN remark AS third ON third.i = (n * 7 + 5) % 13
ORDER BY n;

-- Two tags on each note, and a third on every sixth.
INSERT INTO note_tags (note_id, tag_id)
SELECT id, 1 + id % 12 FROM notes
UNION ALL
SELECT id, 1 + (id + 5) % 12 FROM notes
UNION ALL
SELECT id, 1 + (id + 8) % 12 FROM notes WHERE id % 6 = 0;

-- 180 attachments; of every fifteen one has not arrived yet: 12 without a hash.
WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 180)
INSERT INTO attachments (id, note_id, file_name, media_type, byte_size, sha256, created_at)
SELECT
    n,
    n * 3,
    CASE n % 3 WHEN 0 THEN 'photo-' || n || '.jpg' WHEN 1 THEN 'scan-' || n || '.pdf' ELSE 'list-' || n || '.csv' END,
    CASE n % 3 WHEN 0 THEN 'image/jpeg' WHEN 1 THEN 'application/pdf' ELSE 'text/csv' END,
    CASE WHEN n % 15 = 0 THEN 0 ELSE 2048 + n * 7919 % 1500000 END,
    CASE WHEN n % 15 = 0 THEN NULL
         ELSE lpad(to_hex(n * 2654435761), 16, '0') || lpad(to_hex(n * 2246822519), 16, '0')
           || lpad(to_hex(n * 3266489917), 16, '0') || lpad(to_hex(n * bigint '668265263'), 16, '0') END,
    (SELECT created_at FROM notes WHERE notes.id = n * 3)
FROM counter;

-- Three attempts for each that has not arrived: 36.
INSERT INTO upload_attempts (attachment_id, attempted_at, error)
SELECT
    attachments.id,
    attachments.created_at + attempt.n * attempt.n * interval '1 hour',
    CASE attempt.n WHEN 1 THEN 'no network' WHEN 2 THEN 'connection reset' ELSE 'the file is gone' END
FROM attachments
CROSS JOIN (VALUES (1), (2), (3)) AS attempt (n)
WHERE attachments.sha256 IS NULL
ORDER BY attachments.id, attempt.n;

INSERT INTO devices (id, name, platform, last_seen_at) VALUES
    (1, 'kitchen tablet', 'android', '2025-12-30T21:10:00.000Z'),
    (2, 'Ines''s laptop', 'linux',   '2025-12-31T08:02:00.000Z'),
    (3, 'Tomas''s phone', 'ios',     '2025-12-31T08:40:00.000Z');

-- The laptop has everything, the tablet and the phone lag behind: 600 + 400 + 300.
INSERT INTO sync_state (device_id, note_id, revision, status, synced_at)
SELECT
    devices.id,
    notes.id,
    1 + notes.id % 4,
    CASE WHEN devices.id <> 2 AND notes.id % 97 = 0 THEN 'conflict'
         WHEN devices.id <> 2 AND notes.id % 20 = 0 THEN 'pending'
         ELSE 'synced' END,
    CASE WHEN devices.id <> 2 AND (notes.id % 97 = 0 OR notes.id % 20 = 0) THEN NULL ELSE notes.updated_at END
FROM devices
JOIN notes ON devices.id = 2
    OR (devices.id = 1 AND notes.id <= 400)
    OR (devices.id = 3 AND notes.id % 2 = 0)
ORDER BY devices.id, notes.id;

-- The numbers were given by hand: the next ones come after them.
SELECT setval(pg_get_serial_sequence('notebooks', 'id'), (SELECT max(id) FROM notebooks));
SELECT setval(pg_get_serial_sequence('notes', 'id'), (SELECT max(id) FROM notes));
SELECT setval(pg_get_serial_sequence('tags', 'id'), (SELECT max(id) FROM tags));
SELECT setval(pg_get_serial_sequence('attachments', 'id'), (SELECT max(id) FROM attachments));
SELECT setval(pg_get_serial_sequence('devices', 'id'), (SELECT max(id) FROM devices));
