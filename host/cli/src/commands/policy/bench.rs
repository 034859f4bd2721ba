//! `assay policy bench`: evaluates a query repeatedly and prints how long it took. What is measured is the evaluation
//! of the prepared query, its input document included; allocations are not counted, and none are claimed.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use assay_rego::{PolicySet, PreparedQuery, QueryError, QueryOptions};
use serde_json::{Value, json};

use super::{
    eval::QueryInput,
    json::pretty,
    load::{LoadError, Loaded},
    print,
    table::Table,
    times,
};
use crate::{
    error::CliError,
    exit::opa_exit,
    flags::policy::{BenchFlags, BenchFormat},
    printer::Printer,
    settings::Environment,
};

/// Evaluations of one measurement at most: each keeps a number.
const SAMPLES: usize = 10_000_000;

/// Nanoseconds of evaluations, the shortest first.
struct Measured {
    samples: Vec<u64>,
    total: Duration,
}

pub(super) fn run(flags: &BenchFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let time = times::limit("--benchtime", &flags.benchtime)?;
    let query = QueryInput::read(&flags.query_flags)?;
    let print_load_error = |error: &LoadError| {
        printer.error(&error.text(0));
        Ok(opa_exit::ERROR)
    };
    let Loaded { policies, .. } = match query.load(&flags.query_flags, false)? {
        Ok(loaded) => loaded,
        Err(error) => return print_load_error(&error),
    };
    let options = query.options(&flags.query_flags, env, Duration::from_secs(30))?;
    let query = match policies.prepare(&query.query, &options) {
        Ok(query) => query,
        Err(error) => return print_load_error(&LoadError::Compile(error)),
    };
    for _ in 0..flags.count.get() {
        let measured = match measure(&policies, &query, &options, time, flags.fail) {
            Ok(Some(measured)) => measured,
            Ok(None) => {
                printer.error(
                    "error: the result is undefined, so nothing is measured\nhint: measure it anyway with \
                     `--fail=false`",
                );
                return Ok(opa_exit::FAIL);
            }
            Err(error) => {
                printer.error(&format!("error: {error}"));
                return Ok(opa_exit::ERROR);
            }
        };
        print(printer, &shown(&measured, flags.format))?;
    }
    Ok(opa_exit::OK)
}

fn measure(
    policies: &PolicySet,
    query: &PreparedQuery,
    options: &QueryOptions,
    time: Duration,
    must_be_defined: bool,
) -> Result<Option<Measured>, QueryError> {
    // The first one warms up and shows whether there is a result.
    if policies.run_prepared(query, options)?.results.is_empty() && must_be_defined {
        return Ok(None);
    }
    let started = Instant::now();
    let times = policies.measure(query, options, time, SAMPLES)?;
    let total = started.elapsed();
    let mut samples: Vec<_> = times.into_iter().map(times::nanoseconds).collect();
    samples.sort_unstable();
    Ok(Some(Measured { samples, total }))
}

impl Measured {
    /// The value that a part of the samples does not exceed.
    fn percentile(&self, percent: f64) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "an index in a list that is far shorter than 2^52")]
        let at = ((percent / 100.0 * self.samples.len() as f64).ceil() as usize).saturating_sub(1);
        self.samples.get(at).or(self.samples.last()).copied().unwrap_or(0)
    }

    fn mean(&self) -> u64 {
        let sum: u128 = self.samples.iter().map(|sample| u128::from(*sample)).sum();
        let mean = sum / (self.samples.len().max(1) as u128);
        u64::try_from(mean).unwrap_or(u64::MAX)
    }

    fn numbers(&self) -> Vec<(String, u64)> {
        let name = |of: &str| format!("histogram_timer_rego_query_eval_ns_{of}");
        let mut numbers: Vec<_> = [("75%", 75.0), ("90%", 90.0), ("95%", 95.0), ("99%", 99.0), ("99.9%", 99.9)]
            .into_iter()
            .map(|(of, percent)| (name(of), self.percentile(percent)))
            .collect();
        numbers.push((name("count"), self.samples.len() as u64));
        numbers.push((name("max"), self.samples.last().copied().unwrap_or(0)));
        numbers.push((name("mean"), self.mean()));
        numbers.push((name("median"), self.percentile(50.0)));
        numbers.push((name("min"), self.samples.first().copied().unwrap_or(0)));
        numbers
    }
}

fn shown(measured: &Measured, format: BenchFormat) -> String {
    match format {
        BenchFormat::Pretty => {
            let mut table = Table::of_numbers();
            table.row(vec!["samples".to_owned(), measured.samples.len().to_string()]);
            table.row(vec!["ns/op".to_owned(), measured.mean().to_string()]);
            for (name, value) in measured.numbers() {
                table.row(vec![name, value.to_string()]);
            }
            table.text()
        }
        BenchFormat::Json => {
            let extra = measured.numbers().into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            let total = times::nanoseconds(measured.total);
            let json = json!({"N": measured.samples.len(), "T": total, "Extra": Value::Object(extra)});
            pretty(&json) + "\n"
        }
        BenchFormat::Gobench => {
            let mut text = format!("BenchmarkOPAEval\t{:8}\t{:10} ns/op", measured.samples.len(), measured.mean());
            for (name, value) in measured.numbers() {
                let _infallible = write!(text, "\t{value:10} {name}");
            }
            text + "\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let measured = Measured { samples: (1..=100).collect(), total: Duration::ZERO };
        for (percent, want) in [(50.0, 50), (75.0, 75), (99.0, 99), (99.9, 100), (100.0, 100)] {
            assert_eq!(measured.percentile(percent), want, "{percent}");
        }
        assert_eq!(measured.mean(), 50);
        assert_eq!(Measured { samples: vec![7], total: Duration::ZERO }.percentile(75.0), 7);
    }
}
