//! The reader of kubeconfigs; several are parted by a form feed. No plugin of a file that nobody named is left.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| assay_cluster::fuzzing::read_kubeconfigs(text));
