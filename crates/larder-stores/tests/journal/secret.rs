//! A secret that was planted anywhere in what is stored is nowhere in the files of the database.

use crate::database;
use crate::many::many_times;
use larder_kit::Place;
use larder_stores::Redaction;
use larder_stores::journal::{self, Ending, NewEntry, NewRun, NewStep};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const CASES: u32 = 600;

/// Letters in an order that nothing else has, with what makes it hard to tell where a secret ends.
fn secret() -> impl Strategy<Value = String> {
    ("[a-z]{3}", "[@:/?#%&=;,'\"{}\\[\\]\\\\ é😀*+-]{0,3}", "[a-z]{2}")
        .prop_map(|(a, odd, b)| format!("Zq{a}{odd}Qz{b}Zq"))
}

/// One that can stand in a URL, in a query, and at a shell's without quotes.
fn word() -> impl Strategy<Value = String> {
    ("[a-z]{3}", "[@:/?#%,é😀*+-]{0,3}", "[a-z]{2}").prop_map(|(a, odd, b)| format!("Zq{a}{odd}Qz{b}Zq"))
}

fn key() -> impl Strategy<Value = String> {
    let known = [
        "password",
        "PASSWD",
        "db_password",
        "githubToken",
        "api-key",
        "API_KEY",
        "Authorization",
        "cookie",
        "private_key",
        "client-secret",
        "AWS_ACCESS_KEY_ID",
        "pass",
        "ｐａｓｓｗｏｒｄ",
        "licence",
    ];
    prop::sample::select(known.to_vec()).prop_map(str::to_owned)
}

/// A text with the secret in it, in one of the forms in which it is known.
fn text() -> impl Strategy<Value = (String, String)> {
    let free = (secret(), key(), 0..4_u8).prop_map(|(secret, key, form)| {
        let text = match form {
            0 => format!("{key}: {}", secret),
            1 => json!({ "a": [{ &key: secret }] }).to_string(),
            2 => json!([json!({ &key: [1, { "b": secret }] }).to_string()]).to_string(),
            _ => format!("sent {} and got 401", json!({ &key: secret })),
        };
        (text, secret)
    });
    let tight = (word(), key(), 0..12_u8).prop_map(|(secret, key, form)| {
        let text = match form {
            0 => format!("see postgres://ada:{secret}@db/app now"),
            1 => format!("x://a@h y://b:{secret}@h https://{}@i/x", "user"),
            2 => format!("{key}={secret} rest"),
            3 => format!("run --{key} {secret} rest"),
            4 => format!("https://h/p?a=1&{key}={secret}&b=2"),
            5 => format!("Authorization: Bearer {secret}"),
            6 => format!("got Bearer {secret} back"),
            8 => format!("<{key}>{secret}</{key}>"),
            9 => format!("ada:{secret}@tcp(db)/app"),
            10 => format!("SET {key} '{secret}' now"),
            7 => format!("{key} = \"{secret}\", b = 2"),
            _ => format!("https://h/?next={}", percent(&format!("https://u:{secret}@g"))),
        };
        (text, secret)
    });
    prop_oneof![free, tight]
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// JSON with the secret at some depth: under a key, or in a text.
fn nested() -> impl Strategy<Value = (Value, String)> {
    let leaf = prop_oneof![
        (key(), secret(), 0..4_u8).prop_map(|(key, secret, form)| {
            let value = match form {
                0 => json!({ &key: &secret }),
                1 => json!({ "a": 1, &key: ["x", { "deep": [&secret] }] }),
                2 => json!([&key, &secret]),
                _ => json!({ "name": &key, "value": &secret }),
            };
            (value, secret)
        }),
        text().prop_map(|(text, secret)| (json!(text), secret)),
    ];
    (leaf, prop::collection::vec((any::<bool>(), "[a-z]{1,5}"), 0..6)).prop_map(
        |((value, secret), around)| {
            let value = around.into_iter().fold(value, |inner, (is_list, key)| {
                if is_list { json!([1, inner, "x"]) } else { json!({ key: inner, "n": null }) }
            });
            (value, secret)
        },
    )
}

/// The secret as it is, and as JSON, an URL and a hash could have it.
fn holds(place: &Place, secret: &str) -> bool {
    let escaped = json!(secret).to_string();
    let forms = [secret.to_owned(), escaped.trim_matches('"').to_owned(), percent(secret)];
    // Its beginning and its end too: half a secret is one.
    let halves = [&secret[..5], &secret[secret.len() - 6..]];
    let everything = if place.is_postgres() { values(place) } else { files(place.folder()) };
    everything.iter().any(|bytes| {
        let has = |part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
        forms.iter().any(|form| has(form)) || halves.iter().any(|half| has(half))
    })
}

/// The files of the database. The `-shm` holds no rows, and reading it would take SQLite's locks off it.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_none_or(|end| end != "db-shm"))
        .map(|path| fs::read(path).unwrap())
        .collect()
}

