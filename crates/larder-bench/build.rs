//! Writes the generated migrations that Larder's worker embeds.

use larder_bench_protocol::{Outcome, set};

fn main() -> Outcome {
    set::write_folders(set::Layout::Numbered)?;
    Ok(())
}
