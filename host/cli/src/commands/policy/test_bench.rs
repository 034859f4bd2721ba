//! `--bench` of `policy test`: how long tests take. As in OPA each test that passes is evaluated again and again for a second,
//! by itself; allocations are not counted, and none are claimed.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use assay_rego::{PolicySet, QueryError, QueryOptions, Test, TestOutcome, TestResult};
use serde_json::{Value, json};

use super::times::nanoseconds;

/// How long one test is measured.
const TIME: Duration = Duration::from_secs(1);

/// Evaluations of one test at most: each keeps a number.
const SAMPLES: usize = 10_000_000;

/// What OPA calls the time of an evaluation.
const TIMER: &str = "timer_rego_query_eval_ns/op";

/// How long a test took.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    count: usize,
    total: Duration,
}

/// Measures the tests that passed, in their order.
///
/// # Errors
/// An evaluation failed, which did not fail before.
pub(super) fn measure(
    policies: &PolicySet,
    all: &[(&Test, &TestResult)],
    time_limit: Duration,
) -> Result<Vec<Option<Measured>>, QueryError> {
    let options = QueryOptions {
        package: None,
        imports: Vec::new(),
        input: None,
        strict_builtin_errors: false,
        time_limit,
        host: Arc::clone(&assay_conforma::no_registry()),
        explain: false,
        profile: false,
        coverage: false,
    };
    let one = |(test, result): &(&Test, &TestResult)| {
        if result.end != TestOutcome::Passed {
            return Ok(None);
        }
        let query = policies.prepare(&test.rule_name(), &options)?;
        let samples = policies.measure(&query, &options, TIME, SAMPLES)?;
        Ok(Some(Measured { count: samples.len(), total: samples.iter().sum() }))
    };
    all.iter().map(one).collect()
}

impl Measured {
    /// How long all evaluations took.
    pub(super) const fn total(&self) -> Duration {
        self.total
    }

    /// Nanoseconds of one evaluation.
    fn mean(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a mean of so many has no more digits")]
        let count = self.count.max(1) as f64;
        self.total.as_secs_f64() * 1e9 / count
    }

    /// The line of a test in the readable report, or in that for tools of Go's benchmarks.
    pub(super) fn line(&self, test: &Test, for_go: bool) -> String {
        let name = test.full_name();
        let name = if for_go { go_name(&name) } else { name };
        let mut line = format!("{name}\t{:8}", self.count);
        for unit in ["ns/op", TIMER] {
            let _infallible = write!(line, "\t{} {unit}", aligned(self.mean()));
        }
        line
    }

    /// What the JSON report has of it.
    pub(super) fn json(&self) -> Value {
        json!({"N": self.count, "T": nanoseconds(self.total), "Extra": {TIMER: self.mean()}})
    }
}

/// `data.foo.test_x` as `BenchmarkDataFooTestX`.
fn go_name(name: &str) -> String {
    let part = |part: &str| {
        let mut characters = part.chars();
        characters.next().map(|first| first.to_uppercase().chain(characters).collect::<String>())
    };
    let parts = name.split(['.', '_']).filter_map(part);
    format!("Benchmark{}", parts.collect::<String>())
}

/// A number as Go writes those of benchmarks: ten places in front of the point, and small ones with four digits.
fn aligned(number: f64) -> String {
    let small = [999.95, 99.995, 9.9995, 0.999_95, 0.099_995, 0.009_999_5, 0.000_999_95];
    let places = if number == 0.0 { 0 } else { small.iter().take_while(|least| number < **least).count() };
    let width = if places == 0 { 10 } else { 11 + places };
    format!("{number:width$.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_those_of_go() {
        for (number, text) in [
            (0.0, "         0"),
            (123_456.7, "    123457"),
            (123.45, "       123.5"),
            (12.345, "        12.35"),
            (1.234_56, "         1.235"),
            (0.012_345_6, "         0.01235"),
        ] {
            assert_eq!(aligned(number), text, "{number}");
        }
        assert_eq!(go_name("data.foo.bar.test_auth"), "BenchmarkDataFooBarTestAuth");
    }
}
