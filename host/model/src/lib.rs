//! The base crate: the types of assay, and the functions that need nothing but their arguments.
//!
//! Almost every other crate names this one, and this one names `assay-gocompat` alone. In reading order: what is evaluated ([`snapshot`],
//! [`image`], [`digest`]), what is known about it ([`evidence`], [`image_config`], [`image_files`], [`input`],
//! [`effective_time`]), what the policy says ([`policy`], [`date`], [`selection`], [`rule`], [`criteria`], [`decide`]),
//! what is read of a Kubernetes cluster ([`cluster`]), what came out ([`finding`], [`error`], [`outcome`], [`event`]) and what is attested of it ([`vsa`]), how anything of unknown length is read ([`bounded`])
//! and what decides is read one way only ([`strict`], [`yaml`], within [`memory`]), how misspelled words are recognized ([`nearest`]), and the traits that other crates
//! implement ([`port`]).
//!
//! Invariant: nothing here reads a clock, a disk, the network or the environment, and nothing starts a thread.

pub mod bounded;
pub mod cluster;
pub mod criteria;
pub mod date;
pub mod decide;
pub mod digest;
pub mod effective_time;
pub mod error;
pub mod event;
pub mod event_stream;
pub mod evidence;
pub mod finding;
pub mod image;
pub mod image_config;
pub mod image_files;
pub mod input;
pub mod limits;
pub mod memory;
pub mod nearest;
pub mod outcome;
pub mod policy;
pub mod port;
#[cfg(test)]
mod proptests;
pub mod queue_laws;
pub mod redact;
pub mod rule;
pub mod run;
pub mod selection;
pub mod snapshot;
mod stored;
mod stored_text;
pub mod strict;
pub mod vsa;
pub mod yaml;
