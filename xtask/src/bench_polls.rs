//! `cargo xtask bench polls`: how fast jobs of a third party are asked for their state when all of them are due at once.
//!
//! The service is a double in this process, so both share the machine's cores. Many jobs are submitted, the program is killed
//! while all of them wait, and started again when all are due: then each is polled once, ends, and is collected.

use std::{
    fmt::Write as _,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use assay_doubles::{Double, Options, Service};
use camino::{Utf8Path, Utf8PathBuf};

use crate::bench_program::Measured;

/// The time until a job is polled, which is long enough to submit all; adapters add up to a fifth.
const POLL_SECONDS: u64 = 90;

/// How long the submissions may take.
const SUBMITTING: Duration = Duration::from_secs(85);

/// How long the program goes on after the last submission, so that it is recorded.
const RECORDING: Duration = Duration::from_secs(2);

/// What is measured.
#[derive(Debug, clap::Args)]
pub struct Load {
    /// The program
    #[arg(long, value_name = "FILE")]
    pub program: Utf8PathBuf,
    /// The folder for the record; one in the target directory if it is not given
    #[arg(long, value_name = "DIR")]
    pub folder: Option<Utf8PathBuf>,
    /// How many jobs wait
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub jobs: usize,
}

/// Measures, and prints a JSON line.
///
/// # Errors
/// A component does not build, the program does not start, or a run does not end as it should.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub fn run(root: &Utf8Path, target_dir: &Utf8Path, load: &Load) -> anyhow::Result<()> {
    let guests = crate::guests::build(root, target_dir)?;
    let component = guests.iter().find(|path| path.file_name() == Some("http_job.wasm"));
    let component = component.context("there is no plugin `http_job`")?;
    let folder = load.folder.clone().unwrap_or_else(|| target_dir.to_owned());
    let folder = folder.join(format!("bench-polls-{}", std::process::id()));
    fs_err::create_dir_all(&folder)?;
    let double = Double::start(Options { polls: 0, ..Options::new(Service::HttpJob) })?;
    write_files(&folder, component, &double, load.jobs)?;
    let mut command = Command::new(&load.program);
    command
        .arg("run")
        .arg(folder.join("resources.yaml"))
        .arg("--dev")
        .arg("--plugins")
        .arg(folder.join("plugins.toml"));
    command.arg("--store").arg(folder.join("store")).env("BENCH_TOKEN", "bench-token");

    let (submitted, submit_mib) = submit_all(&mut command, &double, load.jobs)?;
    // All are due, whatever their jitter.
    std::thread::park_timeout(Duration::from_secs(POLL_SECONDS * 6 / 5 + 2));
    let (_, before) = double.counts();
    let (mut first, mut last) = (None, None);
    let mut measured = Measured::start(&mut command)?;
    let started = Instant::now();
    let ended = measured.watch(|now| {
        let polled = double.counts().1 - before;
        if polled > 0 && first.is_none() {
            first = Some((now, polled));
        }
        if polled >= load.jobs && last.is_none() {
            last = Some(now);
        }
        false
    })?;
    let took = started.elapsed();
    ensure!(ended.is_some_and(|status| status.success()), "the run ended with {ended:?}");
    let (jobs, requests) = double.counts();
    ensure!(jobs == load.jobs, "{jobs} jobs were made for {} tasks", load.jobs);
    ensure!(requests - before == load.jobs, "there were {} requests for {} jobs", requests - before, load.jobs);
    let (first, already) = first.context("nothing was polled")?;
    let seconds = last.unwrap_or_else(Instant::now).duration_since(first).as_secs_f64();
    println!(
        "{{\"polls\":{{\"jobs\":{jobs},\"submissions_per_second\":{:.0},\"polls_per_second\":{:.0},\"run_seconds\":{:.2},\"peak_mib\":{},\"peak_mib_submitting\":{submit_mib}}}}}",
        ratio(jobs, submitted.as_secs_f64()),
        ratio(jobs - already, seconds),
        took.as_secs_f64(),
        measured.peak_mib(),
    );
    drop(measured);
    fs_err::remove_dir_all(&folder)?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts far below the limit of what is exact")]
fn ratio(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds.max(f64::EPSILON)
}

/// Submits all jobs and kills the program. Returns how long it took, and its most memory in MiB.
fn submit_all(command: &mut Command, double: &Double, jobs: usize) -> anyhow::Result<(Duration, u64)> {
    let mut measured = Measured::start(command)?;
    let started = Instant::now();
    let mut done = None;
    let ended = measured.watch(|now| {
        if done.is_none() && double.counts().0 >= jobs {
            done = Some(now);
        }
        done.is_some_and(|done| now >= done + RECORDING) || now >= started + SUBMITTING + RECORDING
    })?;
    ensure!(ended.is_none(), "the run ended before its jobs were due: {ended:?}");
    let done = done.with_context(|| {
        format!("only {} of {jobs} jobs were submitted in {} s", double.counts().0, SUBMITTING.as_secs())
    })?;
    ensure!(double.counts().1 == jobs, "jobs were polled before all were submitted");
    Ok((done.duration_since(started), measured.peak_mib()))
}

fn write_files(folder: &Utf8Path, component: &Utf8Path, double: &Double, jobs: usize) -> anyhow::Result<()> {
    let mut text = crate::bench_runs::RESOURCES.replace("DIGEST", &"1".repeat(64));
    let base = double.base();
    for number in 0..jobs {
        writeln!(
            text,
            "  - name: t{number}\n    taskRef: {{apiVersion: assay.dev/v1, kind: Plugin, name: http-job}}\n    params:\n    \
             - {{name: submit, value: '{base}/jobs'}}\n    - {{name: status, value: '{base}/jobs/{{id}}'}}\n    \
             - {{name: find, value: '{base}/jobs?key={{key}}'}}\n    - {{name: passed, value: [passed]}}\n    \
             - {{name: failed, value: [failed]}}\n    - {{name: poll-seconds, value: '{POLL_SECONDS}'}}"
        )?;
    }
    fs_err::write(folder.join("resources.yaml"), text)?;
    let host = format!("127.0.0.1:{}", double.port());
    let plugins = format!(
        "[plugin.http-job]\nfile = '{component}'\nhttp = [{{ host = '{host}', methods = ['GET', 'POST', 'DELETE'], plain = true }}]\n\
         secret.job = {{ from = 'env:BENCH_TOKEN', host = '{host}', scheme = 'bearer' }}\n"
    );
    fs_err::write(folder.join("plugins.toml"), plugins)?;
    Ok(())
}
