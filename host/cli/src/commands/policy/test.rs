//! `assay policy test`: loads, runs the tests, reports, and again when `--watch` sees a change.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use assay_rego::{Hits, PolicySet, Test, TestOptions, TestOutcome, TestResult};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    load::{self, LoadError, Loaded, Paths},
    print, test_bench,
    test_reports::{self, Report},
    times,
};
use crate::{
    error::CliError,
    exit::opa_exit,
    flags::policy::{Explain, TestFlags, TestFormat, TestSort},
    printer::Printer,
    settings::parse_timeout,
    timeout,
};

/// How often `--watch` looks at the files.
const LOOK: Duration = Duration::from_millis(300);

/// The default time limit of a test, as in `opa`.
const DEFAULT_LIMIT: &str = "5s";

/// The same where tests are measured.
const DEFAULT_BENCH_LIMIT: &str = "30s";

/// How much longer than a test loading may take: a limit for tests may be shorter than it takes to read them.
const GRACE: Duration = Duration::from_millis(1600);

/// The most files that `--watch` looks at: folders of links may be walked in more ways than there are files.
const WATCHED: usize = 4 * assay_model::limits::SOURCE_FILES;

/// `as_opa` is true for `assay opa test`, where it is not a failure if no tests run.
pub(super) fn run(flags: &TestFlags, as_opa: bool, printer: Printer) -> Result<u8, CliError> {
    load::refuse(&flags.load)?;
    if flags.format == Some(TestFormat::Gobench) && !flags.bench {
        return Err(CliError::new("`--format gobench` is a format of benchmarks").hint("measure the tests: `--bench`"));
    }
    if !(0.0..=100.0).contains(&flags.threshold) {
        return Err(CliError::new(format!("`--threshold {}` is not a percentage", flags.threshold)));
    }
    let default = if flags.bench { DEFAULT_BENCH_LIMIT } else { DEFAULT_LIMIT };
    let time_limit = times::limit("--timeout", flags.timeout.as_deref().unwrap_or(default))?;
    let empty_fails = flags.fail_on_empty || !(as_opa || flags.allow_empty);
    if !flags.watch {
        return once(flags, empty_fails, time_limit, printer);
    }
    loop {
        let seen = state(flags);
        once(flags, empty_fails, time_limit, printer)?;
        printer.note(&format!("{}\nWatching for changes ...", "*".repeat(80)));
        while state(flags) == seen {
            // Nobody wakes this thread: it looks again when the time is over.
            std::thread::park_timeout(LOOK);
        }
    }
}

fn once(flags: &TestFlags, empty_fails: bool, time_limit: Duration, printer: Printer) -> Result<u8, CliError> {
    let loaded = match loaded(flags)? {
        None => {
            let requested = flags.timeout.as_deref().unwrap_or_default();
            printer.error(&format!("error: loading the policies: {}", timeout::exceeded(requested)));
            return Ok(opa_exit::ERROR);
        }
        Some(Ok(loaded)) => loaded,
        Some(Err(error)) => {
            printer.error(&error.text(flags.max_errors));
            return Ok(opa_exit::FAIL);
        }
    };
    let policies = loaded.policies;
    let tests = policies
        .tests(flags.run.as_deref())
        .map_err(|error| CliError::new(format!("`--run`: {error}")).hint("it is a regular expression"))?;
    let fails_as_empty = tests.is_empty() && empty_fails;
    if fails_as_empty {
        printer.error(&match &flags.run {
            Some(wanted) => format!(
                "error: `--run {wanted}` matches no test\nhint: names are like `data.lib_test.test_x`; `--allow-empty` permits that nothing is tested"
            ),
            None => "error: there is no test\nhint: tests are rules named `test_…`; `--allow-empty` permits that nothing is tested"
                .to_owned(),
        });
    }
    let (results, hits) = results(&policies, &tests, flags, time_limit, printer)?;
    let all: Vec<_> = results.iter().map(|(at, result)| (&tests[*at], result)).collect();
    let passed = !fails_as_empty
        && all.iter().all(|(_, result)| match result.end {
            TestOutcome::Passed => true,
            TestOutcome::Skipped => flags.exit_zero_on_skipped,
            TestOutcome::Failed | TestOutcome::Error(_) => false,
        });
    if flags.coverage {
        return coverage(flags, &policies, &hits, &all, passed, printer);
    }
    let mut measured = Vec::new();
    if flags.bench {
        measured = match test_bench::measure(&policies, &all, time_limit) {
            Ok(measured) => measured,
            Err(error) => {
                printer.error(&format!("error: {error}"));
                return Ok(opa_exit::FAIL);
            }
        };
    }
    let format = flags.format.unwrap_or(TestFormat::Pretty);
    let report = Report {
        verbose: flags.verbose,
        explain: flags.explain,
        measured: &measured,
        for_go: format == TestFormat::Gobench,
    };
    let text = match format {
        TestFormat::Json => test_reports::json(&all, &measured),
        TestFormat::Junit => test_reports::junit(&all),
        TestFormat::Pretty | TestFormat::Gobench => test_reports::pretty(&all, &report),
    };
    print(printer, &text)?;
    if format == TestFormat::Pretty && !flags.verbose {
        let failures = test_reports::failures(&all);
        if !failures.is_empty() {
            printer.error(failures.trim_end());
        }
    }
    Ok(if passed { opa_exit::OK } else { opa_exit::ERROR })
}

