//! [`ImageSettings`]: the flags of `validate image` made sense of, before anything is read from a registry.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use assay_model::{policy::PolicySpec, snapshot::Snapshot};
use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::{
    CheckFlag, KeyText, Output, Surroundings,
    moment::effective_time,
    output::outputs,
    policy::policy,
    run::timeout,
    snapshot::snapshot,
    trust::{key, refuse_what_is_not_verified_yet},
};
use crate::{error::Unusable, flags::image::ImageFlags};

/// Everything a run needs to know, checked as far as it can be without work.
#[derive(Debug)]
pub(crate) struct ImageSettings {
    pub(crate) snapshot: Snapshot,
    /// The Snapshot as it was given; empty for a single image.
    pub(crate) snapshot_text: String,
    pub(crate) bundle: Option<Utf8PathBuf>,
    pub(crate) insecure_registries: Vec<String>,
    pub(crate) key: KeyText,
    pub(crate) allow_relocation: bool,
    /// As read, `publicKey` replaced by what the user gave.
    pub(crate) policy: PolicySpec,
    pub(crate) checks: Vec<CheckFlag>,
    pub(crate) effective_time: Timestamp,
    pub(crate) outputs: Vec<Output>,
    pub(crate) strict: bool,
    /// The rules whose answers are explained, by their codes.
    pub(crate) explain: Vec<String>,
    pub(crate) workers: NonZeroUsize,
    /// The end of the run and the limit it comes from; the clock starts when the settings are made.
    pub(crate) deadline: Option<(Instant, Duration)>,
}

