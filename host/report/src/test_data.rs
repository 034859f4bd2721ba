//! Runs made up for tests, and what a report writes about them.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use assay_model::{
    decide::Decision,
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    event::{PluginSummary, RunEvent, RunFinished, RunStarted},
    evidence::{AttestationSummary, Signature},
    finding::Finding,
    image::ImageRef,
    outcome::{Outcome, Verdict},
    policy::PolicySpec,
    snapshot::Component,
};

use serde_json::json;

use crate::{Format, Options, create_report};

/// Something to write to that can be looked at.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// What has been written.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A component on its way to an outcome.
pub(crate) struct Sample(Outcome);

/// A component of that name, pinned.
pub(crate) fn component(name: &str) -> Sample {
    let image = format!("r.example/{name}").parse::<ImageRef>().or_else(|_| "r.example/odd".parse()).unwrap();
    Sample(Outcome {
        component: Component::new(name, &image.to_string()),
        image: Some(image.repository().at(Digest::of(b""))),
        decision: Decision::default(),
        signatures: vec![],
        attestations: vec![],
        evaluated_at: None,
        input: None,
        statements: vec![],
        notices: vec![],
        error: None,
    })
}

impl Sample {
    pub(crate) fn violation(mut self, finding: Finding) -> Self {
        self.0.decision.violations.push(finding);
        self
    }

    pub(crate) fn warning(mut self, finding: Finding) -> Self {
        self.0.decision.warnings.push(finding);
        self
    }

    pub(crate) fn success(mut self, finding: Finding) -> Self {
        self.0.decision.successes.push(finding);
        self
    }

    /// Evaluated.
    pub(crate) fn evaluated(self) -> Outcome {
        self.0
    }

    /// Failed with an error.
    pub(crate) fn failed(mut self, error: EvaluationError) -> Outcome {
        self.0.error = Some(error);
        self.0
    }
}

/// An index of that name with images for these architectures, as the runner makes components of it: the images first.
pub(crate) fn index(name: &str, architectures: &[&str]) -> Vec<Outcome> {
    let index = component(name).evaluated();
    let part = |(number, architecture): (usize, &&str)| {
        let mut part = index.clone();
        let digest = Digest::of(format!("{name} {number}").as_bytes());
        part.component.name = format!("{name}-{digest}-{architecture}");
        part.image = part.image.map(|image| image.repository.at(digest));
        part
    };
    let parts: Vec<_> = architectures.iter().enumerate().map(part).collect();
    parts.into_iter().chain([index.clone()]).collect()
}

/// That many components with three findings each, of three rules.
pub(crate) fn many(components: usize) -> Vec<Outcome> {
    let finding = |code: &str, message: &str| {
        Finding::new(code, message)
            .with("title", format!("Title of {code}"))
            .with("description", format!("The image fulfills {code}."))
            .with("solution", format!("Do what {code} requires, and build the image again."))
    };
    let one = |number: usize| {
        let digest = Digest::of(&number.to_be_bytes());
        let outcome = component(&format!("service-{number:02}"))
            .violation(finding("tasks.trusted", "Task `build` is not one of the trusted tasks"))
            .violation(finding("labels.required", "The label `maintainer` is missing"))
            .warning(finding("base.allowed", "The base image registry.example/base is not on the list"))
            .success(Finding::new("licenses.allowed", "Pass"));
        let mut outcome = if number.is_multiple_of(3) {
            outcome.violation(finding("cve.none", &format!("The image has {number} known vulnerabilities")))
        } else {
            outcome
        }
        .evaluated();
        outcome.image = outcome.image.map(|image| image.repository.at(digest));
        outcome
    };
    (0..components).map(one).collect()
}

/// The beginning of a run with all that can be known of one, three seconds before its end.
pub(crate) fn full_head() -> RunStarted {
    let source = r#"{"sources": [{"name": "release", "policy": ["git::https://git.example/policy?ref=0123456789012345678901234567890123456789"], "data": ["oci::r.example/data@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}], "publicKey": "k.pub"}"#;
    RunStarted {
        application: "shop".to_owned(),
        policy: PolicySpec::parse(source).unwrap(),
        plugins: vec![PluginSummary {
            name: "licenses".to_owned(),
            version: "0.1.0".to_owned(),
            digest: Digest::of(b"wasm"),
            params: vec![("deny".to_owned(), "GPL-3.0-only".to_owned())],
        }],
        started_at: Some("2026-11-28T15:59:57.3Z".parse().unwrap()),
        ..head()
    }
}

