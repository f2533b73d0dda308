//! Where a PostgreSQL database is: the URL, and what the environment adds where the URL is silent, as libpq has it.

mod file;
mod parameter;
#[cfg(test)]
mod test;
mod url;

pub(super) use file::own;

use crate::error::{Error, ErrorKind, Result};
use file::Passwords;
use parameter::Parameters;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a PostgreSQL database is, and as whom to ask for it.
///
/// What the URL does not say comes from the service file (`service`, `PGSERVICE`), then from libpq's variables of the
/// environment (`PGHOST`, `PGUSER`, `PGPASSWORD`, …), the password also from `~/.pgpass`, and then from libpq's defaults: the
/// user of the operating system, a database of the user's name, the server of this machine.
///
/// Not as libpq: without `connect_timeout` a host has 10 seconds to answer (0 waits for ever), and a dead server is noticed
/// within about a minute (`keepalives_idle=30`, `keepalives_interval=10`, `keepalives_count=3`, `tcp_user_timeout=60000`).
/// `prepared_statements=false` is Larder's own, for poolers that do not keep them.
#[derive(Clone)]
pub struct Place {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    pub(super) tls: TlsWish,
    pub(super) session: Session,
    pub(super) shuffled: bool,
    /// How long one address has until the session stands; for ever if `None`.
    pub(super) connect_timeout: Option<Duration>,
    pub(super) alive: Alive,
    /// Whether statements may be kept prepared by a name on the server.
    pub(super) prepared_statements: bool,
    parameters: Parameters,
}

/// One of the servers to try.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) name: HostName,
    /// The address to use instead of looking the name up.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) password: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostName {
    /// Nobody named one: the server of this machine.
    Here,
    /// A folder with the server's socket.
    Folder(PathBuf),
    /// A name, or an address as text.
    Name(String),
}

/// What is asked of TLS.
#[derive(Clone, Debug)]
pub(super) struct TlsWish {
    pub(super) mode: SslMode,
    pub(super) root: Root,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    /// Begin with TLS at once, without asking the server whether it has it.
    pub(super) direct: bool,
    pub(super) binding: ChannelBinding,
    /// Where the user's own certificates are looked for.
    pub(super) home: Option<PathBuf>,
}

/// `channel_binding`: whether the proof of a password is bound to the TLS session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// `sslmode`, with libpq's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// `sslrootcert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// `~/.postgresql/root.crt`, where it is there.
    Own,
    /// The certificates that the system trusts.
    System,
    File(PathBuf),
}

/// `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// How a dead server is noticed.
#[derive(Clone, Debug)]
pub(super) struct Alive {
    pub(super) on: bool,
    pub(super) idle: Duration,
    pub(super) interval: Duration,
    pub(super) count: u32,
    /// How long what was sent may stay without a receipt.
    pub(super) unanswered: Duration,
}

/// What is around the process, so that a test can bring its own.
struct Around<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    home: Option<PathBuf>,
    program: Option<String>,
    user: &'a dyn Fn() -> Option<String>,
}

impl Place {
    /// The place that a URL names, completed from the environment.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a URL that can't be used, a parameter that is not known, or a value that is none of its
    /// parameter's.
    pub fn parse(url: &str) -> Result<Self> {
        let program = std::env::args_os().next().map(PathBuf::from);
        Self::within(
            url,
            &Around {
                variable: &|name| std::env::var(name).ok(),
                home: etcetera::home_dir().ok(),
                program: program.and_then(|path| Some(path.file_stem()?.to_string_lossy().into_owned())),
                user: &|| whoami::username().ok(),
            },
        )
    }

