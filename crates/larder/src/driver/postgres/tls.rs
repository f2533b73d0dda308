//! TLS as libpq means it, by `rustls`: which certificates are believed, which are shown, and the session on a socket.

use super::place::{Host, HostName, Root, SslMode, TlsWish, own};
use super::socket::Address;
use super::wire::Line;
use crate::error::{Error, ErrorKind, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use sha2::Digest as _;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a place asks of TLS, read from its files.
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    checks_name: bool,
}

impl Tls {
    /// Reads the certificates.
    pub(super) fn new(wish: &TlsWish) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = trust(wish)?;
        let checks_name = wish.mode == SslMode::VerifyFull;
        let verifier = Arc::new(Verifier { trust, checks_name, provider: Arc::clone(&provider) });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("TLS can't be set up", error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match identity(wish)? {
            Some((certificates, key)) => builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| unusable("the client's certificate and its key can't be used", error))?,
            None => builder.with_no_client_auth(),
        };
        if wish.direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(Self { config: Arc::new(config), checks_name })
    }

    /// Begins a session with the server behind `line`, to the end of the handshake.
    pub(super) fn begin(
        &self,
        host: &Host,
        address: &Address,
        line: &mut (impl io::Read + io::Write),
    ) -> io::Result<Session> {
        let name = self.name(host, address)?;
        let mut tls = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        while tls.is_handshaking() || tls.wants_write() {
            while tls.wants_write() {
                tls.write_tls(line)?;
            }
            if !tls.is_handshaking() {
                break;
            }
            if tls.read_tls(line)? == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the server hung up on the TLS handshake",
                ));
            }
            if let Err(error) = tls.process_new_packets() {
                // The alert that says why.
                while tls.wants_write() && tls.write_tls(line).is_ok() {}
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
        Ok(Session { tls })
    }

    fn name(&self, host: &Host, address: &Address) -> io::Result<ServerName<'static>> {
        if let HostName::Name(name) = &host.name
            && let Ok(name) = ServerName::try_from(name.clone())
        {
            return Ok(name);
        }
        match address {
            // A name that no certificate can hold, where none is compared.
            Address::Tcp(address) if !self.checks_name => Ok(ServerName::IpAddress(address.ip().into())),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "sslmode=verify-full needs the name of the host, to compare it with the certificate",
            )),
        }
    }
}

/// The TLS session of one connection.
pub(super) struct Session {
    tls: ClientConnection,
}

impl Session {
    pub(super) fn receive(&mut self, line: &mut Line, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            self.take_record(line)?;
        }
    }

    /// True when something lies there to be received.
    pub(super) fn has_input(&mut self) -> io::Result<bool> {
        let state = self.tls.process_new_packets();
        Ok(state
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
            .plaintext_bytes_to_read()
            > 0)
    }

    /// Takes what has arrived, which may be less than a record, or one that is none of ours; false at the end.
    pub(super) fn take_record(&mut self, line: &mut Line) -> io::Result<bool> {
        let count = self.tls.read_tls(line)?;
        if let Err(error) = self.tls.process_new_packets() {
            let _ = self.flush(line);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(count > 0)
    }

    pub(super) fn write(&mut self, line: &mut Line, bytes: &[u8]) -> io::Result<usize> {
        let count = self.tls.writer().write(bytes)?;
        if count > 0 || bytes.is_empty() {
            return Ok(count);
        }
        // Its buffer is full: something has to go out first.
        self.flush(line)?;
        self.tls.writer().write(bytes)
    }

    pub(super) fn flush(&mut self, line: &mut Line) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(line)?;
        }
        Ok(())
    }

    pub(super) fn close(&mut self, line: &mut Line) {
        self.tls.send_close_notify();
        let _ = self.flush(line);
    }

    /// The hash of the server's certificate that SCRAM binds itself to (RFC 5929, `tls-server-end-point`).
    pub(super) fn end_point(&self) -> Option<Vec<u8>> {
        let certificate: &[u8] = self.tls.peer_certificates()?.first()?;
        match signature_algorithm(certificate)? {
            SHA384_RSA | SHA384_ECDSA => Some(sha2::Sha384::digest(certificate).to_vec()),
            SHA512_RSA | SHA512_ECDSA => Some(sha2::Sha512::digest(certificate).to_vec()),
            // MD5 and SHA-1 count as SHA-256 here.
            SHA256_RSA | SHA256_ECDSA | SHA1_RSA | SHA1_ECDSA | MD5_RSA => {
                Some(sha2::Sha256::digest(certificate).to_vec())
            }
            // One whose hash is no part of its name, as Ed25519: for these there is no such binding.
            _ => None,
        }
    }
}

