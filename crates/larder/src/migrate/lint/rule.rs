//! The rules: what each statement holds up.

use super::statement::Words;

/// What a rule found.
pub(super) struct Found {
    pub(super) rule: &'static str,
    pub(super) table: String,
    pub(super) message: &'static str,
    pub(super) remedy: &'static str,
}

/// A rule: its name, what is held up, the remedy.
type Rule = (&'static str, &'static str, &'static str);

const INDEX: Rule = (
    "index-without-concurrently",
    "every write to {table} waits while the index is built",
    "write CREATE INDEX CONCURRENTLY, in a migration of its own that begins with `-- larder: no-transaction`",
);
const DROP_INDEX: Rule = (
    "drop-index-without-concurrently",
    "nobody can use the table of {table} from here to the end of the migration",
    "write DROP INDEX CONCURRENTLY, in a migration of its own that begins with `-- larder: no-transaction`",
);
const REINDEX: Rule = (
    "reindex-without-concurrently",
    "every write, and every read that uses the index, waits while {table} is built anew",
    "write REINDEX … CONCURRENTLY, in a migration of its own that begins with `-- larder: no-transaction`",
);
const DEFAULT: Rule = (
    "volatile-default",
    "each row gets a value of its own: {table} is written anew while nobody can read or write it",
    "add the column without it, set the DEFAULT for new rows in a second statement, and fill the old ones in batches",
);
const TYPE: Rule = (
    "column-type",
    "{table} is written anew while nobody can read or write it, unless the new type only allows more text",
    "add a column of the new type, fill it in batches, and let the program change over to it",
);
const NOT_NULL: Rule = (
    "set-not-null",
    "all of {table} is read while nobody can read or write it, unless a CHECK says already that there is no NULL",
    "ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID, in the next migration VALIDATE CONSTRAINT, and then SET NOT NULL",
);
const FOREIGN_KEY: Rule = (
    "foreign-key-without-not-valid",
    "all of {table} is read while writes to it and to the table it points at wait",
    "add it NOT VALID, which holds for new rows at once, and VALIDATE CONSTRAINT in the next migration",
);
const CHECK: Rule = (
    "check-without-not-valid",
    "all of {table} is read while nobody can read or write it",
    "add it NOT VALID, which holds for new rows at once, and VALIDATE CONSTRAINT in the next migration",
);
const UNIQUE: Rule = (
    "unique-without-index",
    "an index is built while nobody can read or write {table}",
    "CREATE UNIQUE INDEX CONCURRENTLY first, outside a transaction, then ADD CONSTRAINT … USING INDEX",
);
const EXCLUDE: Rule = (
    "exclusion",
    "an index is built while nobody can read or write {table}",
    "there is no way that locks less: choose an hour when nobody needs the table",
);
const RENAME: Rule = (
    "rename",
    "programs that are running know {table} by the old names, and fail",
    "add the new one beside the old, let the programs change over, and drop the old one later",
);
const DROP_COLUMN: Rule = (
    "drop-column",
    "programs that are running and still read or write the column of {table} fail",
    "let the programs stop using it first, and drop it with a later version",
);
const REWRITE: Rule = (
    "rewrite",
    "{table} is written anew while nobody can read or write it",
    "VACUUM without FULL gives the room back to the table itself; to give it back to the disk, pg_repack locks for moments only",
);
const MOVED: Rule = (
    "rewrite",
    "{table} is written anew while nobody can read or write it",
    "make a new table and copy the rows in batches, or choose an hour when nobody needs it",
);
const LOCK: Rule = (
    "lock-table",
    "others wait for {table} from here to the end of the migration",
    "lock the rows that matter with SELECT … FOR UPDATE, or keep what follows short",
);
const ATTACH: Rule = (
    "attach-partition",
    "all rows of the new partition of {table} are read under a lock, unless a CHECK says already that they belong there",
    "give the partition a CHECK of its bounds first, NOT VALID and then validated; drop it afterwards",
);
const DETACH: Rule = (
    "detach-without-concurrently",
    "nobody can use {table} from here to the end of the migration",
    "write DETACH PARTITION … CONCURRENTLY, in a migration of its own that begins with `-- larder: no-transaction`",
);
const REFRESH: Rule = (
    "refresh-without-concurrently",
    "nobody can read {table} while it is filled",
    "write REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on it",
);
const ALL_ROWS: Rule = (
    "all-rows",
    "every row of {table} is written and stays locked to the end of the migration",
    "do it in batches, a range of the key at a time: in the program, or in a migration that begins with \
     `-- larder: no-transaction`",
);

/// All that one statement warns of.
pub(super) fn all(words: &Words<'_>) -> Vec<Found> {
    let concurrently = words.has("CONCURRENTLY");
    if words.begin(&["ALTER", "TABLE"]) {
        return alter(&words.skip(&["ALTER", "TABLE", "IF", "EXISTS", "ONLY"]));
    }
    let (rule, rest) = if words.at(0, "CREATE") && words.skip(&["CREATE", "UNIQUE"]).at(0, "INDEX") {
        (INDEX, words.behind("ON").skip(&["ONLY"]))
    } else if words.begin(&["DROP", "INDEX"]) {
        (DROP_INDEX, words.skip(&["DROP", "INDEX", "IF", "EXISTS"]))
    } else if words.at(0, "REINDEX") {
        let rest = words.skip(&["REINDEX"]).past_options();
        (REINDEX, rest.skip(&["TABLE"]).skip(&["INDEX"]))
    } else if words.begin(&["REFRESH", "MATERIALIZED", "VIEW"]) {
        (REFRESH, words.skip(&["REFRESH", "MATERIALIZED", "VIEW"]))
    } else if words.at(0, "VACUUM") && words.has("FULL") {
        let rest = words.skip(&["VACUUM"]).past_options();
        (REWRITE, rest.skip(&["FULL", "FREEZE", "VERBOSE", "ANALYZE"]))
    } else if words.at(0, "CLUSTER") {
        (REWRITE, words.skip(&["CLUSTER"]).past_options().skip(&["VERBOSE"]))
    } else if words.at(0, "LOCK") {
        (LOCK, words.skip(&["LOCK", "TABLE", "ONLY"]))
    } else if words.at(0, "UPDATE") && !words.has("WHERE") {
        (ALL_ROWS, words.skip(&["UPDATE", "ONLY"]))
    } else {
        return Vec::new();
    };
    if concurrently {
        return Vec::new();
    }
    rest.name().map(|(table, _)| found(rule, &table)).into_iter().collect()
}

fn found((rule, message, remedy): Rule, table: &str) -> Found {
    Found { rule, table: table.to_owned(), message, remedy }
}

fn alter(words: &Words<'_>) -> Vec<Found> {
    let Some((table, actions)) = words.name() else { return Vec::new() };
    actions.parts().iter().filter_map(action).map(|rule| found(rule, &table)).collect()
}

/// What one action of an ALTER TABLE warns of.
fn action(words: &Words<'_>) -> Option<Rule> {
    if words.at(0, "RENAME") {
        return Some(RENAME);
    }
    if words.at(0, "ADD") {
        return add(words);
    }
    if words.at(0, "DROP") {
        return (!words.at(1, "CONSTRAINT")).then_some(DROP_COLUMN);
    }
    if words.at(0, "ALTER") {
        return match () {
            () if words.has_all(&["SET", "NOT", "NULL"]) => Some(NOT_NULL),
            () if words.skip(&["ALTER", "COLUMN"]).at(1, "TYPE") => Some(TYPE),
            () if words.has_all(&["SET", "DATA", "TYPE"]) => Some(TYPE),
            () => None,
        };
    }
    if words.begin(&["ATTACH", "PARTITION"]) {
        return Some(ATTACH);
    }
    if words.begin(&["DETACH", "PARTITION"]) {
        return (!words.has("CONCURRENTLY")).then_some(DETACH);
    }
    let moves = ["TABLESPACE", "LOGGED", "UNLOGGED", "ACCESS"].iter().any(|what| words.at(1, what));
    (words.at(0, "SET") && moves).then_some(MOVED)
}

/// What an ADD of a column or of a constraint warns of.
fn add(words: &Words<'_>) -> Option<Rule> {
    let named = words.at(1, "CONSTRAINT");
    let at = if named { 3 } else { 1 };
    let constraint =
        ["FOREIGN", "CHECK", "PRIMARY", "UNIQUE", "EXCLUDE"].iter().any(|what| words.at(at, what));
    let unique =
        (words.has_all(&["PRIMARY", "KEY"]) || words.has("UNIQUE")) && !words.has_all(&["USING", "INDEX"]);
    if constraint {
        let valid = !words.has_all(&["NOT", "VALID"]);
        return match () {
            () if words.at(at, "FOREIGN") => valid.then_some(FOREIGN_KEY),
            () if words.at(at, "CHECK") => valid.then_some(CHECK),
            () if words.at(at, "EXCLUDE") => Some(EXCLUDE),
            () => unique.then_some(UNIQUE),
        };
    }
    if unique {
        return Some(UNIQUE);
    }
    let counted =
        ["SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8", "SERIAL2", "IDENTITY", "STORED"];
    let written =
        counted.iter().any(|word| words.has(word)) || words.behind("DEFAULT").calls().any(is_volatile);
    written.then_some(DEFAULT)
}

/// True for a function that may give another value for each row. Those of the date give one for the whole statement.
fn is_volatile(function: &str) -> bool {
    const FIXED: [&str; 12] = [
        "now",
        "current_timestamp",
        "current_time",
        "localtime",
        "localtimestamp",
        "transaction_timestamp",
        "statement_timestamp",
        "cast",
        "coalesce",
        "lower",
        "upper",
        "in",
    ];
    !FIXED.iter().any(|known| function.eq_ignore_ascii_case(known)) && !is_type(function)
}

/// `'…'::varchar(10)` is no call.
fn is_type(name: &str) -> bool {
    [
        "varchar",
        "char",
        "character",
        "varying",
        "numeric",
        "decimal",
        "bit",
        "timestamp",
        "timestamptz",
        "time",
        "check",
    ]
    .iter()
    .any(|known| name.eq_ignore_ascii_case(known))
}
