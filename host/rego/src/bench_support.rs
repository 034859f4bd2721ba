//! What benches and `cargo xtask bench rego` measure: all entry points of a policy in one query, with a host that
//! results from a document. Nothing else in assay uses this.
//!
//! The main types are [`Program`] and [`HostResults`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use assay_model::rule::kind_of;
use serde_json::Value;

use crate::{
    compile_error::CompileError,
    compile_options::CompileOptions,
    engine::{self, EvalLimits, with_large_stack},
    module_summary::ModuleSummary,
    program,
    sources::Sources,
};

/// Results of `ec.*` functions: for each function, the result for each first argument, for its digest, for what comes
/// behind its host, or for all (`*`).
pub type HostResults = BTreeMap<String, BTreeMap<String, Value>>;

/// A compiled policy with the paths of its rules that deny or warn.
#[derive(Debug)]
pub struct Program {
    program: engine::Compiled,
    entries: Vec<Vec<String>>,
}

struct Canned(BTreeMap<String, BTreeMap<String, regorus::Value>>);

impl Canned {
    fn find(&self, function: &str, reference: &str) -> Option<regorus::Value> {
        let results = self.0.get(function)?;
        let digest = reference.rsplit_once('@').map_or(reference, |(_, digest)| digest);
        let path = reference.split_once('/').map_or(reference, |(_, path)| path);
        [reference, digest, path, "*"].iter().find_map(|key| results.get(*key)).cloned()
    }
}

impl engine::Host for Canned {
    fn call(&self, function: &str, args: &[regorus::Value]) -> Result<Option<regorus::Value>, engine::HostError> {
        Ok(match args.first() {
            Some(regorus::Value::String(reference)) => self.find(function, reference),
            Some(regorus::Value::Set(references)) if function == "ec.oci.image_manifests" => {
                let found = references.iter().filter_map(|reference| match reference {
                    regorus::Value::String(text) => {
                        Some((reference.clone(), self.find("ec.oci.image_manifest", text)?))
                    }
                    _ => None,
                });
                Some(found.collect::<regorus::value::Object>().into_value())
            }
            _ => None,
        })
    }
}

impl Program {
    /// Compiles the sources.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn compile(sources: Sources, options: CompileOptions) -> Result<Self, CompileError> {
        let entries = |modules: &[(ModuleSummary, &str)]| {
            let mut entries = BTreeSet::new();
            for (module, _) in modules {
                let names = module.rules.iter().filter_map(|rule| rule.entry_name());
                let names = names.filter(|name| kind_of(name).is_some());
                entries.extend(names.map(|name| module.package.iter().cloned().chain([name.to_owned()]).collect()));
            }
            Ok(entries)
        };
        let (compiled, entries): (_, BTreeSet<Vec<String>>) = program::Program::compile(sources, options, entries)?;
        Ok(Self { program: compiled.engine, entries: entries.into_iter().collect() })
    }

    /// How many rules deny or warn.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.entries.len()
    }

    /// The values of all rules that deny or warn, by their names, for one input document, JSON.
    ///
    /// # Errors
    /// The input is not JSON, or the evaluation failed.
    pub fn evaluate(&self, input: &str, results: &HostResults, now_ns: i64) -> Result<BTreeMap<String, Value>, String> {
        let text = |error: serde_json::Error| error.to_string();
        let canned = serde_json::to_value(results).and_then(serde_json::from_value).map_err(text)?;
        let requested = self.prepared(input, &Arc::new(PreparedResults(Canned(canned))), now_ns)?;
        let named = self.entries.iter().zip(requested);
        let values = named.filter_map(|(path, value)| Some((path.join("."), serde_json::to_value(value?).ok()?)));
        Ok(values.collect())
    }

    /// The same with prepared results, and with the values of the engine; returns how many are defined.
    ///
    /// # Errors
    /// The input is not JSON, or the evaluation failed.
    pub fn run(&self, input: &str, results: &Arc<PreparedResults>, now_ns: i64) -> Result<usize, String> {
        Ok(self.prepared(input, results, now_ns)?.iter().flatten().count())
    }

    fn prepared(
        &self,
        input: &str,
        results: &Arc<PreparedResults>,
        now_ns: i64,
    ) -> Result<Vec<Option<regorus::Value>>, String> {
        let input = regorus::Value::from_json_str(input).map_err(|error| error.to_string())?;
        let request = engine::EvalOptions {
            data: None,
            input: Some(input),
            host: &results.0,
            limits: EvalLimits::default(),
            strict_builtin_errors: false,
            now_ns,
            seed: 0,
        };
        self.program.evaluate(&self.entries, &request).map(|result| result.values).map_err(|error| format!("{error:?}"))
    }
}

/// Results in the form of the engine.
pub struct PreparedResults(Canned);

impl std::fmt::Debug for PreparedResults {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Prepared").finish_non_exhaustive()
    }
}

impl PreparedResults {
    /// Prepares results.
    ///
    /// # Errors
    /// A result is not a value of Rego.
    pub fn new(results: &HostResults) -> Result<Self, String> {
        let canned = serde_json::to_value(results).and_then(serde_json::from_value);
        canned.map(|canned| Self(Canned(canned))).map_err(|error| error.to_string())
    }
}

/// Parses one policy file and gives how many rules it has.
///
/// # Errors
/// The first thing in it that is not Rego.
pub fn parse(text: &str) -> Result<usize, String> {
    let file = crate::sources::PolicyFile { name: "bench.rego".to_owned(), text: text.to_owned(), v0: None };
    let files = engine::Files::parse(vec![file], CompileOptions::default());
    let files = files.map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default())?;
    Ok(files.module_summaries().iter().map(|(outline, _)| outline.rules.len()).sum())
}

/// Runs `work` where evaluations need no thread of their own: what follows many times on one thread is faster there.
///
/// # Errors
/// No thread can be started, or the work panicked.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    with_large_stack(work).map_err(|error| error.to_string())
}