const MD5_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4];
const SHA1_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
const SHA256_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const SHA384_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
const SHA512_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
const SHA1_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1];
const SHA256_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const SHA384_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
const SHA512_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];

/// The name of the algorithm that a certificate is signed with: behind the signed part stands a sequence that begins with it.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT: u8 = 0x06;
    let (whole, _) = element(certificate, SEQUENCE)?;
    let (_, rest) = element(whole, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    Some(element(algorithm, OBJECT)?.0)
}

/// The content of the element that `der` begins with, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (length, mut rest) = rest.split_first()?;
    let mut size = usize::from(*length);
    if *length >= 0x80 {
        let digits = usize::from(length & 0x7f);
        if digits == 0 || digits > 4 {
            return None;
        }
        let (long, behind) = rest.split_at_checked(digits)?;
        size = long.iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
        rest = behind;
    }
    if *found == tag { rest.split_at_checked(size) } else { None }
}

/// Which certificates of servers are believed.
#[derive(Debug)]
struct Trust {
    roots: RootCertStore,
    /// The roots as they were given. A server that shows one of these itself is the one that was meant.
    given: Vec<CertificateDer<'static>>,
}

/// Where a root certificate is there, it is used whatever the mode, as libpq does.
fn trust(wish: &TlsWish) -> Result<Option<Trust>> {
    let file = match &wish.root {
        Root::System => return system().map(Some),
        Root::File(file) => Some(file.clone()),
        Root::Own => {
            own(wish.home.as_deref(), ".postgresql/root.crt", "root.crt").filter(|file| file.exists())
        }
    };
    match file {
        Some(file) if wish.root == Root::Own || file.exists() || wish.mode >= SslMode::Require => {
            let given = certificates(&file, "the root certificate")?;
            let mut roots = RootCertStore::empty();
            for certificate in &given {
                roots.add(certificate.clone()).map_err(|error| {
                    unusable(&format!("a root certificate in {} can't be used", file.display()), error)
                })?;
            }
            Ok(Some(Trust { roots, given }))
        }
        None if wish.mode >= SslMode::VerifyCa => Err(Error::new(
            ErrorKind::Config,
            "there is no root certificate to verify the server's certificate with",
        )
        .with_help("give the authority's certificate as `sslrootcert=FILE` (or put it into ~/.postgresql/root.crt), or write `sslrootcert=system`")),
        _ => Ok(None),
    }
}

fn system() -> Result<Trust> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let mut error = Error::new(ErrorKind::Config, "the system has no certificates that it trusts")
            .with_help(
                "install them (on Debian: `apt install ca-certificates`), or name one: `sslrootcert=FILE`",
            );
        if let Some(cause) = found.errors.into_iter().next() {
            error = error.with_cause(cause);
        }
        return Err(error);
    }
    Ok(Trust { roots, given: Vec::new() })
}

fn certificates(file: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>();
    let found =
        read().map_err(|error| unusable(&format!("{what} in {} can't be read", file.display()), error))?;
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Config, format!("there is no certificate in {}", file.display()))
            .with_help("it must be a PEM file, with lines `-----BEGIN CERTIFICATE-----`"));
    }
    Ok(found)
}