    fn within(url: &str, around: &Around<'_>) -> Result<Self> {
        let mut said = url::parameters(url)?;
        let service = said.get("service").map(str::to_owned).or_else(|| (around.variable)("PGSERVICE"));
        if let Some(service) = service.filter(|name| !name.is_empty()) {
            let file =
                said.get("servicefile").map(str::to_owned).or_else(|| (around.variable)("PGSERVICEFILE"));
            let system =
                (around.variable)("PGSYSCONFDIR").unwrap_or_else(|| "/etc/postgresql-common".to_owned());
            file::service(
                &mut said,
                &service,
                file.as_deref().filter(|file| !file.is_empty()).map(Path::new),
                around.home.as_deref(),
                Some(Path::new(&system)),
            )?;
        }
        said.fill_from(around.variable);
        refuse_what_is_not_done(&said)?;

        let user = said.get("user").map(str::to_owned).or_else(|| (around.user)()).ok_or_else(|| {
            Error::new(ErrorKind::Config, "nobody says as which user to connect")
                .with_help("name it in the URL: `postgres://user@host/database`")
        })?;
        let database = said.get("dbname").unwrap_or(&user).to_owned();
        let mut place = Self {
            hosts: hosts(&said)?,
            user,
            database,
            options: said.get("options").map(str::to_owned),
            application_name: application_name(&said, around.program.as_deref()),
            tls: tls(&said, around.home.clone())?,
            session: said.word(
                "target_session_attrs",
                Session::Any,
                &[
                    ("any", Session::Any),
                    ("read-write", Session::ReadWrite),
                    ("read-only", Session::ReadOnly),
                    ("primary", Session::Primary),
                    ("standby", Session::Standby),
                    ("prefer-standby", Session::PreferStandby),
                ],
            )?,
            shuffled: said.word("load_balance_hosts", false, &[("disable", false), ("random", true)])?,
            connect_timeout: connect_timeout(&said)?,
            alive: alive(&said)?,
            prepared_statements: said.word(
                "prepared_statements",
                true,
                &[("true", true), ("false", false), ("on", true), ("off", false)],
            )?,
            parameters: said,
        };
        place.find_passwords(around.home.as_deref());
        Ok(place)
    }

    /// The same server, as the same user, with another database.
    #[must_use]
    pub fn with_database(&self, name: impl Into<String>) -> Self {
        let mut place = self.clone();
        place.database = name.into();
        place
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The variables of the environment that make a program of PostgreSQL's own (`pg_dump`, `psql`) connect to the same
    /// place, **the password among them**: to be given to such a program and shown to nobody.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&'static str, String)> = self
            .parameters
            .variables()
            .filter(|(name, _)| !matches!(*name, "PGUSER" | "PGDATABASE" | "PGSERVICE" | "PGSERVICEFILE"))
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        all.push(("PGUSER", self.user.clone()));
        all.push(("PGDATABASE", self.database.clone()));
        all
    }

    fn find_passwords(&mut self, home: Option<&Path>) {
        if let Some(password) = self.parameters.get("password") {
            for host in &mut self.hosts {
                host.password = Some(password.to_owned());
            }
            return;
        }
        let file = match self.parameters.get("passfile") {
            Some(file) => Some(PathBuf::from(file)),
            None => own(home, ".pgpass", "pgpass.conf"),
        };
        let passwords = Passwords::read(file.as_deref());
        for host in &mut self.hosts {
            let name = match &host.name {
                HostName::Here => "localhost".to_owned(),
                HostName::Folder(folder) if is_standard(folder) => "localhost".to_owned(),
                HostName::Folder(folder) => folder.display().to_string(),
                HostName::Name(name) if name.is_empty() => {
                    host.address.map(|address| address.to_string()).unwrap_or_default()
                }
                HostName::Name(name) => name.clone(),
            };
            host.password = passwords.find(&name, host.port, &self.database, &self.user);
        }
    }
}

/// The folders in which a server of this machine has its socket.
pub(super) const STANDARD_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

fn is_standard(folder: &Path) -> bool {
    STANDARD_FOLDERS.iter().any(|standard| folder == Path::new(standard))
}

fn hosts(said: &Parameters) -> Result<Vec<Host>> {
    let list = |name| {
        said.get(name).map(|list| list.split(',').map(str::trim).collect::<Vec<_>>()).unwrap_or_default()
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = names.len().max(addresses.len()).max(1);
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("there are {} hosts and {} addresses in `hostaddr`", names.len(), addresses.len()),
        )
        .with_help("give each host an address, or leave `hostaddr` out"));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(Error::new(
            ErrorKind::Config,
            format!("there are {count} hosts and {} ports", ports.len()),
        )
        .with_help("give one port for all of them, or one for each"));
    }
    (0..count)
        .map(|at| {
            let port = match ports.get(at).or(ports.first().filter(|_| ports.len() == 1)) {
                None | Some(&"") => 5432,
                Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                    Error::new(ErrorKind::Config, format!("`{port}` is no port"))
                        .with_help("it is a number from 1 to 65535")
                })?,
            };
            let address = match addresses.get(at) {
                None | Some(&"") => None,
                Some(address) => Some(address.parse().map_err(|error: std::net::AddrParseError| {
                    Error::new(ErrorKind::Config, format!("hostaddr `{address}` is no IP address"))
                        .with_cause(error)
                })?),
            };
            let name = match names.get(at) {
                None | Some(&"") if address.is_some() => HostName::Name(String::new()),
                None | Some(&"") => HostName::Here,
                Some(name) if name.starts_with('/') => HostName::Folder(PathBuf::from(name)),
                Some(name) => HostName::Name((*name).to_owned()),
            };
            Ok(Host { name, address, port, password: None })
        })
        .collect()
}

