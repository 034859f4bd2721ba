//! [`run`]: our Rego engine compared with OPA on the same policies, data and input.
//!
//! Ours is measured by the example `measure` of `assay-conforma`, OPA by what its own commands say. Every command is a
//! process of its own, whose time and memory are those of [`cost`].

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is measured.
#[derive(Debug, clap::Args)]
pub struct Load {
    /// Folders of policies
    #[arg(long, value_name = "DIR", required = true)]
    policies: Vec<Utf8PathBuf>,
    /// Data files and folders
    #[arg(long, value_name = "PATH")]
    data: Vec<Utf8PathBuf>,
    /// An input document; without one nothing is evaluated but tests
    #[arg(long, value_name = "FILE")]
    input: Option<Utf8PathBuf>,
    /// An OCI layout that `ec.oci.*` read in our engine; in OPA they read the registry that the input names
    #[arg(long, value_name = "DIR")]
    layout: Option<Utf8PathBuf>,
    /// Data files for the tests instead of the data above
    #[arg(long, value_name = "PATH")]
    test_data: Vec<Utf8PathBuf>,
    /// OPA's command, such as `opa` or `ec opa`
    #[arg(long, value_name = "COMMAND")]
    opa: Option<String>,
    /// How many times; the median is printed
    #[arg(long, value_name = "N", default_value_t = 7)]
    runs: usize,
}

/// What a process cost.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Cost {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) megabytes: f64,
    pub(crate) output: String,
    /// What it ended with, if it did so by itself.
    pub(crate) code: Option<i32>,
}

impl Cost {
    /// Whether the process ended as one that validates does: with a verdict, whatever it is.
    pub(crate) const fn is_verdict(&self) -> bool {
        matches!(self.code, Some(0 | 1))
    }
}

/// Measures and prints a table.
///
/// # Errors
/// A build fails, or a command does not do what it should.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub fn run(root: &Utf8Path, target_dir: &Utf8Path, load: &Load) -> anyhow::Result<()> {
    let build = ["build", "--release", "--package", "assay-conforma", "--example", "measure"];
    let status = Command::new("cargo").args(build).current_dir(root).status()?;
    ensure!(status.success(), "the release build failed");
    let folder = target_dir.join("bench");
    fs_err::create_dir_all(&folder)?;
    let bench = Bench { load, program: target_dir.join("release/examples/measure"), folder };
    println!("| what | assay | OPA | OPA / assay |\n| --- | --- | --- | --- |");
    for (name, ours, theirs) in bench.rows()? {
        let shown = |figure: Option<f64>| figure.map_or("–".to_owned(), |figure| format!("{figure:.2}"));
        let ratio = ours.zip(theirs).map(|(ours, theirs)| theirs / ours);
        println!("| {name} | {} | {} | {} |", shown(ours), shown(theirs), shown(ratio));
    }
    Ok(())
}

/// Runs a command as the only child of this process and returns what it cost.
///
/// # Errors
/// The command cannot be run.
pub fn cost(command: &[String]) -> anyhow::Result<String> {
    let (program, arguments) = command.split_first().context("no command was given")?;
    let started = Instant::now();
    let output = Command::new(program).args(arguments).env("EC_EXPERIMENTAL", "1").stderr(Stdio::null()).output()?;
    let wall = started.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().unsigned_abs(), 0) + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    let cpu = (seconds(usage.user_time()) + seconds(usage.system_time())).as_secs_f64();
    let megabytes = f64::from(u32::try_from(usage.max_rss() / 1024)?);
    let code = output.status.code();
    let cost = Cost { wall, cpu, megabytes, output: String::from_utf8_lossy(&output.stdout).into_owned(), code };
    Ok(serde_json::to_string(&cost)?)
}

/// A name, our figure and OPA's.
type Row = (&'static str, Option<f64>, Option<f64>);

struct Bench<'a> {
    load: &'a Load,
    program: Utf8PathBuf,
    folder: Utf8PathBuf,
}

