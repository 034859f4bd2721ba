//! [`ImageSettings`]: the flags of `validate image` made sense of, before anything is read from a registry.

use std::sync::Arc;

use assay_app::plugins::Sinks;
use assay_app::{ClusterAccess, PluginEngine, PluginPlaces, ValidateImageRequest};
use assay_report::Format;

use super::{
    Environment, Output,
    effective_time::effective_time_from_flags,
    non_empty,
    output::{parse_outputs, refuse_shared_files},
    plugin::parse_plugin,
    policy::{by_intention, load_policy},
    run::{parse_timeout, parse_workers},
    snapshot::load_snapshot,
    source_settings,
    trust::{skipped, trust_request, trust_root_settings},
    vsa::{VsaOutput, vsa_output},
};
use crate::{error::CliError, flags::image::ImageFlags, logs};

/// Everything that `validate image` needs to know, checked as far as it can be without work.
#[derive(Debug)]
pub(crate) struct ImageSettings {
    pub(crate) request: ValidateImageRequest,
    pub(crate) outputs: Vec<Output>,
    pub(crate) strict: bool,
    pub(crate) vsas: Option<VsaOutput>,
}

impl ImageSettings {
    pub(crate) fn new(flags: ImageFlags, env: Environment, cluster: &ClusterAccess) -> Result<Self, CliError> {
        let mut policy = load_policy(&flags.policy, env.mode)?;
        let (snapshot, snapshot_text) = load_snapshot(&flags.input, cluster)?;
        let snapshot = env.mode.known_fields(snapshot);
        let trust = trust_request(&flags.trust, &mut policy, &env, cluster)?;
        if let Some(url) = non_empty(flags.trust.rekor_url.as_deref()) {
            url.clone_into(&mut policy.rekor_url);
        }
        let by_intention = by_intention(&flags.policy.filter_type, env.mode)?;
        let policy_source = flags.policy.policy.as_deref();
        let vsas = vsa_output(&flags.vsa, policy_source, &trust, by_intention, &env, cluster)?;
        let limit = parse_timeout(&flags.run.timeout)?;
        let report = &flags.report;
        let never = report.no_color || env.colors == Some(false);
        let requested = if never { Some(false) } else { report.color.then_some(true).or(env.colors) };
        let options = assay_report::Options {
            show_successes: report.show_successes,
            show_warnings: report.show_warnings,
            show_policy_docs_link: report.show_policy_docs_link,
            info: report.info,
            color: requested.unwrap_or(false),
            width: None,
            ec_compat: env.mode.is_ec(),
        };
        let mut outputs = parse_outputs(report, &options)?;
        // Colors are on by default for a terminal, and off for a file.
        for output in outputs.iter_mut().filter(|output| output.file.is_none()) {
            output.options.color = requested.unwrap_or(env.stdout_is_terminal);
            output.options.width = env.terminal_width;
        }
        let mut sources = source_settings(&flags.sources, &env)?
            .offline(flags.input.evidence.is_some())
            .until(limit.map(|limit| env.started + limit));
        sources.trust_root = trust_root_settings(flags.trust.identity.trusted_root.as_deref(), &env);
        if env.mode.refuses_shared_files() {
            refuse_shared_files(outputs.iter().filter_map(|output| output.file.as_deref()))?;
        }
        let wants = |format| outputs.iter().any(|output| output.format == format);
        let request = ValidateImageRequest {
            mode: env.mode,
            temporary: (env.temporary)(),
            requested_at: env.now,
            snapshot,
            snapshot_name: flags.input.snapshot.unwrap_or_default(),
            snapshot_text,
            evidence: flags.input.evidence,
            trust,
            skipped: skipped(&flags.trust),
            policy,
            sources,
            plugin_places: PluginPlaces {
                list: flags.policy.plugins.clone(),
                saved: flags.policy.plugins_from.clone(),
            },
            plugins: flags.policy.plugin.iter().map(|text| parse_plugin(text)).collect::<Result<_, _>>()?,
            plugin_engine: PluginEngine::from_environment(env.variable, (env.cache_home)()).map_err(CliError::new)?,
            plugin_sinks: Sinks { log: Some(Arc::new(|line: &str| logs::debug(line, &[]))), ..Sinks::default() },
            by_intention,
            strict_config: flags.policy.strict_config,
            effective_time: effective_time_from_flags(&flags.policy, env.now)?,
            explain: report.explain.clone(),
            workers: parse_workers(flags.run.workers.as_deref(), env.mode)?,
            deadline: limit.map(|limit| (env.started + limit, limit)),
            keep_inputs: wants(Format::PolicyInput),
            keep_statements: wants(Format::Attestation),
        };
        Ok(Self { request, outputs, strict: report.strict, vsas })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    use assay_app::{LogPolicy, Mode, Relocation, SignerRequest};
    use assay_model::effective_time::EffectiveTime;
    use camino::Utf8Path;

    use crate::flags::{Command, Flags, Validate};
    use crate::registries::Network;

    const NOW: &str = "2026-06-01T12:00:00Z";
    const KEY: &str = "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n";

    #[test]
    fn called_ec_an_image_may_have_been_copied_to_another_repository() {
        let arguments = ["--image", "r.example/a", "--public-key", KEY, "--ignore-rekor"];
        for (mode, more, want) in
            [(Mode::Native, &[][..], false), (Mode::Native, &["--allow-relocation"], true), (Mode::EcCompat, &[], true)]
        {
            let settings = settings_as(mode, &[&arguments[..], more].concat()).unwrap();
            let is_allowed = settings.request.trust.relocation == Relocation::Allowed;
            assert_eq!(is_allowed, want, "{mode:?} {more:?}");
        }
    }

    fn settings(arguments: &[&str]) -> Result<ImageSettings, String> {
        settings_as(Mode::Native, arguments)
    }

    fn settings_as(mode: Mode, arguments: &[&str]) -> Result<ImageSettings, String> {
        let names_policy = arguments.iter().any(|argument| argument.starts_with("--policy"));
        let fixed: &[&str] = match mode {
            Mode::Native if !names_policy => &["assay", "validate", "image", "--no-policy"],
            _ => &["assay", "validate", "image"],
        };
        let flags = Flags::read(mode, fixed.iter().chain(arguments)).map_err(|error| error.to_string())?;
        let Command::Validate { what: Validate::Image(flags) } = flags.command else { panic!("another command") };
        ImageSettings::new(*flags, env(mode), &ClusterAccess::offline(mode)).map_err(|error| error.text())
    }

    fn env(mode: Mode) -> Environment {
        Environment {
            mode,
            now: NOW.parse().unwrap(),
            colors: None,
            stdout_is_terminal: false,
            terminal_width: None,
            cache_home: || None,
            temporary: || "/tmp".into(),
            network: Network::default,
            variable: |name| (name == "SIGNER").then(|| KEY.to_owned()),
            started: Instant::now(),
            deadline: None,
        }
    }

    fn with(arguments: &[&str]) -> Result<ImageSettings, String> {
        let fixed = ["--image", "r.example/a", "--public-key", KEY, "--ignore-rekor"];
        settings(&[&fixed[..], arguments].concat())
    }

    #[test]
    fn what_is_missing_or_not_supported_yet_is_reported_before_any_work() {
        let image = ["--image", "r.example/a"];
        for (arguments, says) in [
            (&["--ignore-rekor", "--public-key", KEY][..], "no image to validate"),
            (&["--image", "r.example/a", "--ignore-rekor"], "no public key"),
            (&["--images", "/no/such/file", "--public-key", KEY, "--ignore-rekor"], "/no/such/file"),
            (&["--images", "{}", "--public-key", KEY, "--ignore-rekor"], "no components"),
            (&["--images", "components: [{name: a}]", "--public-key", KEY, "--ignore-rekor"], "component 1 (`a`)"),
            (&["--image", "r.example/a", "--public-key", "k8s://a/b", "--ignore-rekor"], "no cluster is accessed"),
            (&["--image", "r.example/a", "--public-key", "k8s://a", "--ignore-rekor"], "k8s://<namespace>/<secret>"),
            (&["--snapshot", "ns/name", "--public-key", KEY, "--ignore-rekor"], "no cluster is accessed"),
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
    fn what_cannot_be_attested_is_reported_before_any_work() {
        let native = |arguments: &[&str]| with(arguments).map(|settings| settings.vsas).unwrap_err();
        for (arguments, says) in [
            (&["--vsa"][..], "--vsa-signing-key required for --attestation-format=dsse"),
            (&["--vsa", "--attestation-format", "x"], "valid: dsse, predicate"),
            (&["--vsa", "--attestation-format=predicate"], "there is no place for attestations"),
            (&["--vsa", "--vsa-upload", "rekor@https://r.example"], "attestations in Rekor are not supported"),
            (&["--vsa", "--vsa-upload", "s3@bucket"], "unsupported backend 's3'"),
            (&["--vsa-upload", "local@x"], "nothing is attested"),
            (&["--vsa", "--attestation-format=predicate", "--vsa-upload", "local@x"], "signs none"),
            (&["--vsa", "--vsa-signing-key", "/no/such/key"], "/no/such/key"),
            (&["--vsa", "--vsa-signing-key", "k8s://a/b/c"], "no cluster is accessed"),
            (&["--vsa", "--vsa-signing-key", "awskms://x"], "keys by `awskms` are not supported"),
            (&["--vsa", "--vsa-expiration", "soon"], "invalid --vsa-expiration"),
        ] {
            let error = native(arguments);
            assert!(error.contains(says) && error.starts_with("error: "), "{arguments:?}: {error}");
        }
        let ec = |arguments: &[&str]| {
            let fixed = ["--image=r.example/a", "--public-key", KEY, "--ignore-rekor"];
            settings_as(Mode::EcCompat, &[&fixed[..], arguments].concat()).map(|settings| settings.vsas)
        };
        let error = ec(&["--vsa-upload", "local@x"]).unwrap_err();
        assert!(error.contains("--vsa-public-key required when --vsa-upload is set"), "{error}");
        assert!(ec(&["--vsa-upload", "local@x", "--vsa-expiration=0"]).unwrap().is_none());
        // As there, attestations that nobody says a place for are in a folder for temporary files.
        let vsas = ec(&["--vsa", "--attestation-format=predicate"]).unwrap().unwrap();
        assert!(vsas.is_temporary && vsas.settings.signing_key.is_none());
        let vsas = with(&["--vsa", "--attestation-format=predicate", "--attestation-output-dir=o"]).unwrap().vsas;
        assert_eq!(vsas.unwrap().folder.unwrap(), "o");
        assert!(with(&[]).unwrap().vsas.is_none());
    }

    #[test]
    fn an_ignored_log_may_have_an_address_which_is_reported() {
        let policy = r#"{"sources":[{"policy":["p"]}],"rekorUrl":"https://policy.example"}"#;
        for (arguments, want) in [
            (&["--rekor-url", "https://r.example"][..], "https://r.example"),
            (&["--rekor-url", "https://r.example", "--policy", policy], "https://r.example"),
            (&["--rekor-url=", "--policy", policy], "https://policy.example"),
        ] {
            assert_eq!(with(arguments).unwrap().request.policy.rekor_url, want, "{arguments:?}");
        }
    }

    #[test]
    fn a_key_of_the_flag_counts_more_than_an_identity_and_that_more_than_the_policy() {
        let policy = r#"{"sources":[{"policy":["p"]}],"publicKey":"PEM","identity":{"subject":"s","issuer":"i"}}"#;
        let policy = policy.replace("PEM", &KEY.replace('\n', "\\n"));
        let identity_alone = r#"{"sources":[{"policy":["p"]}],"identity":{"subject":"s","issuerRegExp":"i"}}"#;
        let identity = ["--certificate-identity", "flag", "--certificate-oidc-issuer-regexp", "^i$"];
        let key = ["--public-key", KEY];
        let subject = |more: &[&str]| {
            let settings = settings(&[&["--image", "r.example/a"][..], more].concat()).unwrap();
            let signer = match settings.request.trust.signer {
                SignerRequest::Key(key) => key.origin,
                SignerRequest::Identity(identity) => identity.subject,
            };
            (signer, settings.request.policy.public_key.is_empty())
        };
        let of = |signer: &str, is_cleared| (signer.to_owned(), is_cleared);
        assert_eq!(subject(&[&key[..], &identity].concat()), of("the value of --public-key", false));
        assert_eq!(subject(&[&identity[..], &["--policy", &policy]].concat()), of("flag", true));
        assert_eq!(subject(&["--policy", &policy]), of("the value of the policy's `publicKey`", false));
        assert_eq!(subject(&["--policy", identity_alone]), of("s", true));
    }

    #[test]
    fn the_log_is_required_unless_it_is_ignored() {
        let log = |more: &[&str]| {
            let fixed = ["--image", "r.example/a", "--public-key", KEY];
            settings(&[&fixed[..], more].concat()).unwrap().request.trust.log
        };
        assert_eq!(log(&[]), LogPolicy::Required);
        assert_eq!(log(&["--ignore-rekor=false", "--rekor-url", "https://r.example"]), LogPolicy::Required);
        assert_eq!(log(&["--ignore-rekor"]), LogPolicy::Ignored);
    }

    #[test]
    fn no_policy_is_requested_and_never_an_accident() {
        let fixed = ["--image", "r.example/a", "--public-key", KEY, "--ignore-rekor"];
        let of = |mode, more: &[&str]| {
            let arguments = [&fixed[..], more].concat();
            let arguments = [&["assay", "validate", "image"][..], &arguments].concat();
            let flags = Flags::read(mode, arguments).unwrap();
            let Command::Validate { what: Validate::Image(flags) } = flags.command else { panic!("another command") };
            ImageSettings::new(*flags, env(mode), &ClusterAccess::offline(mode)).map_err(|error| error.text())
        };
        let policies = ["", "{}", "{\"sources\":[]}", "sources: []", "name: x", "spec: {sources: []}\napiVersion: v1"];
        for policy in policies {
            let error = of(Mode::Native, &["--policy", policy]).unwrap_err();
            assert!(error.contains("--no-policy") || error.contains("appstudio"), "{policy}: {error}");
        }
        assert!(of(Mode::Native, &[]).unwrap_err().contains("--no-policy"));
        assert!(of(Mode::Native, &["--plugin", "c.wasm"]).unwrap_err().contains("--no-policy"));
        assert!(of(Mode::Native, &["--no-policy"]).is_ok());
        assert!(of(Mode::Native, &["--no-policy=false"]).is_err());
        let both = of(Mode::Native, &["--no-policy", "--policy", "sources: [{policy: [p]}]"]);
        assert!(both.unwrap_err().contains("`--no-policy`"));
        // `ec` takes `{}` for the name of a resource.
        for (policy, fine) in [("", true), ("sources: []", true), ("{}", false)] {
            assert_eq!(of(Mode::EcCompat, &["--policy", policy]).is_ok(), fine, "{policy}");
        }
        assert!(of(Mode::EcCompat, &[]).is_ok());
    }

    #[test]
    fn names_of_filters_that_are_none_are_refused() {
        assert!(with(&["--filter-type", "ec-policy"]).unwrap().request.by_intention);
        assert!(!with(&["--filter-type", "include-exclude"]).unwrap().request.by_intention);
        assert!(with(&["--filter-type", "foo"]).unwrap_err().contains("`--filter-type foo`"));
        let ec_compat = ["--image", "r.example/a", "--public-key", KEY, "--ignore-rekor", "--filter-type", "foo"];
        assert!(!settings_as(Mode::EcCompat, &ec_compat).unwrap().request.by_intention);
    }

    #[test]
    fn two_reports_for_one_file_are_refused() {
        let error = with(&["--output", "text=a.txt", "--output", "json=./a.txt"]).unwrap_err();
        assert!(error.contains("more than one report would be written to `./a.txt`"), "{error}");
        assert!(with(&["--output", "text,json", "--output", "yaml=a"]).is_ok());
    }

    #[test]
    fn a_key_may_stand_in_a_variable() {
        let settings = settings(&["--image", "r.example/a", "--ignore-rekor", "--public-key", "env://SIGNER"]).unwrap();
        let SignerRequest::Key(key) = &settings.request.trust.signer else { panic!("no key") };
        assert_eq!(key.pem, KEY);
        assert_eq!(settings.request.policy.public_key, "env://SIGNER");
        let missing = ["--image", "r.example/a", "--ignore-rekor", "--public-key", "env://NOBODY"];
        assert!(super::tests::settings(&missing).unwrap_err().contains("`NOBODY`"));
    }

    #[test]
    fn called_ec_a_snapshot_keeps_what_ec_knows() {
        let text = r#"{"more":1,"components":[{"name":"a","containerImage":"r.example/a","version":"1"}]}"#;
        for (mode, want) in [(Mode::Native, 1), (Mode::EcCompat, 0)] {
            let arguments = ["--images", text, "--public-key", KEY, "--ignore-rekor"];
            let snapshot = settings_as(mode, &arguments).unwrap().request.snapshot;
            let component = snapshot.components.first().unwrap();
            assert_eq!((snapshot.fields.len(), component.fields.len()), (want, want), "{mode:?}");
        }
    }

    #[test]
    fn empty_values_mean_unset() {
        let empty = "--rekor-url --certificate-identity --output --extra-rule-data --images --file-path --json-input \
                     --snapshot --workers --output-file --effective-time --filter-type --vsa-upload \
                     --vsa-signing-key --attestation-format --certificate-oidc-issuer-regexp";
        let empty: Vec<String> = empty.split_whitespace().map(|flag| format!("{flag}=")).collect();
        let empty: Vec<&str> = empty.iter().map(String::as_str).collect();
        let settings = with(&[&empty, &["--strict=", "--info=", "--vsa=", "--show-warnings="][..]].concat()).unwrap();
        assert_eq!(settings.outputs.len(), 1);
        assert!(settings.strict && !settings.request.by_intention);
        let policy =
            settings_as(Mode::EcCompat, &["--image=r.example/a", "--public-key", KEY, "--ignore-rekor", "--policy="]);
        assert!(policy.unwrap().request.policy.sources.is_empty());
        let options = settings.outputs.first().unwrap().options;
        assert!(options.show_warnings && !options.info);
    }

    #[test]
    fn flags_have_the_forms_of_go_and_the_last_one_counts() {
        let strict = |arguments: &[&str]| with(arguments).map(|settings| settings.strict);
        assert_eq!(strict(&["--strict=F"]), Ok(false));
        assert_eq!(strict(&["--strict=false", "--strict"]), Ok(true));
        assert_eq!(strict(&["-s=0"]), Ok(false));
        assert!(strict(&["--strict=no"]).unwrap_err().contains("is not a boolean"));
        // `--strict false` would leave `--strict` on and a stray word, which `ec` drops.
        assert!(strict(&["--strict", "false"]).unwrap_err().contains("false"));
        let workers =
            |text: &str| with(&["--workers", "3", "--workers", text]).map(|settings| settings.request.workers.get());
        assert_eq!((workers("7"), workers("0x2")), (Ok(7), Ok(2)));
        assert!(workers("-1").is_err() && workers("many").is_err() && workers("0").is_err());
        let ec_compat = ["--image", "r.example/a", "--public-key", KEY, "--ignore-rekor", "--workers", "0"];
        assert_eq!(settings_as(Mode::EcCompat, &ec_compat).unwrap().request.workers.get(), 1);
        assert!(with(&["--color=false", "--no-color=true", "--color"]).is_ok());
    }

    #[test]
    fn images_come_from_every_flag_that_names_some() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.yaml");
        fs_err::write(&file, "components: [{name: b, containerImage: r.example/b}]").unwrap();
        let text = r#"{"components":[{"name":"c","containerImage":"r.example/c"}]}"#;
        let settings = with(&["-f", file.to_str().unwrap(), "-j", text]).unwrap();
        let images: Vec<_> =
            settings.request.snapshot.components.iter().map(|component| component.container_image.as_str()).collect();
        assert_eq!(images, ["r.example/b", "r.example/c", "r.example/a"]);
        assert_eq!(settings.request.snapshot_text, "");
    }

    #[test]
    fn extra_rule_data_is_a_text_or_what_a_file_holds() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs_err::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (yaml, plain, empty) = (file("d.yaml", "k: [1]\n"), file("d.txt", "x"), file("e.json", ""));
        let policy = r#"{"sources":[{"policy":["p"]}]}"#;
        let extra = |pairs: &[&str]| {
            let flags: Vec<&str> = pairs.iter().flat_map(|pair| ["--extra-rule-data", pair]).collect();
            let settings = with(&[&["--policy", policy][..], &flags].concat())?;
            Ok(settings.request.policy.sources.first().unwrap().rule_data.as_ref().unwrap().get().to_owned())
        };
        assert_eq!(extra(&["a=1,b=x=y", "\"c=2,3\""]), Ok(r#"{"a":"1","b":"x=y","c":"2,3"}"#.to_owned()));
        let pair = format!("k={yaml},l={plain}");
        assert_eq!(extra(&[&pair]), Ok(format!(r#"{{"k":"k: [1]\n","l":"{plain}"}}"#)));
        let error: String = extra(&["a", "b=1", "c"]).unwrap_err();
        assert!(
            error.contains("incorrect syntax for --extra-rule-data 0\nincorrect syntax for --extra-rule-data 2"),
            "{error}"
        );
        assert!(extra(&[&format!("k={empty}")]).unwrap_err().contains("is empty"));
        assert!(extra(&["k=none/there.json"]).unwrap_err().contains("none/there.json"));
        assert!(extra(&["k=git::g.example/x"]).unwrap_err().contains("only local"));
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
            ("yesterday", Err("invalid timestamp")),
            ("2030-02-31", Err("invalid timestamp")),
            ("2030-01-31T10:00Z", Err("invalid timestamp")),
            ("2030-01-31t10:00:00z", Err("invalid timestamp")),
            ("9999-12-31", Err("invalid timestamp")),
        ] {
            let got = with(&["--effective-time", text]);
            match want {
                Ok(want) => {
                    assert_eq!(got.unwrap().request.effective_time, EffectiveTime::At(want.parse().unwrap()), "{text}");
                }
                Err(says) => assert!(got.as_ref().is_err_and(|error| error.contains(says)), "{text}: {got:?}"),
            }
        }
        assert!(with(&["--effective-time", "2020-01-01", "--allow-past-effective-time"]).is_ok());
        let of_build = with(&["--effective-time", "Attestation"]).unwrap().request.effective_time;
        assert_eq!(of_build, EffectiveTime::PerBuild { fallback: NOW.parse().unwrap() });
    }

    #[test]
    fn timeouts_are_go_durations_and_zero_is_none() {
        let limit = |text| {
            with(&["--timeout", text]).map(|settings| settings.request.deadline.map(|(_, limit)| limit.as_secs()))
        };
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
        let plugin = parse_plugin("dir/c.wasm?allow=MIT,0BSD&deny=GPL-3.0-only").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(plugin.params, [pair("allow", "MIT,0BSD"), pair("deny", "GPL-3.0-only")]);
        assert_eq!(plugin.file, "dir/c.wasm");
        assert!(parse_plugin("c.wasm?allow").is_err());
        // The short form is that of `--output`, and of the deprecated flag only when called `ec`.
        let first = |settings: ImageSettings| {
            let output = settings.outputs.first().unwrap();
            (output.format, output.file.as_ref().unwrap().to_string())
        };
        assert_eq!(first(with(&["-o", "yaml=new.yaml"]).unwrap()), (assay_report::Format::Yaml, "new.yaml".to_owned()));
        assert_eq!(
            first(with(&["--output-file", "old.json"]).unwrap()),
            (assay_report::Format::Json, "old.json".to_owned())
        );
        let as_ec = ["--image", "r.example/a", "--public-key", KEY, "--ignore-rekor", "-o", "old.json"];
        let as_ec = settings_as(Mode::EcCompat, &as_ec).unwrap();
        assert_eq!(first(as_ec), (assay_report::Format::Json, "old.json".to_owned()));
        assert!(with(&["--output", "=a"]).unwrap().outputs.first().unwrap().format == assay_report::Format::Json);
        assert!(with(&["--output", "json="]).unwrap().outputs.first().unwrap().file.is_none());
    }
}
