//! `larder man`

mod support;

use support::Place;

#[test]
fn the_page_has_the_flags_and_the_exit_codes() {
    let page = Place::new().run(&["man"]).done();
    assert!(page.contains(".TH larder 1"), "{page}");
    for part in ["SYNOPSIS", "OPTIONS", "SUBCOMMANDS", "Exit codes", "\\-\\-url", "larder\\-new(1)"] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
}

#[test]
fn a_folder_gets_a_page_for_each_command() {
    let place = Place::new();
    let listed = place.run(&["man", "pages/man1"]).done();
    let files = place.files("pages/man1");
    assert_eq!(listed.lines().count(), files.len());
    assert!(
        files.contains(&"larder.1".to_owned()) && files.contains(&"larder-new.1".to_owned()),
        "{files:?}"
    );
    for file in files {
        let page = place.read(&format!("pages/man1/{file}"));
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{file}: {page}");
    }
    let (_, value) = place.json(&["man", "again"]);
    assert_eq!(value["files"][0], "again/larder.1");
}
