//! Leases from JSON Lines.

use crate::kit::{clock, entries, reason, repositories, store, verified};
use crate::many::many_times;
use jiff::SignedDuration;
use larder::{Database, ErrorKind, Result};
use larder_kit::Place;
use larder_stores::ManualClock;
use larder_stores::forge::{self, By, Id, ImportRefused, Imported, Lease, LeaseFile, LeaseStatus};
use proptest::prelude::*;

/// A line; the hours are before (negative) or after the tests' own time.
fn line(repository: &str, holder: &str, from: i64, to: i64, more: &str) -> String {
    let at = |hours: i64| crate::kit::time(crate::kit::START) + SignedDuration::from_hours(hours);
    format!(
        r#"{{"repository":"{repository}","holder":"{holder}","acquired_at":"{}","expires_at":"{}"{more}}}"#,
        at(from),
        at(to)
    )
}

fn import(db: &Database, clock: &ManualClock, lines: &[String], strict: bool) -> Result<Imported> {
    let file = LeaseFile::read(lines.join("\n").as_bytes()).unwrap();
    db.write(|tx| forge::import_leases(tx, By::new("import").clock(clock), &file, strict))
}

fn lease(db: &Database, id: Id) -> Option<Lease> {
    db.read(|tx| forge::find_lease(tx, id)).unwrap()
}

fn bad(imported: &Imported) -> Vec<String> {
    imported.bad.iter().map(ToString::to_string).collect()
}

