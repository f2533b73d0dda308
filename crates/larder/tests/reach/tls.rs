//! `sslmode` means what libpq means by it, against a server with a certificate of a made authority.

use super::{is_encrypted, told};
use larder::ErrorKind;
use larder_kit::postgres::Cluster;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};

/// An authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate and its key.
    fn sign(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

const ACCESS: &str = "
local all all trust
hostssl all carol 127.0.0.1/32 cert
hostssl all bound 127.0.0.1/32 scram-sha-256
hostssl all only_tls 127.0.0.1/32 trust
hostnossl all only_plain 127.0.0.1/32 trust
host all postgres 127.0.0.1/32 trust
";

struct Scene {
    cluster: Cluster,
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::new("the authority");
        let (certificate, key) = authority.sign("localhost");
        let cluster = Cluster::with()
            .set("ssl", "on")
            .set("ssl_ca_file", "authority.crt")
            .file("server.crt", certificate.clone())
            .file("server.key", key)
            .file("authority.crt", authority.pem.clone())
            .access(ACCESS)
            .start();
        let mut client = cluster.client();
        client
            .batch_execute(
                "CREATE ROLE carol LOGIN; CREATE ROLE only_tls LOGIN; CREATE ROLE only_plain LOGIN;
                 CREATE ROLE bound LOGIN PASSWORD 'hunter2'",
            )
            .unwrap();
        let scene = Self { cluster, folder: tempfile::tempdir().unwrap(), authority };
        scene.file("root.crt", &scene.authority.pem);
        scene.file("server.crt", &certificate);
        scene
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        restrict(&file, 0o600);
        file
    }

    fn url(&self, user: &str, host: &str, rest: &str) -> String {
        let folder = self.folder.path().display().to_string();
        let rest = rest.replace('~', &folder);
        format!("postgres://{user}@{host}:{}/postgres?hostaddr=127.0.0.1&{rest}", self.cluster.port())
    }
}

