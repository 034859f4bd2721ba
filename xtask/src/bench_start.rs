//! [`run`]: what a run of the built program costs from its start to its end: without a cache, with an empty one, and with what an
//! earlier run kept there.
//!
//! The arguments are those of the caller, so that any policies and images can be measured. A program of before is run in
//! alternation with the one of now: other programs on the machine change a pair of runs less than its ratio.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    bench,
    bench_rego::{Cost, median},
};

/// What is measured.
#[derive(Debug, clap::Args)]
pub struct Load {
    /// A built program instead of the release build
    #[arg(long, value_name = "FILE")]
    program: Option<Utf8PathBuf>,
    /// A program of before, which is run in alternation
    #[arg(long, value_name = "FILE")]
    before: Option<Utf8PathBuf>,
    /// How many times; the median is printed
    #[arg(long, value_name = "N", default_value_t = 21)]
    runs: usize,
    /// The arguments of the program, such as `validate image --images …`, without `--cache-dir`
    #[arg(last = true, required = true)]
    arguments: Vec<String>,
}

/// How the cache is before a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CacheState {
    Off,
    Empty,
    Warm,
}

/// Measures and prints a table.
///
/// # Errors
/// The program cannot be built or run, or does not validate what it is given.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub fn run(root: &Utf8Path, target_dir: &Utf8Path, load: &Load) -> anyhow::Result<()> {
    let program = match &load.program {
        Some(program) => program.clone(),
        None => bench::build(root, target_dir)?,
    };
    let folder = target_dir.join("bench/start");
    println!("| cache | user+system s | wall s | MiB | before: user+system s | wall s | MiB | ratio of user+system |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (name, state) in [("off", CacheState::Off), ("empty", CacheState::Empty), ("warm", CacheState::Warm)] {
        let measured = |program: &Utf8Path, name: &str| measure(program, &folder.join(name), state, &load.arguments);
        // What is in the cache, and in that of the system, must not depend on the first run.
        measured(&program, "now")?;
        load.before.as_deref().map(|before| measured(before, "before")).transpose()?;
        let (mut now, mut before) = (Vec::new(), Vec::new());
        for _ in 0..load.runs.max(1) {
            now.push(measured(&program, "now")?);
            before.extend(load.before.as_deref().map(|before| measured(before, "before")).transpose()?);
        }
        let shown = |costs: &[Cost]| {
            let of = |get: fn(&Cost) -> f64| median(costs.iter().map(get));
            let (cpu, wall, memory) = (of(|cost| cost.cpu), of(|cost| cost.wall), of(|cost| cost.megabytes));
            if costs.is_empty() { "– | – | –".to_owned() } else { format!("{cpu:.3} | {wall:.3} | {memory:.0}") }
        };
        let ratios = now.iter().zip(&before).map(|(now, before)| now.cpu / before.cpu);
        let ratio = if before.is_empty() { "–".to_owned() } else { format!("{:.2}", median(ratios)) };
        println!("| {name} | {} | {} | {ratio} |", shown(&now), shown(&before));
    }
    Ok(())
}

fn measure(program: &Utf8Path, folder: &Utf8Path, state: CacheState, arguments: &[String]) -> anyhow::Result<Cost> {
    let cache = folder.join("cache");
    if state == CacheState::Empty && cache.exists() {
        fs_err::remove_dir_all(&cache)?;
    }
    fs_err::create_dir_all(folder)?;
    let cache = if state == CacheState::Off { "--cache-dir=".to_owned() } else { format!("--cache-dir={cache}") };
    // In a process that has no other child, as only the largest memory of all is known.
    let output = Command::new(std::env::current_exe()?)
        .args(["cost", "--", program.as_str()])
        .args(arguments)
        .arg(cache)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "`{program}` cannot be run");
    let cost: Cost = serde_json::from_slice(&output.stdout).context("what it cost is not known")?;
    ensure!(cost.is_verdict(), "`{program}` gave no verdict: {}", cost.output);
    Ok(cost)
}