larder_kit::engines! {
    fn what_is_good_is_kept_and_what_is_bad_is_named_with_its_line(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a, b] = repositories(&db, ["a", "b"]);
        let lines = [
            line("pantry/a", "ada", -1, 2, ""),
            String::new(),
            "{\"repository\": 7}".to_owned(),
            line("pantry/nowhere", "ada", -1, 2, ""),
            line(&b.to_string(), "grace", -3, 1, ",\"token\":41"),
            line("pantry", "ada", -1, 2, ""),
            line("pantry/b", "ada", 1, 2, ""),
        ];
        let imported = import(&db, &clock, &lines, false).unwrap();
        assert_eq!((imported.imported, imported.superseded), (2, 0));
        let bad = bad(&imported);
        assert_eq!(bad.len(), 4, "{bad:?}");
        assert!(bad[0].starts_with("line 3, column 16: invalid type: integer `7`"), "{bad:?}");
        assert_eq!(bad[1], "line 4: there is no repository pantry/nowhere");
        assert!(bad[2].starts_with("line 6: \"pantry\" is no id"), "{bad:?}");
        assert_eq!(bad[3], "line 7: it begins in the future");
        let (first, second) = (lease(&db, a).unwrap(), lease(&db, b).unwrap());
        assert_eq!((first.holder.as_str(), first.token), ("ada", 1));
        assert_eq!((second.holder.as_str(), second.token), ("grace", 41));
        assert_eq!(entries(&db, b).last().unwrap().data_json.as_ref().unwrap().0["line"], 5);
        // They are leases like any other: held until their time is up, and the token goes on.
        let edsger = By::new("edsger").clock(&clock);
        assert!(db.write(|tx| forge::acquire_lease(tx, edsger, b, None)).is_err());
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(db.write(|tx| forge::acquire_lease(tx, edsger, b, None)).unwrap().token, 42);
        verified(&db);
    }

    fn strict_imports_all_or_nothing(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a] = repositories(&db, ["a"]);
        let lines = [line("pantry/a", "ada", -1, 2, ""), "[]".to_owned()];
        let error = import(&db, &clock, &lines, true).unwrap_err();
        assert_eq!(reason::<ImportRefused>(&error, ErrorKind::Refused).bad[0].line, 2);
        assert_eq!((lease(&db, a), verified(&db)), (None, 2));
        assert_eq!(import(&db, &clock, &lines[..1], true).unwrap().imported, 1);
    }

    fn a_history_leaves_its_last_lease_and_what_overlaps_is_told(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a] = repositories(&db, ["a"]);
        let lines = [
            line("pantry/a", "third", -2, 5, ""),
            line("pantry/a", "first", -20, -10, ",\"token\":7"),
            line("pantry/a", "overlapping", -12, -11, ""),
            line("pantry/a", "second", -10, -1, ",\"released_at\":\"2026-01-31T07:30:00Z\""),
            line("pantry/a", "low", -1, 1, ",\"token\":3"),
        ];
        let imported = import(&db, &clock, &lines, false).unwrap();
        assert_eq!((imported.imported, imported.superseded), (1, 2));
        assert_eq!(
            bad(&imported),
            [
                "line 3: it overlaps with the lease of first on line 2",
                "line 5: it overlaps with the lease of third on line 1"
            ]
        );
        let kept = lease(&db, a).unwrap();
        assert_eq!((kept.holder.as_str(), kept.token, kept.status), ("third", 9, LeaseStatus::Held));
    }

    fn what_is_known_here_wins(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a] = repositories(&db, ["a"]);
        let ada = By::new("ada").clock(&clock);
        let hour = Some(SignedDuration::from_hours(1));
        let held = db.write(|tx| forge::acquire_lease(tx, ada, a, hour)).unwrap();
        clock.advance(SignedDuration::from_mins(30));
        let from_file = |from, more: &str| [line("pantry/a", "grace", from, 3, more)];
        let told = |lines: &[String]| bad(&import(&db, &clock, lines, false).unwrap());
        assert_eq!(told(&from_file(-1, "")), ["line 1: ada holds the lease here until 2026-01-31T10:30:00Z"]);
        assert_eq!(lease(&db, a), Some(held));
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(
            told(&from_file(-1, "")),
            ["line 1: a later lease is known here, of ada from 2026-01-31T09:30:00Z on"]
        );
        let low = ",\"token\":1";
        assert_eq!(
            told(&from_file(1, low)),
            ["line 1: its token 1 is not higher than 1, which was granted before"]
        );
        assert_eq!(told(&from_file(1, "")), [""; 0]);
        assert_eq!((lease(&db, a).unwrap().token, lease(&db, a).unwrap().holder.as_str()), (2, "grace"));
        // Once more is not once more.
        assert_eq!(told(&from_file(1, "")).len(), 1);
    }

    fn many_are_imported_with_an_entry_each(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [first] = repositories(&db, ["a"]);
        let ids: Vec<Id> = db
            .write(|tx| {
                let project = forge::find_repository(tx, first)?.unwrap().project_id;
                (0..500)
                    .map(|number| {
                        let name = format!("r{number}");
                        let new = forge::NewRepository::named(project, &name);
                        Ok(forge::create_repository(tx, By::new("setup"), new)?.repository_id)
                    })
                    .collect()
            })
            .unwrap();
        let before = verified(&db);
        let lines: Vec<String> = ids.iter().map(|id| line(&id.to_string(), "ada", -2, -1, "")).collect();
        assert_eq!(import(&db, &clock, &lines, true).unwrap().imported, 500);
        assert_eq!(verified(&db), before + 500);
        let now = larder_stores::Clock::now(&clock);
        assert_eq!(db.read(|tx| forge::list_expired_leases(tx, now, 1000)).unwrap().len(), 500);
    }

    fn what_no_program_would_have_written_is_told_and_not_kept(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a] = repositories(&db, ["a"]);
        let good = line("pantry/a", "ada", -1, 2, "");
        let (from, to) = ("2026-01-31T08:30:00Z", "2026-01-31T11:30:00Z");
        let lines = [
            format!(r#"["pantry/a","ada","{from}","{to}",null,null]"#),
            good.replace("ada", " ada"),
            good.replace("ada", "a\\u0000b"),
            good.replace("ada", "a\\u001b[2Jb"),
            good.replace("ada", &"x".repeat(501)),
            good.replace(from, "-000005-01-01T00:00:00Z").replace(to, "-000005-01-02T00:00:00Z"),
            good.replace("/a", "/\\u001b[2J"),
            good.replace(from, &"z".repeat(100_000)),
            good.replace("pantry/a", &"x".repeat(402)),
            "null".to_owned(),
            line("pantry/a", "ada", -1, 2, ",\"token\":\"x at line 7\""),
            "half".to_owned(),
        ];
        let bad = bad(&import(&db, &clock, &lines, false).unwrap());
        assert_eq!(lease(&db, a), None);
        for (said, start) in bad.iter().zip([
            "line 1: it is no object with keys",
            "line 2: the name of the holder begins or ends with a blank",
            "line 3: the name of the holder has a control character",
            "line 4: the name of the holder has a control character",
            "line 5: the name of the holder has more than 500 bytes",
            "line 6: acquired_at is not a time since 1970",
            "line 7: there is no repository pantry/\\u{1b}[2J",
            "line 8: acquired_at is not a time since 1970",
            "line 9: the name of the repository has more than 401 bytes",
            "line 10, column 4: invalid type: null, expected an object",
            "line 11, column 134: invalid type: string \"x at line 7\", expected i64",
            "line 12, column 1: it is no JSON: expected value",
        ]) {
            assert!(said.starts_with(start) && said.len() < 400, "{said}");
        }
        assert_eq!(bad.len(), lines.len());
    }

    fn one_that_was_given_back_in_the_future_is_not_free_now(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a] = repositories(&db, ["a"]);
        let later = line("pantry/a", "ada", -1, 5, ",\"released_at\":\"2026-01-31T10:30:00Z\"");
        let imported = import(&db, &clock, std::slice::from_ref(&later), false).unwrap();
        assert_eq!(bad(&imported), ["line 1: it was given back in the future"]);
        assert_eq!(lease(&db, a), None);
        // What had run out before it was given back has ended all the same.
        let ended = later.replace("T14:30:00Z", "T09:00:00Z");
        assert_eq!(import(&db, &clock, &[ended], false).unwrap().imported, 1);
    }

    fn a_line_that_overlaps_with_what_is_known_is_told(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a] = repositories(&db, ["a"]);
        let ada = By::new("ada").clock(&clock);
        let hour = Some(SignedDuration::from_hours(1));
        let held = db.write(|tx| forge::acquire_lease(tx, ada, a, hour)).unwrap();
        clock.advance(SignedDuration::from_mins(61));
        let half = line("pantry/a", "grace", 0, 5, "").replace("T09:30:00Z\",\"exp", "T10:00:00Z\",\"exp");
        assert!(half.contains("T10:00:00Z"), "{half}");
        let imported = import(&db, &clock, &[half], false).unwrap();
        assert_eq!(bad(&imported), ["line 1: it overlaps with the lease of ada that is known here"]);
        assert_eq!(lease(&db, a), Some(held));
    }

    fn tokens_that_can_t_grow_are_told(place: &Place) {
        let (db, clock) = (store(place), clock());
        let [a] = repositories(&db, ["a"]);
        assert_eq!(import(&db, &clock, &[line("pantry/a", "ada", -3, -2, "")], true).unwrap().imported, 1);
        db.execute("UPDATE leases SET token = 9223372036854775807", &[]).unwrap();
        let imported = import(&db, &clock, &[line("pantry/a", "ada", -1, 2, "")], false).unwrap();
        assert_eq!(
            bad(&imported),
            ["line 1: its token is not higher than 9223372036854775807, which was granted before"]
        );
        let ada = By::new("ada").clock(&clock);
        let error = db.write(|tx| forge::acquire_lease(tx, ada, a, None)).unwrap_err();
        let kind = if place.is_postgres() { ErrorKind::Conversion } else { ErrorKind::Constraint };
        assert_eq!(error.kind(), kind, "{error:?}");
    }
}

