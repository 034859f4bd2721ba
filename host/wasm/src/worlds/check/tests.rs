//! Real components, built from `plugins/` and `tests/guests/`, each in its sandbox.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

use super::{world::WORLD, *};
use crate::{
    LoadError, LogSink, Plugin, RunContext, Sinks, SnapshotInput,
    engine_config::Metering,
    limits,
    test_support::{ENGINE, built, load},
    world::World,
};
use assay_model::{
    decide::Decision,
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::{Attestation, Evidence, Signature},
    finding::Finding,
    image::Repository,
    port::{Blobs, EvaluationContext, Evaluator},
    snapshot::{Component, Snapshot},
};

static LICENSES: LazyLock<Plugin> = LazyLock::new(|| load("plugins/licenses"));
static HOSTILE: LazyLock<Plugin> = LazyLock::new(|| load("tests/guests/hostile"));

/// Blobs with one blob; any other is an error, as from a registry that cannot be reached.
struct OneBlob(&'static [u8]);

impl Blobs for OneBlob {
    fn blob(&self, _: &Repository, digest: &Digest) -> Result<Arc<[u8]>, EvaluationError> {
        if *digest == Digest::of(self.0) {
            Ok(Arc::from(self.0))
        } else {
            Err(EvaluationError::new(ErrorCode::RegistryUnreachable, "the registry r.example cannot be reached"))
        }
    }
}

const LAYER: &[u8] = b"a layer";
const CONFIG: &[u8] = br#"{"architecture":"amd64"}"#;
const SNAPSHOT: &str =
    r#"{"application": "shop", "components": [{"name": "cart", "containerImage": "r.example/shop/cart:1"}]}"#;

/// Evidence of an image with one layer that can be read, one that cannot, one that is too large, and these SBOMs.
fn evidence(sboms: &[&str]) -> Evidence {
    let descriptor = |bytes: &[u8], size: u64| {
        format!(
            r#"{{"mediaType": "m", "digest": "{}", "size": {size}, "annotations": {{"k": "v"}}}}"#,
            Digest::of(bytes)
        )
    };
    let manifest = format!(
        r#"{{"config": {}, "layers": [{}, {}, {}]}}"#,
        descriptor(CONFIG, 24),
        descriptor(LAYER, 7),
        descriptor(b"lost", 4),
        descriptor(b"large", 1 << 40),
    );
    let signature = Signature {
        keyid: "k".to_owned(),
        sig: "s".to_owned(),
        certificate: None,
        chain: Vec::new(),
        metadata: std::collections::BTreeMap::new(),
    };
    let attestation = |components: &&str| {
        let statement = format!(r#"{{"predicate": {{"bomFormat": "CycloneDX", "components": {components}}}}}"#);
        Attestation {
            digest: Digest::of(statement.as_bytes()),
            statement: Arc::from(statement.into_bytes()),
            statement_type: "https://in-toto.io/Statement/v0.1".to_owned(),
            predicate_type: "https://cyclonedx.org/bom".to_owned(),
            build_type: None,
            signatures: vec![signature.clone()],
        }
    };
    let image = format!("r.example/shop/cart@{}", Digest::of(manifest.as_bytes()));
    Evidence {
        image: assay_model::image::PinnedImage::parse(&image).unwrap(),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        manifest: Arc::from(manifest.into_bytes()),
        config: Some(Arc::from(CONFIG)),
        base_image: None,
        files: std::collections::BTreeMap::new(),
        signatures: vec![signature.clone()],
        attestations: sboms.iter().map(attestation).collect(),
        notices: vec![],
        checks: Vec::new(),
    }
}

fn run() -> RunContext {
    RunContext { run: "r-7".to_owned(), scenario: "release".to_owned(), attempt: 1 }
}

struct TestRequest<'a> {
    plugin: &'a Plugin,
    params: &'a [(&'a str, &'a str)],
    log: Option<LogSink>,
}

impl TestRequest<'_> {
    fn about(&self, evidence: &Evidence) -> Result<Decision, EvaluationError> {
        let params: Vec<_> = self.params.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let options = CheckOptions {
            run: run(),
            params: &params,
            snapshot: SnapshotInput { snapshot: &Snapshot::parse(SNAPSHOT).unwrap(), text: Arc::from(SNAPSHOT) },
            blobs: Arc::new(OneBlob(LAYER)),
            limits: BTreeMap::new(),
            sinks: Sinks { log: self.log.clone(), ..Sinks::default() },
        };
        let component = Component::new("cart", "r.example/shop/cart:1");
        let when = "2026-11-24T12:00:00.250Z".parse().unwrap();
        Check::new(self.plugin, options).unwrap().evaluate(&EvaluationContext {
            component: &component,
            evidence,
            when,
            input: "{}",
        })
    }
}