impl ImageSettings {
    pub(crate) fn new(flags: ImageFlags, around: Surroundings) -> Result<Self, Unusable> {
        let started = Instant::now();
        let policy = policy(&flags.policy)?;
        refuse_what_is_not_verified_yet(&flags.trust, &policy)?;
        let (snapshot, snapshot_text) = snapshot(flags.input.images.as_deref(), flags.input.image.as_deref())?;
        let (key, policy) = key(flags.trust.public_key.as_deref(), policy)?;
        let limit = timeout(&flags.run.timeout)?;
        let report = &flags.report;
        let colour = report.color || (around.stdout_colours && !report.no_color);
        let options = assay_report::Options {
            show_successes: report.show_successes,
            show_warnings: report.show_warnings,
            info: report.info,
            colour,
            ..assay_report::Options::default()
        };
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            snapshot,
            snapshot_text,
            bundle: flags.input.bundle,
            insecure_registries: flags.input.insecure_registry,
            key,
            allow_relocation: flags.trust.allow_relocation,
            policy,
            checks: flags.policy.check.iter().map(|text| CheckFlag::parse(text)).collect::<Result<_, _>>()?,
            effective_time: effective_time(&flags.policy, around.now)?,
            outputs: outputs(&report.output, &options)?,
            strict: report.strict,
            explain: flags.report.explain,
            workers: flags.run.workers.unwrap_or(cores),
            deadline: limit.map(|limit| (started + limit, limit)),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{super::Called, *};
    use crate::flags::{Command, Flags, Validate};
    use camino::Utf8Path;

    const NOW: &str = "2026-06-01T12:00:00Z";
    const KEY: &str = "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n";

    fn settings(arguments: &[&str]) -> Result<ImageSettings, String> {
        let fixed = ["assay", "validate", "image"];
        let flags = Flags::try_parse_from(fixed.iter().chain(arguments)).map_err(|error| error.to_string())?;
        let Command::Validate { what: Validate::Image(flags) } = flags.command;
        let around = Surroundings { called: Called::Assay, now: NOW.parse().unwrap(), stdout_colours: false };
        ImageSettings::new(*flags, around).map_err(|error| error.text())
    }

    fn with(arguments: &[&str]) -> Result<ImageSettings, String> {
        let fixed = ["--image", "r.example/a", "--public-key", KEY, "--ignore-rekor"];
        settings(&[&fixed[..], arguments].concat())
    }

    #[test]
    fn what_is_missing_or_not_verified_yet_is_told_before_any_work() {
        let image = ["--image", "r.example/a"];
        for (arguments, says) in [
            (&["--ignore-rekor", "--public-key", KEY][..], "no image to judge"),
            (&["--image", "r.example/a", "--ignore-rekor"], "no public key"),
            (&["--image", "r.example/a", "--public-key", KEY], "--ignore-rekor"),
            (&["--image", "r.example/a", "--public-key", KEY, "--ignore-rekor=false"], "transparency log"),
            (&["--image", "r.example/a", "--certificate-identity", "x"], "keyless"),
            (&["--image", "r.example/a", "--rekor-url", "https://r.example"], "transparency log"),
            (&["--images", "/no/such/file", "--public-key", KEY, "--ignore-rekor"], "/no/such/file"),
            (&["--images", "{}", "--public-key", KEY, "--ignore-rekor"], "no components"),
            (&["--images", "components: [{name: a}]", "--public-key", KEY, "--ignore-rekor"], "component 1 (`a`)"),
            (&["--image", "r.example/a", "--public-key", "k8s://a/b", "--ignore-rekor"], "only key files"),
        ] {
            let error = settings(arguments).unwrap_err();
            assert!(error.contains(says) && error.starts_with("error: "), "{arguments:?}: {error}");
        }
        for (flag, says) in [
            ("https://g.example/policy", "only local policy configurations"),
            ("git::g.example/policy", "only local policy configurations"),
            ("/no/such/policy.yaml", "/no/such/policy.yaml"),
            ("sources: 3", "invalid type"),
        ] {
            let error = settings(&[&image[..], &["--policy", flag, "--ignore-rekor"]].concat()).unwrap_err();
            assert!(error.contains(says), "{flag}: {error}");
        }
    }

    #[test]
    fn empty_values_mean_unset() {
        let settings =
            with(&["--rekor-url", "", "--certificate-identity", "", "--policy", "", "--output", ""]).unwrap();
        assert_eq!(settings.outputs.len(), 1);
    }

    #[test]
    fn the_effective_time_is_now_or_stated_and_never_past_by_accident() {
        for (text, want) in [
            ("now", Ok(NOW)),
            ("NOW", Ok(NOW)),
            ("2030-01-31", Ok("2030-01-31T00:00:00Z")),
            ("2030-01-31T10:00:00+02:00", Ok("2030-01-31T08:00:00Z")),
            ("2026-06-01T11:59:59Z", Ok("2026-06-01T11:59:59Z")),
            ("2026-06-01T11:59:57Z", Err("is in the past")),
            ("2020-01-01", Err("is in the past")),
            ("attestation", Err("not supported yet")),
            ("yesterday", Err("is not a moment")),
            ("2030-02-31", Err("is not a moment")),
        ] {
            let got = with(&["--effective-time", text]);
            match want {
                Ok(want) => assert_eq!(got.unwrap().effective_time, want.parse().unwrap(), "{text}"),
                Err(says) => assert!(got.as_ref().is_err_and(|error| error.contains(says)), "{text}: {got:?}"),
            }
        }
        assert!(with(&["--effective-time", "2020-01-01", "--allow-past-effective-time"]).is_ok());
    }

    #[test]
    fn timeouts_are_go_durations_and_zero_is_none() {
        let limit =
            |text| with(&["--timeout", text]).map(|settings| settings.deadline.map(|(_, limit)| limit.as_secs()));
        assert_eq!(limit("5m"), Ok(Some(300)));
        assert_eq!(limit("1h30m"), Ok(Some(5400)));
        assert_eq!(limit("0"), Ok(None));
        assert_eq!(limit("0s"), Ok(None));
        assert!(limit("soon").is_err() && limit("-5s").is_err() && limit("5").is_err());
        assert!(limit("99999999h").is_ok());
    }

    #[test]
    fn outputs_and_checks_are_taken_apart() {
        let settings =
            with(&["--output", "text=a.txt?show-successes=true,json", "--output", "appstudio=b", "--info"]).unwrap();
        let shown: Vec<_> = settings
            .outputs
            .iter()
            .map(|output| (output.file.as_deref().map(Utf8Path::as_str), output.options.show_successes))
            .collect();
        assert_eq!(shown, [(Some("a.txt"), true), (None, false), (Some("b"), false)]);
        assert!(with(&["--output", "pdf"]).unwrap_err().contains("pdf"));
        assert!(with(&["--output", "text?show=1"]).is_err());
        let check = CheckFlag::parse("dir/c.wasm?allow=MIT,0BSD&deny=GPL-3.0-only").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(check.params, [pair("allow", "MIT,0BSD"), pair("deny", "GPL-3.0-only")]);
        assert_eq!(check.file, "dir/c.wasm");
        assert!(CheckFlag::parse("c.wasm?allow").is_err());
    }
}
