//! A throwaway server of PostgreSQL that a test may do anything to.

use super::folder::{Folder, run};
use super::{Setting, program};
use crate::{Result, need};
use std::fmt::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a server may take for what it is told.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server of this test's own: on a socket in a folder of its own, and on a port of 127.0.0.1. It ends, and its folder goes, when this
/// is dropped, and also when the process is killed.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: Folder,
    port: u16,
}

impl Cluster {
    /// Starts one as it comes.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start() -> Self {
        Setting::default().start()
    }

    /// For one that is set up in another way; ends with [`Setting::start`].
    pub fn with() -> Setting {
        Setting::default()
    }

    pub(super) fn make(setting: &Setting) -> Result<Self> {
        let programs = program::programs()?;
        let folder = if setting.is_on_disk { Folder::on_disk() } else { Folder::new() }?;
        let cluster = Self { programs, folder, port: free_port()? };
        let made = cluster.initialize("C.UTF-8");
        // Not every system has that locale.
        made.or_else(|_| cluster.initialize("C"))?;
        cluster.configure(setting)?;
        cluster.run_again()?;
        Ok(cluster)
    }

    fn initialize(&self, locale: &str) -> Result<String> {
        let mut command = self.folder.command(&self.programs.join("initdb"));
        command.arg("-D").arg(self.data());
        command.args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--no-instructions",
            "--locale",
            locale,
        ]);
        run(&mut command)
    }

    fn configure(&self, setting: &Setting) -> Result<()> {
        let mut lines = self.own_lines();
        // A zone that no text of UTC agrees with by chance.
        lines.push_str(
            "timezone = 'Asia/Kathmandu'\nmax_connections = 300\nmax_wal_size = 256MB\n\
             dynamic_shared_memory_type = mmap\n",
        );
        if !setting.is_safe {
            lines.push_str("fsync = off\nfull_page_writes = off\n");
        }
        for (name, value) in &setting.lines {
            let _ = writeln!(lines, "{name} = '{}'", value.replace('\'', "''"));
        }
        self.append(&lines)?;
        for (name, content) in &setting.files {
            self.folder.write(&self.data().join(name), content)?;
        }
        match &setting.access {
            Some(text) => self.folder.write(&self.data().join("pg_hba.conf"), text.as_bytes()),
            None => Ok(()),
        }
    }

    /// Where it listens: two servers differ in this.
    fn own_lines(&self) -> String {
        let folder = self.folder.path().display();
        format!(
            "\nport = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\n",
            self.port
        )
    }

    /// The last line about a parameter counts.
    fn append(&self, lines: &str) -> Result<()> {
        let place = self.data().join("postgresql.conf");
        let text =
            std::fs::read_to_string(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        self.folder.write(&place, (text + lines).as_bytes())
    }

    /// A replica that follows this one by streaming, on a port of its own.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn replica(&self) -> Self {
        need(self.try_replica())
    }

    fn try_replica(&self) -> Result<Self> {
        let replica = Self { programs: self.programs.clone(), folder: Folder::new()?, port: free_port()? };
        let mut command = replica.folder.command(&self.programs.join("pg_basebackup"));
        command.arg("-D").arg(replica.data()).arg("-h").arg(self.folder.path());
        command.args(["-p", &self.port.to_string(), "-U", "postgres"]);
        command.args(["--checkpoint=fast", "--write-recovery-conf", "--no-sync"]);
        run(&mut command)?;
        replica.append(&replica.own_lines())?;
        replica.run_again()?;
        Ok(replica)
    }

    /// Makes this replica a server of its own that is written to; returns when it is.
    ///
    /// # Panics
    /// When it can't be.
    #[track_caller]
    pub fn promote(&self) {
        need(self.control(&["promote", "-w"]));
    }

    /// Kills all its processes at once by SIGKILL, as a machine that fails does. Clients lose their connections.
    ///
    /// # Panics
    /// When it does not run.
    #[cfg(unix)]
    #[track_caller]
    pub fn kill(&self) {
        need(self.try_kill());
    }

    #[cfg(unix)]
    fn try_kill(&self) -> Result<()> {
        use rustix::process::{Pid, Signal, kill_process, test_kill_process};
        let file = self.data().join("postmaster.pid");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let first = text.lines().next().and_then(|line| line.parse().ok());
        let first = first.ok_or("postmaster.pid holds no number")?;
        // It starts no more from here on; one that it started just now sees that it is gone.
        let all: Vec<Pid> = [first].into_iter().chain(children(first)).filter_map(Pid::from_raw).collect();
        for pid in &all {
            let _ = kill_process(*pid, Signal::KILL);
        }
        let end = Instant::now() + PATIENCE;
        while all.iter().any(|pid| test_kill_process(*pid).is_ok()) {
            if Instant::now() > end {
                return Err("a killed server does not end".to_owned());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // Its last piece of shared memory stays otherwise until the machine starts anew: the second number of the seventh line.
        let piece = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
        if let Some(piece) = piece {
            let _ = run(self.folder.command(Path::new("ipcrm")).args(["-m", piece]));
        }
        // Its number may soon be another's.
        std::fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Ends it; connections are cut, transactions rolled back.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn stop(&self) {
        need(self.control(&["stop", "-m", "fast", "-w"]));
    }

    /// Starts it again where it was, after it was stopped or killed; returns when it takes connections.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start_again(&self) {
        need(self.run_again());
    }

    /// Stops it and starts it again.
    ///
    /// # Panics
    /// When it does not come back.
    #[track_caller]
    pub fn restart(&self) {
        self.stop();
        self.start_again();
    }

    fn run_again(&self) -> Result<()> {
        self.control(&["start", "-w", "-l", "log"]).map(drop).map_err(|error| {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            format!("PostgreSQL did not start: {error}\n{log}")
        })
    }

    fn control(&self, words: &[&str]) -> Result<String> {
        let mut command = self.folder.command(&self.programs.join("pg_ctl"));
        command.arg("-D").arg(self.data()).args(["-s", "-t", &PATIENCE.as_secs().to_string()]).args(words);
        run(&mut command)
    }

    /// The URL of its database `postgres`, over its socket, as the superuser `postgres`.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of another of its databases, over its socket.
    pub fn url_of(&self, database: &str) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/{database}", self.port)
    }

    /// The URL of one of its databases on 127.0.0.1.
    pub fn tcp_url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The port, on 127.0.0.1 and in the name of the socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder in which its socket is.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of its programs: `pg_dump`, `psql` and the others.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// What it has written into its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

#[cfg(feature = "place")]
impl Cluster {
    /// A client of another make than the one under test, on the database `postgres`.
    ///
    /// # Panics
    /// When it can't connect.
    #[track_caller]
    pub fn client(&self) -> super::Client {
        need(super::client(&self.url()))
    }

    /// Sets a parameter while it runs; it takes those that need no restart.
    ///
    /// # Panics
    /// When it refuses.
    #[track_caller]
    pub fn set(&self, name: &str, value: &str) {
        let text = format!("ALTER SYSTEM SET {name} = '{}'", value.replace('\'', "''"));
        let mut client = self.client();
        let done = client.batch_execute(&text).and_then(|()| client.batch_execute("SELECT pg_reload_conf()"));
        need(done.map_err(|error| super::server::words(&error)));
    }

    /// Waits for commits from now on until a replica has them; returns when a replica does.
    ///
    /// # Panics
    /// When no replica comes.
    #[track_caller]
    pub fn wait_for_replicas(&self) {
        self.set("synchronous_standby_names", "*");
        let mut client = self.client();
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = client.query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'", &[]);
            match need(seen.map_err(|error| super::server::words(&error))).len() {
                0 if Instant::now() > end => need(Err("no replica follows".to_owned())),
                0 => std::thread::sleep(Duration::from_millis(10)),
                _ => return,
            }
        }
    }
}

/// A port of 127.0.0.1 that nobody has. Somebody may take it before the server does; then it does not start, and says so.
pub(super) fn free_port() -> Result<u16> {
    let found = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    found.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

/// The processes that `parent` started, where the system tells: those on Linux. Elsewhere they end by themselves when their parent is gone.
#[cfg(unix)]
fn children(parent: i32) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let text = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // `pid (name) state parent …`, and the name may hold anything.
            let (_, rest) = text.rsplit_once(") ")?;
            (rest.split(' ').nth(1)?.parse::<i32>().ok()? == parent).then_some(pid)
        })
        .collect()
}
