//! [`Policy`]: compiled policies with their data, evaluated for one image at a time from any thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use assay_model::{
    limits::FINDINGS,
    rule::{RuleInfo, RuleKind, RuleResult, kind_of},
};
use assay_rego::{
    CompileError, CompileOptions, EVALUATION_TIME, EvalError, Evaluation, Host, Location, ModuleSummary, NoHost,
    PROBLEMS, Problem, Program, RuleTrace, Sources,
    value::{Object, Value as RegoValue},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    functions::FUNCTIONS,
    rule_results::rule_results,
    rules::{Rules, rules},
};

/// Compiled policies. Nothing changes in it: threads share it.
#[derive(Debug)]
pub struct Policy {
    program: Program,
    rules: Rules,
    packages: BTreeMap<String, Package>,
}

/// The rule of conftest whose lists name rules that are not evaluated.
const EXCEPTION: &str = "exception";

/// What the syntax of the files says of their rules.
#[derive(Debug)]
struct Outline {
    rules: Rules,
    packages: BTreeMap<String, Package>,
    /// How many files there are.
    files: usize,
}

/// The rules of a package that are evaluated.
#[derive(Debug, Default)]
struct Package {
    /// Its path below `data`.
    path: Vec<String>,
    entries: BTreeMap<String, RuleKind>,
}

/// The file that an input document is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputFile<'a> {
    /// Its folder, from the root.
    pub dir: &'a str,
    /// Its name in there.
    pub name: &'a str,
}

impl InputFile<'_> {
    fn value(self) -> RegoValue {
        let fields = [("dir", self.dir), ("name", self.name)];
        let fields = fields.into_iter().map(|(key, text)| (RegoValue::from(key), RegoValue::from(text)));
        fields.collect::<Object>().into_value()
    }
}

/// Where rules find [`InputFile`].
const FILE: [&str; 2] = ["conftest", "file"];

/// One evaluation.
#[derive(Clone)]
pub struct EvalRequest<'a> {
    /// The packages to evaluate. Names of no package are skipped.
    pub packages: &'a BTreeSet<String>,
    /// The input document, JSON.
    pub input: &'a str,
    /// The time that rules see as `data.config.policy.when_ns`, instead of the one in the sources.
    pub when: Option<Timestamp>,
    /// The file that the input document is from, which rules see as `data.conftest.file`.
    pub file: Option<InputFile<'a>>,
    /// What built-ins reach the world through.
    pub host: Arc<dyn Host>,
    /// The time that `time.now_ns` returns.
    pub now: Timestamp,
    /// The end of the run.
    pub deadline: Option<Instant>,
    /// How long the evaluation may take at most.
    pub time_limit: Duration,
    /// Whether an error of a built-in ends the evaluation. As in OPA, the default is undefined.
    pub strict_builtin_errors: bool,
}

impl<'a> EvalRequest<'a> {
    /// An evaluation without a host, now and within the default time limit.
    #[must_use]
    pub fn new(packages: &'a BTreeSet<String>, input: &'a str) -> Self {
        let now = Timestamp::now();
        Self {
            packages,
            input,
            when: None,
            file: None,
            host: Arc::new(NoHost),
            now,
            deadline: None,
            time_limit: EVALUATION_TIME,
            strict_builtin_errors: false,
        }
    }
}

impl EvalRequest<'_> {
    /// The same for the program.
    fn evaluation(&self) -> Evaluation<'_> {
        let when = self.when.map(|when| (WHEN.as_slice(), when_ns(when)));
        let file = self.file.map(|file| (FILE.as_slice(), file.value()));
        Evaluation {
            input: self.input,
            data: when.into_iter().chain(file).collect(),
            host: &self.host,
            now: self.now,
            deadline: self.deadline,
            time_limit: self.time_limit,
            strict_builtin_errors: self.strict_builtin_errors,
        }
    }
}

impl std::fmt::Debug for EvalRequest<'_> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("EvalRequest").field("packages", self.packages).finish_non_exhaustive()
    }
}

impl Policy {
    /// Compiles the sources. All errors that are found in one pass are reported at once.
    pub fn compile(sources: Sources) -> Result<Self, CompileError> {
        Self::compile_with(sources, CompileOptions::default())
    }