/// The certificate that this client shows where the server asks for one, and its key.
fn identity(wish: &TlsWish) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
    let home = wish.home.as_deref();
    let certificate = match &wish.certificate {
        Some(file) => file.clone(),
        None => {
            match own(home, ".postgresql/postgresql.crt", "postgresql.crt").filter(|file| file.exists()) {
                Some(file) => file,
                None => return Ok(None),
            }
        }
    };
    let key = wish.key.clone().or_else(|| own(home, ".postgresql/postgresql.key", "postgresql.key"));
    let key: PathBuf = key.ok_or_else(|| {
        Error::new(ErrorKind::Config, "the client's certificate has no key")
            .with_help("name it: `sslkey=FILE`")
    })?;
    let shown = certificates(&certificate, "the client's certificate")?;
    check_private(&key)?;
    let secret = PrivateKeyDer::from_pem_file(&key).map_err(|error| {
        unusable(&format!("the key in {} can't be read", key.display()), error).with_help(
            "it must be a PEM file without a password: `openssl pkey -in OLD -out NEW` takes it away",
        )
    })?;
    Ok(Some((shown, secret)))
}

/// The rule of libpq: nobody else may read the key; root's own may be read by its group.
#[cfg(unix)]
fn check_private(key: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(key).map_err(|error| {
        Error::new(ErrorKind::Config, format!("the key {} can't be read", key.display())).with_cause(error)
    })?;
    let forbidden = if found.uid() == 0 { 0o037 } else { 0o077 };
    if found.mode() & forbidden == 0 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("the key {} can be read by others", key.display()))
        .with_help(format!("run `chmod 0600 {}`", key.display())))
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<()> {
    Ok(())
}

fn unusable(what: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Config, what).with_cause(cause)
}

#[derive(Debug)]
struct Verifier {
    /// `None`: any certificate will do.
    trust: Option<Trust>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        let parsed = ParsedCertificate::try_from(end_entity)?;
        // One that signs itself is no authority for others, and would be refused as its own: here it was named itself.
        if !trust.given.iter().any(|given| given == end_entity) {
            verify_server_cert_signed_by_trust_anchor(
                &parsed,
                &trust.roots,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )?;
        }
        if self.checks_name {
            verify_server_name(&parsed, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What to do about a handshake that failed.
pub(super) fn help(error: &io::Error) -> Option<&'static str> {
    let cause = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match cause {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "the certificate is for another host: use the name that it holds (as a subjectAltName), or `sslmode=verify-ca`"
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "name the certificate of the authority that signed the server's: `sslrootcert=FILE`"
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "have the server's certificate renewed",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(mode: &str, home: &Path) -> TlsWish {
        let url = format!("postgres://u@h/d?sslmode={mode}");
        let place = super::super::place::Place::parse(&url).unwrap();
        TlsWish { home: Some(home.to_owned()), root: Root::Own, ..place.tls }
    }

    #[test]
    fn a_root_certificate_in_the_users_folder_is_used_whatever_the_mode() {
        let home = tempfile::tempdir().unwrap();
        assert!(trust(&wish("require", home.path())).unwrap().is_none());
        let error = trust(&wish("verify-ca", home.path())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let file = home.path().join(".postgresql");
        std::fs::create_dir(&file).unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(file.join("root.crt"), made.cert.pem()).unwrap();
        for mode in ["prefer", "require", "verify-full"] {
            assert_eq!(trust(&wish(mode, home.path())).unwrap().unwrap().given.len(), 1);
        }
        std::fs::write(file.join("root.crt"), "no certificate").unwrap();
        let error = trust(&wish("prefer", home.path())).unwrap_err();
        assert!(error.to_string().contains("there is no certificate in"), "{error}");
    }

    #[test]
    fn the_algorithm_that_signed_a_certificate_is_found_in_it() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let der = made.cert.der();
        assert_eq!(signature_algorithm(der), Some(SHA256_ECDSA));
        for length in 0..der.len() {
            assert!(signature_algorithm(&der[..length]).is_none() || length > der.len() / 2);
        }
        assert_eq!(element(&[0x30, 0x85, 1, 1, 1, 1, 1], 0x30), None);
        assert_eq!(element(&[0x30, 0x82, 0xff], 0x30), None);
    }
}
