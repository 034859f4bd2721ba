//! A task that does what its parameter `do` says, so that each test shows one attack and its end.
#![expect(clippy::disallowed_methods, reason = "a guest that does what it should not is the point of it")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

wit_bindgen::generate!({ path: "../../../wit/assay-plugin/0.1", world: "task" });

use assay::plugin::{
    artifacts, evidence, http,
    logging::{self, Level},
    snapshot,
    tests::{self, TestCase},
    types::{Context, Error, Finding, Outcome, Retry, Severity, Value, Verdict},
};
use exports::assay::plugin::{custom_task, metadata};

struct Hostile;

export!(Hostile);

const PARAMS: &str = r#"{
    "type": "object",
    "properties": {
        "do": { "type": "string" },
        "url": { "type": "string", "default": "" },
        "times": { "type": "integer", "default": 1 }
    },
    "required": ["do"]
}"#;

impl metadata::Guest for Hostile {
    fn describe() -> metadata::Manifest {
        let permission = |kind: &str, name: &str, methods: &str| metadata::Permission {
            kind: kind.to_owned(),
            name: name.to_owned(),
            options: vec![("methods".to_owned(), methods.to_owned())],
            reason: "to misuse it".to_owned(),
        };
        metadata::Manifest {
            name: "hostile-task".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Misbehaves on demand.".to_owned(),
            license: "Apache-2.0".to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: PARAMS.to_owned(),
            permissions: vec![
                permission("http", "{url}", "GET,POST"),
                permission("secret", "token", ""),
                permission("evidence", "", ""),
            ],
            limits: vec![("call-ms".to_owned(), 60_000), ("cpu-ms".to_owned(), 30_000)],
            rules: vec![metadata::Rule {
                code: "hostile-task.said".to_owned(),
                title: "Title".to_owned(),
                severity: Severity::Low,
            }],
        }
    }
}

fn verdict(outcome: Outcome, note: String) -> Verdict {
    Verdict {
        outcome,
        successes: 0,
        failures: 0,
        warnings: 0,
        namespace: None,
        note: Some(note).filter(|note| !note.is_empty()),
        timestamp: None,
        findings: Vec::new(),
        results: Vec::new(),
        links: Vec::new(),
    }
}

fn case(outcome: Outcome) -> TestCase {
    TestCase { suite: "s".to_owned(), name: "n".to_owned(), outcome, millis: 1, message: None }
}

fn get(url: &str) -> http::Request {
    http::Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: http::Body::None,
        auth: None,
        timeout_ms: None,
    }
}

fn shown(result: Result<http::Response, http::Error>) -> String {
    match result {
        Ok(response) => {
            let headers: Vec<_> = response.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} {} {}", response.status, headers.join(","), String::from_utf8_lossy(&response.body))
        }
        Err(error) => format!("{error:?}"),
    }
}

/// Sends the secret in every place and form that there is, reads what comes back, and gives it all back.
fn send_secret_everywhere(url: &str) -> Result<Vec<String>, Error> {
    let internal = |error: &dyn std::fmt::Debug| Error::Internal(format!("{error:?}"));
    let mut seen = Vec::new();
    for form in [http::Form::Raw, http::Form::Json, http::Form::Url, http::Form::Base64] {
        let word = http::placeholder("token", form).map_err(|error| internal(&error))?;
        let request = http::Request {
            method: "POST".to_owned(),
            auth: Some("token".to_owned()),
            body: http::Body::Bytes(format!("word={word}").into_bytes()),
            ..get(&format!("{url}?q={word}"))
        };
        let response = http::send(&request).map_err(|error| internal(&error))?;
        http::download(&request, "saved", "text/plain").map_err(|error| internal(&error))?;
        let saved = artifacts::read("saved", 0, 1 << 16).map_err(|error| internal(&error))?;
        seen.extend([word, shown(Ok(response)), String::from_utf8_lossy(&saved).into_owned()]);
    }
    Ok(seen)
}

