//! A task that misbehaves on demand, each attack followed by a call that succeeds.

use std::sync::{
    Arc, LazyLock, Mutex,
    atomic::{AtomicBool, Ordering},
};

use assay_model::{
    error::ErrorCode,
    port::{HttpClient, HttpError, HttpRequest, HttpResponse, NetworkReach},
    snapshot::Snapshot,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

use super::*;
use crate::{
    CallError, CallTime, Effects, FaultKind, Grants, HttpGrant, JobKey, Outcome, Plugin, RunContext, SecretGrant,
    SecretScheme, SecretValue, Sinks, SnapshotInput, Usage, capability::redact::percent, limits, test_support::load,
};

static HOSTILE: LazyLock<Plugin> = LazyLock::new(|| load("tests/guests/hostile-task"));

/// Responds with what it was sent.
struct Echo;

impl HttpClient for Echo {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        assert_eq!(request.reach, NetworkReach::Public);
        assert!(request.timeout <= std::time::Duration::from_secs(60));
        if request.url.contains("slow") {
            std::thread::park_timeout(std::time::Duration::from_millis(300));
            return Err(HttpError::Timeout);
        }
        let status = if request.url.contains("absent") { 404 } else { 200 };
        Ok(HttpResponse { status, headers: request.headers.to_vec(), body: request.body.to_vec() })
    }
}

const SECRET: &str = "s3cr3t-value";

fn grants() -> Grants {
    let methods = vec!["GET".to_owned(), "POST".to_owned()];
    let host: crate::HostPattern = "ci.test".parse().unwrap();
    let secret = SecretGrant {
        value: SecretValue::new(SECRET),
        host: host.clone(),
        header: "Authorization".to_owned(),
        scheme: SecretScheme::Bearer,
        body: true,
    };
    Grants {
        http: vec![HttpGrant { host, methods, plain: false, private: false }],
        secrets: [("token".to_owned(), secret)].into(),
        ..Grants::default()
    }
}

struct Attack {
    grants: Grants,
    sinks: Sinks,
}

impl Attack {
    fn run(self, params: &[(&str, &str)]) -> (Result<(Verdict, Effects), CallError>, Usage) {
        let params: Vec<_> = params.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let text = r#"{"metadata": {"name": "snap-1"}, "spec": {"components": [{"name": "cart", "containerImage": "r/cart:1"}]}}"#;
        let options = JobOptions {
            run: RunContext { run: "r-7".to_owned(), scenario: "s".to_owned(), attempt: 9 },
            key: JobKey([7; 32]),
            params: &params,
            attributes: vec![("tenant".to_owned(), "t-1".to_owned())],
            snapshot: Some(SnapshotInput { snapshot: &Snapshot::parse(text).unwrap(), text: Arc::from(text) }),
            grants: self.grants,
            http: Some(Arc::new(Echo)),
            sinks: self.sinks,
            ..JobOptions::default()
        };
        let time = CallTime { now: "2026-11-24T12:00:00Z".parse().unwrap(), attempt: 2 };
        let outcome = Task::new(&HOSTILE, options).unwrap().run(time);
        (outcome.result, outcome.usage)
    }
}

fn run(params: &[(&str, &str)]) -> Result<(Verdict, Effects), CallError> {
    Attack { grants: grants(), sinks: Sinks::default() }.run(params).0
}

fn note(params: &[(&str, &str)]) -> String {
    run(params).unwrap().0.note
}

#[test]
fn each_attack_ends_as_its_error_and_the_next_call_succeeds() {
    use ErrorCode::{PluginContradiction, PluginCpuLimit, PluginError, PluginLogLimit, PluginMemoryLimit, PluginTrap};
    for (params, code, says, hint) in [
        (&[("do", "hammer")][..], PluginCpuLimit, "called the host more than 100000 times", "fixed"),
        (&[("do", "allocate")], PluginMemoryLimit, "requested more than 64 MiB of memory", "`memory-mib`"),
        (&[("do", "trap")], PluginTrap, "the reason of the trap", "bug"),
        (&[("do", "flood"), ("times", "40000")], PluginLogLimit, "16 times its quota of 256 KiB", "`log-kib`"),
        (&[("do", "lie")], PluginContradiction, "a success beside 1 failures", "bug"),
        (&[("do", "nothing")], PluginContradiction, "without having counted", "bug"),
        (&[("do", "undeclared")], PluginError, "`cve.found`, which its manifest does not declare", ""),
        (&[("do", "write-and-trap")], PluginTrap, "after writing", "bug"),
        (&[("do", "write-and-fail")], PluginError, "failed: after writing", ""),
        (&[("do", "what")], PluginError, "rejects its input", ""),
    ] {
        let error = run(params).unwrap_err().error;
        assert_eq!(error.code, code, "{params:?}: {error:?}");
        assert!(error.message.starts_with("plugin `hostile-task` ") && error.message.contains(says), "{error}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{error:?}");
        assert!(!error.message.contains("host/wasm"), "host frames are not shown: {error}");
        assert_eq!(note(&[("do", "succeed")]), "done", "{params:?}");
    }
}

