//! [`run`]: modules by chance, compiled and evaluated by the engine and by OPA, which must agree.
//!
//! OPA runs as a server, which takes a module in about a millisecond. A difference is printed with the module, cut down to the
//! lines that it needs. What was looked at and is meant to differ is named in `reviewed.txt`. Only modules that OPA answered are
//! counted, and now and then a result that is known is requested.

mod corpus;
mod generate;
mod server;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;
use assay_rego::{CompileOptions, fuzzing};
use camino::Utf8PathBuf;
use clap::Args;
use regex::Regex;
use serde_json::Value;

use corpus::Corpus;
use generate::Generator;
use server::Server;

/// Differences that are meant: parts of messages, one a line.
const REVIEWED: &str = include_str!("reviewed.txt");

/// The longest time of one evaluation.
const LIMIT: Duration = Duration::from_secs(2);

/// Modules between two requests whose results are known.
const CHECKED: u64 = 500;

/// One in so many modules may be without an answer of OPA: with more the run says too little.
const UNANSWERED: u64 = 50;

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
    /// A folder of Rego files in place of modules by chance: each as it is, and then mutated
    #[arg(long, value_name = "DIR")]
    corpus: Option<Utf8PathBuf>,
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
    same_with(one, other, &|one, other| one == other)
}

/// The same, where texts are compared with `texts`.
fn same_with(one: &Value, other: &Value, texts: &dyn Fn(&str, &str) -> bool) -> bool {
    let same = |one: &Value, other: &Value| same_with(one, other, texts);
    match (one, other) {
        (Value::String(one), Value::String(other)) => texts(one, other),
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one == other)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let find = |key: &str| {
                let written = || other.iter().find(|(other, _)| texts(key, other)).map(|(_, value)| value);
                other.get(key).or_else(|| other.get(&renamed(key, other)?)).or_else(written)
            };
            one.len() == other.len() && one.iter().all(|(key, one)| find(key).is_some_and(|other| same(one, other)))
        }
        _ => one == other,
    }
}

/// Whether two texts differ only in how numbers in them are written. The engine keeps numbers as floats or whole numbers, OPA as
/// they are written: `1.50` is shown as `1.5`, `1e3` as `1000.0`, and a quotient with fewer digits.
fn same_numbers(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let mut parts: Vec<String> = Vec::new();
        let mut was_number = false;
        for character in text.chars() {
            let is_number = character.is_ascii_digit()
                || (was_number && matches!(character, '.' | 'e' | 'E'))
                || (matches!(character, '-' | '+')
                    && was_number
                    && parts.last().is_some_and(|part| part.ends_with(['e', 'E'])));
            match parts.last_mut() {
                Some(last) if was_number == is_number => last.push(character),
                _ => parts.push(character.to_string()),
            }
            was_number = is_number;
        }
        parts
    };
    let (one, other) = (parts(one), parts(other));
    let close = |(one, other): (&String, &String)| {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        one == other
            || number(one)
                .zip(number(other))
                .is_some_and(|(one, other)| (one - other).abs() <= one.abs() * f64::EPSILON)
    };
    one.len() == other.len() && one.iter().zip(&other).all(close)
}

/// The key of an object that is the same number, such as `1e3` for `1000`.
fn renamed(key: &str, of: &serde_json::Map<String, Value>) -> Option<String> {
    let number: f64 = key.parse().ok()?;
    of.keys().find(|other| other.parse::<f64>().is_ok_and(|other| other == number)).cloned()
}

struct Run {
    server: Server,
    v0: bool,
}

/// How the outcomes of a module compare.
enum Comparison {
    /// They are the same; whether the module has a value.
    Same(bool),
    /// They differ, as `reviewed.txt` says, or in how numbers in texts are written.
    Reviewed,
    Differs(Outcome, Outcome),
    /// OPA did not respond.
    Unanswered,
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

    fn compare(&mut self, module: &str) -> anyhow::Result<Comparison> {
        let ours = self.ours(module);
        let Some(theirs) = self.server.outcome(module)? else { return Ok(Comparison::Unanswered) };
        if ours.agrees(&theirs) {
            return Ok(Comparison::Same(matches!(ours, Outcome::Value(_))));
        }
        let only_digits = match (&ours, &theirs) {
            (Outcome::Value(one), Outcome::Value(other)) => same_with(one, other, &same_numbers),
            _ => false,
        };
        Ok(if only_digits || is_reviewed(module, &ours, &theirs) {
            Comparison::Reviewed
        } else {
            Comparison::Differs(ours, theirs)
        })
    }

