//! A test in a process of its own: the test binary again, running only one test, which asks what it is told to do.
//!
//! The one test is an ordinary one that does nothing unless it finds itself told, so a run of all tests passes it by.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const TOLD: &str = "LARDER_TEST_CHILD";

/// What this process was told, if it is a child.
pub(crate) fn told() -> Option<String> {
    std::env::var(TOLD).ok()
}

/// The command that runs `test` in a new process and tells it `what`.
pub(crate) fn command(test: &str, what: &str) -> Command {
    of(&std::env::current_exe().unwrap(), &[], test, what)
}

/// The same as a user without any rights. Who is one already stays so; the superuser, whom no permission stops, becomes
/// nobody, with a copy of the binary in `folder` that nobody can reach.
pub(crate) fn command_as_nobody(folder: &Path, test: &str, what: &str) -> Command {
    if !is_superuser() {
        return command(test, what);
    }
    let copy = folder.join("test-binary");
    if !copy.exists() {
        // Not by this process: a child that another thread starts meanwhile would inherit the file open for writing, and
        // a file that is being written can't be run.
        let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&copy).status().unwrap();
        assert!(copied.success());
    }
    let become_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    of(&copy, &become_nobody, test, what)
}

fn of(binary: &Path, before: &[&str], test: &str, what: &str) -> Command {
    let words: Vec<&OsStr> = before.iter().map(OsStr::new).chain([binary.as_os_str()]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["--exact", test, "--nocapture"]).env(TOLD, what);
    command
}

/// Runs it and gives what the child `said`.
pub(crate) fn run(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| Some(line.split_once("child: ")?.1.to_owned())).collect()
}

/// What the child says to `run`, one line.
#[allow(clippy::print_stdout, reason = "a child speaks through its output")]
pub(crate) fn say(line: impl std::fmt::Display) {
    println!("\nchild: {}", line.to_string().replace('\n', " "));
}

/// A child at work. It is gone when this is, whatever becomes of the test.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Starts `test` in a new process and tells it `what`. The child is to call [`end_with_the_parent`].
    pub(crate) fn start(test: &str, what: &str) -> Self {
        let mut command = command(test, what);
        Self(Some(
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(),
        ))
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Output {
        let mut child = self.0.take().unwrap();
        // Kept open: closing it would end the child.
        let _stdin = child.stdin.take();
        child.wait_with_output().unwrap()
    }

    /// Kills it.
    pub(crate) fn kill(mut self) -> Output {
        self.0.as_mut().unwrap().kill().unwrap();
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ends this process when the one that started it has ended, however that came.
pub(crate) fn end_with_the_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
}

/// True where permissions do not bite.
pub(crate) fn is_superuser() -> bool {
    rustix::process::geteuid().is_root()
}

/// A file system in memory, mounted on a folder as long as it lives; `None` where this user may not mount.
pub(crate) struct Mounted {
    pub(crate) path: PathBuf,
}

impl Mounted {
    pub(crate) fn tmpfs(path: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "larder-test"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self { path: path.to_owned() })
    }

    pub(crate) fn again(&self, options: &str) {
        assert!(Command::new("mount").args(["-o", options]).arg(&self.path).status().unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
