//! [`Test`]: the tests of policies, rules named `test_…` that must be true. [`PolicySet::tests`] finds them,
//! [`PolicySet::run`] runs them on several threads.
//!
//! As in OPA, a test has no input but what it gives itself, built-ins reach nothing, two definitions of one name are two
//! tests, the keys of `test_x[case]` are cases of one test, and `todo_test_…` is not run.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use regex::Regex;

use crate::{
    compile_error::{Location, Problem},
    coverage::Hits,
    data_path::written,
    engine::{self, RuleTraceStep, StackError, TraceFilter, TraceOptions},
    eval_context::EvalContext,
    eval_error::EvalError,
    host::Host,
    policy_set::PolicySet,
    trace::Trace,
};

/// What the names of tests begin with.
const PREFIX: &str = "test_";

/// What the names of tests begin with that are not run yet.
const TODO: &str = "todo_test_";

/// A test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The package with `data` in front, such as `data.lib.time_test`.
    pub package: String,
    /// The rule's name; the second definition of one name is `test_x#01`.
    pub name: String,
    /// Where the definition begins.
    pub location: Location,
    /// Whether it is one that is not run yet.
    pub todo: bool,
    /// The path of the rule below `data`.
    path: Vec<String>,
    /// Which of the rule's definitions it is; none for its default.
    definition: Option<usize>,
    form: TestForm,
}

/// What a test gives.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TestForm {
    /// One value.
    Value,
    /// An object of cases; these keys lead to it.
    Cases(Vec<String>),
    /// An object that is never true, as OPA has it: `test_x.a if …`.
    Object,
    /// Nothing: a function, which has no value.
    Function,
}

/// A regular expression that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid regular expression")]
pub struct InvalidRegex(String);

/// How tests are run.
#[derive(Clone, Copy, Debug)]
pub struct TestOptions<'a> {
    /// How long one test may take.
    pub time_limit: Duration,
    /// How many run at a time.
    pub workers: NonZeroUsize,
    /// Whether line coverage is recorded.
    pub coverage: bool,
    /// Whether everything that happens in a test that fails is noted.
    pub trace: bool,
    /// Implements registered functions.
    pub host: &'a Arc<dyn Host>,
    /// Ends the run early: no further test begins.
    pub stop: Option<&'a AtomicBool>,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TestOutcome {
    /// It is true.
    Passed,
    /// It is anything else, or undefined.
    Failed,
    /// It is not run yet.
    Skipped,
    /// Its evaluation ended with an error.
    Error(EvalError),
}

/// A test that was run.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// How it ended.
    pub end: TestOutcome,
    /// How long it took.
    pub duration: Duration,
    /// The lines that it printed.
    pub output: Vec<String>,
    /// The cases of a test `test_x[case]` by their names.
    pub cases: Vec<Case>,
    /// The expression that did not hold; none when the test did not fail or is a plain value.
    pub failed: Option<FailedLine>,
    /// What happened in it, when that was wanted and it failed.
    pub trace: Trace,
}

/// A case of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its key.
    pub name: String,
    /// Whether it is true, with all cases within it.
    pub held: bool,
    /// Those of `test_x[name][other]`.
    pub cases: Vec<Self>,
}

/// An expression that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedLine {
    /// Where it begins.
    pub location: Location,
    /// The lines it stands on.
    pub lines: Vec<String>,
    /// Parts of it with their values, each with its line and column (from 1).
    pub values: Vec<(u32, u32, String)>,
}

impl Test {
    /// The full name, such as `data.lib.time_test.test_x`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.package, self.name)
    }
}

