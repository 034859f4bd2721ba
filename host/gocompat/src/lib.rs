//! Bytes as Go writes and reads them, once: policies, reports and command lines are compared with programs written in Go.
//!
//! What is written: [`json`], [`yaml_writer`], [`float`], values by verbs of `fmt` ([`printf`], [`verbs`], [`quote`]), times by layout
//! ([`time`]). What is read: YAML 1.1 ([`yaml_reader`], plain words by [`yaml_words`]), times ([`time`]) and durations
//! ([`duration`]). [`sanitize`] escapes what a terminal or a pipeline could obey, which Go leaves as it is.
//!
//! Invariant: nothing here reads a clock, a disk, the network or the environment, and no other crate of the workspace is
//! used.

pub mod duration;
pub mod float;
pub mod json;
pub mod printf;
pub mod quote;
pub mod sanitize;
pub mod time;
pub mod verbs;
pub mod yaml_reader;
pub mod yaml_words;
pub mod yaml_writer;
