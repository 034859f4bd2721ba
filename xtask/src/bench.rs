//! [`run`]: how long the built program takes for a Snapshot of many components, and how well it uses the cores.
//!
//! The load is made here: each component has an image, signature and provenance of its own, evaluated by the policies of
//! the example. The ratios matter: (user + system) / wall is the number of busy cores, and the time for one
//! component compared with the time for many shows what is done once.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{bench_keyless, bench_rego::Cost, fixtures, sign::Key};

/// How much is measured, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// A built program in place of the release build.
    pub program: Option<&'a Utf8Path>,
    /// How many components.
    pub components: usize,
    /// How many times.
    pub runs: usize,
}

/// Validates 1, `components` and twice as many components with one worker, and `components` with a worker for each core, and one image with keyless
/// signatures in a registry, `runs` times each, and prints the medians.
///
/// # Errors
/// The program cannot be built, or the load does not pass.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub fn run(root: &Utf8Path, target_dir: &Utf8Path, request: &Request<'_>) -> anyhow::Result<()> {
    let Request { program, components, runs } = *request;
    let program = match program {
        Some(program) => program.to_owned(),
        None => build(root, target_dir)?,
    };
    let folder = target_dir.join("bench");
    let cores = std::thread::available_parallelism()?.get();
    println!("| components | workers | wall s | user+system s | (user+system)/wall | MiB |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (count, workers) in [(1, 1), (components, 1), (components, cores), (2 * components, 1)] {
        let load = Load::prepare(&folder.join(count.to_string()), root, count)?;
        let mut costs =
            (0..runs.max(1)).map(|_| load.validate(&program, root, workers)).collect::<anyhow::Result<Vec<_>>>()?;
        costs.sort_by(|one, other| one.wall.total_cmp(&other.wall));
        let Cost { wall, cpu, megabytes, .. } = costs.get(costs.len() / 2).context("there is at least one run")?;
        println!("| {count} | {workers} | {wall:.3} | {cpu:.3} | {:.2} | {megabytes:.0} |", cpu / wall);
    }
    let keyless = bench_keyless::run(&program, &folder.join("keyless"), runs)?;
    println!(
        "\none image with keyless signatures in a registry: {:.3} s, user+system {:.3} s, {:.0} MiB",
        keyless.wall, keyless.cpu, keyless.megabytes
    );
    Ok(())
}

/// Builds the program with optimizations, and gives its path.
pub(crate) fn build(root: &Utf8Path, target_dir: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let status = Command::new("cargo").args(["build", "--release", "--package", "assay"]).current_dir(root).status()?;
    ensure!(status.success(), "the release build failed");
    Ok(target_dir.join("release/assay"))
}

struct Load {
    folder: Utf8PathBuf,
}

impl Load {
    fn prepare(folder: &Utf8Path, root: &Utf8Path, components: usize) -> anyhow::Result<Self> {
        let key = Key::generate()?;
        let load = fixtures::carts(&key, components)?;
        if folder.exists() {
            fs_err::remove_dir_all(folder)?;
        }
        load.layout.write(&folder.join("oci"))?;
        fs_err::write(folder.join("key.pub"), key.public_pem()?)?;
        fs_err::write(folder.join("snapshot.yaml"), load.snapshot)?;
        fs_err::copy(root.join("examples/shop/policy.yaml"), folder.join("policy.yaml"))?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn validate(&self, program: &Utf8Path, root: &Utf8Path, workers: usize) -> anyhow::Result<Cost> {
        let file = |name: &str| self.folder.join(name).into_string();
        // In a process that has no other child, as only the largest memory of all is known.
        let output = Command::new(std::env::current_exe()?)
            .args(["cost", "--", program.as_str()])
            .current_dir(root)
            .args(["validate", "image", "--ignore-rekor", "--workers", &workers.to_string()])
            .args(["--evidence", &file("oci"), "--images", &file("snapshot.yaml")])
            .args(["--policy", &file("policy.yaml"), "--public-key", &file("key.pub")])
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "`{program}` cannot be run");
        let cost: Cost = serde_json::from_slice(&output.stdout)?;
        ensure!(cost.code == Some(0), "the load did not pass; validate {} by hand", self.folder);
        Ok(cost)
    }
}