    /// The same, as the options have it, with the `ec.*` functions.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_with(sources: Sources, options: CompileOptions) -> Result<Self, CompileError> {
        let read = |modules: &[(ModuleSummary, &str)]| {
            rules(modules).map(|rules| Outline { rules, packages: packages(modules), files: modules.len() })
        };
        let options = CompileOptions { functions: FUNCTIONS, ..options };
        let (program, Outline { rules, packages, files }) = Program::compile_cached(sources, options, read)?;
        if rules.all.is_empty() {
            return Err(CompileError::NoRules { files });
        }
        Ok(Self { program, packages, rules })
    }

    /// The same, where every definition of a rule that denies or warns says a result: a text, an object, a variable or a
    /// call, as in `ec`.
    ///
    /// # Errors
    /// [`CompileError::Problems`] naming the others: the element of `deny contains 1` would not be a result, so that the rule
    /// could not deny.
    pub fn require_result_values(mut self) -> Result<Self, CompileError> {
        let mut non_result_value = std::mem::take(&mut self.rules.non_result_value);
        if non_result_value.is_empty() {
            return Ok(self);
        }
        non_result_value.sort();
        non_result_value.truncate(PROBLEMS);
        Err(CompileError::Problems(non_result_value))
    }

    /// The rules that deny or warn: first those whose annotations give them a code, then the others, each in the order of
    /// files and lines.
    #[must_use]
    pub fn rules(&self) -> &[RuleInfo] {
        &self.rules.all
    }

    /// Those of [`rules`](Self::rules) whose annotations give them a code: the ones that are known to have passed when
    /// they say nothing.
    #[must_use]
    pub fn annotated_rules(&self) -> &[RuleInfo] {
        self.rules.all.get(..self.rules.annotated).unwrap_or_default()
    }

    /// What the rules named `deny…`, `violation…` and `warn…` of some packages say, in the order of packages and names.
    pub fn evaluate(&self, request: &EvalRequest<'_>) -> Result<Vec<RuleResult>, EvalError> {
        let chosen: Vec<_> = request.packages.iter().filter_map(|name| self.packages.get_key_value(name)).collect();
        let mut paths = Vec::new();
        for (_, package) in &chosen {
            let rules = package.entries.keys().map(String::as_str);
            paths.extend([EXCEPTION].into_iter().chain(rules).map(|rule| below(&package.path, rule)));
        }
        let mut values = self.program.evaluate(request.evaluation(), &paths)?.into_iter();
        let mut found = Vec::new();
        for (name, package) in chosen {
            let excepted = values.next().flatten();
            for (rule, kind) in &package.entries {
                let Some(value) = values.next().flatten().filter(|_| !is_excepted(rule, excepted.as_ref())) else {
                    continue;
                };
                let problem = |message| {
                    let message = format!("`data.{name}.{rule}` {message}");
                    EvalError::Policy(Problem::new(self.location(name, rule), message))
                };
                found.extend(rule_results(name, *kind, value).map_err(problem)?);
                if found.len() > FINDINGS {
                    return Err(EvalError::TooManyResults);
                }
            }
        }
        Ok(found)
    }

    /// How the rules of the evaluated packages were evaluated, as far as `wanted` selects them: one trace for each
    /// branch of a definition that was tried. A rule of another package is not evaluated and has no trace.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed.
    pub fn explain(
        &self,
        request: &EvalRequest<'_>,
        wanted: &dyn Fn(&RuleInfo) -> bool,
    ) -> Result<Vec<RuleTrace>, EvalError> {
        let requested = |rule: &&RuleInfo| request.packages.contains(&rule.package) && wanted(rule);
        let rules: Vec<_> = self.rules.all.iter().filter(requested).collect();
        let path = |rule: &&RuleInfo| Some(below(&self.packages.get(&rule.package)?.path, &rule.name));
        let paths: BTreeSet<_> = rules.iter().filter_map(path).collect();
        let places = rules.iter().map(|rule| rule.location.clone()).collect();
        let paths: Vec<_> = paths.into_iter().collect();
        let code = |file: &str, row: u32| {
            let found = rules.iter().find(|rule| rule.location.0 == file && rule.location.1 == row);
            found.map(|rule| rule.code.clone()).unwrap_or_default()
        };
        self.program.rule_traces(request.evaluation(), &paths, places, &code)
    }

    /// Where the first definition of a rule stands.
    fn location(&self, package: &str, rule: &str) -> Option<Location> {
        let mut all = self.rules.all.iter().filter(|info| info.package == package && info.name == rule);
        all.next().map(|info| Location { file: info.location.0.clone(), line: info.location.1, column: 1 })
    }
}

/// As in conftest, an exception names rules without their kind: `x` for `deny_x`, the empty text for `deny`.
fn is_excepted(rule: &str, exceptions: Option<&Value>) -> bool {
    let name = rule.split_once('_').map_or("", |(_, name)| name);
    let lists = exceptions.and_then(Value::as_array).into_iter().flatten();
    lists.filter_map(Value::as_array).flatten().any(|found| found.as_str() == Some(name))
}

fn packages(modules: &[(ModuleSummary, &str)]) -> BTreeMap<String, Package> {
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    for (module, _) in modules {
        let package = packages.entry(module.package_name()).or_default();
        package.path.clone_from(&module.package);
        for rule in &module.rules {
            let entry = rule.entry_name().and_then(|name| Some((name.to_owned(), kind_of(name)?)));
            package.entries.extend(entry);
        }
    }
    packages
}

/// The path of a rule of a package.
fn below(package: &[String], rule: &str) -> Vec<String> {
    package.iter().cloned().chain([rule.to_owned()]).collect()
}

/// Where rules find the effective time.
const WHEN: [&str; 3] = ["config", "policy", "when_ns"];

fn when_ns(when: Timestamp) -> RegoValue {
    // The range of `jiff` is larger than what 64 bits hold; OPA's numbers have no limit either.
    RegoValue::from_json_str(&when.as_nanosecond().to_string()).unwrap_or(RegoValue::Null)
}

mod check;
mod stored;

pub use check::RuleCheck;

#[cfg(test)]
mod tests;
