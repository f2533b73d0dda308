//! The path helper in the real environment. A process's environment is shared by all of its threads, so each case is a
//! process of its own: this program again, running only `child`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

const CHILD: &str = "LARDER_PATH_TEST_CHILD";

/// Prints what the helper finds when one of the others starts it; on its own it has nothing to say.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    for file in [larder::path::data_file("my-tool"), larder::path::config_file("my-tool")] {
        match file {
            Ok(path) => println!("\nfound {}", path.display()),
            Err(error) => println!("\nfound {:?}", error.kind()),
        }
    }
}

fn found(environment: &[(&str, &str)]) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(CHILD, "1");
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "MY_TOOL_DB"] {
        command.env_remove(name);
    }
    let output = command.envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("found ")).map(str::to_owned).collect()
}

#[test]
fn the_folders_are_those_of_the_specification() {
    assert_eq!(
        found(&[("HOME", "/home/ines")]),
        ["/home/ines/.local/share/my-tool/my-tool.db", "/home/ines/.config/my-tool/my-tool.db"]
    );
    assert_eq!(
        found(&[("HOME", "/home/ines"), ("XDG_DATA_HOME", "/srv/data"), ("XDG_CONFIG_HOME", "not/absolute")]),
        ["/srv/data/my-tool/my-tool.db", "/home/ines/.config/my-tool/my-tool.db"]
    );
}

#[test]
fn a_relative_home_is_an_error_and_the_variable_the_way_out() {
    assert_eq!(found(&[("HOME", "somewhere")]), ["Config", "Config"]);
    assert_eq!(
        found(&[("HOME", "somewhere"), ("MY_TOOL_DB", "/srv/tool.db")]),
        ["/srv/tool.db", "/srv/tool.db"]
    );
}