/// A run that is canceled or over its time does not wait until a plugin has used up its own limits.
#[test]
fn a_call_that_nobody_waits_for_ends_at_once() {
    // One that computes is canceled while it does, the other one while it waits for a response.
    for params in [&[("do", "loop")][..], &[("do", "get"), ("url", "https://ci.test/slow")]] {
        let does_wait = params.len() > 1;
        let params: Vec<_> = params.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let cancellation = Arc::new(AtomicBool::new(does_wait));
        let options = JobOptions {
            params: &params,
            grants: grants(),
            http: Some(Arc::new(Echo)),
            cancellation: Some(Arc::clone(&cancellation)),
            ..JobOptions::default()
        };
        let task = Task::new(&HOSTILE, options).unwrap();
        let outcome = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::park_timeout(std::time::Duration::from_millis(100));
                cancellation.store(true, Ordering::Relaxed);
            });
            task.run(CallTime::first("2026-11-24T12:00:00Z".parse().unwrap()))
        });
        let error = outcome.result.unwrap_err().error;
        assert_eq!(
            (error.code, error.message.as_str()),
            (ErrorCode::Interrupted, "plugin `hostile-task` was canceled")
        );
        assert_eq!(note(&[("do", "succeed")]), "done");
    }
}

#[test]
fn a_returned_error_has_its_kind() {
    let failed = run(&[("do", "transient")]).unwrap_err();
    assert_eq!(failed.fault, Some(FaultKind::Transient { after_ms: Some(7) }));
    assert_eq!(run(&[("do", "trap")]).unwrap_err().fault, None);
}

#[test]
fn a_call_that_waits_longer_than_its_time_is_ended_and_an_operator_caps_the_limits() {
    let capped = |name: &str, cap| Grants { limits: [(name.to_owned(), cap)].into(), ..grants() };
    let run = |name: &str, cap, params: &[(&str, &str)]| {
        Attack { grants: capped(name, cap), sinks: Sinks::default() }.run(params).0.unwrap_err().error
    };
    let slow = run("call-ms", 100, &[("do", "get"), ("url", "https://ci.test/slow")]);
    assert_eq!(slow.code, ErrorCode::PluginTimeLimit);
    assert!(slow.message.contains("did not end within 100 ms") && slow.hint.unwrap().contains("`call-ms`"));
    assert_eq!(run("memory-mib", 1, &[("do", "succeed")]).code, ErrorCode::PluginMemoryLimit);
    let looped = run("cpu-ms", 50, &[("do", "loop")]);
    assert_eq!(looped.code, ErrorCode::PluginCpuLimit);
    assert!(
        looped.message.contains("used up its computing time of 50 ms") && looped.hint.unwrap().contains("`cpu-ms`")
    );
    assert_eq!(note(&[("do", "succeed")]), "done");
    assert_eq!(note(&[("do", "sleep")]), "slept: true", "a guest that sleeps takes no time");
}

#[test]
fn the_error_of_every_limit_names_the_setting_that_raises_it() {
    let url = ("url", "https://ci.test/x");
    let slow = ("url", "https://ci.test/slow");
    let rows = [
        ("memory-mib", 2, &[("do", "allocate")][..], ErrorCode::PluginMemoryLimit),
        ("cpu-ms", 50, &[("do", "loop")], ErrorCode::PluginCpuLimit),
        ("call-ms", 100, &[("do", "get"), slow], ErrorCode::PluginTimeLimit),
        ("log-kib", 1, &[("do", "flood"), ("times", "40000")], ErrorCode::PluginLogLimit),
        ("artifact-mib", 2, &[("do", "fill-or-fail"), ("times", "3")], ErrorCode::PluginQuota),
        ("http-requests", 2, &[("do", "get-many-or-fail"), ("times", "3"), url], ErrorCode::PluginQuota),
        ("http-mib", 1, &[("do", "post-or-fail"), ("times", "1048577"), url], ErrorCode::PluginQuota),
    ];
    for (limit, cap, params, code) in rows {
        let capped = Grants { limits: [(limit.to_owned(), cap)].into(), ..grants() };
        let error = Attack { grants: capped, sinks: Sinks::default() }.run(params).0.unwrap_err().error;
        assert_eq!(error.code, code, "{limit}: {error:?}");
        let hint = error.hint.unwrap_or_default();
        assert!(hint.contains(&format!("`{limit}`")) && hint.contains("plugins.toml"), "{limit}: {hint}");
        assert_eq!(note(&[("do", "succeed")]), "done", "{limit}");
    }
    // The state is that of an adapter, whose tests have it.
    let rest: Vec<_> = crate::CallLimits::names().filter(|name| rows.iter().all(|row| row.0 != *name)).collect();
    assert_eq!(rest, ["state-kib"]);
    let fixed = run(&[("do", "cases-or-fail"), ("times", "6")]).unwrap_err().error;
    assert_eq!(fixed.code, ErrorCode::PluginQuota);
    assert!(fixed.hint.as_ref().unwrap().contains("the limit is fixed"), "{fixed:?}");
}

