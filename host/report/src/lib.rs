//! Reads the run's events and writes what people and pipelines read.
//!
//! Every report is a [`Report`](assay_model::port::Report): it listens until the run is over and then writes its
//! whole text at once, so that a report is either complete or absent. The bytes of `json` and `text` are those of `ec`
//! wherever `ec` would have an answer too.
//!
//! Invariant: nothing here opens a file, looks at a terminal or reads a clock; the caller hands in where to write.

mod appstudio;
mod facts;
mod format;
mod json;
mod options;
mod plain;
mod sheet;
mod text;
mod totals;
mod wrap;

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod sample;

pub use appstudio::Appstudio;
pub use format::{Format, UnknownFormat, make};
pub use json::Json;
pub use options::Options;
pub use text::Text;