/// The beginning of a run.
pub(crate) fn head() -> RunStarted {
    RunStarted {
        snapshot: String::new(),
        application: String::new(),
        key: "PEM\n".to_owned(),
        policy: PolicySpec { public_key: "k.pub".to_owned(), ..PolicySpec::default() },
        skipped: vec![],
        plugins: vec![],
        started_at: None,
        effective_time: "2026-12-01T12:00:00Z".parse().unwrap(),
        version: "1.2.3".to_owned(),
    }
}

/// The end of a run over these.
pub(crate) fn end(outcomes: &[Outcome]) -> RunFinished {
    RunFinished {
        outcomes: outcomes.iter().cloned().map(Arc::new).collect(),
        verdict: Verdict::of(outcomes),
        stopped: None,
        effective_time: head().effective_time,
        at: "2026-11-28T16:00:00.5Z".parse().unwrap(),
    }
}

/// What a report of that format writes about a run over these.
pub(crate) fn written(format: Format, options: Options, outcomes: &[Outcome]) -> String {
    written_at(format, options, end(outcomes))
}

/// What a report of that format writes about a run with that end. Checks that nothing is written before.
pub(crate) fn written_at(format: Format, options: Options, end: RunFinished) -> String {
    written_of(format, options, head(), end)
}

/// The same with another beginning.
pub(crate) fn written_of(format: Format, options: Options, head: RunStarted, end: RunFinished) -> String {
    let written = Written::default();
    let mut report = create_report(format, Box::new(written.clone()), options);
    report.event(&RunEvent::Started(Arc::new(head))).unwrap();
    report.event(&RunEvent::Planned { components: end.outcomes.len() }).unwrap();
    for outcome in &end.outcomes {
        let component = Arc::new(outcome.component.clone());
        report.event(&RunEvent::ComponentStarted { component }).unwrap();
        report.event(&RunEvent::ComponentFinished(Arc::clone(outcome))).unwrap();
    }
    assert!(format.streams() || written.text().is_empty(), "written before the end");
    report.event(&RunEvent::Finished(Arc::new(end))).unwrap();
    written.text()
}

