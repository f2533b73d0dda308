use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn texts_lose_their_secrets_and_keep_the_rest() {
    let redaction = Redaction::new();
    for (text, redacted) in [
        ("nothing to see: 3 of 4 done", "nothing to see: 3 of 4 done"),
        ("password=hunter2 user=ada", "password=*** user=ada"),
        ("password=\"a b\" user=ada", "password=\"***\" user=ada"),
        ("password='it''s' user=ada", "password='***' user=ada"),
        ("PASSWORD=a\\ b\"c d\"e run", "PASSWORD=*** run"),
        ("Authorization: Bearer abc def\nAccept: */*", "Authorization: ***\nAccept: */*"),
        ("authorization=Bearer abc\nx", "authorization=***\nx"),
        ("got Bearer abc.def, then 401", "got Bearer *** then 401"),
        ("sent Basic dXNlcjpwYXNz to it; basic things", "sent Basic *** to it; basic things"),
        ("API key: abc", "API key: ***"),
        ("password:/a/b", "password:***"),
        ("the token was wrong: retry", "the token was wrong: retry"),
        ("larder_stores::token::Kind", "larder_stores::token::Kind"),
        ("https://h/p?token=abc&page=2&Password=x#y", "https://h/p?token=***&page=2&Password=***"),
        ("https://h/?pass%77ord=x&a=1", "https://h/?pass%77ord=***&a=1"),
        ("https://h/?next=https%3A%2F%2Fu%3Apw%40g&a=1", "https://h/?next=***&a=1"),
        ("https://h/a%20b?c=%26", "https://h/a%20b?c=%26"),
        ("Server=h;Password=my pass;Database=d", "Server=h;Password=***;Database=d"),
        ("Server=h;Password=my pass", "Server=h;Password=***"),
        ("run --password hunter2 --jobs 4", "run --password *** --jobs 4"),
        ("run --password 'a b' --jobs 4", "run --password *** --jobs 4"),
        ("headers[\"Authorization\"] = \"x\", n = 1", "headers[\"Authorization\"] = \"***\", n = 1"),
        ("secrets[0]=x y", "secrets[0]=*** y"),
        ("{\"password\":\"a\\\"b\",\"n\":1}", "{\"n\":1,\"password\":\"***\"}"),
        ("got {\"password\":\"a\\\"b\",\"n\":1} back", "got {\"password\":\"***\",\"n\":1} back"),
        (
            "got {\\\"password\\\":\\\"ab\\\",\\\"n\\\":1} back",
            "got {\\\"password\\\":\\\"***\\\",\\\"n\\\":1} back",
        ),
        ("got {\"secrets\":{\"a\":\"}b\"},\"n\":1} back", "got {\"secrets\":{***},\"n\":1} back"),
        ("password: |\n  a\n  b\nuser: ada", "password: ***\nuser: ada"),
        ("tokens:\n- a\n- b\nuser: ada", "tokens:***\nuser: ada"),
        (
            "<a><db:password x=\"1\">a b</db:password><n>1</n></a>",
            "<a><db:password x=\"1\">***</db:password><n>1</n></a>",
        ),
        ("usage: push --tokens=<token> <file>", "usage: push --tokens=*** <file>"),
        ("say <token> and <file>", "say <token> and <file>"),
        ("ALTER ROLE ada PASSWORD 'a b' LOGIN", "ALTER ROLE ada PASSWORD *** LOGIN"),
        ("CREATE USER ada IDENTIFIED BY 'a b' REQUIRE SSL", "CREATE USER ada IDENTIFIED BY *** REQUIRE SSL"),
        ("create user ada identified by 'a b'", "create user ada identified by ***"),
        ("CREATE USER ada IDENTIFIED BY hunter2 QUOTA", "CREATE USER ada IDENTIFIED BY *** QUOTA"),
        (
            "ALTER USER ada IDENTIFIED WITH sha2 BY 'x' PASSWORD EXPIRE",
            "ALTER USER ada IDENTIFIED WITH sha2 BY *** PASSWORD EXPIRE",
        ),
        ("GRANT ALL TO ada IDENTIFIED BY PASSWORD 'x y'", "GRANT ALL TO ada IDENTIFIED BY *** ***"),
        ("a row is identified by its number", "a row is identified by its number"),
        ("SELECT a FROM t ORDER BY 'a' GROUP BY b", "SELECT a FROM t ORDER BY 'a' GROUP BY b"),
        ("IDENTIFIED as such, then sorted BY name", "IDENTIFIED as such, then sorted BY name"),
        ("STRIPE_KEY=abc OPENAI_KEY=def ./run", "STRIPE_KEY=*** OPENAI_KEY=*** ./run"),
        ("a table with PRIMARY KEY: id, FOREIGN KEY: b", "a table with PRIMARY KEY: id, FOREIGN KEY: b"),
        ("primary_key=id sort_key=b key=c", "primary_key=id sort_key=b key=c"),
        ("unlock --pin 1234 --pin-layout wide", "unlock --pin *** --pin-layout wide"),
        ("mail ada@db.org and user:pw@host", "mail ada@db.org and user:pw@host"),
        ("the password is wrong", "the password is wrong"),
        ("password:\n  a b\nuser: ada", "password:***\nuser: ada"),
        ("a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b", "a *** b"),
        ("used ghp_0123456789abcdefghij0123456789abcdef.", "used ***"),
        ("ran curl -u ada:pw https://h", "ran curl -u ada:*** https://h"),
        ("curl --user 'ada:p w' https://h", "curl --user 'ada:***' https://h"),
        ("curl --user=ada:pw -uada:pw h", "curl --user=ada:*** -uada:*** h"),
        ("docker run -u 1000:1000 a:b", "docker run -u 1000:1000 a:b"),
        ("sk_test_0123456789abcdef01234567", "***"),
        ("npm_config_user_agent=npm/10", "npm_config_user_agent=npm/10"),
        ("npm_0123456789abcdef0123456789abcdef0123", "***"),
        ("at src/token.rs:17:5: mismatched types", "at src/token.rs:17:5: mismatched types"),
        ("token.rs: 17 and token.py:x", "token.rs: ***"),
        ("loaded tokenizer: bpe, secretary=ada", "loaded tokenizer: bpe, secretary=ada"),
        ("", ""),
        ("password=", "password="),
        ("=:=:", "=:=:"),
    ] {
        assert_eq!(redaction.text(text), redacted, "{text}");
        assert_eq!(redaction.text(redacted), redacted);
    }
}

