//! What holds for every example: it is short, and the list of programs is whole.

use std::fs;
use std::path::Path;

const MOST_LINES: usize = 150;

#[test]
fn every_example_is_a_program_of_this_package_and_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let mut programs = 0;
    for entry in fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Ok(text) = fs::read_to_string(root.join(&name).join("main.rs")) else { continue };
        programs += 1;
        assert!(
            manifest.contains(&format!("path = \"{name}/main.rs\"")),
            "{name} is no program of Cargo.toml"
        );
        assert!(text.lines().count() < MOST_LINES, "{name} has {} lines", text.lines().count());
        let command = format!("cargo run -p larder-examples --bin {name}");
        assert!(text.contains(&command), "the head of {name} does not say how it is run: {command}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), programs);
}
