//! URLs, the environment, and the files beside it.

use super::*;

fn place(url: &str, variables: &[(&str, &str)], home: Option<&Path>) -> Result<Place> {
    Place::within(
        url,
        &Around {
            variable: &|name| variables.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned()),
            home: home.map(Path::to_owned),
            program: Some("prog".to_owned()),
            user: &|| Some("os".to_owned()),
        },
    )
}

fn alone(url: &str) -> Place {
    place(url, &[], None).unwrap()
}

fn fails(url: &str) -> String {
    let error = place(url, &[], None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    error.to_string()
}

#[test]
fn a_url_in_full() {
    let place = alone(
        "postgresql://al%40ice:p%3aw%2F@db1:1111,db2,[::1]:3333/sh%20op?application_name=a%26b&sslmode=require",
    );
    assert_eq!(place.to_string(), "postgres://al@ice@db1:1111,db2:5432,[::1]:3333/sh op");
    assert_eq!(place.hosts[0].password.as_deref(), Some("p:w/"));
    assert_eq!(place.application_name, "a&b");
    assert_eq!(place.tls.mode, SslMode::Require);
    assert_eq!(place.hosts[2].name, HostName::Name("::1".into()));
}

#[test]
fn the_defaults_are_those_of_libpq() {
    let place = alone("postgres://");
    assert_eq!(place.to_string(), "postgres://os@localhost:5432/os");
    assert_eq!(place.hosts[0].name, HostName::Here);
    assert_eq!((place.tls.mode, place.session), (SslMode::Prefer, Session::Any));
    assert_eq!(place.application_name, "prog");
    assert!(place.prepared_statements && place.alive.on && !place.shuffled);
    assert_eq!(alone("postgres://alice@").database, "alice");
    assert_eq!(alone("postgres:///shop").to_string(), "postgres://os@localhost:5432/shop");
    assert_eq!(alone("postgres://db?dbname=x&user=u&port=7").to_string(), "postgres://u@db:7/x");
}

#[test]
fn a_folder_of_sockets_in_the_host_or_as_a_parameter() {
    let folder = HostName::Folder("/var/run/pg".into());
    assert_eq!(alone("postgres://u@%2Fvar%2Frun%2Fpg:5/db").hosts[0].name, folder);
    assert_eq!(alone("postgres:///db?host=/var/run/pg").hosts[0].name, folder);
}

#[test]
fn the_environment_fills_what_the_url_leaves_open() {
    let variables = [
        ("PGHOST", "h1,h2"),
        ("PGPORT", "6000"),
        ("PGUSER", "eve"),
        ("PGPASSWORD", "secret"),
        ("PGDATABASE", "d"),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", "/ca.pem"),
        ("PGCONNECT_TIMEOUT", "7"),
        ("PGAPPNAME", "app"),
        ("PGOPTIONS", "-c geqo=off"),
        ("PGTARGETSESSIONATTRS", "read-write"),
    ];
    let place_ = place("postgres://", &variables, None).unwrap();
    assert_eq!(place_.to_string(), "postgres://eve@h1:6000,h2:6000/d");
    assert_eq!(place_.hosts[1].password.as_deref(), Some("secret"));
    assert_eq!(
        (place_.tls.mode, place_.tls.root.clone()),
        (SslMode::VerifyFull, Root::File("/ca.pem".into()))
    );
    assert_eq!(place_.connect_timeout, Some(Duration::from_secs(7)));
    assert_eq!((&*place_.application_name, place_.options.as_deref()), ("app", Some("-c geqo=off")));
    assert_eq!(place_.session, Session::ReadWrite);
    let place_ = place("postgres://u@h/x?sslmode=disable&connect_timeout=0", &variables, None).unwrap();
    assert_eq!((place_.to_string(), place_.tls.mode), ("postgres://u@h:6000/x".into(), SslMode::Disable));
    assert_eq!(place_.connect_timeout, None);
    let place_ = place("postgres://", &[("PGHOSTADDR", "127.0.0.1")], None).unwrap();
    assert_eq!(place_.to_string(), "postgres://os@127.0.0.1:5432/os");
}

#[test]
fn no_text_of_it_holds_the_password() {
    let place = alone("postgres://u:hunter2@h/db?password=hunter2");
    assert!(!format!("{place} {place:?} {:?}", place.tls).contains("hunter2"));
    for url in [
        "postgres://u:hunter2@h:x/db",
        "postgres://u:hunter2%@h/db",
        "postgres://u:hunter2@h/db?nonsense",
        "postgres://u:hunter2@[h/db",
    ] {
        assert!(!fails(url).contains("hunter2"), "{}", fails(url));
    }
    // Not encoded as it should be: what follows the last `@` is the host, and the password keeps the rest.
    assert_eq!(alone("postgres://u:p@ss@h/db").hosts[0].password.as_deref(), Some("p@ss"));
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(
        fails("postgres://h/?sslmod=require"),
        "the URL has a parameter `sslmod`, which is not known; did you mean `sslmode`?"
    );
    assert!(fails("postgres://h/?frobnicate=1").contains("known are host, hostaddr,"));
    assert_eq!(
        fails("postgres://h/?sslmode=on"),
        "sslmode is `on`, which is none of its values; it can be disable, allow, prefer, require, verify-ca, verify-full"
    );
    assert_eq!(
        fails("postgres://a:1,b:2,c/?port=1,2"),
        "there are 3 hosts and 2 ports; give one port for all of them, or one for each"
    );
    assert_eq!(fails("postgres://a:99999"), "`99999` is no port; it is a number from 1 to 65535");
    assert_eq!(
        fails("postgres://a/?connect_timeout=soon"),
        "connect_timeout is `soon` and must be a whole number"
    );
    assert!(fails("postgres://a/?sslrootcert=system&sslmode=require").contains("verify-full"));
    assert!(fails("postgres:h").contains("must begin with"));
    assert!(fails("postgres://a/b%zz").contains("hexadecimal"));
    assert!(fails("postgres://a/b%00").contains("%00"));
    assert!(fails("postgres://a/?service=none").contains("there is no service `none`"));
}

#[test]
fn a_system_root_asks_for_everything_to_be_verified() {
    let place = alone("postgres://a/?sslrootcert=system");
    assert_eq!((place.tls.mode, place.tls.root), (SslMode::VerifyFull, Root::System));
}

#[test]
#[cfg(unix)]
fn passwords_come_from_a_file_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".pgpass");
    let text = "# a comment\nh1:5432:shop:alice:one\nh\\:2:*:*:al\\\\ice:t\\:wo\n*:7:*:*:three\nlocalhost:*:*:*:four\n*:*:\\*:*:no\n";
    std::fs::write(&file, text).unwrap();
    let set = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    let find = |url| place(url, &[], Some(home.path())).unwrap().hosts.remove(0).password;
    set(0o600);
    assert_eq!(find("postgres://alice@h1/shop").as_deref(), Some("one"));
    assert_eq!(find("postgres://bob@h1/shop"), None);
    assert_eq!(find("postgres://al%5cice@h%3a2:9/shop").as_deref(), Some("t:wo"));
    assert_eq!(find("postgres://x@any:7/y").as_deref(), Some("three"));
    assert_eq!(find("postgres://x@/y").as_deref(), Some("four"));
    assert_eq!(find("postgres://x@%2Ftmp/y").as_deref(), Some("four"));
    assert_eq!(find("postgres://x:given@any:7/y").as_deref(), Some("given"));
    let each = place("postgres://alice@h1,any:7/shop", &[], Some(home.path())).unwrap().hosts;
    assert_eq!(
        each.iter().map(|host| host.password.as_deref()).collect::<Vec<_>>(),
        [Some("one"), Some("three")]
    );
    set(0o640);
    assert_eq!(find("postgres://alice@h1/shop"), None);
    let passfile = home.path().join("other");
    std::fs::write(&passfile, "*:*:*:*:other").unwrap();
    std::fs::set_permissions(&passfile, std::fs::Permissions::from_mode(0o600)).unwrap();
    let variables = [("PGPASSFILE", passfile.to_str().unwrap())];
    assert_eq!(place("postgres://h", &variables, None).unwrap().hosts[0].password.as_deref(), Some("other"));
}

