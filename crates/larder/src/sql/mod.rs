//! Values, rows, parameters and the text of statements. No I/O.

pub(crate) mod civil;
mod de;
pub(crate) mod decimal;
mod json;
mod param;
mod row;
pub mod text;
mod value;

pub use json::Json;
pub use param::{Given, Param, ToValue, timestamp_text};
pub use row::{Cells, ColumnIndex, Row};
pub use value::{Value, ValueRef};