/// Keeps all of this instance's memory as an artifact, as a core dump has it: also what was given back to the allocator. Nobody
/// can be given a slice that begins at zero, so the first bytes, in which nothing is kept, are left out.
#[cfg(target_arch = "wasm32")]
fn dump_memory() -> Result<usize, Error> {
    const FIRST: usize = 16;
    const PART: usize = 1 << 19;
    let size = core::arch::wasm32::memory_size(0) << 16;
    for at in (FIRST..size).step_by(PART) {
        // SAFETY: all of it is memory of this instance, and nothing writes to it while the host reads it.
        let part = unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(at), PART.min(size - at)) };
        artifacts::append("memory", "application/octet-stream", part)
            .map_err(|error| Error::Internal(format!("{error:?}")))?;
    }
    Ok(size - FIRST)
}

#[cfg(not(target_arch = "wasm32"))]
fn dump_memory() -> Result<usize, Error> {
    Err(Error::Internal("only an instance has a memory of its own".to_owned()))
}

impl custom_task::Guest for Hostile {
    fn run(context: Context) -> Result<Verdict, Error> {
        let text = |name: &str| match context.params.iter().find(|param| param.name == name).map(|param| &param.value) {
            Some(Value::Text(text) | Value::Json(text)) => text.clone(),
            _ => String::new(),
        };
        let (times, url): (u64, _) = (text("times").parse().unwrap_or(1), text("url"));
        let say = |note: String| Ok(verdict(Outcome::Warning, note));
        match text("do").as_str() {
            "nothing" => Ok(verdict(Outcome::Success, String::new())),
            "succeed" => say("done".to_owned()),
            "loop" => loop {
                black_box(());
            },
            "hammer" => loop {
                black_box(snapshot::describe());
            },
            "allocate" => {
                let mut held = Vec::new();
                loop {
                    held.push(vec![1_u8; 1 << 20]);
                    black_box(&held);
                }
            }
            "trap" => panic!("the reason of the trap in /secret/path"),
            "sleep" => {
                let before = Instant::now();
                std::thread::sleep(Duration::from_secs(3600));
                say(format!("slept: {}", before.elapsed() >= Duration::from_secs(3600)))
            }
            "flood" => {
                for _ in 0..times {
                    logging::log(Level::Info, "flood");
                }
                say("flooded".to_owned())
            }
            "remote-output" => {
                for _ in 0..times {
                    logging::remote_output(&vec![b'x'; 1 << 20]);
                }
                say("passed on".to_owned())
            }
            "progress" => {
                logging::progress(1, Some(2), "half\nway");
                say("progressed".to_owned())
            }
            "lie" => {
                let added = tests::add(&[case(Outcome::Failure)]);
                Ok(verdict(Outcome::Success, format!("{added:?}")))
            }
            "cases" => {
                let added = tests::add(&[case(Outcome::Success), case(Outcome::Warning)]);
                Ok(verdict(Outcome::Success, format!("{added:?}")))
            }
            "many-cases" => {
                let cases = vec![case(Outcome::Success); 10_000];
                let added: Vec<_> = (0..times).map(|_| tests::add(&cases).is_ok()).collect();
                say(format!("{added:?}"))
            }
            "ingest" => {
                let report = "<testsuite><testcase name='a'/><testcase name='b'><failure/></testcase></testsuite>";
                let written = artifacts::append("junit.xml", "application/xml", report.as_bytes());
                let counts = tests::ingest("junit.xml", "junit");
                let absent = tests::ingest("none.xml", "junit");
                Ok(verdict(Outcome::Failure, format!("{written:?} {counts:?} {absent:?}")))
            }
            "undeclared" => Ok(Verdict {
                findings: vec![Finding {
                    code: "cve.found".to_owned(),
                    outcome: Outcome::Failure,
                    severity: Severity::Low,
                    message: "not mine".to_owned(),
                    subject: None,
                    terms: Vec::new(),
                    solution: None,
                }],
                ..verdict(Outcome::Failure, String::new())
            }),
            "transient" => Err(Error::Transient(Retry { message: "busy".to_owned(), after_ms: Some(7) })),
            "write" => {
                let written = artifacts::append("out/a.txt", "text/plain", b"hello");
                let read = artifacts::read("out/a.txt", 1, 3);
                let digest = artifacts::digest_of("out/a.txt");
                let bad: Vec<_> = ["../x", "/etc/passwd", "A", ""]
                    .iter()
                    .map(|name| artifacts::append(name, "text/plain", b"x").is_err())
                    .collect();
                say(format!("{written:?} {read:?} {} {bad:?}", digest.is_ok()))
            }
            "write-and-trap" => {
                let _written = artifacts::append("out/a.txt", "text/plain", b"hello");
                panic!("after writing")
            }
            "write-and-fail" => {
                let _written = artifacts::append("out/a.txt", "text/plain", b"hello");
                let _added = tests::add(&[case(Outcome::Success)]);
                Err(Error::Internal("after writing".to_owned()))
            }
            "fill" => {
                let chunk = vec![0_u8; 1 << 20];
                let written = (0..times).take_while(|_| artifacts::append("big", "text/plain", &chunk).is_ok()).count();
                say(format!("{written} MiB"))
            }
            "fill-or-fail" => {
                let chunk = vec![0_u8; 1 << 20];
                for _ in 0..times {
                    artifacts::append("big", "text/plain", &chunk)
                        .map_err(|error| Error::Internal(format!("{error:?}")))?;
                }
                say("filled".to_owned())
            }
            "post-or-fail" => {
                let body = http::Body::Bytes(vec![0_u8; times as usize]);
                let sent = http::send(&http::Request { method: "POST".to_owned(), body, ..get(&url) });
                sent.map(|_| verdict(Outcome::Success, "sent".to_owned()))
                    .map_err(|error| Error::Internal(format!("{error:?}")))
            }
            "get-many-or-fail" => {
                for _ in 0..times {
                    http::send(&get(&url)).map_err(|error| Error::Internal(format!("{error:?}")))?;
                }
                say("got them".to_owned())
            }
            "cases-or-fail" => {
                let cases = vec![case(Outcome::Success); 10_000];
                for _ in 0..times {
                    tests::add(&cases).map_err(|error| Error::Internal(format!("{error:?}")))?;
                }
                say("added".to_owned())
            }
            "get" => say(shown(http::send(&get(&url)))),
            "get-or-fail" => match http::send(&get(&url)) {
                Ok(_) => say("got it".to_owned()),
                Err(error) => Err(Error::Internal(format!("{error:?}"))),
            },
            "get-with-secret" => {
                let word = http::placeholder("token", http::Form::Raw).unwrap_or_default();
                let response = http::send(&http::Request {
                    method: "POST".to_owned(),
                    auth: Some("token".to_owned()),
                    body: http::Body::Bytes(format!("word={word}").into_bytes()),
                    ..get(&url)
                });
                logging::log(Level::Info, &word);
                say(shown(response))
            }
            "dump-memory" => {
                let seen = send_secret_everywhere(&url)?;
                let size = dump_memory()?;
                say(format!("{size} {}", black_box(seen).len()))
            }
            "download" => say(format!("{:?}", http::download(&get(&url), "saved", "text/plain"))),
            "get-many" => {
                let got = (0..times).take_while(|_| http::send(&get(&url)).is_ok()).count();
                say(format!("{got} requests"))
            }
            "evidence" => {
                let components = snapshot::components(0, 10);
                let read: Vec<_> = components
                    .iter()
                    .map(|one| {
                        format!("{} {}", one.name, evidence::manifest(&one.image).map_or(0, |bytes| bytes.len()))
                    })
                    .collect();
                let other = evidence::manifest("r.example/other@sha256:00").is_err();
                say(format!("{} {other}", read.join(",")))
            }
            "context" => say(format!(
                "{} {} {} {} {} {:?} {}",
                context.run,
                context.scenario,
                context.attempt,
                context.key,
                context.deadline - context.now,
                context.attributes.last(),
                snapshot::describe().name,
            )),
            other => Err(Error::Invalid(format!("`{other}` is nothing to do"))),
        }
    }
}