#[test]
fn a_service_stands_between_the_url_and_the_environment() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join(".pg_service.conf"),
        "[other]\nhost=no\n\n[shop]\n# where\nhost=service.example\nuser = sue\nport=7\n",
    )
    .unwrap();
    let file = home.path().join(".pg_service.conf");
    let variables = [
        ("PGSERVICE", "shop"),
        ("PGSERVICEFILE", file.to_str().unwrap()),
        ("PGUSER", "env"),
        ("PGDATABASE", "envdb"),
    ];
    let place_ = place("postgres://:9/", &variables, None).unwrap();
    assert_eq!(place_.to_string(), "postgres://sue@service.example:9/envdb");
    assert_eq!(place("postgres://?service=none", &variables, None).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn another_database_of_the_same_server_and_what_other_programs_are_told() {
    let place = alone("postgres://u:pw@h1,h2:2/db?sslmode=require&keepalives=0");
    let other = place.with_database("side");
    assert_eq!(other.to_string(), "postgres://u@h1:5432,h2:2/side");
    assert_eq!(
        other.variables(),
        [
            ("PGHOST", "h1,h2"),
            ("PGPORT", ",2"),
            ("PGPASSWORD", "pw"),
            ("PGSSLMODE", "require"),
            ("PGUSER", "u"),
            ("PGDATABASE", "side"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    );
}
