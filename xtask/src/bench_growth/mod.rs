//! [`run`]: how the time of each built-in function and construct of Rego grows with its data, in our engine and in OPA.
//!
//! The probes stand in `probes.txt`. A line `once NAME: TERM` evaluates a term; `call NAME: TERM` evaluates it for each
//! element `s` of `names` and its place `i`; `rules NAME` is followed by rules behind tabs, of which `deny` is evaluated. A
//! rule behind `*` stands there once for each element, with its number in place of `%`.
//! `@1,2,3` behind the name are the sizes where they are not those of the command.

mod probes;

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use probes::{Probe, all};

/// An exponent may be so much larger than OPA's: times of milliseconds vary.
const SLACK: f64 = 0.3;

/// Below this exponent a time does not grow faster than its data, whatever OPA's does.
const LINEAR: f64 = 1.2;

/// Milliseconds below which a time says nothing about growth, nor how it compares.
const NOISE: f64 = 1.0;

/// What is measured.
#[derive(Debug, clap::Args)]
pub struct Load {
    /// OPA's program
    #[arg(long, value_name = "PROGRAM")]
    opa: Utf8PathBuf,
    /// The built example `measure` of `assay-conforma`; it is built if it is not given
    #[arg(long, value_name = "FILE")]
    program: Option<Utf8PathBuf>,
    /// Sizes of the data
    #[arg(long, value_name = "N,N,N", value_delimiter = ',', default_values_t = [2_000, 4_000, 8_000])]
    sizes: Vec<u32>,
    /// How many times; the shortest counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// Only probes whose names contain this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// Milliseconds for each size.
type Times = Vec<(u32, f64)>;

/// Measures all probes and prints a table.
///
/// # Errors
/// A build fails, a command cannot be run, or something grows faster than in OPA or takes longer.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub fn run(root: &Utf8Path, target_dir: &Utf8Path, load: &Load) -> anyhow::Result<()> {
    let program = match &load.program {
        Some(program) => program.clone(),
        None => {
            let build = ["build", "--release", "--package", "assay-conforma", "--example", "measure"];
            let status = Command::new("cargo").args(build).current_dir(root).status()?;
            ensure!(status.success(), "the release build failed");
            target_dir.join("release/examples/measure")
        }
    };
    let folder = target_dir.join("bench/growth");
    fs_err::create_dir_all(&folder)?;
    let bench = Bench { load, program, folder };
    println!("| probe | n | assay, ms | exponent | OPA, ms | exponent | OPA / assay | |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let (mut count, mut found) = (0, 0);
    for probe in all()? {
        if load.only.as_ref().is_some_and(|only| !probe.name.contains(only.as_str())) {
            continue;
        }
        let (ours, theirs) = bench.times(&probe).with_context(|| format!("in the probe `{}`", probe.name))?;
        let (Some((size, time)), Some((_, other))) = (ours.last(), theirs.last()) else { continue };
        let verdict = verdict(&ours, &theirs);
        let shown = |times: &Times| exponent(times).map_or("–".to_owned(), |found| format!("{found:.2}"));
        println!(
            "| {} | {size} | {time:.2} | {} | {other:.2} | {} | {:.1} | {verdict} |",
            probe.name,
            shown(&ours),
            shown(&theirs),
            other / time
        );
        count += 1;
        found += usize::from(!verdict.is_empty());
    }
    println!("\n{count} probes, {found} of them slower than in OPA");
    ensure!(found == 0, "not everything is as fast as in OPA");
    Ok(())
}

/// What is wrong with our times beside OPA's; nothing as a rule.
fn verdict(ours: &Times, theirs: &Times) -> &'static str {
    let (Some((_, time)), Some((_, other))) = (ours.last(), theirs.last()) else { return "" };
    if *time > NOISE && time > other {
        return "slower";
    }
    match (exponent(ours), exponent(theirs)) {
        (Some(one), Some(other)) if one > LINEAR && one > other + SLACK => "grows faster",
        _ => "",
    }
}