impl Bench<'_> {
    fn rows(&self) -> anyhow::Result<Vec<Row>> {
        let mut rows = vec![("policies and data ready, ms", Some(self.ours("load")?), self.opa_load()?)];
        if let Some(input) = &self.load.input {
            self.evaluations(input, &mut rows)?;
        }
        let ours = self.costs(&self.our_command("test", &self.test_data()))?;
        let theirs = self.opa(&["test"], &self.test_data())?.map(|command| self.costs(&command)).transpose()?;
        let theirs = |get: fn(&Cost) -> f64| theirs.as_ref().map(|costs| median(costs.iter().map(get)));
        let ours = |get: fn(&Cost) -> f64| Some(median(ours.iter().map(get)));
        rows.push(("all tests, wall s", ours(|cost| cost.wall), theirs(|cost| cost.wall)));
        rows.push(("all tests, user+system s", ours(|cost| cost.cpu), theirs(|cost| cost.cpu)));
        rows.push(("all tests, peak memory MB", ours(|cost| cost.megabytes), theirs(|cost| cost.megabytes)));
        Ok(rows)
    }

    fn evaluations(&self, input: &Utf8Path, rows: &mut Vec<Row>) -> anyhow::Result<()> {
        let mut command = self.our_command("eval", &self.load.data);
        command.extend(["--input".to_owned(), input.to_string()]);
        if let Some(layout) = &self.load.layout {
            let path = self.folder.join("answers.json");
            fs_err::write(&path, serde_json::to_vec(&answers(layout)?)?)?;
            command.extend(["--answers".to_owned(), path.into_string()]);
        }
        let figures: Vec<_> = self.costs(&command)?.iter().map(|cost| figures(&cost.output)).collect();
        let ours = |name: &str| Some(median(figures.iter().filter_map(|found| found.get(name).copied())));
        let values = self.one(&[command.clone(), vec!["--show".to_owned()]].concat())?;
        let values: BTreeMap<String, Value> = serde_json::from_str(&values.output)?;
        let query: Vec<_> = values.keys().map(|path| format!("{path:?}: data.{path}")).collect();
        let query = format!("{{{}}}", query.join(", "));
        let with_input = ["-i".to_owned(), input.to_string(), "--format".to_owned(), "json".to_owned()];
        let (mut first, mut repeated) = (None, None);
        if let Some(mut command) = self.opa(&["eval", "--metrics"], &self.load.data)? {
            command.extend(with_input.iter().cloned());
            command.push(query.clone());
            let costs = self.costs(&command)?;
            let timer = |cost: &Cost| Some(json_of(&cost.output)?.get("metrics")?.get(EVAL)?.as_f64()? / 1e6);
            first = Some(median(costs.iter().filter_map(timer)));
        }
        if let Some(mut command) = self.opa(&["bench", "--count=1"], &self.load.data)? {
            command.extend(with_input);
            command.push(query);
            let costs = self.costs(&command)?;
            let per_query = |cost: &Cost| {
                let json = json_of(&cost.output)?;
                Some(json.get("T")?.as_f64()? / json.get("N")?.as_f64()? / 1e6)
            };
            repeated = Some(median(costs.iter().filter_map(per_query)));
        }
        rows.push(("one input, all entry points, first time, ms", ours("eval.first"), first));
        rows.push(("the same repeated, ms", ours("eval.repeated"), repeated));
        rows.push(("evaluations a second, one thread", ours("eval.per_second.1"), None));
        rows.push(("evaluations a second, two threads", ours("eval.per_second.2"), None));
        rows.push(("processor time of one evaluation, one thread, ms", ours("eval.cpu.1"), None));
        rows.push(("processor time of one evaluation, two threads, ms", ours("eval.cpu.2"), None));
        Ok(())
    }

    fn test_data(&self) -> Vec<Utf8PathBuf> {
        if self.load.test_data.is_empty() { self.load.data.clone() } else { self.load.test_data.clone() }
    }

    fn our_command(&self, what: &str, data: &[Utf8PathBuf]) -> Vec<String> {
        let mut command = vec![self.program.to_string(), what.to_owned()];
        command.extend(self.load.policies.iter().flat_map(|path| ["--policies".to_owned(), path.to_string()]));
        command.extend(data.iter().flat_map(|path| ["--data".to_owned(), path.to_string()]));
        command
    }

    fn ours(&self, name: &str) -> anyhow::Result<f64> {
        let cost = self.one(&self.our_command(name, &self.load.data))?;
        figures(&cost.output).get(name).copied().with_context(|| format!("`{name}` was not measured: {}", cost.output))
    }

    /// OPA's timers for reading and compiling.
    fn opa_load(&self) -> anyhow::Result<Option<f64>> {
        let Some(mut command) = self.opa(&["eval", "--metrics", "--format", "json"], &self.load.data)? else {
            return Ok(None);
        };
        command.push("1".to_owned());
        let timers = |cost: &Cost| {
            let metrics = json_of(&cost.output)?.get("metrics")?.clone();
            Some(LOAD.iter().filter_map(|name| metrics.get(*name)?.as_f64()).sum::<f64>() / 1e6)
        };
        Ok(Some(median(self.costs(&command)?.iter().filter_map(timers))))
    }

    /// A command of OPA's with the policies and data; `test` takes them as arguments.
    fn opa(&self, what: &[&str], data: &[Utf8PathBuf]) -> anyhow::Result<Option<Vec<String>>> {
        let Some(opa) = &self.load.opa else { return Ok(None) };
        let mut command: Vec<_> = opa.split_whitespace().map(str::to_owned).collect();
        command.extend(what.iter().map(|word| (*word).to_owned()));
        let is_test = what.first() == Some(&"test");
        for place in self.load.policies.iter().chain(data) {
            if !is_test {
                command.push("-d".to_owned());
            }
            command.push(fs_err::canonicalize(place)?.display().to_string());
        }
        if !is_test {
            command.extend(["--ignore".to_owned(), "*_test.rego".to_owned()]);
        }
        Ok(Some(command))
    }

    fn costs(&self, command: &[String]) -> anyhow::Result<Vec<Cost>> {
        (0..self.load.runs.max(1)).map(|_| self.one(command)).collect()
    }

    /// Runs a command through [`cost`], in a process that has no other child.
    fn one(&self, command: &[String]) -> anyhow::Result<Cost> {
        let own = std::env::current_exe()?;
        let output = Command::new(own).args(["cost", "--"]).args(command).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "`{}` cannot be run", command.join(" "));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

