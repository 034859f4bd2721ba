//! [`run`]: how long the built program takes for a Snapshot of many components, and how well it uses the cores.
//!
//! The load is made here: each component has an image, signature and provenance of its own, evaluated by the policies of
//! the example. The ratios matter: (user + system) / wall is the number of busy cores, and the time for one
//! component compared with the time for many shows what is done once.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use nix::sys::resource::{Usage, UsageWho, getrusage};

use crate::{bench_keyless, fixtures, sign::Key};

/// What one run of the program cost.
struct Cost {
    wall: Duration,
    cpu: Duration,
}

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

/// Validates 1 and `components` components with one worker and with a worker for each core, and one image with keyless
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
    println!("| components | workers | wall s | user+system s | (user+system)/wall |");
    println!("| --- | --- | --- | --- | --- |");
    for (count, workers) in [(1, 1), (components, 1), (components, cores)] {
        let load = Load::prepare(&folder.join(count.to_string()), root, count)?;
        let mut costs =
            (0..runs.max(1)).map(|_| load.validate(&program, root, workers)).collect::<anyhow::Result<Vec<_>>>()?;
        costs.sort_by_key(|cost| cost.wall);
        let median = costs.get(costs.len() / 2).context("there is at least one run")?;
        let (wall, cpu) = (median.wall.as_secs_f64(), median.cpu.as_secs_f64());
        println!("| {count} | {workers} | {wall:.3} | {cpu:.3} | {:.2} |", cpu / wall);
    }
    let peak = usage()?.max_rss();
    println!("\npeak memory of the largest run: {} MiB (builds count too when they were needed)", peak / 1024);
    let keyless = bench_keyless::run(&program, &folder.join("keyless"), runs)?;
    println!(
        "\none image with keyless signatures in a registry: {:.3} s, user+system {:.3} s, {:.0} MiB",
        keyless.wall, keyless.cpu, keyless.megabytes
    );
    Ok(())
}

/// Builds the program with optimizations, and gives its path.
fn build(root: &Utf8Path, target_dir: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let status = Command::new("cargo").args(["build", "--release", "--package", "assay"]).current_dir(root).status()?;
    ensure!(status.success(), "the release build failed");
    Ok(target_dir.join("release/assay"))
}

fn usage() -> anyhow::Result<Usage> {
    getrusage(UsageWho::RUSAGE_CHILDREN).context("the system does not report what children used")
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
        let before = usage()?;
        let started = Instant::now();
        let status = Command::new(program)
            .current_dir(root)
            .args(["validate", "image", "--ignore-rekor", "--workers", &workers.to_string()])
            .args(["--evidence", &file("oci"), "--images", &file("snapshot.yaml")])
            .args(["--policy", &file("policy.yaml"), "--public-key", &file("key.pub")])
            .stdout(Stdio::null())
            .status()?;
        let wall = started.elapsed();
        ensure!(status.success(), "the load did not pass: {status}; validate {} by hand", self.folder);
        let after = usage()?;
        let seconds = |usage: &Usage| {
            let of = |time: nix::sys::time::TimeVal| {
                Duration::new(time.tv_sec().unsigned_abs(), 0) + Duration::from_micros(time.tv_usec().unsigned_abs())
            };
            of(usage.user_time()) + of(usage.system_time())
        };
        Ok(Cost { wall, cpu: seconds(&after).saturating_sub(seconds(&before)) })
    }
}
