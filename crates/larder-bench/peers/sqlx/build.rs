//! Writes the generated migrations for `sqlx::migrate!`.

use larder_bench_protocol::{Outcome, set};

fn main() -> Outcome {
    let mut text = String::new();
    for (name, folder) in set::write_folders(set::Layout::Numbered)? {
        text.push_str(&format!("pub static {name}: sqlx::migrate::Migrator = sqlx::migrate!({folder:?});\n"));
    }
    set::write_source("sqlx.rs", &text)
}
