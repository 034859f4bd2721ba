//! [`Policy`]: compiled policies with their data, asked about one image at a time from any thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use assay_model::{
    limits::FINDINGS,
    rule::{Answer, RuleInfo, RuleKind, kind_of},
};
use serde_json::Value;

use crate::{
    answer::answers,
    builtin::{Calls, Host, NoHost},
    check::check,
    compile_error::{CompileError, Problem},
    engine::{Program, Question, apart},
    eval_error::EvalError,
    limits::{COMPILE_STACK_BYTES, EVALUATION_STACK_BYTES, EVALUATION_TIME, PROBLEMS},
    outline::Outline,
    rules::{Rules, rules},
    sources::{PolicyFile, Sources},
};

/// Compiled policies. Nothing changes in it: threads share it.
#[derive(Debug)]
pub struct Policy {
    program: Program,
    rules: Rules,
    packages: BTreeMap<String, Package>,
}

/// The rules of a package that are asked.
#[derive(Debug, Default)]
struct Package {
    /// The package as it is written in a query, such as `data.lib.time`.
    query: String,
    entries: BTreeMap<String, RuleKind>,
    has_exceptions: bool,
}

/// One evaluation.
#[derive(Clone)]
pub struct Ask<'a> {
    /// The packages whose rules are asked. Names of no package are skipped.
    pub packages: &'a BTreeSet<String>,
    /// The input document, JSON.
    pub input: &'a str,
    /// What built-ins reach the world through.
    pub host: Arc<dyn Host>,
    /// The end of the run.
    pub deadline: Option<Instant>,
    /// How long the evaluation may take at most.
    pub time_limit: Duration,
}

impl<'a> Ask<'a> {
    /// An evaluation that reaches nothing, within the usual time limit.
    #[must_use]
    pub fn new(packages: &'a BTreeSet<String>, input: &'a str) -> Self {
        Self { packages, input, host: Arc::new(NoHost), deadline: None, time_limit: EVALUATION_TIME }
    }
}

impl std::fmt::Debug for Ask<'_> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Ask").field("packages", self.packages).finish_non_exhaustive()
    }
}

/// What compiling gives, before it is a policy or a set of tests.
pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) modules: Vec<Outline>,
    rules: Rules,
    files: usize,
}

impl Policy {
    /// Compiles the sources. All problems that are found in one step are told at once.
    pub fn compile(sources: Sources) -> Result<Self, CompileError> {
        let Compiled { program, modules, rules, files } = compile(sources)?;
        if rules.all.is_empty() {
            return Err(CompileError::NoRules { files });
        }
        Ok(Self { program, packages: packages(&modules), rules })
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
    pub fn evaluate(&self, ask: &Ask<'_>) -> Result<Vec<Answer>, EvalError> {
        let chosen: Vec<_> = ask.packages.iter().filter_map(|name| self.packages.get_key_value(name)).collect();
        let mut queries = Vec::new();
        for (_, package) in &chosen {
            queries.push(package.exceptions_query());
            queries.extend(package.entries.keys().map(|rule| format!("{}.{rule}", package.query)));
        }
        let mut values = evaluate(&self.program, ask, Some(ask.input), &queries)?.into_iter();
        let mut found = Vec::new();
        for (name, package) in chosen {
            let excepted = values.next().flatten();
            for (rule, kind) in &package.entries {
                let Some(value) = values.next().flatten().filter(|_| !is_excepted(rule, excepted.as_ref())) else {
                    continue;
                };
                let problem = |message| {
                    let message = format!("`{}.{rule}` {message}", package.query);
                    EvalError::Policy(Problem { place: self.place(name, rule), message })
                };
                found.extend(answers(name, *kind, value).map_err(problem)?);
                if found.len() > FINDINGS {
                    return Err(EvalError::TooManyResults);
                }
            }
        }
        Ok(found)
    }

    /// Where the first definition of a rule stands.
    fn place(&self, package: &str, rule: &str) -> Option<crate::Place> {
        let mut all = self.rules.all.iter().filter(|info| info.package == package && info.name == rule);
        all.next().map(|info| crate::Place { file: info.place.0.clone(), line: info.place.1, column: 1 })
    }
}

impl Package {
    /// The texts in conftest's `exception`, or nothing.
    fn exceptions_query(&self) -> String {
        if self.has_exceptions { format!("[name | name := {}.exception[_][_]]", self.query) } else { "[]".to_owned() }
    }
}

/// As in conftest, an exception names rules without their kind: `x` for `deny_x`, the empty text for `deny`.
fn is_excepted(rule: &str, exceptions: Option<&Value>) -> bool {
    let name = rule.split_once('_').map_or("", |(_, name)| name);
    exceptions.and_then(Value::as_array).is_some_and(|names| names.iter().any(|found| found.as_str() == Some(name)))
}

fn packages(modules: &[Outline]) -> BTreeMap<String, Package> {
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    for module in modules {
        let package = packages.entry(module.package_name()).or_default();
        package.query = query(&module.package);
        for rule in &module.rules {
            package.has_exceptions |= rule.path == ["exception"];
            let entry = rule.entry_name().and_then(|name| Some((name.to_owned(), kind_of(name)?)));
            package.entries.extend(entry);
        }
    }
    packages
}

/// A path below `data` as it is written in Rego.
pub(crate) fn query(path: &[String]) -> String {
    let mut query = "data".to_owned();
    for part in path {
        let is_word = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && part.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        // Brackets would do for all, but the evaluator asks a plain path for less.
        query.push_str(&if is_word { format!(".{part}") } else { format!("[{}]", Value::from(part.as_str())) });
    }
    query
}

pub(crate) fn compile(sources: Sources) -> Result<Compiled, CompileError> {
    let (files, data) = sources.into_parts();
    let work = || {
        let (program, modules) = Program::parse(&files)?;
        let texts: Vec<&str> = files.iter().map(|file: &PolicyFile| file.text.as_str()).collect();
        let rules = rules(&modules, &texts);
        let (rules, unavailable) = match (rules, check(&modules)) {
            (Ok(rules), Ok(unavailable)) => (rules, unavailable),
            (rules, checked) => return Err(rules.err().into_iter().chain(checked.err()).flatten().collect()),
        };
        let program = program.prepare(data, unavailable).map_err(|problem| vec![problem])?;
        Ok(Compiled { program, modules, rules, files: files.len() })
    };
    apart(COMPILE_STACK_BYTES, work)?.map_err(|mut problems: Vec<Problem>| {
        problems.sort();
        problems.truncate(PROBLEMS);
        CompileError::Problems(problems)
    })
}

/// The values of some queries.
pub(crate) fn evaluate(
    program: &Program,
    ask: &Ask<'_>,
    input: Option<&str>,
    queries: &[String],
) -> Result<Vec<Option<Value>>, EvalError> {
    let until_deadline = ask.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let (limit, on_time) = match until_deadline {
        Some(left) if left < ask.time_limit => (left, EvalError::Deadline),
        _ => (ask.time_limit, EvalError::TimeLimit(ask.time_limit)),
    };
    let calls = Calls::new(Arc::clone(&ask.host));
    let question = Question { queries, input, calls: &calls, limit };
    let values = apart(EVALUATION_STACK_BYTES, || program.ask(&question))?;
    // Looked at first: the evaluator may have gone on as if the call were undefined.
    if let Some(failure) = calls.failure() {
        return Err(failure.into());
    }
    values.map_err(|fault| EvalError::of(fault, on_time))
}

#[cfg(test)]
mod tests;
