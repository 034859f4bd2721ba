//! [`run`]: modules by chance, compiled and evaluated by the engine and by OPA, which must agree.
//!
//! OPA runs as a server, which takes a module in about a millisecond. A difference is printed with the module, cut down to the
//! lines that it needs. What was looked at and is meant to differ is named in `reviewed.txt`.

mod generate;
mod server;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;
use assay_rego::{CompileOptions, fuzzing};
use camino::Utf8PathBuf;
use clap::Args;
use serde_json::Value;

use generate::Generator;
use server::Server;

/// Differences that are meant: parts of messages, one a line.
const REVIEWED: &str = include_str!("reviewed.txt");

/// The longest time of one evaluation.
const LIMIT: Duration = Duration::from_secs(2);

/// What is run.
#[derive(Args)]
pub struct Load {
    /// OPA's program
    #[arg(long, value_name = "PROGRAM")]
    opa: Utf8PathBuf,
    /// How many modules
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    modules: u64,
    /// Where the chance begins; the same number gives the same modules
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Rego of before 1.0
    #[arg(long)]
    v0: bool,
    /// How many differences are printed before the run ends
    #[arg(long, value_name = "N", default_value_t = 20)]
    most: usize,
    /// The time that the run may take, in seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
}

/// What a module gives.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// It is refused, with the codes and the messages.
    Refused(String),
    /// The evaluation failed.
    Failed(String),
    /// The document of its package.
    Value(Value),
}

impl Outcome {
    /// Whether both are the same; messages are not compared.
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(_), Self::Refused(_)) | (Self::Failed(_), Self::Failed(_)) => true,
            (Self::Value(one), Self::Value(other)) => same(one, other),
            _ => false,
        }
    }
}

/// Whether two documents are one; numbers are compared by value.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one == other)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| same(one, other)))
        }
        _ => one == other,
    }
}

struct Run {
    server: Server,
    v0: bool,
}

impl Run {
    fn ours(&self, module: &str) -> Outcome {
        let options = CompileOptions { v0: self.v0, ..CompileOptions::default() };
        match fuzzing::document(module, "t", generate::INPUT, options, LIMIT) {
            Err(fuzzing::Refusal::Compile(message)) => Outcome::Refused(message),
            Err(fuzzing::Refusal::Evaluation(message)) => Outcome::Failed(message),
            Ok(text) => Outcome::Value(serde_json::from_str(&text).unwrap_or_default()),
        }
    }

    /// Both outcomes if they differ and that is not meant.
    fn difference(&mut self, module: &str) -> anyhow::Result<Option<(Outcome, Outcome)>> {
        let (ours, theirs) = (self.ours(module), self.server.outcome(module)?);
        if ours.agrees(&theirs) {
            return Ok(None);
        }
        let text = format!("{ours:?}\n{theirs:?}");
        let is_meant = REVIEWED.lines().any(|part| !part.is_empty() && !part.starts_with('#') && text.contains(part));
        Ok((!is_meant).then_some((ours, theirs)))
    }

    /// The module without the lines that the difference does not need.
    fn reduced(&mut self, module: &str) -> anyhow::Result<String> {
        let mut lines: Vec<_> = module.lines().map(str::to_owned).collect();
        let mut at = lines.len();
        while at > 1 {
            at -= 1;
            let mut fewer = lines.clone();
            fewer.remove(at);
            if self.difference(&fewer.join("\n"))?.is_some() {
                lines = fewer;
            }
        }
        Ok(lines.join("\n"))
    }
}

/// Compares the engine with OPA on modules by chance.
///
/// # Errors
/// OPA cannot be run, or there are differences that are not reviewed.
pub fn run(load: &Load) -> anyhow::Result<()> {
    let mut run = Run { server: Server::start(&load.opa, load.v0)?, v0: load.v0 };
    let mut out = std::io::stdout().lock();
    let started = Instant::now();
    let (mut ran, mut accepted, mut found) = (0_u64, 0_u64, 0_usize);
    for number in 0..load.modules {
        if found >= load.most || load.seconds.is_some_and(|most| started.elapsed().as_secs() >= most) {
            break;
        }
        let seed = load.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number);
        let module = Generator::new(seed, load.v0).module();
        ran += 1;
        match run.difference(&module)? {
            None => accepted += u64::from(matches!(run.ours(&module), Outcome::Value(_))),
            Some(_) => {
                found += 1;
                let module = run.reduced(&module)?;
                let (ours, theirs) = (run.ours(&module), run.server.outcome(&module)?);
                writeln!(
                    out,
                    "--- module {number} of seed {}\n{module}\nassay: {ours:?}\nopa:   {theirs:?}",
                    load.seed
                )?;
            }
        }
    }
    let unanswered = run.server.unanswered;
    writeln!(
        out,
        "{ran} modules, {accepted} of them evaluated, {unanswered} without an answer of OPA, {found} differences"
    )?;
    ensure!(found == 0, "there are differences from OPA that are not in reviewed.txt");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_one_value_however_they_are_written() {
        assert!(same(&json!({"a": [1, 2.0]}), &json!({"a": [1.0, 2]})));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(Outcome::Refused("one".to_owned()).agrees(&Outcome::Refused("other".to_owned())));
        assert!(!Outcome::Refused(String::new()).agrees(&Outcome::Failed(String::new())));
    }

    #[test]
    fn one_seed_gives_one_module() {
        let module = |seed, v0| Generator::new(seed, v0).module();
        assert_eq!(module(7, false), module(7, false));
        assert_ne!(module(7, false), module(8, false));
        assert!((0..50).all(|seed| module(seed, true).starts_with("package t\n") || seed % 4 == 3));
    }
}
