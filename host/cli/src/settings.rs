//! [`ImageSettings`]: the flags of `validate image` made sense of, before anything is read from a registry.

use std::{
    ffi::OsStr,
    num::NonZeroUsize,
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use assay_model::{limits, policy::PolicySpec, snapshot::Snapshot};
use assay_report::Format;
use assay_supply::RegistryOptions;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{
    error::Unusable,
    files::read_text,
    flags::image::{ImageFlags, PolicyFlags, TrustFlags},
    registries::{self, Network},
};

/// Everything a run needs to know, checked as far as it can be without work.
#[derive(Debug)]
pub(crate) struct ImageSettings {
    pub(crate) snapshot: Snapshot,
    /// The Snapshot as it was given; empty for a single image.
    pub(crate) snapshot_text: String,
    pub(crate) bundle: Option<Utf8PathBuf>,
    pub(crate) registries: RegistryOptions,
    pub(crate) key: KeyText,
    pub(crate) allow_relocation: bool,
    pub(crate) skip_image_sig_check: bool,
    pub(crate) skip_att_sig_check: bool,
    /// As read, `publicKey` replaced by what the user gave.
    pub(crate) policy: PolicySpec,
    pub(crate) checks: Vec<CheckFlag>,
    pub(crate) effective_time: Timestamp,
    pub(crate) outputs: Vec<Output>,
    pub(crate) strict: bool,
    pub(crate) workers: NonZeroUsize,
    /// The end of the run and the limit it comes from; the clock starts when the settings are made.
    pub(crate) deadline: Option<(Instant, Duration)>,
}

/// A public key's PEM text and where it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyText {
    pub(crate) pem: String,
    pub(crate) origin: String,
    /// Whether a file was named, and not the text given.
    pub(crate) from_file: bool,
}

/// `--check FILE.wasm?param=value&…`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CheckFlag {
    pub(crate) file: Utf8PathBuf,
    pub(crate) params: Vec<(String, String)>,
}

/// `--output FORMAT[=FILE][?OPTION=BOOL&…]`
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) file: Option<Utf8PathBuf>,
    pub(crate) options: assay_report::Options,
}

/// What the environment says, read once in `main`.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) called: Called,
    pub(crate) now: Timestamp,
    pub(crate) stdout_colours: bool,
    pub(crate) network: Network,
}

/// The name that the program was called by. Through a link named `ec` it answers in `ec`'s form and exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    Assay,
    Ec,
}

impl Called {
    /// By the first argument of the process, a path.
    pub(crate) fn by(program: Option<&OsStr>) -> Self {
        let name = program.and_then(|path| Path::new(path).file_stem());
        if name.is_some_and(|name| name == "ec") { Self::Ec } else { Self::Assay }
    }
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
            registries: registries::options(&flags.registry, around.network)?,
            key,
            allow_relocation: flags.trust.allow_relocation,
            skip_image_sig_check: flags.trust.skip_image_sig_check,
            skip_att_sig_check: flags.trust.skip_att_sig_check,
            policy,
            checks: flags.policy.check.iter().map(|text| CheckFlag::parse(text)).collect::<Result<_, _>>()?,
            effective_time: effective_time(&flags.policy, around.now)?,
            outputs: outputs(&report.output, &options)?,
            strict: report.strict,
            workers: flags.run.workers.unwrap_or(cores),
            deadline: limit.map(|limit| (started + limit, limit)),
        })
    }
}

fn refuse_what_is_not_verified_yet(trust: &TrustFlags, policy: &PolicySpec) -> Result<(), Unusable> {
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let keyless = [
        ("--certificate-identity", &trust.certificate_identity),
        ("--certificate-identity-regexp", &trust.certificate_identity_regexp),
        ("--certificate-oidc-issuer", &trust.certificate_oidc_issuer),
        ("--certificate-oidc-issuer-regexp", &trust.certificate_oidc_issuer_regexp),
    ];
    if let Some((flag, _)) = keyless.iter().find(|(_, value)| given(value)) {
        return Err(Unusable::new(format!("`{flag}`: keyless signatures are not verified yet"))
            .hint("sign with a key and give `--public-key`"));
    }
    if policy.identity.is_some() && !given(&trust.public_key) && policy.public_key.is_empty() {
        return Err(Unusable::new("the policy's `identity` asks for keyless signatures, which are not verified yet")
            .hint("sign with a key and give `--public-key`"));
    }
    if given(&trust.rekor_url) {
        return Err(Unusable::new("`--rekor-url`: transparency logs are not verified yet")
            .hint("give `--ignore-rekor` and leave out `--rekor-url`"));
    }
    if !trust.ignore_rekor {
        return Err(Unusable::new("signatures would be looked up in a transparency log, which is not verified yet")
            .hint("give `--ignore-rekor` to judge by the public key alone"));
    }
    Ok(())
}