#[test]
fn a_missing_permission_is_an_error_with_the_line_to_add() {
    let denied = |grants: Grants, params: &[(&str, &str)]| {
        let error = Attack { grants, sinks: Sinks::default() }.run(params).0.unwrap_err().error;
        assert_eq!(error.code, ErrorCode::PluginDenied, "{error:?}");
        error.hint.unwrap_or_default()
    };
    let get = [("do", "get-or-fail"), ("url", "https://ci.test/x")];
    // The line is for the entry of the list, whatever the plugin calls itself.
    let named = Grants { entry: Some("own".to_owned()), ..Grants::default() };
    let line = "http = [{ host = \"ci.test:443\", methods = [\"GET\"] }]` to [plugin.own] of plugins.toml";
    assert!(denied(named, &get).contains(line));
    assert!(denied(Grants::default(), &get).contains("to [plugin.hostile-task] of plugins.toml"));
    let plain = denied(grants(), &[("do", "get-or-fail"), ("url", "http://ci.test/x")]);
    assert!(plain.contains("plain = true"), "{plain}");
}

#[test]
fn every_result_has_what_the_call_used() {
    let (result, usage) = Attack { grants: grants(), sinks: Sinks::default() }.run(&[("do", "succeed")]);
    assert!(result.is_ok());
    assert!(usage.fuel.is_none() && usage.memory_bytes >= 64 << 10 && usage.wall_ms >= 1, "{usage:?}");
    let capped = Grants { limits: [("cpu-ms".to_owned(), 100)].into(), ..grants() };
    let (result, usage) = Attack { grants: capped, sinks: Sinks::default() }.run(&[("do", "loop")]);
    assert!(result.is_err() && usage.cpu_ms >= 100, "{usage:?}");
}

#[test]
fn what_a_call_wrote_leaves_it_with_a_value_only() {
    let (verdict, effects) = run(&[("do", "write")]).unwrap();
    assert_eq!(verdict.note, "Ok(5) Ok([101, 108, 108]) true [true, true, true, true]");
    let artifact = effects.artifacts.first().unwrap();
    assert_eq!((artifact.name.as_str(), artifact.bytes.as_slice()), ("out/a.txt", &b"hello"[..]));
    let (verdict, effects) = run(&[("do", "cases")]).unwrap();
    assert_eq!(
        (verdict.outcome, verdict.successes, verdict.warnings, effects.cases.len()),
        (Outcome::Success, 1, 1, 2)
    );
    let (verdict, effects) = run(&[("do", "ingest")]).unwrap();
    assert_eq!((verdict.successes, verdict.failures, effects.cases.len()), (1, 1, 2));
    assert!(verdict.note.contains("failures: 1") && verdict.note.ends_with("Err(Error::NotFound)"), "{}", verdict.note);
}

#[test]
fn artifacts_and_cases_have_quotas() {
    assert_eq!(note(&[("do", "fill"), ("times", "100")]), "64 MiB");
    assert_eq!(note(&[("do", "many-cases"), ("times", "6")]), "[true, true, true, true, true, false]");
}

#[test]
fn requests_go_where_they_may_and_secrets_never_come_back() {
    let url = ("url", "https://ci.test/x");
    assert_eq!(note(&[("do", "get"), url]), "200  ");
    let seen = note(&[("do", "get-with-secret"), url]);
    assert_eq!(seen, "200 Authorization=Bearer *** word=***");
    let (verdict, effects) = run(&[("do", "download"), url]).unwrap();
    assert!(verdict.note.contains("status: 200"), "{}", verdict.note);
    assert_eq!(effects.artifacts.len(), 1);
    assert_eq!(note(&[("do", "get-many"), ("times", "10000"), url]), "32 requests");
    let denied = run(&[("do", "get-or-fail"), ("url", "https://other.test/")]).unwrap_err().error;
    assert_eq!(denied.code, ErrorCode::PluginDenied);
    let line = "http = [{ host = \"other.test:443\", methods = [\"GET\"] }]";
    assert!(denied.hint.as_ref().unwrap().contains(line), "{denied:?}");
    for url in ["http://169.254.169.254/latest", "https://127.0.0.1/", "https://u:p@ci.test/"] {
        assert!(note(&[("do", "get"), ("url", url)]).contains("Denied"), "{url}");
    }
}

