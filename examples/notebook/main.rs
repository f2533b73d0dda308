//! A notebook in one file: finds notes by their words, and adds new ones.
//!
//! ```sh
//! cargo run -p larder-examples --bin notebook -- find sourdough
//! cargo run -p larder-examples --bin notebook -- add "Bread" "The second attempt with sourdough worked."
//! ```
//!
//! The file is made and migrated when the program first opens it: `~/.local/share/notebook/notebook.db`, or what
//! `NOTEBOOK_DB` names.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use larder::{Database, Error, ErrorKind, MigrationSet, Result, params};
use serde::Deserialize;

// Embedded in the program: the files are not needed where it runs.
static MIGRATIONS: MigrationSet = larder::migrations!("notebook/migrations");

#[derive(Deserialize)]
struct Note {
    id: i64,
    title: String,
    body: String,
}

const ADD: &str = "INSERT INTO notes (notebook_id, title, body)
    SELECT min(id), :title, :body FROM notebooks RETURNING id, title, body";

const FIND: &str = "SELECT notes.id, notes.title, notes.body FROM note_search
    JOIN notes ON notes.id = note_search.rowid
    WHERE note_search MATCH :words ORDER BY rank LIMIT 5";

fn main() -> Result<()> {
    let db = Database::open(larder::path::data_file("notebook")?)?;
    db.migrate(&[&MIGRATIONS])?;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["add", title, body] => {
            let note: Note = db.write(|tx| tx.query_one(ADD, params! { title: *title, body: *body }))?;
            println!("{} {}: {}", note.id, note.title, note.body);
        }
        ["find", words] => {
            let found: Vec<Note> = db.read(|tx| tx.query_all(FIND, params! { words: *words }))?;
            for note in found {
                println!("{} {}: {}", note.id, note.title, note.body);
            }
        }
        _ => {
            return Err(Error::new(ErrorKind::Config, "no such command")
                .with_help("notebook find WORDS, or notebook add TITLE BODY"));
        }
    }
    db.close()
}
