//! A PgBouncer in transaction mode before a server.

use super::cluster::free_port;
use super::folder::Folder;
use super::{client, program};
use crate::{Result, need};
use ::postgres::config::Host;
use std::fmt::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A PgBouncer in transaction mode before a server, for all its databases. It ends when this is dropped, and also when the process is killed.
#[derive(Debug)]
pub struct Bouncer {
    child: Child,
    folder: Folder,
    port: u16,
    user: String,
}

impl Bouncer {
    /// Starts one before the server that a URL names.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start(server: &str) -> Self {
        need(Self::try_start(server))
    }

    /// Starts one before the server that a URL names.
    ///
    /// # Errors
    /// The program is not there, or does not start.
    pub fn try_start(server: &str) -> Result<Self> {
        let program = program::bouncer_program()?;
        let config: ::postgres::Config =
            server.parse().map_err(|error| format!("the server's URL: {error}"))?;
        let user = config.get_user().unwrap_or("postgres").to_owned();
        let (folder, port) = (Folder::new()?, free_port()?);
        let place = folder.path().join("pgbouncer.ini");
        folder.write(&place, text(&config, &user, &folder, port)?.as_bytes())?;
        let mut command = folder.command(&program);
        command.arg(&place).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let mut bouncer = Self { child, folder, port, user };
        bouncer.wait(config.get_dbname().unwrap_or("postgres"))?;
        Ok(bouncer)
    }

    fn wait(&mut self, database: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let Err(error) = client(&self.url_of(database)) else { return Ok(()) };
            if Instant::now() > end || self.child.try_wait().is_ok_and(|status| status.is_some()) {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                return Err(format!("PgBouncer did not start: {error}\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The URL of a database through it.
    pub fn url_of(&self, database: &str) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{}@{folder}:{}/{database}", self.user, self.port)
    }

    /// The same on 127.0.0.1.
    pub fn tcp_url_of(&self, database: &str) -> String {
        format!("postgres://{}@127.0.0.1:{}/{database}", self.user, self.port)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(self.folder.path().join("pgbouncer.pid"));
    }
}

fn text(config: &::postgres::Config, user: &str, folder: &Folder, port: u16) -> Result<String> {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => return Err("the server's URL names no host".to_owned()),
    };
    let at = config.get_ports().first().copied().unwrap_or(5432);
    let folder = folder.path().display();
    let mut text = format!("[databases]\n* = host={host} port={at} user={user}");
    if let Some(password) = config.get_password() {
        let password = String::from_utf8_lossy(password).replace('\'', "''");
        let _ = write!(text, " password='{password}'");
    }
    let _ = write!(
        text,
        "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir = {folder}\nauth_type = any\n\
         pool_mode = transaction\nmax_client_conn = 2000\ndefault_pool_size = 40\n\
         logfile = {folder}/log\npidfile = {folder}/pgbouncer.pid\n"
    );
    Ok(text)
}