#[test]
fn no_form_of_a_secret_is_in_a_dump_of_a_guests_memory() {
    // Each form is another text, and none is part of another.
    const VALUE: &str = "robot:p&s \"w/rd+\u{e9}?~!";
    let mut own = grants();
    own.secrets.get_mut("token").unwrap().value = SecretValue::new(VALUE);
    let params = [("do", "dump-memory"), ("url", "https://ci.test/x")];
    let (verdict, effects) = Attack { grants: own, sinks: Sinks::default() }.run(&params).0.unwrap();
    let dump: Vec<u8> =
        effects.artifacts.iter().filter(|one| one.name == "memory").flat_map(|one| one.bytes.clone()).collect();
    assert_eq!(verdict.note, format!("{} 12", dump.len()));
    assert!(dump.len() > 1 << 20);
    let holds = |needle: &[u8]| dump.windows(needle.len()).any(|window| window == needle);
    // What came back went through that memory.
    assert!(holds(b"assay-placeholder-") && holds(b"Authorization=Bearer ***") && holds(b"word=***"));
    let json = serde_json::to_string(VALUE).unwrap();
    let json = json.trim_matches('"');
    let url = String::from_utf8(percent(VALUE.as_bytes(), true)).unwrap();
    let mut forms = vec![VALUE.to_owned(), json.to_owned(), json.replace('/', "\\/"), url.clone(), url.to_lowercase()];
    forms.push(url.replace("%20", "+"));
    for before in ["", "x", "xy", "Bearer ", "word="] {
        let text = format!("{before}{VALUE}");
        // The characters that depend on the secret alone.
        let inner =
            |text: String| text.chars().skip(before.len().div_ceil(3) * 4).take(VALUE.len()).collect::<String>();
        forms.extend([inner(STANDARD.encode(&text)), inner(URL_SAFE.encode(&text))]);
    }
    for form in forms {
        assert!(!holds(form.as_bytes()), "the memory has the secret as `{form}`");
        // Half of it would be too much as well.
        let half: String = form.chars().take(form.chars().count() / 2).collect();
        assert!(!holds(half.as_bytes()), "the memory has half of the secret as `{half}`");
    }
}

#[test]
fn words_of_a_call_go_to_their_sinks() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = |seen: &Arc<Mutex<Vec<String>>>| {
        let seen = Arc::clone(seen);
        move |text: String| seen.lock().unwrap().push(text)
    };
    let (log, progress, output) = (keep(&seen), keep(&seen), keep(&seen));
    let sinks = Sinks {
        log: Some(Arc::new(move |line: &str| log(line.to_owned()))),
        progress: Some(Arc::new(move |now: &crate::Progress| progress(format!("{now:?}")))),
        remote_output: Some(Arc::new(move |bytes: &[u8]| output(format!("{} bytes", bytes.len())))),
    };
    let run = |params: &[(&str, &str)]| {
        Attack { grants: grants(), sinks: sinks.clone() }.run(params).0.unwrap();
        std::mem::take(&mut *seen.lock().unwrap())
    };
    assert_eq!(run(&[("do", "progress")]), ["Progress { done: 1, total: Some(2), text: \"half\\\\nway\" }"]);
    let passed = run(&[("do", "remote-output"), ("times", "20")]);
    assert_eq!(passed.len(), (limits::REMOTE_OUTPUT_BYTES >> 20) + 1);
    assert_eq!(passed.last().unwrap(), "hostile-task: warn: 4 more lines were dropped");
    let denied = run(&[("do", "get"), ("url", "https://other.test/")]);
    assert!(denied.first().unwrap().starts_with("hostile-task: warn: denied: "), "{denied:?}");
    let word = run(&[("do", "get-with-secret"), ("url", "https://ci.test/")]);
    assert!(!word.concat().contains(SECRET), "{word:?}");
}

#[test]
fn a_guest_knows_its_run_and_its_own_evidence_alone() {
    let key = "07".repeat(32);
    assert_eq!(note(&[("do", "context")]), format!("r-7 s 2 {key} 60000 Some((\"tenant\", \"t-1\")) snap-1"),);
    assert_eq!(note(&[("do", "evidence")]), "cart 0 true");
}

#[test]
fn a_plugin_of_another_world_is_not_a_task() {
    let check = load("plugins/licenses");
    let error = Task::new(&check, JobOptions::default()).unwrap_err().to_string();
    assert_eq!(error, "plugin `licenses` is of the world `check`, not of the world `task`");
}

#[test]
fn a_description_is_the_same_at_any_time() {
    assert!(HOSTILE.has_stable_description().unwrap());
    assert!(HOSTILE.description().starts_with(r#"{"name":"hostile-task","version":"0.1.0","#));
    assert!(!load("tests/guests/describes-differently").has_stable_description().unwrap());
}