fn evaluate(plugin: &Plugin, params: &[(&str, &str)], evidence: &Evidence) -> Result<Decision, EvaluationError> {
    TestRequest { plugin, params, log: None }.about(evidence)
}

fn hostile(params: &[(&str, &str)]) -> Result<Decision, EvaluationError> {
    evaluate(&HOSTILE, params, &evidence(&[]))
}

/// What the hostile guest had to say, which it does in one warning.
fn message(params: &[(&str, &str)]) -> String {
    let decision = hostile(params).unwrap();
    assert_eq!(decision.warnings.len(), 1, "{decision:?}");
    decision.warnings.first().unwrap().message.clone()
}

fn lines(decision: &Decision) -> Vec<String> {
    let line = |level: &'static str| {
        move |finding: &Finding| {
            format!("{level} {}[{}] {}", finding.code().unwrap(), finding.terms().join(","), finding.message)
        }
    };
    let Decision { violations, warnings, successes } = decision;
    let mut lines: Vec<_> = violations.iter().map(line("deny")).collect();
    lines.extend(warnings.iter().map(line("warn")));
    lines.extend(successes.iter().map(line("pass")));
    lines
}

const COMPONENTS: &str = r#"[
    {"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1", "licenses": [{"license": {"id": "MIT"}}], "components": [
        {"type": "library", "name": "b", "version": "2", "licenses": [{"expression": "GPL-3.0-only AND ISC"}]}]},
    {"type": "library", "name": "c", "version": "3", "purl": "pkg:npm/c@3"}]"#;

#[test]
fn the_license_check_evaluates_each_package() {
    let denied = evaluate(&LICENSES, &[("deny", "GPL-3.0-only,AGPL-3.0-only")], &evidence(&[COMPONENTS])).unwrap();
    assert_eq!(
        lines(&denied),
        [
            "deny licenses.denied[b@2] Package b@2 has the license GPL-3.0-only AND ISC (GPL-3.0-only is denied)",
            "warn licenses.unknown[pkg:npm/c@3] Package pkg:npm/c@3 has no license",
            "pass licenses.sbom[] Pass",
        ]
    );
    let violation = denied.violations.first().unwrap();
    assert_eq!(violation.text("title"), Some("Packages must have an allowed license"));
    assert_eq!(violation.text("severity"), Some("high"));
    assert!(violation.text("solution").is_some());

    let allowed = evaluate(&LICENSES, &[("allow", "MIT, ISC, GPL-3.0-only")], &evidence(&[COMPONENTS])).unwrap();
    assert_eq!(allowed.violations, []);
    let none = evaluate(&LICENSES, &[], &evidence(&[])).unwrap();
    assert_eq!(
        lines(&none),
        [
            "deny licenses.sbom[] The image has no verified SBOM attestation (CycloneDX or SPDX)",
            "pass licenses.denied[] Pass",
            "pass licenses.unknown[] Pass",
        ]
    );
}

#[test]
fn a_large_sbom_is_read_in_parts() {
    let one = r#"{"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1", "licenses": [{"license": {"id": "MIT"}}]}"#;
    let sbom = format!("[{one}{}]", format!(",{one}").repeat(30_000));
    assert!(sbom.len() > 3 * limits::READ_BYTES);
    let decision = evaluate(&LICENSES, &[("allow", "MIT")], &evidence(&[&sbom])).unwrap();
    assert_eq!(lines(&decision).len(), 3, "{decision:?}");
    assert!(decision.violations.is_empty() && decision.warnings.is_empty());
}

