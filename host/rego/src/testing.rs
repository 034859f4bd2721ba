//! [`Test`]: the tests of policies, rules named `test_…` that must be true. [`Workbench::tests`] finds them,
//! [`Workbench::run`] runs them on several threads.
//!
//! As in OPA, a test has no input but what it gives itself, built-ins reach nothing, two definitions of one name are two
//! tests, the keys of `test_x[case]` are cases of one test, and `todo_test_…` is not run.

use std::{
    collections::BTreeMap,
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
    builtin::{Host, NoHost},
    compile_error::Place,
    coverage::Hits,
    engine::{self, Part, StackError, Wanted, Watch},
    eval_error::EvalError,
    explain::Explained,
    question::Question,
    workbench::Workbench,
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
    pub place: Place,
    /// Whether it is one that is not run yet.
    pub todo: bool,
    /// The path below `data`.
    path: Vec<String>,
    /// Which of the rule's definitions it is.
    definition: usize,
}

/// A regular expression that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no regular expression")]
pub struct BadRegex(String);

/// How tests are run.
#[derive(Clone, Copy, Debug)]
pub struct TestOptions<'a> {
    /// How long one test may take.
    pub time_limit: Duration,
    /// How many run at a time.
    pub workers: NonZeroUsize,
    /// Whether lines are noted that were at work.
    pub coverage: bool,
    /// Whether everything that happens in a test that fails is noted.
    pub trace: bool,
    /// Ends the run early: no further test begins.
    pub stop: Option<&'a AtomicBool>,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TestEnd {
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
    pub end: TestEnd,
    /// How long it took.
    pub duration: Duration,
    /// The lines that it printed.
    pub output: Vec<String>,
    /// The cases of a test `test_x[case]` with whether each is true, by their names.
    pub cases: Vec<(String, bool)>,
    /// The expression that did not hold; none when the test did not fail or is a plain value.
    pub failed: Option<FailedLine>,
    /// What happened in it, when that was wanted and it failed.
    pub trace: Explained,
}

/// An expression that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedLine {
    /// Where it begins.
    pub place: Place,
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

impl Workbench {
    /// The tests whose full names match a regular expression, or all, in the order of files and lines.
    ///
    /// # Errors
    /// [`BadRegex`] when it is none.
    pub fn tests(&self, matching: Option<&str>) -> Result<Vec<Test>, BadRegex> {
        let pattern = matching.map(|text| Regex::new(text).map_err(|_| BadRegex(text.to_owned()))).transpose()?;
        let mut tests = self.all_tests();
        tests.retain(|test| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&test.full_name())));
        Ok(tests)
    }

    fn all_tests(&self) -> Vec<Test> {
        let mut definitions: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut tests = Vec::new();
        for module in &self.modules {
            for rule in &module.rules {
                let Some(name) = rule.path.first().filter(|_| !rule.is_function && !rule.is_default) else { continue };
                let todo = name.starts_with(TODO);
                if rule.path.len() > 1 || !(todo || name.starts_with(PREFIX)) {
                    continue;
                }
                let path: Vec<_> = module.package.iter().cloned().chain([name.clone()]).collect();
                let count = definitions.entry(path.clone()).or_default();
                let definition = *count;
                *count += 1;
                tests.push(Test {
                    package: format!("data.{}", module.package_name()),
                    name: if definition == 0 { name.clone() } else { format!("{name}#{definition:02}") },
                    place: rule.place.clone(),
                    todo,
                    path,
                    definition,
                });
            }
        }
        tests
    }

    /// Runs tests and tells of each, by its place in the list, when it is done. What was at work is joined.
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
        let host: Arc<dyn Host> = Arc::new(NoHost);
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
                let run = AssertUnwindSafe(|| self.run_one(test, &host, options));
                let (result, seen) = catch_unwind(run).unwrap_or_else(|payload| {
                    let error = EvalError::Fault(format!("the evaluator panicked: {}", engine::panic_text(&*payload)));
                    (TestResult::new(TestEnd::Error(error)), engine::Hits::default())
                });
                hits.join(seen);
                if send.send((at, result)).is_err() {
                    return hits;
                }
            }
        };
        let workers = options.workers.get().min(tests.len().max(1));
        std::thread::scope(|scope| {
            let start = |_| {
                let (work, send) = (&work, send.clone());
                engine::spawn_apart(scope, move || work(send))
            };
            let threads: Vec<_> = (0..workers).map(start).collect::<Result<_, _>>().map_err(fault)?;
            drop(send);
            for (at, result) in results {
                done(at, result);
            }
            let mut all = Hits::default();
            for thread in threads {
                all.join(Hits(engine::join_apart(thread).map_err(fault)?));
            }
            Ok(all)
        })
    }

    fn run_one(&self, test: &Test, host: &Arc<dyn Host>, options: &TestOptions<'_>) -> (TestResult, engine::Hits) {
        let mut result = TestResult::new(TestEnd::Skipped);
        if test.todo {
            return (result, engine::Hits::default());
        }
        let started = Instant::now();
        let question = Question::new(host, Timestamp::now(), None, options.time_limit);
        let watch = Watch { coverage: options.coverage, ..Watch::default() };
        let (value, prints, seen) = self.program.definition(&test.path, test.definition, &question.ask(None), &watch);
        let value = question.answered(value);
        result.duration = started.elapsed();
        result.output = prints.into_iter().filter(|line| !line.is_note).map(|line| line.text).collect();
        if let Ok(Some(regorus::Value::Object(cases))) = &value {
            let name = |key: &regorus::Value| key.as_string().map_or_else(|_| key.to_string(), |text| text.to_string());
            let held = |value: &regorus::Value| *value == regorus::Value::Bool(true);
            result.cases = cases.iter_sorted().map(|(key, value)| (name(key), held(value))).collect();
        }
        let cases_hold = !result.cases.is_empty() && result.cases.iter().all(|(_, held)| *held);
        result.end = match value {
            Ok(Some(regorus::Value::Bool(true))) => TestEnd::Passed,
            Ok(_) if cases_hold => TestEnd::Passed,
            Ok(_) => TestEnd::Failed,
            Err(error) => TestEnd::Error(error),
        };
        if result.end == TestEnd::Failed {
            self.look_again(test, host, options, &mut result);
        }
        (result, seen.hits)
    }

    /// Evaluates a test that failed once more to see why. It gives the same answer, as nothing in it is by chance.
    fn look_again(&self, test: &Test, host: &Arc<dyn Host>, options: &TestOptions<'_>, result: &mut TestResult) {
        let question = Question::new(host, Timestamp::now(), None, options.time_limit);
        let watch = Watch { stories: Some(Wanted::First), trace: options.trace, ..Watch::default() };
        let (_, _, seen) = self.program.definition(&test.path, test.definition, &question.ask(None), &watch);
        result.failed = seen.stories.iter().rev().find_map(|story| {
            let part = story.parts.last().filter(|part| part.held == 0)?;
            Some(FailedLine::of(part))
        });
        result.trace = Explained::of(seen.trace);
    }
}

impl TestResult {
    fn new(end: TestEnd) -> Self {
        Self {
            end,
            duration: Duration::ZERO,
            output: Vec::new(),
            cases: Vec::new(),
            failed: None,
            trace: Explained::default(),
        }
    }
}

impl FailedLine {
    fn of(part: &Part) -> Self {
        let values = part.values.iter().map(|value| (value.place.0, value.place.1, value.value.clone()));
        Self { place: part.place.clone(), lines: part.lines.clone(), values: values.collect() }
    }
}

#[cfg(test)]
mod tests;
