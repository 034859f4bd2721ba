//! The exit codes, which scripts rely on.

use assay_app::Mode;
use assay_model::outcome::Verdict;

/// Every component was judged and may ship.
pub(crate) const SUCCESS: u8 = 0;
/// The answer is no: a violation, a missing or a wrong signature.
pub(crate) const VIOLATIONS: u8 = 1;
/// The request is unusable: flags, Snapshot, policy, key or plugin cannot be read.
pub(crate) const USAGE: u8 = 2;
/// There is no answer for some component, or the answer could not be written.
pub(crate) const ERROR: u8 = 3;

/// What `--help` says.
pub(crate) const HELP: &str = "\
Exit codes:
  0  allowed: every component was judged and has no violation
  1  denied: a violation, a missing or a wrong signature (0 with --strict=false)
  2  the request is unusable: flags, Snapshot, policy, key or plugin cannot be read
  3  no answer for some component: fetch, digest mismatch, plugin fault, deadline (outranks 1)";

/// What the help of `validate input` says.
pub(crate) const INPUT_HELP: &str = "\
Exit codes:
  0  allowed: every file was judged and has no violation
  1  denied: a violation (0 with --strict=false)
  2  the request is unusable: flags, files or policy cannot be read
  3  no answer for some file (outranks 1)";

/// What the tools for policies leave with, which is what `opa` leaves with.
pub(crate) mod opa_exit {
    /// All is well.
    pub(crate) const OK: u8 = 0;
    /// The answer is no, or there is nothing to work with.
    pub(crate) const FAIL: u8 = 1;
    /// Tests failed, or an evaluation ended with an error.
    pub(crate) const ERROR: u8 = 2;
}

/// What the help of `policy test` says.
pub(crate) const TEST_HELP: &str = "\
Exit codes:
  0  every test passed
  1  policies or data cannot be read or do not compile
  2  a test failed or was skipped, coverage is below the threshold, or a flag is wrong";

/// What the help of `policy eval` says.
pub(crate) const EVAL_HELP: &str = "\
Exit codes:
  0  the question was answered
  1  the answer is not the one that --fail or --fail-defined asks for
  2  there is no answer: a file, a policy or the question is wrong, or the evaluation failed";

/// What the help of `policy bench` says.
pub(crate) const BENCH_HELP: &str = "\
Exit codes:
  0  the question was answered and measured
  1  the answer is undefined (0 with --fail=false)
  2  there is no answer: a file, a policy or the question is wrong, or the evaluation failed";

/// What the help of `policy check` and `policy inspect` says.
pub(crate) const CHECK_HELP: &str = "\
Exit codes:
  0  all is well
  1  something is wrong with the policies or data
  2  a flag is wrong";

/// The exit code of a verdict. `--strict=false` forgives a denial, never the lack of an answer.
pub(crate) const fn of(verdict: Verdict, strict: bool) -> u8 {
    match verdict {
        Verdict::Allowed => SUCCESS,
        Verdict::Denied if strict => VIOLATIONS,
        Verdict::Denied => SUCCESS,
        Verdict::Error => ERROR,
    }
}

/// The exit code that stands for this one in a mode: `ec` knows only 0 and 1.
pub(crate) const fn in_mode(mode: Mode, code: u8) -> u8 {
    if mode.is_ec() && code != SUCCESS { VIOLATIONS } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ec_knows_two_exit_codes() {
        for (code, ec_compat) in [(0, 0), (1, 1), (2, 1), (3, 1)] {
            assert_eq!((in_mode(Mode::Native, code), in_mode(Mode::EcCompat, code)), (code, ec_compat));
        }
    }

    #[test]
    fn leniency_forgives_a_denial_and_never_the_lack_of_an_answer() {
        for (verdict, strict, want) in [
            (Verdict::Allowed, true, 0),
            (Verdict::Allowed, false, 0),
            (Verdict::Denied, true, 1),
            (Verdict::Denied, false, 0),
            (Verdict::Error, true, 3),
            (Verdict::Error, false, 3),
        ] {
            assert_eq!(of(verdict, strict), want, "{verdict:?} {strict}");
        }
    }
}