/// Reads and compiles the policies; none where that takes longer than the time limit. What was not requested
/// limits nothing here: how long policies take to compile depends on the machine.
fn loaded(flags: &TestFlags) -> Result<Option<Result<Loaded, LoadError>>, CliError> {
    let limit = flags.timeout.as_deref().map_or(Ok(None), parse_timeout)?.map(|limit| limit + GRACE);
    let (paths, load, bundle) = (flags.paths.clone(), flags.load.clone(), flags.bundle);
    let work = move || {
        let none = Vec::new();
        let (paths, bundles) = if bundle { (&none, &paths) } else { (&paths, &none) };
        load::load(&Paths { paths, bundles, strict: false }, &load)
    };
    timeout::run(limit, work).transpose()
}

/// The results in the order of the report, each with the place of its test in the list.
type Results = Vec<(usize, TestResult)>;

fn results(
    policies: &PolicySet,
    tests: &[Test],
    flags: &TestFlags,
    time_limit: Duration,
    printer: Printer,
) -> Result<(Results, Hits), CliError> {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let options = TestOptions {
        time_limit,
        workers: flags.parallel.and_then(NonZeroUsize::new).unwrap_or(cores),
        coverage: flags.coverage,
        trace: flags.verbose && flags.explain != Explain::Off,
        host: &assay_conforma::no_registry(),
        stop: None,
    };
    let bar = progress(tests.len() * flags.count.get(), printer);
    let mut failed = 0_usize;
    let mut results = Vec::with_capacity(tests.len());
    let mut hits = Hits::default();
    for _ in 0..flags.count.get() {
        let mut round = Vec::with_capacity(tests.len());
        let seen = policies
            .run(tests, &options, &mut |at, result| {
                failed += usize::from(matches!(result.end, TestOutcome::Failed | TestOutcome::Error(_)));
                if failed > 0 {
                    bar.set_message(format!("{failed} failed"));
                }
                bar.inc(1);
                round.push((at, result));
            })
            .map_err(|error| CliError::from_error(&error))?;
        hits.join(seen);
        // Threads finish as they like; reports do not show it.
        round.sort_by_key(|(at, _)| *at);
        results.append(&mut round);
    }
    bar.finish_and_clear();
    if flags.sort == TestSort::Duration {
        results.sort_by_key(|(_, result)| std::cmp::Reverse(result.duration));
    }
    Ok((results, hits))
}

fn progress(tests: usize, printer: Printer) -> ProgressBar {
    let target = if printer.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(tests as u64), target);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tests {elapsed} {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn coverage(
    flags: &TestFlags,
    policies: &PolicySet,
    hits: &Hits,
    all: &[(&Test, &TestResult)],
    passed: bool,
    printer: Printer,
) -> Result<u8, CliError> {
    // Lines that tests reached before they failed say nothing.
    if !passed {
        printer.error(&test_reports::first_that_did_not_pass(all).unwrap_or_default());
        return Ok(if all.is_empty() { opa_exit::ERROR } else { opa_exit::FAIL });
    }
    let report = policies.coverage(hits);
    let percent = test_reports::percent(report.counts());
    if percent < flags.threshold {
        let wanted = flags.threshold;
        printer.error(&format!("Code coverage threshold not met: got {percent:.2} instead of {wanted:.2}"));
        return Ok(opa_exit::ERROR);
    }
    let text = match flags.format {
        Some(TestFormat::Pretty) => test_reports::coverage_text(&report),
        None | Some(TestFormat::Json | TestFormat::Junit | TestFormat::Gobench) => {
            format!("{}\n", super::json::pretty(&test_reports::coverage_json(&report)))
        }
    };
    print(printer, &text)?;
    Ok(opa_exit::OK)
}

/// The files below the paths and when they changed last.
fn state(flags: &TestFlags) -> Vec<(PathBuf, Option<SystemTime>)> {
    fn walk(path: &Path, depth: usize, found: &mut Vec<(PathBuf, Option<SystemTime>)>) {
        let Some(about) = fs_err::metadata(path).ok().filter(|_| found.len() < WATCHED) else { return };
        found.push((path.to_owned(), about.modified().ok()));
        if !about.is_dir() || depth == 0 {
            return;
        }
        let Ok(entries) = fs_err::read_dir(path) else { return };
        for entry in entries.flatten() {
            walk(&entry.path(), depth - 1, found);
        }
    }
    let mut found = Vec::new();
    for path in &flags.paths {
        walk(Path::new(path), assay_model::limits::SOURCE_DEPTH, &mut found);
    }
    found.sort();
    found
}
