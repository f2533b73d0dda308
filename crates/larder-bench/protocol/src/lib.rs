//! What every worker of the benchmark shares: the line protocol, the clock and the data.
//!
//! A worker is started as `worker SUBJECT WORK key=value…`. It sets up, prints one line that says which SQLite it
//! links, and then runs one timed round for each line `go` on its standard input, printing one line of JSON a
//! round; the first is a quarter as long and only warms up. At the end of its input it goes away. The driver keeps the workers of all subjects alive at once and
//! lets them work in turns, so that whatever disturbs the machine disturbs all of them.

pub mod bulk;
mod crowd;
pub mod data;
pub mod event;
mod keys;
pub mod lease;
mod meter;
pub mod server;
pub mod set;
pub mod store;
mod task;
mod turn;
pub mod write;

use std::error::Error;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

pub use crowd::{Crowd, Ledger};
pub use keys::Keys;
pub use meter::{Clock, Meter, Random, Sample};
pub use task::Task;
pub use turn::Turn;

/// Whatever went wrong in a worker; the driver shows it and stops.
pub type Fault = Box<dyn Error + Send + Sync>;

/// The result of anything that a worker does.
pub type Outcome<T = ()> = Result<T, Fault>;

/// One timed round.
pub type Round = Box<dyn FnMut() -> Outcome<Sample>>;

/// What a worker links, said once before its first round.
#[derive(Debug, Default)]
pub struct Hello {
    /// What `sqlite_version()` returned; the version of the server, where one is asked.
    pub sqlite: String,
    /// The lines of `PRAGMA compile_options`.
    pub options: Vec<String>,
}

/// What to ask a connection for to fill a [`Hello`]: two columns of text, the version and one compile option a row.
pub const HELLO: &str = "SELECT sqlite_version(), compile_options FROM pragma_compile_options";

impl Hello {
    /// Takes the rows of [`HELLO`].
    pub fn new(rows: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut hello = Self::default();
        for (version, option) in rows {
            hello.sqlite = version;
            hello.options.push(option);
        }
        hello
    }

    /// Takes the answer of [`server::VERSION`].
    pub fn server(version: String) -> Self {
        Self { sqlite: version, options: Vec::new() }
    }
}

/// Runs a worker: `pick` sets up what the arguments ask for and returns the round to time.
pub fn serve(
    arguments: impl Iterator<Item = String>,
    pick: impl FnOnce(&Task) -> Outcome<(Hello, Round)>,
) -> ExitCode {
    match run(arguments, pick) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            complain(&*fault);
            ExitCode::FAILURE
        }
    }
}

/// Shows a fault to whoever looks on.
pub(crate) fn complain(fault: &dyn Error) {
    let _ = writeln!(std::io::stderr(), "{fault}");
}

fn run(
    arguments: impl Iterator<Item = String>,
    pick: impl FnOnce(&Task) -> Outcome<(Hello, Round)>,
) -> Outcome {
    let task = Task::from_arguments(arguments)?;
    let (hello, mut round) = pick(&task)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, r#"{{"sqlite":"{}","options":"{}"}}"#, hello.sqlite, hello.options.join(","))?;
    out.flush()?;
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        if line?.trim() != "go" {
            break;
        }
        meter::WARMING_UP.store(number == 0, Ordering::Relaxed);
        let sample = round()?;
        writeln!(out, "{}", sample.json())?;
        out.flush()?;
    }
    Ok(())
}
