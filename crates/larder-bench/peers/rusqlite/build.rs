//! Writes the generated migrations for `embed_migrations!` of refinery and as text for rusqlite.

use larder_bench_protocol::{Outcome, set};

fn main() -> Outcome {
    let mut text = String::new();
    for (name, folder) in set::write_folders(set::Layout::Refinery)? {
        let name = name.to_lowercase();
        text.push_str(&format!("pub mod {name} {{ refinery::embed_migrations!({folder:?}); }}\n"));
    }
    set::write_source("refinery.rs", &text)?;
    set::write_texts("texts.rs")
}