#[test]
fn arguments_lose_their_secrets_and_keep_the_rest() {
    let redaction = Redaction::new().with_key("p");
    for (args, redacted) in [
        (vec!["migrate", "--url", "pg://a:b@h"], vec!["migrate", "--url", "pg://a:***@h"]),
        (vec!["--password=a b=c", "x"], vec!["--password=***", "x"]),
        (vec!["--password", "--x", "y"], vec!["--password", "***", "y"]),
        (vec!["--token", "--password", "y"], vec!["--token", "***", "***"]),
        (vec!["--env=DB_PASSWORD=a b", "TOKEN=a b"], vec!["--env=DB_PASSWORD=***", "TOKEN=***"]),
        (vec!["config", "set", "aws_secret", "x", "y"], vec!["config", "set", "aws_secret", "***", "y"]),
        (vec!["-H", "Authorization: Bearer a b"], vec!["-H", "Authorization: ***"]),
        (vec!["--token", "mytoken", "file"], vec!["--token", "***", "file"]),
        (vec!["-p", "a", "path", "b"], vec!["-p", "***", "path", "b"]),
        (vec!["curl", "-u", "ada:p w", "h"], vec!["curl", "-u", "ada:***", "h"]),
        (vec!["curl", "--user=ada:pw", "-uada:pw"], vec!["curl", "--user=ada:***", "-uada:***"]),
        (vec!["run", "--user", "1000:1000"], vec!["run", "--user", "1000:1000"]),
        (
            vec!["login", "--password-stdin", "-u", "ada", "h"],
            vec!["login", "--password-stdin", "-u", "ada", "h"],
        ),
        (vec!["--pin", "1234", "--pat=abc", "x"], vec!["--pin", "***", "--pat=***", "x"]),
        (vec!["-e", "STRIPE_KEY=a b", "KEY=c"], vec!["-e", "STRIPE_KEY=***", "KEY=c"]),
        (vec!["-e", "CREATE USER a IDENTIFIED BY 'b c'"], vec!["-e", "CREATE USER a IDENTIFIED BY ***"]),
        (vec!["--no-password", "file"], vec!["--no-password", "file"]),
    ] {
        assert_eq!(redaction.args(&args), redacted);
    }
}