#[test]
fn parameters_that_cannot_work_are_errors() {
    let check = |params: &[(String, String)]| {
        let snapshot = Snapshot::parse(SNAPSHOT).unwrap();
        let options = CheckOptions {
            run: run(),
            params,
            snapshot: SnapshotInput { snapshot: &snapshot, text: Arc::from(SNAPSHOT) },
            blobs: Arc::new(OneBlob(LAYER)),
            limits: BTreeMap::new(),
            sinks: Sinks::default(),
        };
        Check::new(&LICENSES, options).map(drop)
    };
    let error = check(&[("alow".to_owned(), "MIT".to_owned())]).unwrap_err().to_string();
    assert_eq!(error, "plugin `licenses` has no parameter `alow`; it takes `allow`, `deny`, `exceptions`");
    // The plugin knows what a license is, the host does not.
    let error = evaluate(&LICENSES, &[("allow", "MIT,Nope")], &evidence(&[])).unwrap_err();
    assert_eq!(error.code, ErrorCode::PluginError);
    assert!(error.message.contains("rejects its input: `allow` holds `Nope`"), "{error}");
}

#[test]
fn a_manifest_is_known_after_loading() {
    let manifest = LICENSES.manifest();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("licenses", "0.1.0"));
    let codes: Vec<_> = manifest.rules.iter().map(|rule| rule.code.as_str()).collect();
    assert_eq!(codes, ["licenses.sbom", "licenses.denied", "licenses.unknown"]);
}

#[test]
fn each_hostile_call_ends_as_its_error_and_the_engine_lives_on() {
    use ErrorCode::{PluginCpuLimit, PluginError, PluginLogLimit, PluginMemoryLimit, PluginTrap};
    for (params, code, says) in [
        (&[("do", "loop")][..], PluginCpuLimit, "used up its computing budget of 5000000000 instructions"),
        (&[("do", "hammer")], PluginCpuLimit, "called the host more than 100000 times"),
        (&[("do", "gorge")], PluginCpuLimit, "called the host more than 100000 times"),
        (&[("do", "allocate")], PluginMemoryLimit, "requested more than 64 MiB of memory"),
        (&[("do", "allocate-at-once")], PluginMemoryLimit, "requested more than 64 MiB of memory"),
        (&[("do", "trap")], PluginTrap, "the reason of the trap\\u{1b}[31m"),
        (&[("do", "recurse")], PluginTrap, "trapped: "),
        (&[("do", "exit")], PluginTrap, "exited with status 0"),
        (&[("do", "flood-stderr"), ("times", "2000")], PluginTrap, "the last words"),
        (&[("do", "flood"), ("times", "40000")], PluginLogLimit, "logged more than 16 times its quota"),
        (&[("do", "undeclared")], PluginError, "`hostile.undeclared`, which its manifest does not declare"),
        (&[("do", "foreign")], PluginError, "`cve.found`, which its manifest does not declare"),
        (&[("do", "many"), ("times", "1001")], PluginError, "returned 1001 findings, more than the 1000 allowed"),
        (&[("do", "long"), ("times", "2000")], PluginError, "a text of 10000 bytes"),
        (&[("do", "long"), ("times", "2000000")], PluginTrap, "failed: "),
        (&[("do", "fault")], PluginError, "plugin `hostile` failed: something broke\\u{1b}[31m"),
        (&[("do", "error")], PluginError, "could not evaluate `hostile.said`: no data"),
        (&[("do", "what")], PluginError, "rejects its input: `what` is nothing to do"),
    ] {
        let error = hostile(params).unwrap_err();
        assert_eq!(error.code, code, "{params:?}: {error}");
        assert!(error.message.starts_with("plugin `hostile` ") && error.message.contains(says), "{params:?}: {error}");
        assert!(!error.message.contains('\n') && error.message.len() < 2_000, "{params:?}: {error}");
        let after = hostile(&[("do", "nothing")]).unwrap();
        assert_eq!(lines(&after), ["pass hostile.said[] Pass", "pass hostile.silent[] Pass"], "{params:?}");
    }
}

#[test]
fn calls_from_many_threads_wait_for_their_slots() {
    let evaluate = || (0..3).all(|_| hostile(&[("do", "pass")]).is_ok());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..12).map(|_| scope.spawn(evaluate)).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    });
}

#[test]
fn findings_stand_where_their_outcome_says() {
    let failed = hostile(&[("do", "fail")]).unwrap();
    assert_eq!(lines(&failed), ["deny hostile.said[a,b] it is bad", "pass hostile.silent[] Pass"]);
    assert_eq!(lines(&hostile(&[("do", "skip")]).unwrap()), ["pass hostile.silent[] Pass"]);
    let passed = hostile(&[("do", "pass")]).unwrap();
    assert_eq!(lines(&passed), ["pass hostile.said[] looked at it", "pass hostile.silent[] Pass"]);
}

