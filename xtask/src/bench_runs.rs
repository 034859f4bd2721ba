//! `cargo xtask bench runs`: what the scheduler and the store can do with tasks that do nothing.

use std::process::Command;

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};

/// Tasks of the runs that are compared: memory must not grow with them.
const TASKS: [&str; 2] = ["1000", "10000"];

/// Builds the example `throughput` with optimizations, and runs it once for each number of tasks in a new store. It prints one
/// JSON line each.
///
/// # Errors
/// It does not build, or a run does not end as it should.
pub fn run(root: &Utf8Path, target_dir: &Utf8Path, folder: Option<Utf8PathBuf>) -> anyhow::Result<()> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.current_dir(root).args(arguments).env("CARGO_TARGET_DIR", target_dir);
        command
    };
    let built = cargo(&["build", "--release", "-p", "assay-scheduler", "--example", "throughput"]).status()?;
    ensure!(built.success(), "the example `throughput` does not build");
    let folder = folder.unwrap_or_else(|| target_dir.join("bench-runs"));
    for tasks in TASKS {
        let store = folder.join(format!("store-{tasks}-{}", std::process::id()));
        let program = target_dir.join("release/examples/throughput");
        let ended = Command::new(&program).args([store.as_str(), tasks]).status();
        let ended = ended.with_context(|| format!("`{program}` cannot be started"))?;
        if store.exists() {
            fs_err::remove_dir_all(&store)?;
        }
        ensure!(ended.success(), "the run of {tasks} tasks did not end as it should");
    }
    Ok(())
}
