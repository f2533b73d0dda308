//! Tables of PostgreSQL's own shapes.

use crate::made;

const PARTED: &str = "
    CREATE TABLE days (day date PRIMARY KEY, what text) PARTITION BY RANGE (day);
    CREATE TABLE days_25 PARTITION OF days FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE days_26 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    INSERT INTO days SELECT d, 'x' FROM generate_series(date '2025-12-02', '2026-01-30', '1 day') d;
    CREATE SCHEMA audit; CREATE TABLE audit.entries (id bigint PRIMARY KEY, what text);
    INSERT INTO audit.entries VALUES (1, 'a'), (2, 'b');
    CREATE TABLE base (id bigint PRIMARY KEY, a text); CREATE TABLE derived (b text) INHERITS (base);
    INSERT INTO base VALUES (1, 'x'); INSERT INTO derived VALUES (2, 'y', 'z'), (3, 'y', 'z');
    CREATE TABLE \"Odd one\" (\"Key\" text PRIMARY KEY, \"a \"\" b\" jsonb, bytes bytea);
    INSERT INTO \"Odd one\" VALUES ('k', '{\"a\": 1}', '\\x00ff'), ('l', NULL, repeat('long', 100)::bytea);
";

#[test]
fn partitions_are_one_table() {
    let shop = made(PARTED);
    assert_eq!(shop.losses("DELETE FROM days WHERE day < '2025-12-05'"), ["rows of days: 3 rows"]);
    assert_eq!(shop.losses("DROP TABLE days_25"), ["rows of days: 30 rows"]);
    assert_eq!(shop.losses("DROP TABLE days"), ["table days: 60 rows"]);
    assert_eq!(shop.losses("TRUNCATE days_26"), ["rows of days: 30 rows"]);
    assert_eq!(shop.losses("UPDATE days_26 SET what = NULL"), ["column days.what: 30 values turned NULL"]);
    assert_eq!(shop.losses("ALTER TABLE days DROP COLUMN what"), ["column days.what: 60 values"]);
    let moves = "CREATE TABLE days_27 PARTITION OF days FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
        ALTER TABLE days DETACH PARTITION days_25; INSERT INTO days_26 SELECT d, 'y' FROM generate_series(date '2026-02-01', '2026-02-03', '1 day') d;
        ALTER TABLE days ATTACH PARTITION days_25 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')";
    assert!(shop.change(moves).unwrap().done[0].effects.losses.is_empty());
}

#[test]
fn other_schemas_odd_names_and_tables_that_inherit() {
    let shop = made(PARTED);
    assert_eq!(shop.losses("DELETE FROM audit.entries WHERE id = 1"), ["rows of audit.entries: 1 row"]);
    assert_eq!(shop.losses("DROP SCHEMA audit CASCADE"), ["table audit.entries: 2 rows"]);
    assert_eq!(shop.losses("DELETE FROM base"), ["rows of base: 1 row", "rows of derived: 2 rows"]);
    assert_eq!(
        shop.losses("UPDATE \"Odd one\" SET \"a \"\" b\" = NULL, bytes = bytes || '\\x01'"),
        ["column Odd one.a \" b: 1 value turned NULL", "column Odd one.bytes: 2 values overwritten"]
    );
    assert_eq!(
        shop.losses("ALTER TABLE \"Odd one\" DROP COLUMN \"a \"\" b\""),
        ["column Odd one.a \" b: 1 value"]
    );
    assert_eq!(
        shop.losses("ALTER TABLE \"Odd one\" ALTER bytes TYPE text USING encode(bytes, 'escape')"),
        ["column Odd one.bytes: 2 values changed in type"]
    );
}