    /// The module without the lines that the difference does not need.
    fn reduced(&mut self, module: &str) -> anyhow::Result<String> {
        let mut lines: Vec<_> = module.lines().map(str::to_owned).collect();
        let mut at = lines.len();
        while at > 1 {
            at -= 1;
            let mut fewer = lines.clone();
            fewer.remove(at);
            if matches!(self.compare(&fewer.join("\n"))?, Comparison::Differs(..)) {
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
    let corpus = load.corpus.as_deref().map(Corpus::read).transpose()?;
    let mut out = std::io::stdout().lock();
    let started = Instant::now();
    let (mut compared, mut evaluated, mut reviewed, mut unanswered, mut found) = (0_u64, 0_u64, 0_u64, 0_u64, 0_usize);
    for number in 0..load.modules {
        if found >= load.most || load.seconds.is_some_and(|most| started.elapsed().as_secs() >= most) {
            break;
        }
        if number % CHECKED == 0 {
            run.server.check(number)?;
        }
        let seed = load.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number);
        let mut generator = Generator::new(seed, load.v0);
        let module = match &corpus {
            Some(corpus) if number < corpus.len() => corpus.at(number).to_owned(),
            Some(corpus) => generator.mutated(corpus.at(number)),
            None => generator.module(),
        };
        compared += 1;
        match run.compare(&module)? {
            Comparison::Same(has_value) => evaluated += u64::from(has_value),
            Comparison::Reviewed => reviewed += 1,
            Comparison::Unanswered => {
                compared -= 1;
                unanswered += 1;
            }
            Comparison::Differs(..) => {
                found += 1;
                let module = run.reduced(&module)?;
                writeln!(out, "--- module {number} of seed {}\n{module}", load.seed)?;
                if let Comparison::Differs(ours, theirs) = run.compare(&module)? {
                    writeln!(out, "assay: {ours:?}\nopa:   {theirs:?}")?;
                }
            }
        }
    }
    run.server.check(load.modules)?;
    writeln!(
        out,
        "{compared} modules compared, {evaluated} of them evaluated, {reviewed} differ as reviewed, {found} otherwise; \
         {unanswered} more without a response of OPA"
    )?;
    ensure!(unanswered <= compared / UNANSWERED, "OPA gave too few answers");
    ensure!(found == 0, "there are differences from OPA that are not in reviewed.txt");
    Ok(())
}

/// Whether a difference is one of those that were looked at. A marker is what assay says, two bars, and what OPA says, each of
/// them in its own words or any, where it is empty; behind two more bars, what stands in the module, as a regular expression between
/// slashes.
fn is_reviewed(module: &str, ours: &Outcome, theirs: &Outcome) -> bool {
    let (ours, theirs) = (format!("{ours:?}"), format!("{theirs:?}"));
    let markers = REVIEWED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    markers.filter_map(|line| line.split_once(" || ")).any(|(one, other)| {
        let (other, part) = other.split_once(" || ").unwrap_or((other, ""));
        ours.contains(one) && theirs.contains(other) && stands_in(module, part)
    })
}

fn stands_in(module: &str, part: &str) -> bool {
    match part.strip_prefix('/').and_then(|part| part.strip_suffix('/')) {
        Some(pattern) => Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(module)),
        None => module.contains(part),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_one_value_however_they_are_written() {
        assert!(same(&json!({"a": [1, 2.0]}), &json!({"a": [1.0, 2]})));
        assert!(same(&json!({"1000": 1}), &json!({"1e3": 1})) && !same(&json!({"1000": 1}), &json!({"1e2": 1})));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(Outcome::Refused("one".to_owned()).agrees(&Outcome::Refused("other".to_owned())));
        assert!(!Outcome::Refused(String::new()).agrees(&Outcome::Failed(String::new())));
    }

    #[test]
    fn texts_may_differ_in_how_numbers_are_written_and_in_nothing_else() {
        for (one, other) in [
            ("[1.5,1000.0]", "[1.50,1e3]"),
            ("a0.3333333333333333b", "a0.33333333333333333334b"),
            ("-2.5 x", "-2.50 x"),
            ("1.0-1", "1-1"),
        ] {
            assert!(same_numbers(one, other) && !same(&json!(one), &json!(other)), "{one} {other}");
            let (one, other) = (json!({one: 1}), json!({other: 1}));
            assert!(same_with(&one, &other, &same_numbers) && !same(&one, &other), "{one} {other}");
        }
        for (one, other) in
            [("1", "2"), ("1.5", "1.5a"), ("a", "b"), ("1.5", "-1.5"), ("0.3333", "0.33333333333333333334")]
        {
            assert!(!same_numbers(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_reviewed_difference_is_one_in_the_words_of_both() {
        let limit = || Outcome::Failed("more than 12000 rules and loops are open".to_owned());
        let refused = || Outcome::Refused("rules and loops are open".to_owned());
        assert!(is_reviewed("", &limit(), &Outcome::Value(Value::Null)));
        assert!(!is_reviewed("", &limit(), &refused()) && !is_reviewed("", &refused(), &limit()));
        let (none, one) = (Outcome::Value(json!({})), Outcome::Value(json!({"p": 1})));
        assert!(is_reviewed("p := x if not true", &none, &one) && !is_reviewed("p := x if false", &none, &one));
        let unsafe_var = Outcome::Refused("rego_unsafe_var_error: var y is unsafe".to_owned());
        assert!(is_reviewed("p := [y, [i | x]] if true", &unsafe_var, &one));
        assert!(!is_reviewed("p := [y, x] if true", &unsafe_var, &one));
        let lines = REVIEWED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert!(lines.clone().count() > 0 && lines.into_iter().all(|line| line.contains(" || ")));
    }

    #[test]
    fn one_seed_gives_one_module() {
        let module = |seed, v0| Generator::new(seed, v0).module();
        assert_eq!(module(7, false), module(7, false));
        assert_ne!(module(7, false), module(8, false));
        assert!((0..50).all(|seed| module(seed, true).starts_with("package t\n") || seed % 4 == 3));
    }
}