#[test]
fn json_loses_its_secrets_at_any_depth_and_keeps_its_shape() {
    let value = json!({
        "a": { "PASSWORD": ["x", { "y": "z" }], "n": 1, "pin_token": 1234, "token": null, "cookie": true },
        "pin": 1234, "pins": 4, "primary_key": "id", "gh_pat": "x",
        "env": [{ "name": "DB_PASSWORD", "value": "x" }, { "name": "HOME", "value": "/h" }],
        "headers": [["Authorization", "x"], ["Accept", "y"]],
        "run": ["mysql", "--password", "x", "db"],
        "text": "{\"token\":\"x\"}",
        "x://u:p@h": 1, "x://u:q@h": 2,
    });
    let expected = json!({
        "a": { "PASSWORD": "***", "n": 1, "pin_token": "***", "token": null, "cookie": true },
        "pin": "***", "pins": 4, "primary_key": "id", "gh_pat": "***",
        "env": [{ "name": "DB_PASSWORD", "value": "***" }, { "name": "HOME", "value": "/h" }],
        "headers": [["Authorization", "***"], ["Accept", "y"]],
        "run": ["mysql", "--password", "***", "db"],
        "text": "{\"token\":\"***\"}",
        "x://u:***@h": 1, "x://u:***@h+": 2,
    });
    assert_eq!(Redaction::new().value(&value), expected);
}

#[test]
fn a_field_that_stands_twice_hides_nothing() {
    let text = r#"{"a":"x://u:pw@h","a":1,"password":"pw","password":null}"#;
    assert!(!Redaction::new().text(text).contains("pw"), "{}", Redaction::new().text(text));
}

#[test]
fn what_is_too_deep_to_read_back_is_not_kept() {
    let mut value = json!("deep");
    for _ in 0..500 {
        value = json!([value]);
    }
    let text = Redaction::new().value(&value).to_string();
    assert!(!text.contains("deep") && serde_json::from_str::<Value>(&text).is_ok());
    let text = format!("%{}33", "25".repeat(1000));
    assert_eq!(Redaction::new().text(&text), REDACTED);
}

/// JSON without secrets and without keys that announce one.
fn plain() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z :=/@\"{}\\\\%-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn redacting_what_is_redacted_changes_nothing(value in plain(), text in "[ -~\n]{0,60}", odd in ".{0,40}") {
        let redaction = Redaction::new();
        let once = redaction.value(&value);
        prop_assert_eq!(&redaction.value(&once), &once);
        for text in [text.clone(), odd, format!("password{text}"), format!("x://{text}"), format!("--token {text}")] {
            let once = redaction.text(&text);
            prop_assert_eq!(redaction.text(&once), once);
        }
    }

    #[test]
    fn arguments_stay_when_redacted_again(args in prop::collection::vec("(--)?(token|a|b=c|x://u:p@h|API_KEY=1)", 0..6)) {
        let redaction = Redaction::new();
        let once = redaction.args(&args);
        prop_assert_eq!(redaction.args(&once), once);
    }
}
