//! Settings with which data can be lost, and such as slow a server down over time.

use crate::doctor::exam::Exam;
use crate::error::Result;
use std::collections::BTreeMap;

const ASKED: &str = "SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN ('fsync', 'full_page_writes', \
    'synchronous_commit', 'autovacuum', 'track_counts', 'data_checksums', 'password_encryption', 'zero_damaged_pages', \
    'ignore_checksum_failure', 'max_wal_size', 'server_encoding')";

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let found: BTreeMap<String, String> = exam.all::<(String, String)>(ASKED)?.into_iter().collect();
    let is = |name: &str, value: &str| found.get(name).is_some_and(|set| set == value);
    for (name, value, harm, fix) in [
        (
            "fsync",
            "off",
            "a power cut can damage the database beyond repair",
            "set fsync = on in postgresql.conf",
        ),
        (
            "full_page_writes",
            "off",
            "a power cut can leave pages half written",
            "set full_page_writes = on in postgresql.conf, unless the file system writes whole pages by itself",
        ),
        (
            "synchronous_commit",
            "off",
            "a crash of the server loses the last commits, though it damages nothing",
            "set synchronous_commit = on, or leave it if that is meant; Durability::Full waits in any case",
        ),
        ("autovacuum", "off", "tables grow, and transaction numbers run out", "set autovacuum = on"),
        (
            "track_counts",
            "off",
            "autovacuum does not know where to work, and a migration is measured at greater cost",
            "set track_counts = on",
        ),
        (
            "zero_damaged_pages",
            "on",
            "damaged pages are read as empty, and what they held is gone",
            "set zero_damaged_pages = off",
        ),
        (
            "ignore_checksum_failure",
            "on",
            "damaged pages are read without a word",
            "set ignore_checksum_failure = off",
        ),
        (
            "password_encryption",
            "md5",
            "new passwords are kept in a form that is easily broken",
            "set password_encryption = 'scram-sha-256', then set each password anew",
        ),
    ] {
        if is(name, value) {
            exam.warn(format!("{name} is {value}: {harm}"), fix);
        }
    }
    if is("data_checksums", "off") {
        exam.info("data checksums are off: a page that the disk damaged is not noticed when it is read")
            .fix = Some("stop the server, then `pg_checksums --enable -D FOLDER`".into());
    }
    if let Some(encoding) = found.get("server_encoding").filter(|encoding| *encoding != "UTF8") {
        exam.warn(
            format!("the database's encoding is {encoding}, so not every text fits into it"),
            "make a database with ENCODING 'UTF8' TEMPLATE template0, and move it there with `larder copy`",
        );
    }
    Ok(())
}