#[test]
fn there_is_no_outside_access() {
    let seen = message(&[("do", "world")]);
    assert!(seen.starts_with("args [], variables [], files "), "{seen}");
    assert!(!seen.contains("seen"), "{seen}");
    assert_eq!(message(&[("do", "resolve")]), "no names");
    assert_eq!(message(&[("do", "print")]), "printed");
}

#[test]
fn time_and_randomness_follow_from_the_call() {
    let one = message(&[("do", "time")]);
    assert!(one.starts_with("wall 1795521600250 now 1795521600250 elapsed 1000 random "), "{one}");
    assert_eq!(message(&[("do", "time")]), one);
    // Other parameters are another call.
    assert_ne!(message(&[("do", "time"), ("times", "2")]), one);
}

#[test]
fn to_sleep_takes_no_time() {
    let begun = std::time::Instant::now();
    assert_eq!(message(&[("do", "sleep")]), "slept for at least an hour: true");
    assert!(begun.elapsed().as_secs() < 60);
}

#[test]
fn the_evidence_of_the_image_can_be_read_and_no_other() {
    let sboms = evidence(&["[]"]);
    let own = evaluate(&HOSTILE, &[("do", "evidence")], &sboms).unwrap();
    let size = sboms.manifest.len();
    assert_eq!(
        own.warnings.first().unwrap().message,
        format!("manifest {size} config 24 layers 3 signatures 1 attestations 1")
    );
    let other = format!("r.example/shop/other@{}", Digest::of(b""));
    for what in ["evidence", "read"] {
        let result = message(&[("do", what), ("image", &other), ("blob", &Digest::of(LAYER).to_string())]);
        assert!(result.contains("denied: this call may read the evidence of r.example/shop/cart@sha256:"), "{result}");
        assert!(!result.contains("attestations 0"), "{result}");
    }
}

#[test]
fn one_read_gives_a_mebibyte_at_most() {
    let evidence = evidence(&[&format!("[{}]", " ".repeat(limits::READ_BYTES))]);
    let digest = evidence.attestations.first().unwrap().digest.to_string();
    let decision = evaluate(&HOSTILE, &[("do", "read"), ("blob", &digest)], &evidence).unwrap();
    assert_eq!(decision.warnings.first().unwrap().message, "1048576 bytes");
}

#[test]
fn bytes_between_guest_and_host_are_counted() {
    let mut evidence = evidence(&[]);
    evidence.manifest = Arc::from(vec![b' '; 4 << 20]);
    let error = evaluate(&HOSTILE, &[("do", "gorge")], &evidence).unwrap_err();
    assert_eq!(error.code, ErrorCode::PluginCpuLimit);
    assert!(error.message.contains("moved more than 512 MiB"), "{error}");
}

#[test]
fn only_blobs_that_the_manifest_names_can_be_read() {
    let read = |bytes: &[u8]| message(&[("do", "read"), ("blob", &Digest::of(bytes).to_string())]);
    assert_eq!(read(LAYER), "7 bytes");
    assert_eq!(read(CONFIG), "24 bytes");
    assert_eq!(read(b"unnamed"), "not found");
    assert_eq!(read(b"large"), format!("too large: {}", 1_u64 << 40));
    assert_eq!(message(&[("do", "read"), ("blob", "sha256:ABC")]), "not found");
}

#[test]
fn a_blob_that_cannot_be_fetched_is_an_error_whatever_the_plugin_returns() {
    let error = hostile(&[("do", "read"), ("blob", &Digest::of(b"lost").to_string())]).unwrap_err();
    assert_eq!(error, EvaluationError::new(ErrorCode::RegistryUnreachable, "the registry r.example cannot be reached"));
}

#[test]
fn the_snapshot_can_be_read() {
    let rest = SNAPSHOT.get(3..).unwrap();
    assert_eq!(message(&[("do", "snapshot")]), format!("1 of \"\": cart  None; {rest}"));
}

#[test]
fn a_plugin_gets_its_parameters_with_defaults() {
    let params = message(&[("do", "params"), ("times", "07")]);
    let want = r#"[("blob", Value::Text("")), ("do", Value::Text("params")), ("image", Value::Text("")), ("times", Value::Json("7"))]"#;
    assert_eq!(params, want);
}

/// Calls the hostile check, and gives how it ended and its log.
fn logged(params: &[(&str, &str)]) -> (Result<Decision, EvaluationError>, Vec<String>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink: LogSink = {
        let lines = Arc::clone(&lines);
        Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()))
    };
    let result = TestRequest { plugin: &HOSTILE, params, log: Some(sink) }.about(&evidence(&[]));
    (result, std::mem::take(&mut *lines.lock().unwrap()))
}

