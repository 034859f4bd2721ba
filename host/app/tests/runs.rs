//! A thousand runs in one process: each is joined with all its threads, and none of them leaves memory behind.
//!
//! There is one test in this binary, since it counts the threads of its process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{num::NonZeroUsize, thread, time::Instant};

use assay_app::{
    CacheDir, CertificateLogPolicy, Event, KeyText, LogPolicy, Mode, Relocation, SignerRequest, SourceSettings,
    TrustRequest, TrustRootSettings, ValidateImageRequest, start,
};
use assay_model::{
    effective_time::EffectiveTime,
    event::{RunEvent, StopReason},
    outcome::Verdict,
    policy::PolicySpec,
    snapshot::Snapshot,
};
use assay_oci::RegistryOptions;
use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;

const RUNS: usize = 1_000;
const WARM_UP: usize = 200;
const CANCELED: usize = 100;

/// How much the process may grow from the end of the warm-up to the last run: less than 3 kB for each run.
const GROWTH_KB: u64 = 2_400;

const RULES: &str = r#"package main

import rego.v1

# METADATA
# title: Image must have a name
# custom:
#   short_name: named
deny contains result if {
	not input.image.config.Labels.name
	some i in numbers.range(1, 50)
	i > 50
	result := {"code": "main.named", "msg": "Image has no name"}
}
"#;

fn root() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize_utf8().unwrap()
}

/// The example with a small policy; `components` of its images.
fn request(policy: &Utf8Path, components: usize) -> ValidateImageRequest {
    let example = root().join("examples/shop");
    let mut snapshot = Snapshot::parse(&fs::read_to_string(example.join("snapshot.yaml")).unwrap()).unwrap();
    snapshot.components.truncate(components);
    let policy = format!("{{\"sources\": [{{\"name\": \"test\", \"policy\": [\"{policy}\"]}}]}}");
    let registries = RegistryOptions::default();
    ValidateImageRequest {
        mode: Mode::Native,
        temporary: "/tmp".into(),
        requested_at: "2026-06-01T12:00:00Z".parse().unwrap(),
        snapshot,
        snapshot_name: String::new(),
        snapshot_text: String::new(),
        evidence: Some(example.join("oci")),
        trust: TrustRequest {
            signer: SignerRequest::Key(KeyText {
                pem: fs::read_to_string(example.join("cosign.pub")).unwrap(),
                origin: "cosign.pub".to_owned(),
            }),
            log: LogPolicy::Ignored,
            certificate_log: CertificateLogPolicy::Required,
            relocation: Relocation::Refused,
        },
        skipped: vec![],
        policy: PolicySpec::parse(&policy).unwrap(),
        strict_config: false,
        sources: SourceSettings {
            cache: CacheDir::None,
            offline: true,
            registries,
            deadline: None,
            is_strict: true,
            trust_root: TrustRootSettings::default(),
        },
        plugins: vec![],
        plugin_places: assay_app::PluginPlaces::default(),
        plugin_engine: assay_app::PluginEngine::default(),
        plugin_sinks: assay_app::plugins::Sinks::default(),
        by_intention: false,
        effective_time: EffectiveTime::At("2026-06-01T12:00:00Z".parse().unwrap()),
        explain: vec![],
        workers: NonZeroUsize::new(2).unwrap(),
        deadline: None,
        keep_inputs: false,
        keep_statements: true,
    }
}

/// A number that the kernel reports about this process.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A thread that was joined is counted until the kernel has taken it away, which is soon.
fn expect_threads(wanted: u64, when: &str) {
    for _ in 0..10_000 {
        if status("Threads") == wanted {
            return;
        }
        thread::yield_now();
    }
    assert_eq!(status("Threads"), wanted, "{when}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_runs_leave_neither_memory_nor_threads_and_a_canceled_one_ends() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Utf8Path::from_path(folder.path()).unwrap().join("main.rego");
    fs::write(&policy, RULES).unwrap();
    let threads = status("Threads");
    let one = request(&policy, 1);
    let mut after_warm_up = 0;
    for number in 0..RUNS {
        let result = start(one.clone()).unwrap().join().unwrap();
        assert_eq!(result.finished.verdict, Verdict::Allowed, "{:?}", result.finished);
        drop(result);
        if number % 50 == 0 {
            expect_threads(threads, "after a run");
        }
        if number == WARM_UP {
            after_warm_up = status("VmRSS");
        }
    }
    let grown = status("VmRSS").saturating_sub(after_warm_up);
    assert!(grown < GROWTH_KB, "the process grew by {grown} kB");
    let all = request(&policy, 3);
    let mut stopped = 0;
    for number in 0..CANCELED {
        let mut run = start(all.clone()).unwrap();
        // Before its first event, after its last one, and after each of those between.
        let events = run.by_ref().take(number % 20).collect::<Vec<_>>();
        run.cancel();
        if number % 10 == 0 {
            // Dropping a run cancels and joins it.
            drop(run);
        } else {
            let result = run.join().unwrap();
            let is_over = events.iter().any(|event| matches!(event, Event::Run(RunEvent::Finished(_))));
            assert!(!is_over || result.finished.stopped.is_none());
            if let Some(why) = result.finished.stopped {
                assert_eq!((why, result.finished.verdict), (StopReason::Interrupted, Verdict::Error));
                stopped += 1;
            }
            assert_eq!(result.finished.outcomes.len(), if result.finished.outcomes.len() < 5 { 3 } else { 5 });
        }
        expect_threads(threads, "after a canceled run");
    }
    assert!(stopped > 0, "no run was canceled before its end");
    // A deadline that has passed ends a run as well.
    let now = Instant::now();
    let late = ValidateImageRequest { deadline: Some((now, std::time::Duration::from_secs(1))), ..all };
    // Whether the run or the compilation of its policy sees it first depends on the threads.
    match start(late).unwrap().join() {
        Ok(result) => assert_eq!(result.finished.stopped, Some(StopReason::Deadline)),
        Err(error) => assert!(error.message().contains("the time of the run was over"), "{error:?}"),
    }
    expect_threads(threads, "after the deadline");
}
