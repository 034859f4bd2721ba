//! `cargo xtask bench runs`: what the scheduler and the store can do with tasks that do nothing.

use std::process::Command;

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};

/// Tasks of the runs that are compared: memory must not grow with them.
const TASKS: [&str; 2] = ["1000", "10000"];

/// What the example `measures` measures.
const MEASURES: [&str; 6] = ["compose", "list", "gc", "waiting", "log", "fair"];

/// Builds the example `throughput` with optimizations, and runs it once for each number of tasks in a new store. It prints one
/// JSON line each. Then each measure of the example `measures` does the same.
///
/// # Errors
/// It does not build, or a run does not end as it should.
pub fn run(root: &Utf8Path, target_dir: &Utf8Path, folder: Option<Utf8PathBuf>) -> anyhow::Result<()> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.current_dir(root).args(arguments).env("CARGO_TARGET_DIR", target_dir);
        command
    };
    let built = cargo(&["build", "--release", "-p", "assay-scheduler", "--examples"]).status()?;
    ensure!(built.success(), "the examples of the scheduler do not build");
    let folder = folder.unwrap_or_else(|| target_dir.join("bench-runs"));
    let measure = |program: &str, before: Option<&str>, after: Option<&str>| {
        let name = before.or(after).unwrap_or_default();
        let store = folder.join(format!("store-{name}-{}", std::process::id()));
        let program = target_dir.join("release/examples").join(program);
        let ended = Command::new(&program).args(before).arg(&store).args(after).status();
        let ended = ended.with_context(|| format!("`{program}` cannot be started"))?;
        if store.exists() {
            fs_err::remove_dir_all(&store)?;
        }
        ensure!(ended.success(), "the measure `{name}` did not end as it should");
        Ok::<_, anyhow::Error>(())
    };
    TASKS.into_iter().try_for_each(|tasks| measure("throughput", None, Some(tasks)))?;
    MEASURES.into_iter().try_for_each(|what| measure("measures", Some(what), None))
}