const EVAL: &str = "timer_rego_query_eval_ns";
const LOAD: [&str; 2] = ["timer_rego_load_files_ns", "timer_rego_module_compile_ns"];

fn json_of(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// The lines `name number` of `bench_support`.
fn figures(text: &str) -> BTreeMap<String, f64> {
    let line = |line: &str| {
        let (name, figure) = line.split_once(' ')?;
        Some((name.to_owned(), figure.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What `ec.oci.*` functions say of the images in an OCI layout; everything that is signed counts as verified.
fn answers(layout: &Utf8Path) -> anyhow::Result<Value> {
    let blob = |digest: &str| -> anyhow::Result<Vec<u8>> {
        Ok(fs_err::read(layout.join("blobs").join(digest.replace(':', "/")))?)
    };
    let full = |descriptor: &Value| {
        let mut all = json!({"annotations": {}, "artifactType": "", "data": "", "urls": []});
        if let (Some(all), Some(given)) = (all.as_object_mut(), descriptor.as_object()) {
            all.extend(given.clone());
        }
        all
    };
    let index: Value = serde_json::from_slice(&fs_err::read(layout.join("index.json"))?)?;
    let (mut manifests, mut descriptors, mut blobs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for entry in index.get("manifests").and_then(Value::as_array).into_iter().flatten() {
        let digest = entry.get("digest").and_then(Value::as_str).unwrap_or_default();
        let mut manifest: Value = serde_json::from_slice(&blob(digest)?)?;
        let Some(fields) = manifest.as_object_mut() else { continue };
        fields.entry("annotations").or_insert_with(|| json!({}));
        for name in ["config", "layers"] {
            match fields.get_mut(name) {
                Some(Value::Array(layers)) => layers.iter_mut().for_each(|layer| *layer = full(layer)),
                Some(config) => *config = full(config),
                None => {}
            }
        }
        let name = entry.pointer("/annotations/org.opencontainers.image.ref.name").and_then(Value::as_str);
        for key in [Some(digest), name].into_iter().flatten() {
            manifests.insert(key.to_owned(), manifest.clone());
            let mut own = entry.clone();
            own.as_object_mut().map(|own| own.remove("annotations"));
            descriptors.insert(key.to_owned(), full(&own));
        }
    }
    for file in fs_err::read_dir(layout.join("blobs/sha256"))? {
        let file = file?;
        if let Ok(text) = String::from_utf8(fs_err::read(file.path())?) {
            blobs.insert(format!("sha256:{}", file.file_name().to_string_lossy()), text);
        }
    }
    let verified = json!({"success": true, "errors": [], "signatures": [], "attestations": []});
    Ok(json!({
        "ec.oci.blob": blobs,
        "ec.oci.descriptor": descriptors,
        "ec.oci.image_manifest": manifests,
        "ec.oci.image_referrers": {"*": []},
        "ec.oci.image_tag_refs": {"*": []},
        "ec.sigstore.verify_attestation": {"*": verified},
        "ec.sigstore.verify_image": {"*": verified},
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_the_lines_of_a_name_and_a_number() {
        let found = figures("load 1.5\n# a test: failed\neval.first 20\nnothing\n");
        assert_eq!(found, BTreeMap::from([("eval.first".to_owned(), 20.0), ("load".to_owned(), 1.5)]));
        assert!(median([3.0, 1.0, 2.0].into_iter()) == 2.0 && median(std::iter::empty()).is_nan());
    }
}