/// A run as they happen: an error, a denial, a warning and two that are fine.
pub(crate) fn mixed() -> RunFinished {
    let signature = || Signature {
        keyid: "SHA256:example".to_owned(),
        sig: "MEUCIHJOfAoLz1V/+jpuL0kd8BAqcmQgKGt1KlY/jsIX5xe1AiEAwuHgyAFhpxbyt2V6BJZaxzefFWn10p9hkQVYVGvASv8="
            .to_owned(),
        certificate: None,
        chain: vec![],
        metadata: std::collections::BTreeMap::new(),
    };
    let provenance = || AttestationSummary {
        statement_type: "https://in-toto.io/Statement/v1".to_owned(),
        predicate_type: "https://slsa.dev/provenance/v1".to_owned(),
        build_type: Some("https://tekton.dev/chains/v2/slsa".to_owned()),
        builder: Some("https://tekton.dev/chains/v2".to_owned()),
        size: 34_567,
        signatures: vec![signature()],
    };
    let untrusted = |term: &str| {
        Finding::new("tasks.trusted", format!("Task `{term}` is not one of the trusted tasks"))
            .with("title", "Tasks are trusted")
            .with("description", format!("Every task of the build comes from a list of tasks that somebody looked at. To exclude this rule add \"tasks.trusted:{term}\" to the `exclude` section of the policy configuration."))
            .with("solution", "Use the task from the catalog, or add its digest to `trusted_tasks`.")
            .with("collections", json!(["release"]))
            .with("term", term)
    };
    let soon = || {
        Finding::new("base.allowed", "The base image registry.example/base is not on the list. This will become a failure starting on 2027-01-01T00:00:00Z")
            .with("title", "Base images are on the list")
            .with("description", "An image is built on one of the base images that are kept up to date.")
            .with("effective_on", "2027-01-01T00:00:00Z")
    };
    let passes = |codes: &[(&str, &str)]| -> Vec<Finding> {
        codes.iter().map(|(code, title)| Finding::new(code, "Pass").with("title", *title)).collect()
    };
    let all = [
        ("builtin.attestation.signature_check", "Attestation signature check passed"),
        ("builtin.image.signature_check", "Image signature check passed"),
        ("licenses.allowed", "Licenses are allowed"),
        ("provenance.source", "Provenance names the source"),
    ];
    let git = json!({"git": {"url": "https://git.example/shop/cart", "revision": "0123456789012345678901234567890123456789"}});
    let with = |sample: Sample, successes: Vec<Finding>| {
        let mut outcome = sample.evaluated();
        outcome.decision.successes = successes;
        outcome.signatures = vec![signature()];
        outcome.attestations = vec![provenance()];
        outcome.component.source = git.clone();
        outcome
    };
    let silent = EvaluationError::new(ErrorCode::RegistryTimeout, "the registry r.example did not answer within 30 s")
        .hint("try again, or give more time with --timeout");
    let unsigned = Finding::new("builtin.image.signature_check", "Image signature check failed: no signatures found")
        .with("title", "Image signature check passed")
        .with("description", "The image signature matches available signing materials.");
    end(&[
        component("search").failed(silent),
        with(
            component("cart").violation(untrusted("build")).violation(untrusted("push")).warning(soon()),
            passes(&all),
        ),
        component("payment").violation(untrusted("build")).violation(unsigned).evaluated(),
        with(component("frontend").warning(soon()), passes(&all)),
        with(component("mail"), passes(&all)),
        with(component("stock"), passes(&all)),
    ])
}

/// A run in which every text that comes from outside is this one.
pub(crate) fn hostile(text: &str) -> RunFinished {
    let finding = || {
        let finding = Finding::new(text, text).with("title", text).with("description", text).with("solution", text);
        finding.with("term", json!([text, text])).with("effective_on", text).with("collections", json!([text]))
    };
    let signature = Signature {
        keyid: text.to_owned(),
        sig: text.to_owned(),
        certificate: Some(text.to_owned()),
        chain: vec![text.to_owned()],
        metadata: [(text.to_owned(), text.to_owned())].into(),
    };
    let error = EvaluationError::new(ErrorCode::Malformed, text).hint(text);
    let mut outcome = component("odd").violation(finding()).warning(finding()).success(finding()).failed(error);
    outcome.image = None;
    outcome.component = Component {
        name: text.to_owned(),
        source: json!({"git": {"url": text, "revision": text}}),
        ..Component::new("", text)
    };
    outcome.attestations = vec![AttestationSummary {
        statement_type: text.to_owned(),
        predicate_type: text.to_owned(),
        build_type: Some(text.to_owned()),
        builder: Some(text.to_owned()),
        size: 1,
        signatures: vec![signature.clone()],
    }];
    outcome.signatures = vec![signature];
    end(&[outcome])
}

/// Messages that mean harm.
pub(crate) fn hostile_messages() -> Vec<String> {
    vec![
        "one\nSuccess: true\n\nResult: SUCCESS\r\n".to_owned(),
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}32m ok \0\u{7f}".to_owned(),
        "</script><script>alert(1)</script>\u{2028}&\u{2029}\u{202e}".to_owned(),
        "word ".repeat(20_000),
        "x".repeat(1 << 17),
        "\n".repeat(20_000),
        "%!s(<nil>) {{ . }} ]]>".to_owned(),
        "`a` **b** | c | [d](https://evil.example) ![e](x) @everyone #1 <!-- --> &lt; ``` ~~~\n# h\n> q\n- l"
            .to_owned(),
        "\" onmouseover=\"alert(1)\" ' style='x'".to_owned(),
        "\u{fffe}\u{ffff}\u{feff}\u{200b}\u{e000}\u{10ffff}".to_owned(),
    ]
}