impl PolicySet {
    /// The tests whose full names match a regular expression, or all, in the order of files and lines.
    ///
    /// # Errors
    /// [`InvalidRegex`] when it is none.
    pub fn tests(&self, matching: Option<&str>) -> Result<Vec<Test>, InvalidRegex> {
        let pattern = matching.map(|text| Regex::new(text).map_err(|_| InvalidRegex(text.to_owned()))).transpose()?;
        let mut tests = self.all_tests();
        tests.retain(|test| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&test.full_name())));
        Ok(tests)
    }

    fn all_tests(&self) -> Vec<Test> {
        let mut named: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut definitions: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut tests = Vec::new();
        for module in &self.modules {
            for rule in &module.rules {
                let path: Vec<_> = module.package.iter().chain(&rule.path).cloned().collect();
                let definition = (!rule.is_default).then(|| {
                    let count = definitions.entry(path.clone()).or_default();
                    *count += 1;
                    *count - 1
                });
                let is_one = |name: &String| name.starts_with(TODO) || name.starts_with(PREFIX);
                let Some(at) = rule.path.iter().position(is_one) else { continue };
                let (front, below) = rule.path.split_at(at + 1);
                let mut front = front.to_vec();
                let todo = front.last().is_some_and(|name| name.starts_with(TODO));
                let key = module.package.iter().chain(&front).cloned().collect();
                let before = named.entry(key).or_default();
                if *before > 0
                    && !todo
                    && let Some(name) = front.last_mut()
                {
                    name.push_str(&format!("#{before:02}"));
                }
                *before += 1;
                let form = match (rule.is_function, rule.has_cases) {
                    (true, _) => TestForm::Function,
                    (_, true) => TestForm::Cases(below.to_vec()),
                    (_, false) if below.is_empty() => TestForm::Value,
                    _ => TestForm::Object,
                };
                tests.push(Test {
                    package: written(module.package.iter().map(String::as_str)),
                    name: dotted(&front),
                    location: rule.location.clone(),
                    todo,
                    path,
                    definition,
                    form,
                });
            }
        }
        tests
    }

    /// Runs tests and reports each, by its index, when it is done. Coverage is merged.
    ///
    /// # Errors
    /// [`EvalError::Fault`] when no thread can be had.
    pub fn run(
        &self,
        tests: &[Test],
        options: &TestOptions<'_>,
        done: &mut dyn FnMut(usize, TestResult),
    ) -> Result<Hits, EvalError> {
        let fault = |error: StackError| EvalError::Fault(error.to_string());
        let next = AtomicUsize::new(0);
        let (send, results) = mpsc::channel();
        let work = |send: mpsc::Sender<_>| {
            let mut hits = engine::Hits::default();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let (Some(test), false) =
                    (tests.get(at), options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)))
                else {
                    return hits;
                };
                // A panic is the end of its test, not of the others.
                let run = AssertUnwindSafe(|| self.run_one(test, options.host, options));
                let (result, observations) = catch_unwind(run).unwrap_or_else(|payload| {
                    let error = EvalError::Fault(format!("the evaluator panicked: {}", engine::panic_text(&*payload)));
                    (TestResult::new(TestOutcome::Error(error)), engine::Hits::default())
                });
                hits.join(observations);
                if send.send((at, result)).is_err() {
                    return hits;
                }
            }
        };
        let workers = options.workers.get().min(tests.len().max(1));
        std::thread::scope(|scope| {
            let start = |_| {
                let (work, send) = (&work, send.clone());
                engine::spawn_large_stack(scope, move || work(send))
            };
            let threads: Vec<_> = (0..workers).map(start).collect::<Result<_, _>>().map_err(fault)?;
            drop(send);
            for (at, result) in results {
                done(at, result);
            }
            let mut all = Hits::default();
            for thread in threads {
                all.join(Hits(engine::join_large_stack(thread).map_err(fault)?));
            }
            Ok(all)
        })
    }

    fn run_one(&self, test: &Test, host: &Arc<dyn Host>, options: &TestOptions<'_>) -> (TestResult, engine::Hits) {
        let mut result = TestResult::new(TestOutcome::Skipped);
        if test.todo {
            return (result, engine::Hits::default());
        }
        if test.form == TestForm::Function {
            result.end = TestOutcome::Error(self.function_error(test));
            return (result, engine::Hits::default());
        }
        let started = Instant::now();
        let context = EvalContext::new(host, Timestamp::now(), None, options.time_limit);
        let observe = TraceOptions { coverage: options.coverage, ..TraceOptions::default() };
        let request = context.options(None);
        let (value, prints, observations) = self.program.definition(&test.path, test.definition, &request, &observe);
        let mut value = context.checked(value);
        result.output = prints.into_iter().filter(|line| !line.is_note).map(|line| line.text).collect();
        if let (TestForm::Cases(below), Ok(Some(made))) = (&test.form, &value) {
            // What a case needs may be found where the case itself is not: it is looked at by itself.
            let reached =
                test.definition.map_or_else(|| Ok(BTreeSet::new()), |at| self.program.cases(&test.path, at, &request));
            match context.checked(reached) {
                Ok(reached) => result.cases = cases(below, made, reached),
                Err(error) => value = Err(error),
            }
        }
        result.duration = started.elapsed();
        result.end = match (value, &test.form) {
            (Err(error), _) => TestOutcome::Error(error),
            (Ok(Some(regorus::Value::Bool(true))), TestForm::Value) => TestOutcome::Passed,
            (Ok(Some(_)), TestForm::Cases(_)) if result.cases.iter().all(|case| case.held) => TestOutcome::Passed,
            (Ok(_), _) => TestOutcome::Failed,
        };
        if result.end == TestOutcome::Failed {
            self.rerun_traced(test, host, options, &mut result);
        }
        (result, observations.hits)
    }

    /// A test that is a function: in OPA's wording, as it is referred to by name and not called.
    fn function_error(&self, test: &Test) -> EvalError {
        let name = test.full_name();
        let have = self.program.signature(&test.path).unwrap_or("any");
        let marks = "^".repeat(name.chars().count());
        let message = format!(
            "1 error occurred: 1:1: rego_type_error: function {name} used as reference, not called\n\t{name}\n\t{marks}\n\thave: {have}"
        );
        EvalError::Policy(Problem { code: Some("rego_type_error"), ..Problem::new(None, message) })
    }

    /// Evaluates a test that failed once more to see why. It has the same result, as nothing in it is random.
    fn rerun_traced(&self, test: &Test, host: &Arc<dyn Host>, options: &TestOptions<'_>, result: &mut TestResult) {
        let context = EvalContext::new(host, Timestamp::now(), None, options.time_limit);
        let observe =
            TraceOptions { rule_traces: Some(TraceFilter::First), trace: options.trace, ..TraceOptions::default() };
        let (_, _, observations) =
            self.program.definition(&test.path, test.definition, &context.options(None), &observe);
        result.failed = observations.rule_traces.iter().rev().find_map(|trace| {
            let part = trace.parts.last().filter(|part| part.held == 0)?;
            Some(FailedLine::of(part))
        });
        result.trace = Trace::of(observations.trace);
    }
}