fn tls(said: &Parameters, home: Option<PathBuf>) -> Result<TlsWish> {
    let root = match said.get("sslrootcert") {
        None => Root::Own,
        Some("system") => Root::System,
        Some(file) => Root::File(PathBuf::from(file)),
    };
    let default = if root == Root::System { SslMode::VerifyFull } else { SslMode::Prefer };
    let mode = said.word(
        "sslmode",
        default,
        &[
            ("disable", SslMode::Disable),
            ("allow", SslMode::Allow),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::VerifyCa),
            ("verify-full", SslMode::VerifyFull),
        ],
    )?;
    if root == Root::System && mode != SslMode::VerifyFull {
        return Err(Error::new(
            ErrorKind::Config,
            "sslrootcert=system goes with sslmode=verify-full alone, for anybody can have a certificate that the system trusts",
        )
        .with_help("leave `sslmode` out, or name a certificate of your own in `sslrootcert`"));
    }
    let direct = said.word("sslnegotiation", false, &[("postgres", false), ("direct", true)])?;
    if direct && mode < SslMode::Require {
        return Err(Error::new(ErrorKind::Config, "sslnegotiation=direct needs sslmode=require or stronger")
            .with_help("add `sslmode=require`"));
    }
    let binding = said.word(
        "channel_binding",
        ChannelBinding::Prefer,
        &[
            ("disable", ChannelBinding::Disable),
            ("prefer", ChannelBinding::Prefer),
            ("require", ChannelBinding::Require),
        ],
    )?;
    let path = |name| said.get(name).map(PathBuf::from);
    Ok(TlsWish { mode, root, certificate: path("sslcert"), key: path("sslkey"), direct, binding, home })
}

fn application_name(said: &Parameters, program: Option<&str>) -> String {
    let name = said
        .get("application_name")
        .or_else(|| said.get("fallback_application_name"))
        .or(program)
        .unwrap_or("larder")
        .replace('\0', "");
    name.get(..name.floor_char_boundary(63)).unwrap_or_default().to_owned()
}

fn connect_timeout(said: &Parameters) -> Result<Option<Duration>> {
    Ok(match said.number::<i32>("connect_timeout")? {
        None => Some(Duration::from_secs(10)),
        // As libpq: less than two seconds is too little for it.
        Some(seconds) => {
            u64::try_from(seconds).ok().filter(|s| *s > 0).map(|s| Duration::from_secs(s.max(2)))
        }
    })
}

fn alive(said: &Parameters) -> Result<Alive> {
    let seconds = |name, default| {
        Ok::<_, Error>(Duration::from_secs(said.number::<u64>(name)?.filter(|s| *s > 0).unwrap_or(default)))
    };
    Ok(Alive {
        on: said.number::<i32>("keepalives")? != Some(0),
        idle: seconds("keepalives_idle", 30)?,
        interval: seconds("keepalives_interval", 10)?,
        count: said.number("keepalives_count")?.filter(|count| *count > 0).unwrap_or(3),
        unanswered: Duration::from_millis(said.number("tcp_user_timeout")?.unwrap_or(60_000)),
    })
}

/// What libpq can do and this can't.
fn refuse_what_is_not_done(said: &Parameters) -> Result<()> {
    if said.get("gssencmode") == Some("require") {
        return Err(Error::new(ErrorKind::Unsupported, "encryption by GSSAPI is not taken")
            .with_help("use TLS: `sslmode=require`"));
    }
    match said.get("client_encoding") {
        None => Ok(()),
        Some(name) if matches!(&*name.to_ascii_lowercase().replace('-', ""), "utf8" | "unicode" | "auto") => {
            Ok(())
        }
        Some(_) => {
            Err(Error::new(ErrorKind::Config, "client_encoding is always UTF8").with_help("leave it out"))
        }
    }
}

/// Without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@", self.user)?;
        for (n, host) in self.hosts.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            write!(f, "{host}")?;
        }
        write!(f, "/{}", self.database)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As it stands in a URL, but for the percents, and without a password.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.address) {
            (HostName::Here, _) => f.write_str("localhost")?,
            (HostName::Folder(folder), _) => write!(f, "{}", folder.display())?,
            (HostName::Name(name), Some(address)) if name.is_empty() => write!(f, "{address}")?,
            (HostName::Name(name), _) if name.contains(':') => write!(f, "[{name}]")?,
            (HostName::Name(name), _) => f.write_str(name)?,
        }
        write!(f, ":{}", self.port)
    }
}
