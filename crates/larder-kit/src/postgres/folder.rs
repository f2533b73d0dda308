//! The folder of a server, which outlives no test: a program of its own waits for the end of this process, however that
//! comes, ends what runs there and removes it.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Its input is a pipe from this process and ends with it. Signals from the terminal are not for it.
const WATCH: &str = r#"
trap '' HUP INT TERM
while read -r _; do :; done
turn=0
while [ "$turn" -lt 200 ]; do
    alive=
    for file in "$1"/*/postmaster.pid "$1"/*.pid; do
        [ -f "$file" ] || continue
        read -r pid < "$file" || continue
        kill -QUIT "$pid" 2>/dev/null && alive=yes
    done
    [ -n "$alive" ] || break
    turn=$((turn + 1))
    sleep 0.02
done
rm -rf "$1"
"#;

/// A temporary folder with servers in it: `NAME/postmaster.pid` and `NAME.pid` are what is ended with it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    user: Option<(u32, u32)>,
    watch: Child,
}

impl Folder {
    /// A new one that `postgres` may write to, in memory where there is plenty of that. PostgreSQL refuses to run as the superuser, so
    /// there it is another user's.
    pub(super) fn new() -> Result<Self> {
        let user = other_user()?;
        Self::make(&memory().unwrap_or_else(|| disk(user.is_some())), user)
    }

    /// The same on a disk.
    pub(super) fn on_disk() -> Result<Self> {
        let user = other_user()?;
        Self::make(&disk(user.is_some()), user)
    }

    fn make(parent: &Path, user: Option<(u32, u32)>) -> Result<Self> {
        let made = tempfile::Builder::new().prefix("larder-pg-").tempdir_in(parent);
        let folder = made.map_err(|error| format!("no temporary folder: {error}"))?;
        open_to(folder.path(), user).map_err(|error| format!("{}: {error}", folder.path().display()))?;
        let watch = watch(&folder).map_err(|error| format!("sh: {error}"))?;
        Ok(Self { path: folder.keep(), user, watch })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A program as the user to whom the folder belongs, without PostgreSQL's variables of this process.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        command.current_dir(&self.path).stdin(Stdio::null());
        #[cfg(unix)]
        if let Some((user, group)) = self.user {
            use std::os::unix::process::CommandExt;
            command.uid(user).gid(group);
        }
        command
    }

    /// Writes a file that its user owns and nobody else reads.
    pub(super) fn write(&self, place: &Path, content: &[u8]) -> Result<()> {
        let written = std::fs::write(place, content).and_then(|()| close_to(place, self.user));
        written.map_err(|error| format!("{}: {error}", place.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

/// Where the folders are made, if there is plenty of memory: an empty database is some 300 files, and making them takes 12 ms there and
/// 250 ms on a disk.
fn memory() -> Option<PathBuf> {
    Some(PathBuf::from("/dev/shm")).filter(|memory| is_roomy(memory))
}

/// Where they are made otherwise. The superuser's own temporary folder may be closed to the other user. The path is short, for a
/// socket's may have some 100 bytes only.
fn disk(is_superuser: bool) -> PathBuf {
    if is_superuser { PathBuf::from("/tmp") } else { std::env::temp_dir() }
}

/// True when 4 GiB are free.
#[cfg(unix)]
fn is_roomy(folder: &Path) -> bool {
    let space = rustix::fs::statvfs(folder);
    space.is_ok_and(|space| space.f_bavail.saturating_mul(space.f_frsize) >= 4 << 30)
}

#[cfg(not(unix))]
fn is_roomy(_: &Path) -> bool {
    false
}

fn watch(folder: &TempDir) -> std::io::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", WATCH, "sh"]).arg(folder.path()).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// Runs it and gives what it printed.
pub(super) fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{name} failed ({}): {} {}", output.status, text(&output.stdout), text(&output.stderr)))
}

/// Whom the servers run as where this process is the superuser: `postgres`, else `nobody`, by their numbers.
#[cfg(unix)]
fn other_user() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let number = |flag: &str, name: &str| run(Command::new("id").args([flag, name])).ok()?.parse().ok();
    let found =
        ["postgres", "nobody"].iter().find_map(|name| Some((number("-u", name)?, number("-g", name)?)));
    found.map(Some).ok_or_else(|| "there is no user postgres or nobody for a server to run as".to_owned())
}

#[cfg(not(unix))]
fn other_user() -> Result<Option<(u32, u32)>> {
    Err(format!("the tests start servers on Unix only: name one by {}", super::GIVEN))
}

/// Everybody may find the socket in it; only its user may make files.
#[cfg(unix)]
fn open_to(folder: &Path, user: Option<(u32, u32)>) -> std::io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, chown};
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    user.map_or(Ok(()), |(user, group)| chown(folder, Some(user), Some(group)))
}

#[cfg(unix)]
fn close_to(file: &Path, user: Option<(u32, u32)>) -> std::io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, chown};
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
    user.map_or(Ok(()), |(user, group)| chown(file, Some(user), Some(group)))
}

#[cfg(not(unix))]
fn open_to(_: &Path, _: Option<(u32, u32)>) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn close_to(_: &Path, _: Option<(u32, u32)>) -> std::io::Result<()> {
    Ok(())
}
