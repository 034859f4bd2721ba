//! Measures the engine on files of the caller: `measure load|eval|test --policies DIR… --data PATH… [--input FILE]`.
//!
//! Prints one `name value` pair a line, times in milliseconds. `cargo xtask bench rego` runs it beside OPA.

use std::{
    collections::BTreeMap,
    io::Write as _,
    num::NonZeroUsize,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_conforma::{compile_options, no_registry};
use assay_rego::{
    PolicySet, Sources, TestOptions, TestOutcome,
    bench_support::{HostResults, PreparedResults, Program, on_large_stack},
};

/// The allocator of the program, so that what is measured is what users have.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[derive(Default)]
struct Arguments {
    what: String,
    policies: Vec<PathBuf>,
    data: Vec<PathBuf>,
    input: Option<PathBuf>,
    results: Option<PathBuf>,
    repeat: usize,
    show: bool,
}

fn arguments() -> Result<Arguments, Failed> {
    let mut given = std::env::args().skip(1);
    let mut found = Arguments { what: given.next().unwrap_or_default(), repeat: 7, ..Arguments::default() };
    while let Some(flag) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--policies" => found.policies.push(value()?.into()),
            "--data" => found.data.push(value()?.into()),
            "--input" => found.input = Some(value()?.into()),
            "--answers" => found.results = Some(value()?.into()),
            "--repeat" => found.repeat = value()?.parse()?,
            "--show" => found.show = true,
            _ => return Err(format!("{flag} is not known").into()),
        }
    }
    Ok(found)
}

impl Arguments {
    fn sources(&self, tests: bool) -> Result<Sources, Failed> {
        let mut sources = Sources::new();
        for place in &self.policies {
            if tests { sources.add_policy_with_tests(place)? } else { sources.add_policy(place)? }
        }
        for place in &self.data {
            sources.add_data(place)?;
        }
        sources.set_effective_time("2025-11-13T00:00:00Z".parse()?)?;
        Ok(sources)
    }
}

/// A time in 2025: what is measured must not change with the day.
const NOW_NS: i64 = 1_763_000_000_000_000_000;

fn main() -> Result<(), Failed> {
    let arguments = arguments()?;
    let mut out = std::io::stdout().lock();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    match arguments.what.as_str() {
        "load" => {
            let mut times = Vec::new();
            for _ in 0..arguments.repeat.max(1) {
                let started = Instant::now();
                let sources = arguments.sources(false)?;
                let read = started.elapsed();
                let program = Program::compile(sources, compile_options())?;
                times.push((started.elapsed(), read));
                drop(program);
            }
            times.sort();
            let (all, read) = times.get(times.len() / 2).copied().unwrap_or_default();
            writeln!(out, "load {:.1}\nload.read {:.1}", milliseconds(all), milliseconds(read))?;
        }
        "eval" => {
            let program = Program::compile(arguments.sources(false)?, compile_options())?;
            let input = fs_err::read_to_string(arguments.input.as_ref().ok_or("eval needs --input")?)?;
            let results: HostResults = match &arguments.results {
                Some(path) => serde_json::from_str(&fs_err::read_to_string(path)?)?,
                None => BTreeMap::new(),
            };
            if arguments.show {
                let values = program.evaluate(&input, &results, NOW_NS)?;
                writeln!(out, "{}", serde_json::to_string_pretty(&values)?)?;
                return Ok(());
            }
            let results = Arc::new(PreparedResults::new(&results)?);
            let started = Instant::now();
            let defined = program.run(&input, &results, NOW_NS)?;
            writeln!(out, "eval.entries {}\neval.defined {defined}", program.entries())?;
            writeln!(out, "eval.first {:.1}", milliseconds(started.elapsed()))?;
            if arguments.repeat == 0 {
                return Ok(());
            }
            let mut times = repeated(&program, &input, &results, arguments.repeat)?;
            times.sort();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            writeln!(out, "eval.repeated {:.2}", milliseconds(median))?;
            for threads in [1, 2] {
                let rounds = arguments.repeat * 4;
                let ready = std::sync::Barrier::new(threads + 1);
                let (started, cpu) = std::thread::scope(|scope| {
                    let work = || {
                        on_large_stack(|| {
                            // Each thread has what lasts to itself and must have made it first.
                            ready.wait();
                            let warm = rounds_of(&program, &input, &results, 2);
                            ready.wait();
                            warm?;
                            let before = own_cpu_time();
                            rounds_of(&program, &input, &results, rounds)?;
                            Ok::<_, Failed>(own_cpu_time().saturating_sub(before))
                        })?
                    };
                    let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                    ready.wait();
                    ready.wait();
                    let started = Instant::now();
                    let mut sum = Duration::ZERO;
                    for thread in all {
                        sum += thread.join().map_err(|_| "a thread panicked")??;
                    }
                    Ok::<_, Failed>((started, sum))
                })?;
                let count = f64::from(u32::try_from(rounds * threads)?);
                writeln!(out, "eval.per_second.{threads} {:.1}", count / started.elapsed().as_secs_f64())?;
                writeln!(out, "eval.cpu.{threads} {:.2}", milliseconds(cpu) / count)?;
            }
        }
        "test" => {
            let started = Instant::now();
            let policies = PolicySet::compile(arguments.sources(true)?, compile_options())?;
            let tests = policies.tests(None)?;
            let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
            let time_limit = Duration::from_secs(60);
            let host = no_registry();
            let options = TestOptions { time_limit, workers, coverage: false, trace: false, host: &host, stop: None };
            let mut failed = Vec::new();
            policies.run(&tests, &options, &mut |at, result| {
                if result.end != TestOutcome::Passed {
                    failed.push(at);
                }
            })?;
            writeln!(out, "test {:.1}", milliseconds(started.elapsed()))?;
            writeln!(out, "test.passed {}\ntest.failed {}", tests.len() - failed.len(), failed.len())?;
            for test in failed.into_iter().filter_map(|at| tests.get(at)) {
                writeln!(out, "# {}", test.full_name())?;
            }
        }
        other => return Err(format!("`{other}` is none of load, eval, test").into()),
    }
    Ok(())
}

fn repeated(
    program: &Program,
    input: &str,
    results: &Arc<PreparedResults>,
    rounds: usize,
) -> Result<Vec<Duration>, Failed> {
    on_large_stack(|| rounds_of(program, input, results, rounds))?
}

fn rounds_of(
    program: &Program,
    input: &str,
    results: &Arc<PreparedResults>,
    rounds: usize,
) -> Result<Vec<Duration>, Failed> {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        program.run(input, results, NOW_NS)?;
        times.push(started.elapsed());
    }
    Ok(times)
}

/// What this thread has used of a processor, which other programs on the machine do not change. Zero where the system
/// does not report it.
fn own_cpu_time() -> Duration {
    let text = fs_err::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).map_or(Duration::ZERO, Duration::from_nanos)
}
