//! Damage of every sort gives findings, never an error and never a panic.

use super::{Place, finds_nothing, names, only};
use larder::doctor::{Settings, Severity, State};
use std::fs;
use std::os::unix::fs::FileExt;

#[test]
fn a_sound_database_is_sound() {
    let place = Place::filled();
    for thorough in [false, true] {
        let checkup = place.examine_with(&[], &Settings { thorough, ..Settings::default() });
        finds_nothing(&checkup, "integrity");
        assert!(checkup.engine.is_some_and(|engine| engine.starts_with("SQLite 3.")));
    }
}

#[test]
fn a_truncated_file_is_named_with_both_sizes() {
    let place = Place::filled();
    let whole = fs::metadata(place.path()).unwrap().len();
    let file = fs::File::options().write(true).open(place.path()).unwrap();
    file.set_len(whole - 5000).unwrap();
    let checkup = place.examine();
    assert_eq!((checkup.state, checkup.ok), (State::Damaged, false));
    names(&checkup, "open", Severity::Error, &format!("says {whole} bytes, and it has {}", whole - 5000));
    assert!(only(&checkup, "open").fix.as_ref().is_some_and(|fix| fix.contains("larder restore")));
}

#[test]
fn a_header_that_is_overwritten_is_named() {
    let place = Place::filled();
    let file = fs::File::options().write(true).open(place.path()).unwrap();
    file.write_all_at(b"X", 3).unwrap();
    let checkup = place.examine();
    assert_eq!(checkup.state, State::NotADatabase);
    names(&checkup, "open", Severity::Error, "does not begin as a SQLite database does");
}

#[test]
fn text_is_no_database() {
    let place = Place::new();
    fs::write(place.path(), "name,age\nalice,7\n".repeat(100)).unwrap();
    assert_eq!(place.examine().state, State::NotADatabase);
}

#[test]
fn a_page_that_is_overwritten_is_found() {
    let place = Place::filled();
    let file = fs::File::options().write(true).open(place.path()).unwrap();
    file.write_all_at(&[0xff; 4096], 4 * 4096).unwrap();
    let checkup = place.examine();
    assert_eq!((checkup.state, checkup.ok), (State::Damaged, false));
    assert!(checkup.findings.iter().any(|finding| finding.check == "integrity"), "{checkup:#?}");
}

#[test]
fn an_index_that_lacks_an_entry_is_found_by_a_thorough_look() {
    let place = Place::filled();
    let db = place.open();
    // The index is taken out of the schema, a row is added, and the index put back: it does not know that row.
    let mut connection = db.driver().connect(larder::driver::Access::Write).unwrap();
    connection.watch(true).unwrap();
    undefended(connection.as_mut());
    let hidden: i64 =
        db.query_one("SELECT rootpage FROM sqlite_schema WHERE name = 'note_by_title'", &[]).unwrap();
    let restore = format!(
        "INSERT INTO sqlite_schema VALUES ('index', 'note_by_title', 'note', {hidden}, 'CREATE INDEX note_by_title ON \
         note (title)')"
    );
    for sql in [
        "PRAGMA writable_schema = ON",
        "DELETE FROM sqlite_schema WHERE name = 'note_by_title'",
        "PRAGMA writable_schema = RESET",
        "INSERT INTO note (title) VALUES ('unknown to the index')",
        "PRAGMA writable_schema = ON",
        &restore,
        "PRAGMA writable_schema = RESET",
    ] {
        connection.execute(sql, &[]).unwrap();
    }
    drop(connection);
    db.close().unwrap();
    let thorough = place.examine_with(&[], &Settings { thorough: true, ..Settings::default() });
    assert_eq!(thorough.state, State::Damaged);
    names(&thorough, "integrity", Severity::Error, "note_by_title");
}

/// 300 files, each with bytes flipped or its end cut off, in WAL mode and not, with and without `fix`.
#[test]
fn whatever_is_damaged_gives_a_checkup() {
    let place = Place::filled();
    let sound = fs::read(place.path()).unwrap();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let (mut noticed, mut damaged) = (0, 0);
    for case in 0..300 {
        let folder = Place::new();
        let mut bytes = sound.clone();
        match case % 3 {
            // Anywhere, a byte or some.
            0 => (0..=random(20)).for_each(|_| {
                let at = random(bytes.len());
                bytes[at] ^= 1 << random(8);
            }),
            // In the header and the schema, where it hurts most.
            1 => (0..=random(5)).for_each(|_| {
                let at = random(4096);
                bytes[at] = u8::try_from(random(256)).unwrap();
            }),
            _ => bytes.truncate(random(bytes.len())),
        }
        fs::write(folder.path(), &bytes).unwrap();
        let settings = Settings { fix: case % 2 == 0, thorough: case % 5 == 0, ..Settings::default() };
        let checkup = folder.examine_with(&[], &settings);
        noticed += usize::from(checkup.worst() >= Some(Severity::Error));
        damaged += usize::from(matches!(checkup.state, State::Damaged | State::NotADatabase));
        if !settings.fix {
            assert!(fs::read(folder.path()).unwrap() == bytes, "case {case} changed the file");
        }
    }
    // Flipped bits of values are nobody's to notice; every cut file and most wounds of the schema are.
    assert!(noticed > 150 && damaged > 100, "{noticed} noticed, {damaged} damaged");
}

/// Lets the connection write into the schema, which Larder's own never may.
fn undefended(connection: &mut dyn larder::driver::Connection) {
    use larder::driver::sqlite::rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE;
    let done = larder::driver::sqlite::with_connection(connection, |raw| {
        raw.set_db_config(SQLITE_DBCONFIG_DEFENSIVE, false).unwrap()
    });
    assert_eq!(done, Some(false));
}
