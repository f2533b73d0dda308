//! What the machine is that measured.

use std::path::Path;
use std::process::Command;

/// Lines of name and value, of the machine and of the file system that holds the databases.
pub(crate) fn describe(folder: &Path) -> Vec<(&'static str, String)> {
    let mut lines = vec![(
        "cores",
        std::thread::available_parallelism().map_or_else(|_| "unknown".to_owned(), |cores| cores.to_string()),
    )];
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    lines.extend(field(&file("/proc/cpuinfo"), "model name").map(|model| ("processor", model)));
    lines.extend(field(&file("/proc/meminfo"), "MemTotal").map(|memory| ("memory", memory)));
    let folder = folder.display().to_string();
    lines
        .extend(output("stat", &["--file-system", "--format=%T", &folder]).map(|kind| ("file system", kind)));
    lines.extend(output("uname", &["-srm"]).map(|system| ("system", system)));
    lines.extend(output("rustc", &["--version"]).map(|rustc| ("compiler", rustc)));
    lines
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(said)
}
