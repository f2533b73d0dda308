//! Values, rows, parameters and the text of statements. No I/O.

pub mod text;
