//! One test binary that drives the built program, and holds the house to its plan.
//!
//! One binary, because each one links everything again. `crate_dependencies` and `tidy` check the source tree; the
//! others are sentences about `assay` as a user meets it: real files, a real registry on port 0, the real exit code.
//! `fixture` and `registry` provide the images that they validate.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod adapters;
mod archive;
mod atomic_reports;
mod bad_input;
mod chromium;
mod cluster;
mod cluster_servers;
mod compiled_cache;
mod configuration;
mod conftest;
mod console;
mod cosign;
mod crate_dependencies;
mod docs;
mod ec_cases;
mod ec_compat;
mod example;
mod fixture;
mod good_images;
mod hostile_sources;
mod keys;
mod konflux;
mod matrix;
mod module_imports;
mod packaging;
mod packaging_pipelines;
mod pipeline_bundles;
mod plugin_authors;
mod plugin_compile;
mod plugin_distribution;
mod plugin_languages;
mod plugin_registry_tools;
mod plugin_run;
mod plugin_run_worlds;
mod plugins;
mod policies;
mod policy_fmt;
mod policy_restrictions;
mod policy_tools;
mod recorded;
mod reference;
mod registry;
mod registry_failures;
mod remote;
mod report_standards;
mod reports;
mod run_again;
mod run_evidence;
mod run_example;
mod run_memory;
mod run_reports;
mod run_robustness;
mod runs;
mod shared;
mod shell;
mod silence;
mod snapshot_wait;
mod sources;
mod tekton;
mod tidy;
mod time_limits;
mod trust_root;
mod untrusted_text;
mod verdicts;
mod verify;
mod vsa;
mod wit;
mod words;
mod written;