#[test]
fn a_log_goes_to_its_sink_within_the_quota() {
    let (result, lines) = logged(&[("do", "flood"), ("times", "2100")]);
    assert!(result.is_ok());
    assert_eq!(lines.len(), 2_001);
    assert_eq!(lines.first().unwrap(), "hostile: info: flood\\n\\u{1b}[31m::error::forged");
    assert_eq!(lines.last().unwrap(), "hostile: warn: 100 more lines were dropped");
}

#[test]
fn what_is_printed_is_in_the_log_within_the_same_quota() {
    let (_, lines) = logged(&[("do", "print")]);
    assert_eq!(lines, ["hostile: info: {\"result\":\"SUCCESS\"}"]);
    let (_, lines) = logged(&[("do", "flood-stderr"), ("times", "2100")]);
    assert_eq!(lines.first().unwrap(), "hostile: error: line 0 of stderr");
    assert_eq!((lines.len(), lines.last().unwrap().as_str()), (2_001, "hostile: warn: 102 more lines were dropped"));
}

#[test]
fn what_is_not_a_plugin_is_refused_with_the_reason() {
    // The binary format by hand: a component with one section each. Types and imports (7, 10) require an instance,
    // instances and exports (5, 11) offer an empty one.
    let component = |sections: &[(u8, Vec<u8>)]| {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        for (id, content) in sections {
            // A length is LEB128: seven bits a byte.
            let (low, high) = (content.len() % 128, content.len() / 128);
            bytes.extend([*id, u8::try_from(low).unwrap() | 0x80, u8::try_from(high).unwrap()]);
            bytes.extend(content);
        }
        bytes
    };
    let name = |name: &str| [&[0, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
    let imports = |what: &str| (10, [&[1][..], &name(what), &[5, 0]].concat());
    let exports = |what: &str| (11, [&[1][..], &name(what), &[5, 0, 0]].concat());
    let (instance_type, instance) = ((7, vec![1, 0x42, 0]), (5, vec![1, 1, 0]));
    let exporting = |what: &str| component(&[instance.clone(), exports(what)]);
    // A core module (1) with one section, and so many instances of it (2).
    let many = |section: &[u8], count: u32| {
        let instances = [0, 0, 0].repeat(usize::try_from(count).unwrap());
        let instances = [&[u8::try_from(count).unwrap()], instances.as_slice()].concat();
        component(&[(1, [b"\0asm\x01\0\0\0", section].concat()), (2, instances)])
    };
    let (memory, table): (&[u8], &[u8]) = (&[5, 3, 1, 0, 1], &[4, 4, 1, 0x70, 0, 1]);
    let four_gib = &[5, 5, 1, 0, 0x80, 0x80, 4];
    let (memory64, shared_memory) = (&[5, 3, 1, 4, 1], &[5, 4, 1, 3, 1, 1]);
    let huge = vec![0; usize::try_from(assay_model::limits::PLUGIN_BYTES).unwrap() + 1];
    for (bytes, says) in [
        (vec![], "plugin x.wasm is empty"),
        (huge, "67108865 bytes, more than the 67108864 allowed"),
        (b"\0asm\x01\0\0\0".to_vec(), "is a core WebAssembly module, not a component"),
        (b"\x7fELF\x02\x01\x01\0 and so on".to_vec(), "is precompiled"),
        (b"#!/bin/sh\n".to_vec(), "is not a WebAssembly component"),
        (b"(component)".to_vec(), "is not a WebAssembly component"),
        (b"\0asm\x0d\0\x01\0garbage".to_vec(), "cannot be compiled"),
        (component(&[]), "exports nothing; a component of the world `check` exports"),
        (
            component(&[instance_type.clone(), imports("wasi:http/types@0.2.0")]),
            "exports nothing; a component of the world `check` exports",
        ),
        (many(four_gib, 1), "cannot be compiled: it has a memory of more than 512 MiB"),
        (many(memory64, 1), "uses the proposal memory64, which this host does not run"),
        (many(shared_memory, 1), "uses the proposal threads (shared memories), which this host does not run"),
        (exporting("assay:plugin/image-check@0.2.0"), "uses assay:plugin 0.2.0, this host supports 0.1"),
        (
            exporting("assay:plugin/image-check@0.1.9"),
            "exports `assay:plugin/image-check@0.1.9`; a component of the world `check` exports `assay:plugin/metadata@0.1` and `assay:plugin/image-check@0.1`",
        ),
        (
            exporting("assay:plugin/remote-job@0.1.0"),
            "exports `assay:plugin/remote-job@0.1.0`; a component of the world `check` exports",
        ),
        (
            exporting("assay:plugin/custom-task@0.1.0"),
            "exports `assay:plugin/custom-task@0.1.0`; a component of the world `check` exports",
        ),
        (
            exporting("assay:plugin/renderer@0.1.0"),
            "exports `assay:plugin/renderer@0.1.0`; a component of the world `check` exports",
        ),
    ] {
        let error = Plugin::load(&ENGINE, "x.wasm", &bytes).unwrap_err();
        assert!(error.to_string().starts_with("plugin x.wasm ") && error.to_string().contains(says), "{error}");
    }
    for metering in [Metering::Fuel, Metering::Time] {
        let wasmtime = ENGINE.wasmtime(metering).unwrap();
        let is_compiled = |bytes: &[u8]| wasmtime::component::Component::from_binary(wasmtime, bytes).is_ok();
        for (part, most) in [(memory, limits::MEMORIES), (table, limits::TABLES), (&[][..], limits::CORE_INSTANCES)] {
            assert!(is_compiled(&many(part, most)) && !is_compiled(&many(part, most + 1)), "{most}");
        }
    }
    // Both exports are there, but an import is not of this world.
    let both = (
        11,
        [
            &[2][..],
            &name("assay:plugin/metadata@0.1.0"),
            &[5, 1, 0],
            &name("assay:plugin/image-check@0.1.0"),
            &[5, 1, 0],
        ]
        .concat(),
    );
    for (import, says) in [
        ("example:other/thing@1.0.0", "imports `example:other/thing@1.0.0`, which the world `check` does not offer"),
        ("assay:plugin/http@0.1.0", "imports `assay:plugin/http@0.1.0`"),
        ("wasi:http/types@0.2.0", "imports `wasi:http/types@0.2.0`"),
        ("wasi:cli/environment@0.3.0", "imports `wasi:cli/environment@0.3.0`"),
        ("assay:plugin/logging@0.1.0", "does not match the interfaces that it names"),
    ] {
        let bytes = component(&[instance_type.clone(), imports(import), instance.clone(), both.clone()]);
        let error = Plugin::load(&ENGINE, "x.wasm", &bytes).unwrap_err();
        assert!(error.to_string().contains(says), "{import}: {error}");
    }
}

#[test]
fn a_truncated_component_is_refused() {
    let mut bytes = built("plugins/licenses");
    bytes.truncate(bytes.len() / 2);
    assert!(matches!(Plugin::load(&ENGINE, "x.wasm", &bytes), Err(LoadError::Compile { .. })));
}

#[test]
fn limits_hold_while_a_plugin_describes_itself() {
    let error = Plugin::load(&ENGINE, "x.wasm", &built("tests/guests/describes-forever")).unwrap_err();
    assert!(matches!(&error, LoadError::Describe { code: ErrorCode::PluginCpuLimit, .. }), "{error}");
    assert_eq!(error.code(), ErrorCode::PluginCpuLimit);
    let says = "plugin x.wasm cannot describe itself: it used up its computing budget of 5000000000 instructions";
    assert_eq!(error.to_string(), says, "the file is named once");
    assert!(error.hint().unwrap().contains("`cpu-ms`"));
}

#[test]
fn a_plugin_of_another_world_is_not_a_check() {
    static OTHER: World = World { name: "other", ..WORLD };
    static WORLDS: [&World; 1] = [&OTHER];
    let other = Plugin::load_any_of(&WORLDS, &ENGINE, "x.wasm", &built("plugins/licenses")).unwrap();
    let options = CheckOptions {
        run: run(),
        params: &[],
        snapshot: SnapshotInput { snapshot: &Snapshot::parse(SNAPSHOT).unwrap(), text: Arc::from(SNAPSHOT) },
        blobs: Arc::new(OneBlob(LAYER)),
        limits: BTreeMap::new(),
        sinks: Sinks::default(),
    };
    let error = Check::new(&other, options).unwrap_err().to_string();
    assert_eq!(error, "plugin `licenses` is of the world `other`, not of the world `check`");
}