#[cfg(unix)]
fn restrict(file: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn restrict(_: &Path, _: u32) {}

#[test]
fn each_mode_with_a_server_that_has_tls() {
    let scene = Scene::new();
    let encrypted = |rest: &str| is_encrypted(&scene.url("postgres", "localhost", rest));
    assert!(!encrypted("sslmode=disable"));
    assert!(!encrypted("sslmode=allow"));
    assert!(encrypted(""));
    assert!(encrypted("sslmode=prefer"));
    assert!(encrypted("sslmode=require"));
    assert!(encrypted("sslmode=verify-ca&sslrootcert=~/root.crt"));
    assert!(encrypted("sslmode=verify-full&sslrootcert=~/root.crt"));
    // A certificate that is named itself.
    assert!(encrypted("sslmode=verify-full&sslrootcert=~/server.crt"));
    // The rules of the server decide what a lenient mode ends with.
    assert!(is_encrypted(&scene.url("only_tls", "localhost", "sslmode=allow")));
    assert!(!is_encrypted(&scene.url("only_plain", "localhost", "sslmode=prefer")));
    let said = told(&scene.url("only_plain", "localhost", "sslmode=require"), ErrorKind::CannotOpen);
    assert!(said.contains("pg_hba.conf"), "{said}");
    let said = told(&scene.url("only_tls", "localhost", "sslmode=disable"), ErrorKind::CannotOpen);
    assert!(said.contains("no encryption"), "{said}");
    // On a socket's file nobody listens, and nothing is encrypted.
    assert!(!is_encrypted(&format!("{}?sslmode=require", scene.cluster.url())));
}

#[test]
fn a_certificate_that_is_not_trusted_is_refused_where_it_is_looked_at() {
    let scene = Scene::new();
    scene.file("other.crt", &Authority::new("another").pem);
    let url = |host: &str, rest: &str| scene.url("postgres", host, rest);
    for mode in ["require", "verify-ca", "verify-full"] {
        let said = told(
            &url("localhost", &format!("sslmode={mode}&sslrootcert=~/other.crt")),
            ErrorKind::CannotOpen,
        );
        assert!(
            said.contains("not the one that is trusted") && said.contains("sslrootcert=FILE"),
            "{mode}: {said}"
        );
    }
    // Lenient modes go on without.
    assert!(!is_encrypted(&url("localhost", "sslmode=prefer&sslrootcert=~/other.crt")));
    // Signed by the authority, for another name.
    for host in ["elsewhere.example", "127.0.0.1"] {
        assert!(is_encrypted(&url(host, "sslmode=verify-ca&sslrootcert=~/root.crt")));
        let said = told(&url(host, "sslmode=verify-full&sslrootcert=~/root.crt"), ErrorKind::CannotOpen);
        assert!(said.contains("is for another host"), "{said}");
    }
    // None of the system's authorities has signed it.
    let said = told(&url("localhost", "sslrootcert=system"), ErrorKind::CannotOpen);
    assert!(said.contains("not the one that is trusted"), "{said}");
    let said = told(&url("localhost", "sslmode=verify-full&sslrootcert=~/none.crt"), ErrorKind::Config);
    assert!(said.contains("none.crt can't be read"), "{said}");
}

#[test]
fn a_certificate_of_the_client_is_shown_where_it_is_asked_for() {
    let scene = Scene::new();
    let (certificate, key) = scene.authority.sign("carol");
    scene.file("carol.crt", &certificate);
    let key = scene.file("carol.key", &key);
    let with = "sslmode=verify-full&sslrootcert=~/root.crt&sslcert=~/carol.crt&sslkey=~/carol.key";
    assert!(is_encrypted(&scene.url("carol", "localhost", with)));
    told(&scene.url("carol", "localhost", "sslmode=require"), ErrorKind::CannotOpen);
    #[cfg(unix)]
    {
        restrict(&key, 0o644);
        let said = told(&scene.url("carol", "localhost", with), ErrorKind::Config);
        assert!(said.contains("can be read by others; run `chmod 0600"), "{said}");
    }
    let _ = key;
    // Of another authority: the server refuses it.
    let (certificate, key) = Authority::new("another").sign("carol");
    scene.file("carol.crt", &certificate);
    scene.file("carol.key", &key);
    let error = super::refusal(&scene.url("carol", "localhost", with));
    assert!(matches!(error.kind(), ErrorKind::CannotOpen | ErrorKind::Unavailable), "{error:?}");
}

#[test]
fn the_password_is_bound_to_the_session_where_there_is_tls() {
    let scene = Scene::new();
    assert!(is_encrypted(&scene.url(
        "bound:hunter2",
        "localhost",
        "channel_binding=require&sslmode=require"
    )));
    assert!(is_encrypted(&scene.url(
        "bound:hunter2",
        "localhost",
        "channel_binding=disable&sslmode=require"
    )));
    let said = told(
        &scene.url("postgres", "localhost", "channel_binding=require&sslmode=require"),
        ErrorKind::CannotOpen,
    );
    assert!(said.contains("channel binding"), "{said}");
    let said = told(&scene.url("bound:wrong", "localhost", "sslmode=require"), ErrorKind::CannotOpen);
    assert!(said.contains("password authentication failed"), "{said}");
}

#[test]
fn a_server_without_tls() {
    let cluster = Cluster::start();
    let url = |rest: &str| format!("{}?{rest}", cluster.tcp_url_of("postgres"));
    for mode in ["disable", "allow", "prefer"] {
        assert!(!is_encrypted(&url(&format!("sslmode={mode}"))));
    }
    let said = told(&url("sslmode=require"), ErrorKind::Unavailable);
    assert!(said.contains("the server has no TLS; switch it on there (`ssl = on`)"), "{said}");
}

#[test]
fn a_statement_is_stopped_and_much_goes_both_ways_through_tls() {
    let scene = Scene::new();
    let db = super::open(&scene.url("postgres", "localhost", "sslmode=require")).unwrap();
    super::cut::goes_both_ways(&db);
    super::cut::is_stopped(&scene.url("postgres", "localhost", "sslmode=require"));
}
