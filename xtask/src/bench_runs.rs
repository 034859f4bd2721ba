//! `cargo xtask bench runs`: what the scheduler and the store can do with tasks that do nothing.

use std::{fmt::Write as _, process::Command, time::Instant};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};

use crate::bench_program::Measured;

/// Tasks of the runs that are compared: memory must not grow with them.
const TASKS: [&str; 2] = ["1000", "10000"];

/// What the example `measures` measures.
const MEASURES: [&str; 6] = ["compose", "list", "gc", "waiting", "log", "fair"];

/// Builds the example `throughput` with optimizations, and runs it once for each number of tasks in a new store. It prints one
/// JSON line each. Then each measure of the example `measures` does the same. With a program, its runs of a component are measured.
///
/// # Errors
/// It does not build, or a run does not end as it should.
pub fn run(
    root: &Utf8Path,
    target_dir: &Utf8Path,
    folder: Option<Utf8PathBuf>,
    program: Option<&Utf8Path>,
) -> anyhow::Result<()> {
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
    MEASURES.into_iter().try_for_each(|what| measure("measures", Some(what), None))?;
    let Some(program) = program else { return Ok(()) };
    let guests = crate::guests::build(root, target_dir)?;
    let component = guests.iter().find(|path| path.file_name() == Some("scripted_task.wasm"));
    let component = component.context("there is no guest `scripted_task`")?;
    TASKS.into_iter().try_for_each(|tasks| measure_program(program, component, &folder.join("program"), tasks))
}

/// Runs one scenario with so many tasks, each a call of a component, and prints the tasks for each second and the most memory.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn measure_program(program: &Utf8Path, component: &Utf8Path, folder: &Utf8Path, tasks: &str) -> anyhow::Result<()> {
    if folder.exists() {
        fs_err::remove_dir_all(folder)?;
    }
    fs_err::create_dir_all(folder)?;
    let count: u32 = tasks.parse()?;
    let mut text = RESOURCES.replace("DIGEST", &"1".repeat(64));
    for number in 0..count {
        writeln!(
            text,
            "  - {{name: t{number}, taskRef: {{apiVersion: assay.dev/v1, kind: Plugin, name: scripted}}, params: [{{name: text, value: x}}]}}"
        )?;
    }
    let resources = folder.join("resources.yaml");
    fs_err::write(&resources, text)?;
    fs_err::write(folder.join("plugins.toml"), format!("[plugin.scripted]\nfile = '{component}'\n"))?;
    let mut command = Command::new(program);
    command.arg("run").arg(&resources).arg("--dev").arg("--plugins").arg(folder.join("plugins.toml"));
    command.arg("--store").arg(folder.join("store"));
    let started = Instant::now();
    let mut measured = Measured::start(&mut command)?;
    let status = measured.watch(|_| false)?;
    let took = started.elapsed();
    ensure!(status.is_some_and(|status| status.success()), "the run of {tasks} tasks ended with {status:?}");
    let peak_mib = measured.peak_mib();
    let rate = f64::from(count) / took.as_secs_f64();
    println!(
        "{{\"program\":{{\"tasks\":{tasks},\"seconds\":{:.2},\"tasks_per_second\":{rate:.0},\"peak_mib\":{peak_mib}}}}}",
        took.as_secs_f64()
    );
    fs_err::remove_dir_all(folder)?;
    Ok(())
}

/// The resources of a run with one scenario, but for its tasks.
pub(crate) const RESOURCES: &str = "apiVersion: appstudio.redhat.com/v1alpha1
kind: Application
metadata: {name: shop}
spec: {displayName: shop}
---
apiVersion: appstudio.redhat.com/v1alpha1
kind: Snapshot
metadata: {name: shop-1}
spec: {application: shop, components: [{name: cart, containerImage: 'r.example/cart@sha256:DIGEST'}]}
---
apiVersion: appstudio.redhat.com/v1beta2
kind: IntegrationTestScenario
metadata: {name: many}
spec:
  application: shop
  resolverRef: {resolver: cluster, params: [{name: kind, value: pipeline}, {name: name, value: many}]}
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: many}
spec:
  tasks:
";
