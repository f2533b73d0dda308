//! What the machine is that measured.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Lines of name and value.
pub(crate) type Machine = Vec<(&'static str, String)>;

/// The machine, how busy it is, and the file system that holds the databases.
pub(crate) fn describe(folder: &Path) -> Machine {
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
    // Whoever works beside disturbs all subjects alike, but those most that wait most often.
    let load = file("/proc/loadavg").split(' ').next().map(str::to_owned).filter(|load| !load.is_empty());
    lines.extend(load.map(|load| ("load of the last minute", load)));
    lines.extend(wait(folder).map(|took| ("fsync", took)));
    let folder = folder.display().to_string();
    let kind = output("df", &["--output=fstype", &folder])
        .and_then(|said| Some(said.lines().nth(1)?.trim().to_owned()));
    lines.extend(kind.map(|kind| ("file system", kind)));
    lines.extend(output("uname", &["-srm"]).map(|system| ("system", system)));
    lines.extend(output("rustc", &["--version"]).map(|rustc| ("compiler", rustc)));
    lines
}

/// How long it takes until a small change of a file is on the disk: the median of a few.
fn wait(folder: &Path) -> Option<String> {
    let mut file = std::fs::File::create(folder.join("fsync")).ok()?;
    let mut times = Vec::new();
    for _ in 0..21 {
        file.write_all(&[0; 4096]).ok()?;
        let start = Instant::now();
        file.sync_data().ok()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Some(format!("{} µs", times.get(10)?.as_micros()))
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(said)
}
