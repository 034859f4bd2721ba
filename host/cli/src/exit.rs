//! The exit codes, which scripts rely on.

use assay_app::Mode;
use assay_model::outcome::Verdict;

/// Every component was evaluated and passed.
pub(crate) const SUCCESS: u8 = 0;
/// Violations were found, or a signature is missing or invalid.
pub(crate) const VIOLATIONS: u8 = 1;
/// Usage or configuration error: flags, Snapshot, policy, key or plugin are invalid or cannot be read.
pub(crate) const USAGE: u8 = 2;
/// Some component could not be evaluated, or a report could not be written.
pub(crate) const ERROR: u8 = 3;

/// The exit codes in `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  success: every component was evaluated, and no violations were found
  1  violations found, or a signature is missing or invalid (0 with --strict=false)
  2  invalid request: usage or configuration error (flags, Snapshot, policy, key or plugin)
  3  error: some component could not be evaluated (failed fetch, digest mismatch, plugin error,
     time limit); takes precedence over 1";

/// The exit codes in the help of `verify`.
pub(crate) const VERIFY_HELP: &str = "\
Exit codes:
  0  verified
  1  not verified: nothing is signed by the signer, or what is there is malformed
  2  invalid request (flags, key, identity or trust root)
  3  could not be verified (failed fetch, time limit)";

/// The exit codes in the help of `validate vsa`.
pub(crate) const VSA_HELP: &str = "\
Exit codes:
  0  every image has a VSA that counts, or was evaluated and passed
  1  some image has none, or was evaluated and did not pass (0 with --strict=false)
  2  invalid request: usage or configuration error (flags, Snapshot, policy or keys)
  3  error: some image could not be resolved or evaluated; takes precedence over 1";

/// The exit codes in the help of `validate input`.
pub(crate) const INPUT_HELP: &str = "\
Exit codes:
  0  success: every file was evaluated, and no violations were found
  1  violations found (0 with --strict=false)
  2  invalid request: usage or configuration error (flags, files or policy)
  3  error: some file could not be evaluated; takes precedence over 1";

/// The exit codes in the help of `evidence collect`.
pub(crate) const COLLECT_HELP: &str = "\
Exit codes:
  0  the archive is written, whether or not the images pass
  2  invalid request: usage or configuration error (flags, Snapshot, policy, key or plugin)
  3  error: evidence could not be read, or the archive not be written; there is no archive";

/// The exit codes in the help of `evidence verify`.
pub(crate) const VERIFY_ARCHIVE_HELP: &str = "\
Exit codes:
  0  every byte is as it was written
  1  the archive was changed or cut short
  2  invalid request: there is no such file, or it is not an evidence archive";

/// The exit codes of the policy tools, which are those of `opa`.
pub(crate) mod opa_exit {
    /// Success.
    pub(crate) const OK: u8 = 0;
    /// A check failed, or policies or data cannot be read.
    pub(crate) const FAIL: u8 = 1;
    /// Tests failed, or an evaluation ended with an error.
    pub(crate) const ERROR: u8 = 2;
}

/// The exit codes in the help of `policy test`.
pub(crate) const TEST_HELP: &str = "\
Exit codes:
  0  every test passed
  1  policies or data cannot be read or do not compile
  2  a test failed or was skipped, coverage is below the threshold, or a flag is invalid";

/// The exit codes in the help of `policy eval`.
pub(crate) const EVAL_HELP: &str = "\
Exit codes:
  0  the query was evaluated
  1  the result is undefined and --fail is given, or defined and --fail-defined is given
  2  error: a file, a policy or the query is invalid, or the evaluation failed";

/// The exit codes in the help of `policy fmt`.
pub(crate) const FMT_HELP: &str = "\
Exit codes:
  0  every file is formatted, or was
  1  a file or standard input cannot be read, or standard input is not a policy
  2  a file is not a policy, or is not formatted and --fail is given";

/// The exit codes in the help of `policy bench`.
pub(crate) const BENCH_HELP: &str = "\
Exit codes:
  0  the query was evaluated and measured
  1  the result is undefined (0 with --fail=false)
  2  error: a file, a policy or the query is invalid, or the evaluation failed";

/// The exit codes in the help of `policy check` and `policy inspect`.
pub(crate) const CHECK_HELP: &str = "\
Exit codes:
  0  success
  1  policies or data are invalid
  2  a flag is invalid";

/// The exit code of a verdict. `--strict=false` tolerates violations, never errors.
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
    fn strict_false_tolerates_violations_and_never_errors() {
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