fn snapshot(images: Option<&str>, image: Option<&str>) -> Result<(Snapshot, String), Unusable> {
    match (images.filter(|text| !text.is_empty()), image.filter(|text| !text.is_empty())) {
        (None, None) => Err(Unusable::new("no image to judge").hint("give `--images SNAPSHOT` or `--image IMAGE`")),
        (None, Some(image)) => Ok((Snapshot::of_image(image), String::new())),
        (Some(images), _) => {
            let (text, origin) = file_or_text(images, "--images", limits::SNAPSHOT_BYTES)?;
            let snapshot = Snapshot::parse(&text).map_err(|error| {
                Unusable::new(format!("{error} ({origin})"))
                    .hint("a Snapshot is an object with `components`, each with a `name` and a `containerImage`")
            })?;
            Ok((snapshot, text))
        }
    }
}

/// The text that an argument names or is, and where it comes from.
fn file_or_text(argument: &str, flag: &str, limit: u64) -> Result<(String, String), Unusable> {
    let path = Utf8Path::new(argument);
    // A text with a line break or a brace in front is never meant as a file.
    let is_text = argument.contains('\n') || argument.trim_start().starts_with(['{', '[']);
    if is_text {
        return Ok((argument.to_owned(), format!("the text of `{flag}`")));
    }
    if path.exists() || !argument.contains(':') {
        return Ok((read_text(path, flag, limit)?, format!("`{path}`")));
    }
    Ok((argument.to_owned(), format!("the text of `{flag}`")))
}

fn policy(flags: &PolicyFlags) -> Result<PolicySpec, Unusable> {
    let Some(argument) = flags.policy.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(PolicySpec::default());
    };
    let is_file = Utf8Path::new(argument).exists();
    let remote = ["https://", "http://", "git::", "git@", "git://", "oci::", "oci://", "k8s://"];
    if !is_file && (remote.iter().any(|scheme| argument.starts_with(scheme)) || argument.ends_with(".git")) {
        return Err(Unusable::new(format!("`--policy {argument}`: only local policy configurations are read so far"))
            .hint("fetch it first and give the file"));
    }
    let (text, origin) = file_or_text(argument, "--policy", limits::CONFIG_FILE_BYTES)?;
    PolicySpec::parse(&text).map_err(|error| {
        Unusable::new(format!("{error} ({origin})"))
            .hint("a policy configuration is an object with `sources`, each with `policy` and perhaps `data`, `ruleData`, `config`")
    })
}

fn key(flag: Option<&str>, mut policy: PolicySpec) -> Result<(KeyText, PolicySpec), Unusable> {
    let flag = flag.filter(|text| !text.is_empty());
    let (argument, whence) = match (flag, policy.public_key.as_str()) {
        (Some(argument), _) => (argument.to_owned(), "--public-key"),
        (None, "") => {
            return Err(Unusable::new("no public key to verify signatures with")
                .hint("give `--public-key FILE`, or `publicKey` in the policy configuration"));
        }
        (None, argument) => (argument.to_owned(), "the policy's `publicKey`"),
    };
    let remote = ["k8s://", "awskms://", "gcpkms://", "azurekms://", "hashivault://", "https://", "http://"];
    let key = if argument.contains("-----BEGIN") {
        KeyText { pem: argument.clone(), origin: format!("the text of {whence}"), from_file: false }
    } else if remote.iter().any(|scheme| argument.starts_with(scheme)) {
        return Err(Unusable::new(format!("{whence} `{argument}`: only key files and PEM texts are read so far"))
            .hint("save the public key as a PEM file"));
    } else {
        let pem = read_text(Utf8Path::new(&argument), whence, limits::CONFIG_FILE_BYTES)?;
        KeyText { pem, origin: format!("`{argument}`"), from_file: true }
    };
    policy.public_key = argument;
    Ok((key, policy))
}

fn timeout(text: &str) -> Result<Option<Duration>, Unusable> {
    if text == "0" {
        return Ok(None);
    }
    let error = || {
        Unusable::new(format!("`--timeout {text}` is not a duration"))
            .hint("write it like 90s, 5m or 1h30m; 0 for none")
    };
    let duration = SignedDuration::from_str(text).map_err(|_| error())?;
    let duration = Duration::try_from(duration).map_err(|_| error())?;
    // A century is for ever, and still fits every clock.
    Ok((!duration.is_zero()).then(|| duration.min(Duration::from_secs(100 * 365 * 24 * 3600))))
}