/// A path as it is written: the first name, then names with dots and others in brackets.
fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for (at, name) in path.iter().enumerate() {
        let mut characters = name.chars();
        let is_name = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
        if at == 0 {
            text.push_str(name);
        } else if is_name {
            text.push_str(&format!(".{name}"));
        } else {
            text.push_str(&format!("[{}]", serde_json::Value::from(name.as_str())));
        }
    }
    text
}

/// The cases of a test: those of its value, which is at `below`, and those it reached, which failed if it has no value for
/// them.
fn cases(below: &[String], made: &regorus::Value, reached: BTreeSet<Vec<regorus::Value>>) -> Vec<Case> {
    let mut cases = BTreeMap::new();
    let front: Vec<_> = below.iter().map(|name| regorus::Value::from(name.as_str())).collect();
    let whole = front
        .iter()
        .rev()
        .fold(made.clone(), |value, key| regorus::Value::from(BTreeMap::from([(key.clone(), value)])));
    CaseNode::add(&mut cases, &whole);
    for path in reached {
        CaseNode::reach(&mut cases, &front.iter().chain(&path).collect::<Vec<_>>());
    }
    CaseNode::listed(cases)
}

/// A case while they are gathered.
#[derive(Default)]
struct CaseNode {
    held: bool,
    cases: BTreeMap<String, Self>,
}

impl CaseNode {
    fn name(key: &regorus::Value) -> String {
        let json = engine::given(key).unwrap_or_default();
        json.as_str().map_or_else(|| json.to_string(), str::to_owned)
    }

    fn add(cases: &mut BTreeMap<String, Self>, value: &regorus::Value) {
        let regorus::Value::Object(fields) = value else { return };
        for (key, value) in fields.iter() {
            let mut within = BTreeMap::new();
            Self::add(&mut within, value);
            let held = match value {
                regorus::Value::Object(_) => within.values().all(|case| case.held),
                other => *other == regorus::Value::Bool(true),
            };
            cases.insert(Self::name(key), Self { held, cases: within });
        }
    }

    /// A case is reached; gives whether it holds, as do those around it.
    fn reach(cases: &mut BTreeMap<String, Self>, path: &[&regorus::Value]) -> bool {
        let Some((key, rest)) = path.split_first() else { return true };
        let case = cases.entry(Self::name(key)).or_default();
        if !rest.is_empty() {
            case.held &= Self::reach(&mut case.cases, rest);
        }
        case.held
    }

    fn listed(cases: BTreeMap<String, Self>) -> Vec<Case> {
        let one = |(name, case): (String, Self)| Case { name, held: case.held, cases: Self::listed(case.cases) };
        cases.into_iter().map(one).collect()
    }
}

impl TestResult {
    fn new(end: TestOutcome) -> Self {
        Self {
            end,
            duration: Duration::ZERO,
            output: Vec::new(),
            cases: Vec::new(),
            failed: None,
            trace: Trace::default(),
        }
    }
}

impl FailedLine {
    fn of(part: &RuleTraceStep) -> Self {
        let values = part.values.iter().map(|value| (value.location.0, value.location.1, value.value.clone()));
        Self { location: part.location.clone(), lines: part.lines.clone(), values: values.collect() }
    }
}

#[cfg(test)]
mod tests;
