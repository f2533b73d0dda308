//! The effects of a migration, measured before it is committed.

mod additive;
mod baseline;
mod compare;
mod copied;
mod image;
mod measure;
mod postgres;
mod reference;

pub(crate) use baseline::Baseline;
pub(crate) use copied::copies;
pub(crate) use image::quote;
pub(crate) use measure::{Seen, assess, names};
pub(crate) use reference::Unchecked;
