//! What the name and the text of a Larder migration file say.
//!
//! `larder` reads folders of migrations while a program runs, and its macro `migrations!` does so while one is
//! compiled. Both have to come to the same answer: which files are migrations, in which order they stand, which rules
//! they break, and what their checksums are. So both ask this crate. It runs no SQL and knows neither of them; use it
//! through the crate `larder`.
//!
//! ```
//! use larder_file::{arrange, checksum, parse_id};
//!
//! let found = arrange(["0002_note.sql", "0001_init.sql", "0001_init.down.sql", "README.md"]).unwrap();
//! let ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
//! assert_eq!(ids, ["0001_init", "0002_note"]);
//! assert_eq!(found[0].down, [Some(2), Some(2)]); // one text for both engines
//!
//! assert_eq!(parse_id("0001_init").unwrap(), (1, "init"));
//! assert_eq!(checksum::of_text("SELECT 1;\r\n"), checksum::of_text("SELECT 1;\n"));
//! ```

pub mod checksum;
mod folder;
mod name;
mod problem;

pub use folder::{Found, arrange, read_folder, same_numbers};
pub use name::{ENGINES, FileName, parse_id, parse_name};
pub use problem::Problem;