/// What a line may hold in the place of what it should, as JSON.
fn anything() -> impl Strategy<Value = String> {
    let text = proptest::string::string_regex("(?s).{0,12}").unwrap();
    let offset = prop_oneof![Just("Z"), Just("+23:59"), Just("-12:00"), Just("")];
    let time =
        (-10..12_000i32, 0..14u8, 0..33u8, 0..25u8, offset).prop_map(|(year, month, day, hour, offset)| {
            format!("\"{year:04}-{month:02}-{day:02}T{hour:02}:30:00.123456789{offset}\"")
        });
    let near = (-100..100i64).prop_map(|hours| {
        format!("\"{}\"", crate::kit::time(crate::kit::START) + SignedDuration::from_hours(hours))
    });
    prop_oneof![
        Just("\"pantry/a\"".to_owned()),
        Just("\"pantry/b\"".to_owned()),
        Just("null".to_owned()),
        text.prop_map(|text| serde_json::to_string(&text).unwrap()),
        any::<i64>().prop_map(|number| number.to_string()),
        (1..9i64).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        time,
        near.clone(),
        near.clone(),
        near,
    ]
}

larder_kit::engines! {
    fn no_line_keeps_the_others_from_being_imported(place: &Place) {
        let damaged =
            proptest::collection::vec((0..7usize, anything(), anything(), anything(), any::<u8>()), 1..12);
        many_times(place.engine(), 100, damaged, |place, lines| {
            let (db, clock) = (store(place), clock());
            let [a, _, c] = repositories(&db, ["a", "b", "c"]);
            let mut lines: Vec<String> = lines.into_iter().map(|(damage, first, second, third, byte)| {
                let mut line = match damage {
                    0..4 => format!(r#"{{"repository":"pantry/a","holder":"x","acquired_at":{first},"expires_at":{second}}}"#),
                    4 => format!(r#"{{"repository":{first},"holder":{second},"acquired_at":{third},"expires_at":{third},"token":{first}}}"#),
                    5 => format!(r#"{{"repository":"{a}","holder":{first},"acquired_at":"2026-01-31T08:30:00Z","expires_at":"2026-01-31T10:30:00Z","released_at":{second},"token":{third}}}"#),
                    _ => format!("[{first},{second},{third}]"),
                };
                if byte < 40 {
                    line.truncate((0..=usize::from(byte)).rev().find(|at| line.is_char_boundary(*at)).unwrap());
                }
                line.replace('\n', " ")
            }).collect();
            lines.push(line("pantry/c", "grace", -1, 2, ""));
            let imported = import(&db, &clock, &lines, false).unwrap();
            prop_assert!(imported.imported >= 1);
            prop_assert_eq!(lease(&db, c).unwrap().holder, "grace");
            prop_assert!(imported.bad.iter().all(|bad| bad.line <= lines.len() as u64));
            verified(&db);
            for lease in db.read(|tx| forge::list_leases(tx, None, 10)).unwrap() {
                prop_assert!(lease.acquired_at <= lease.expires_at && lease.token > 0);
            }
            Ok(())
        });
    }
}