/// How far in the past a moment still counts as now: the time a caller takes to start the program.
const GRACE: SignedDuration = SignedDuration::from_secs(2);

fn effective_time(flags: &PolicyFlags, now: Timestamp) -> Result<Timestamp, Unusable> {
    let text = flags.effective_time.as_str();
    if text.is_empty() || text.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    let error = || {
        Unusable::new(format!("`--effective-time {text}` is not a moment"))
            .hint("write `now`, a date like 2026-01-31, or an RFC 3339 time like 2026-01-31T12:00:00Z")
    };
    if text.eq_ignore_ascii_case("attestation") {
        return Err(Unusable::new("`--effective-time attestation` is not supported yet")
            .hint("give the time of the build as an RFC 3339 time"));
    }
    let of_date = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    let moment = match text.len() {
        10 => text.parse::<Date>().and_then(of_date).map_err(|_| error())?,
        _ => text.parse::<Timestamp>().map_err(|_| error())?,
    };
    if moment < now - GRACE && !flags.allow_past_effective_time {
        return Err(Unusable::new(format!("the effective time {moment} is in the past"))
            .hint("give `--allow-past-effective-time` if that is meant"));
    }
    Ok(moment)
}

impl CheckFlag {
    fn parse(text: &str) -> Result<Self, Unusable> {
        // A file whose name holds a question mark is taken as it is.
        let (file, query) = match text.split_once('?') {
            Some((file, query)) if !Utf8Path::new(text).exists() => (file, query),
            _ => (text, ""),
        };
        let mut params = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(Unusable::new(format!("`--check {text}`: `{pair}` is not PARAM=VALUE"))
                    .hint("write parameters like `check.wasm?deny=GPL-3.0-only&allow=MIT`"));
            };
            params.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self { file: file.into(), params })
    }
}

fn outputs(flags: &[String], options: &assay_report::Options) -> Result<Vec<Output>, Unusable> {
    let flags: Vec<&str> = flags.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let mut outputs = Vec::new();
    for text in if flags.is_empty() { vec!["text"] } else { flags } {
        let (target, query) = text.split_once('?').unwrap_or((text, ""));
        let (format, file) = match target.split_once('=') {
            Some((format, file)) => (format, Some(Utf8PathBuf::from(file))),
            None => (target, None),
        };
        let error = |what: String| Unusable::new(format!("`--output {text}`: {what}"));
        let format = if format.is_empty() { "json" } else { format };
        let format = Format::from_str(format).map_err(|why| error(why.to_string()))?;
        let mut options = *options;
        // Colours are for the terminal; a file gets none unless they are asked for.
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let value: bool = value.parse().map_err(|_| error(format!("`{value}` is neither true nor false")))?;
            match name {
                "show-successes" => options.show_successes = value,
                "show-warnings" => options.show_warnings = value,
                "show-policy-docs-link" => options.show_policy_docs_link = value,
                _ => {
                    let known = "show-successes, show-warnings, show-policy-docs-link";
                    return Err(error(format!("`{name}` is not an option")).hint(format!("options are {known}")));
                }
            }
        }
        outputs.push(Output { format, file, options });
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::flags::{Command, Flags, Validate};

    const NOW: &str = "2026-06-01T12:00:00Z";
    const KEY: &str = "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n";

    #[test]
    fn the_name_of_a_link_decides_whose_form_is_used() {
        for (program, want) in [
            ("assay", Called::Assay),
            ("/usr/bin/ec", Called::Ec),
            ("./ec", Called::Ec),
            ("ec.exe", Called::Ec),
            ("rec", Called::Assay),
            ("", Called::Assay),
        ] {
            assert_eq!(Called::by(Some(OsStr::new(program))), want, "{program}");
        }
        assert_eq!(Called::by(None), Called::Assay);
    }

    fn settings(arguments: &[&str]) -> Result<ImageSettings, String> {
        let fixed = ["assay", "validate", "image"];
        let flags = Flags::try_parse_from(fixed.iter().chain(arguments)).map_err(|error| error.to_string())?;
        let Command::Validate { what: Validate::Image(flags) } = flags.command;
        let around = Surroundings {
            called: Called::Assay,
            now: NOW.parse().unwrap(),
            stdout_colours: false,
            network: Network::default(),
        };
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