/// Every value of every column of every table that is not the server's own, as text.
fn values(place: &Place) -> Vec<Vec<u8>> {
    let mut client = place.client();
    let columns = "SELECT format('SELECT %I::text FROM %I.%I', column_name, table_schema, table_name)
        FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    let mut values = Vec::new();
    for column in client.query(columns, &[]).unwrap() {
        for row in client.query(column.get::<_, &str>(0), &[]).unwrap() {
            values.extend(row.get::<_, Option<String>>(0).map(String::into_bytes));
        }
    }
    assert!(values.len() > 10, "there were no rows to look at");
    values
}

larder_kit::engines! {
    fn no_secret_is_in_the_bytes_of_what_is_stored(place: &Place) {
        let inputs = (nested(), text(), (key(), secret()), any::<bool>());
        many_times(place.engine(), 40, inputs, |place, ((value, first), (text, second), (option, third), joined)| {
            let redaction = &Redaction::new().with_key("licence");
            let db = database(place);
            let mut args = vec!["run".to_owned(), text.clone()];
            args.extend(if joined { vec![format!("--{option}={third}")] } else { vec![format!("--{option}"), third.clone()] });
            args.push(value.to_string());
            db.write(|tx| {
                let new = NewRun { args: &args, config: Some(&value), actor: Some(&text), git_sha: Some(&text), redaction, ..NewRun::default() };
                let run = journal::start_run(tx, new)?;
                let step = journal::start_step(tx, NewStep { run_id: &run.run_id, name: &text, redaction, ..NewStep::default() })?;
                journal::finish_step(tx, &step.step_id, Ending::failed(&text).redacted_by(redaction), &value)?;
                let entry = NewEntry { message: Some(&text), data: Some(&value), scope: &text, event: &text, redaction, ..NewEntry::default() };
                journal::log(tx, entry)?;
                journal::log_many(tx, [entry, entry])?;
                journal::finish_run(tx, &run.run_id, Ending::failed(&text).redacted_by(redaction))
            })
            .unwrap();
            for secret in [&first, &second, &third] {
                prop_assert!(!holds(place, secret), "{secret}\n{value}\n{text}\n{args:?}");
            }
            db.close().unwrap();
            for secret in [&first, &second, &third] {
                prop_assert!(!holds(place, secret), "{secret}\n{value}\n{text}\n{args:?}");
            }
            Ok(())
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    /// The same without a database, which allows for many more.
    #[test]
    fn no_secret_is_left_and_redacting_again_changes_nothing((value, first) in nested(), (text, second) in text()) {
        let redaction = Redaction::new().with_key("licence");
        let (value, text) = (redaction.value(&value), redaction.text(&text));
        for (shown, secret) in [(value.to_string(), first), (text.clone(), second)] {
            for part in [&secret[..5], &secret[secret.len() - 6..]] {
                prop_assert!(!shown.contains(part), "{secret}\n{shown}");
            }
        }
        prop_assert_eq!(redaction.value(&value), value);
        prop_assert_eq!(redaction.text(&text), text);
    }
}

larder_kit::engines! {
    fn a_secret_that_is_not_redacted_is_found_by_the_same_look(place: &Place) {
        let db = database(place);
        let args = ["ZqabcQzdeZq".to_owned()];
        db.write(|tx| journal::start_run(tx, NewRun { args: &args, ..NewRun::default() })).unwrap();
        assert!(holds(place, "ZqabcQzdeZq"), "also with a -wal beside it");
        db.close().unwrap();
        assert!(holds(place, "ZqabcQzdeZq"));
    }
}