/// The power of the size that the time grows with: the slope of the line through the logarithms. None where times are too
/// short to say so.
fn exponent(times: &Times) -> Option<f64> {
    if times.len() < 2 || times.iter().any(|(_, time)| *time < NOISE) {
        return None;
    }
    let points: Vec<_> = times.iter().map(|(size, time)| (f64::from(*size).ln(), time.ln())).collect();
    let count = f64::from(u32::try_from(points.len()).ok()?);
    let mean = |get: fn(&(f64, f64)) -> f64| points.iter().map(get).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let along: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    Some(along / spread)
}

struct Bench<'a> {
    load: &'a Load,
    program: Utf8PathBuf,
    folder: Utf8PathBuf,
}

impl Bench<'_> {
    fn times(&self, probe: &Probe) -> anyhow::Result<(Times, Times)> {
        let policies = self.folder.join("policies");
        fs_err::create_dir_all(&policies)?;
        let module = policies.join("p.rego");
        let input = self.folder.join("input.json");
        let (mut ours, mut theirs) = (Times::new(), Times::new());
        let sizes = if probe.sizes.is_empty() { &self.load.sizes } else { &probe.sizes };
        for size in sizes {
            fs_err::write(&module, probe.module(*size))?;
            fs_err::write(&input, format!("{{\"n\": {size}}}"))?;
            // In alternation, so that other load meets both.
            let (mut own, mut other) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..self.load.runs.max(1) {
                own = own.min(self.ours(&policies, &input)?);
                other = other.min(self.theirs(&module, &input)?);
            }
            ours.push((*size, own));
            theirs.push((*size, other));
        }
        Ok((ours, theirs))
    }

    fn ours(&self, policies: &Utf8Path, input: &Utf8Path) -> anyhow::Result<f64> {
        let mut command = Command::new(&self.program);
        command.args(["eval", "--repeat", "0", "--policies", policies.as_str(), "--input", input.as_str()]);
        let output = command.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "`{}` failed", self.program);
        let text = String::from_utf8(output.stdout)?;
        let figure = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        ensure!(figure("eval.defined ") == Some(1.0), "assay has no value");
        figure("eval.first ").context("no time was printed")
    }

    fn theirs(&self, module: &Utf8Path, input: &Utf8Path) -> anyhow::Result<f64> {
        let mut command = Command::new(&self.load.opa);
        command.args(["eval", "--metrics", "-d", module.as_str(), "-i", input.as_str(), "data.p.deny"]);
        let output = command.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "`{}` failed: {text}", self.load.opa);
        let answer: Value = serde_json::from_str(&text)?;
        ensure!(answer.get("result").is_some(), "OPA has no value");
        let time = answer.pointer("/metrics/timer_rego_query_eval_ns").and_then(Value::as_f64);
        Ok(time.context("OPA printed no time")? / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_is_the_slope_of_the_logarithms() {
        let times = |of: fn(f64) -> f64| [10, 20, 40].map(|size| (size, of(f64::from(size)))).to_vec();
        assert!((exponent(&times(|size| 3.0 * size)).unwrap() - 1.0).abs() < 1e-9);
        assert!((exponent(&times(|size| size * size)).unwrap() - 2.0).abs() < 1e-9);
        assert_eq!(exponent(&times(|_| 0.5)), None, "too short to say anything");
    }

    #[test]
    fn what_takes_longer_or_grows_faster_is_shown() {
        let times = |of: fn(f64) -> f64| [10, 20, 40].map(|size| (size, of(f64::from(size)))).to_vec();
        let linear = times(|size| 10.0 * size);
        assert_eq!(verdict(&times(|size| 11.0 * size), &linear), "slower");
        assert_eq!(verdict(&times(|size| size * size / 10.0), &linear), "grows faster");
        assert_eq!(verdict(&linear, &linear), "");
        assert_eq!(verdict(&times(|_| 0.9), &times(|_| 0.1)), "", "times below a millisecond are not compared");
    }
}
