//! `larder completions`

mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use support::Place;

#[test]
fn every_shell_has_completions_that_name_the_commands_and_the_flags() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = place.run(&["completions", shell]).done();
        assert!(text.contains("completions") && text.contains("url"), "{shell}");
    }
}

#[test]
fn they_work_where_the_settings_are_broken() {
    let place = Place::new();
    place.write("larder.toml", "frob = 1");
    place.run(&["completions", "bash"]).done();
    place.run(&["man"]).done();
}

#[test]
fn bash_can_read_its_own() {
    let text = Place::new().run(&["completions", "bash"]).done();
    let Ok(mut shell) = Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()
    else {
        return; // No bash here; the text itself is tested above.
    };
    shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_unknown_shell_is_a_usage_error() {
    let told = Place::new().run(&["completions", "cobol"]).failed(2);
    assert!(told.contains("bash"), "{told}");
}
