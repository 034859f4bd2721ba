//! Reads the run's events and writes what people and pipelines read.
//!
//! Every report is a [`Report`](assay_model::port::Report). All but the event stream listen until the run finished and
//! then write their whole text at once, so that a report is either complete or absent. The bytes of `ec`'s formats are
//! those of `ec` wherever `ec` reports the right result too; `text` and `junit` are ours unless invoked as `ec`.
//!
//! Invariant: nothing here opens a file, looks at a terminal or reads a clock; the caller hands in where to write.

mod appstudio;
mod by_rule;
mod component_status;
mod conftest;
mod final_report;
mod format;
mod html;
mod images;
mod input;
mod json;
mod jsonl;
mod junit;
mod junit_native;
mod markdown;
mod markdown_text;
mod metadata;
mod options;
mod report_writer;
mod runs;
mod sanitize;
mod sarif;
mod statements;
mod summary;
mod summary_markdown;
mod terminal;
mod text;
mod timestamp;
mod totals;
mod wrap;
mod xml;
mod yaml;

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod test_data;

pub use conftest::{
    ConftestFinding, ConftestFormat, ConftestOptions, ConftestResult, ConftestRun, UnknownConftestFormat,
    conftest_error,
};
pub use format::{Format, UnknownFormat, create_report};
pub use input::{FileOutcome, InputFormat, InputRun, UnknownInputFormat};
pub use options::Options;
pub use runs::{run_junit, run_test_output};
pub use yaml::to_string as to_yaml;
