//! Adapters through `assay run`, against doubles of their services: one submission, the right verdict, nothing left running.

mod clients;
mod crash;
mod faults;
mod hostile;
mod orphans;
mod shop;

pub(crate) use shop::{for_each, wait_until};
