//! Writes the generated migrations for `embed_migrations!` of diesel and as text for rusqlite_migration.

use larder_bench_protocol::{Outcome, set};

fn main() -> Outcome {
    let mut text = String::new();
    for (name, folder) in set::write_folders(set::Layout::Diesel)? {
        text.push_str(&format!(
            "pub static {name}: diesel_migrations::EmbeddedMigrations = diesel_migrations::embed_migrations!({folder:?});\n"
        ));
    }
    set::write_source("diesel.rs", &text)?;
    let mut text = String::new();
    for (name, kind, count) in set::SETS {
        text.push_str(&format!("static {name}_STEPS: [M<'static>; {count}] = [\n"));
        for number in 1..=count {
            text.push_str(&format!("    M::up({:?}),\n", kind.sql(number)));
        }
        text.push_str("];\n");
        text.push_str(&format!(
            "pub static {name}: Migrations<'static> = Migrations::from_slice(&{name}_STEPS);\n"
        ));
    }
    set::write_source("rusqlite_migration.rs", &text)
}
