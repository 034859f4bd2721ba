//! A check that misbehaves as its parameter `do` says, so that each test shows one attack and its end.
#![expect(clippy::disallowed_methods, reason = "a guest that does what it should not is the point of it")]

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    hint::black_box,
    time::{Duration, Instant, SystemTime},
};

wit_bindgen::generate!({ path: "../../../wit/assay-plugin/0.1", world: "check" });

use assay::plugin::{
    evidence,
    logging::{self, Level},
    snapshot,
    types::{Context, Error, Finding, Outcome, Severity, Value},
};
use exports::assay::plugin::{image_check, metadata};

struct Hostile;

export!(Hostile);

const PARAMS: &str = r#"{
    "type": "object",
    "properties": {
        "do": { "type": "string", "description": "What to do." },
        "image": { "type": "string", "default": "", "description": "Whose evidence to read; the evaluated image's when empty." },
        "blob": { "type": "string", "default": "", "description": "The digest to read." },
        "times": { "type": "integer", "default": 1 }
    },
    "required": ["do"]
}"#;

impl metadata::Guest for Hostile {
    fn describe() -> metadata::Manifest {
        let rule = |code: &str| metadata::Rule {
            code: code.to_owned(),
            title: format!("Title of {code}"),
            severity: Severity::Medium,
        };
        metadata::Manifest {
            name: "hostile".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Misbehaves on demand.".to_owned(),
            license: "Apache-2.0".to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: PARAMS.to_owned(),
            permissions: vec![metadata::Permission {
                kind: "evidence".to_owned(),
                name: String::new(),
                options: Vec::new(),
                reason: "to misuse it".to_owned(),
            }],
            limits: Vec::new(),
            rules: vec![rule("hostile.said"), rule("hostile.silent")],
        }
    }
}

impl image_check::Guest for Hostile {
    fn evaluate(context: Context, image: String) -> Result<Vec<Finding>, Error> {
        let text = |name: &str| match context.params.iter().find(|param| param.name == name).map(|param| &param.value) {
            Some(Value::Text(text) | Value::Json(text)) => text.clone(),
            _ => String::new(),
        };
        let times: u64 = text("times").parse().unwrap_or(1);
        let whose = if text("image").is_empty() { image.clone() } else { text("image") };
        let say = |message: String| Ok(vec![finding("hostile.said", Outcome::Warning, message)]);
        match text("do").as_str() {
            "loop" => loop {
                black_box(());
            },
            "allocate" => {
                let mut held = Vec::new();
                loop {
                    held.push(vec![1_u8; 1 << 20]);
                    black_box(&held);
                }
            }
            "allocate-at-once" => {
                black_box(vec![1_u8; 1 << 30]);
                say("allocated 1 GiB".to_owned())
            }
            "trap" => panic!("the reason of the trap\x1b[31m"),
            "recurse" => say(format!("recursed {}", recurse(times.wrapping_mul(u64::MAX)))),
            "exit" => std::process::exit(0),
            "flood" => {
                for _ in 0..times {
                    logging::log(Level::Info, "flood\n\x1b[31m::error::forged");
                }
                say("flooded".to_owned())
            }
            "flood-stderr" => {
                for n in 0..times {
                    eprintln!("line {n} of stderr");
                }
                panic!("the last words")
            }
            "print" => {
                println!("{{\"result\":\"SUCCESS\"}}");
                say("printed".to_owned())
            }
            "undeclared" => Ok(vec![finding("hostile.undeclared", Outcome::Failure, "undeclared".to_owned())]),
            "foreign" => Ok(vec![finding("cve.found", Outcome::Success, "not mine to say".to_owned())]),
            "many" => {
                Ok((0..times).map(|n| finding("hostile.said", Outcome::Warning, format!("finding {n}"))).collect())
            }
            "long" => say("long ".repeat(usize::try_from(times).unwrap_or_default())),
            "fault" => Err(Error::Internal("something broke\x1b[31m".to_owned())),
            "error" => Ok(vec![finding("hostile.said", Outcome::Error, "no data".to_owned())]),
            "skip" => Ok(vec![finding("hostile.said", Outcome::Skipped, "not for this image".to_owned())]),
            "pass" => Ok(vec![finding("hostile.said", Outcome::Success, "looked at it".to_owned())]),
            "fail" => Ok(vec![Finding {
                terms: vec!["a".to_owned(), "b".to_owned()],
                solution: Some("Try again.".to_owned()),
                ..finding("hostile.said", Outcome::Failure, "it is bad".to_owned())
            }]),
            "nothing" => Ok(Vec::new()),
            "sleep" => {
                let before = Instant::now();
                std::thread::sleep(Duration::from_secs(3600));
                say(format!("slept for at least an hour: {}", before.elapsed() >= Duration::from_secs(3600)))
            }
            "world" => say(format!(
                "args {:?}, variables {:?}, files {}, network {}",
                std::env::args().collect::<Vec<_>>(),
                std::env::vars().collect::<Vec<_>>(),
                std::fs::read_dir("/").map_or_else(|error| error.kind().to_string(), |_| "seen".to_owned()),
                std::net::TcpStream::connect("127.0.0.1:80")
                    .map_or_else(|error| error.kind().to_string(), |_| "seen".to_owned()),
            )),
            "resolve" => say(std::net::ToSocketAddrs::to_socket_addrs("localhost:80")
                .map_or_else(|_| "no names".to_owned(), |_| "a name was resolved".to_owned())),
            "time" => {
                let start = Instant::now();
                let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let random = RandomState::new().build_hasher().finish();
                say(format!(
                    "wall {} now {} elapsed {} random {random} seed {} key {}",
                    wall.as_millis(),
                    context.now,
                    start.elapsed().as_nanos(),
                    context.seed,
                    context.key,
                ))
            }
            "hammer" => loop {
                black_box(snapshot::describe());
            },
            "gorge" => loop {
                black_box(evidence::manifest(&whose).is_ok());
            },
            "evidence" => say(format!(
                "manifest {} config {} layers {} signatures {} attestations {}",
                reported(evidence::manifest(&whose).map(|bytes| bytes.len())),
                reported(evidence::config(&whose).map(|bytes| bytes.len())),
                reported(evidence::layers(&whose).map(|layers| layers.len())),
                reported(evidence::signatures(&whose).map(|signers| signers.len())),
                reported(evidence::attestations(&whose).map(|attestations| attestations.len())),
            )),
            // An error is swallowed on purpose.
            "read" => say(match evidence::read(&whose, &text("blob"), 0, u32::MAX) {
                Ok(bytes) => format!("{} bytes", bytes.len()),
                Err(error) => reported(Err(error)),
            }),
            "snapshot" => {
                let components = snapshot::components(0, 1000);
                let shown: Vec<_> =
                    components.iter().map(|one| format!("{} {} {:?}", one.name, one.image, one.source)).collect();
                let head = snapshot::describe();
                let text = snapshot::raw(3);
                say(format!(
                    "{} of {:?}: {}; {}",
                    head.components,
                    head.name,
                    shown.join(", "),
                    String::from_utf8_lossy(&text)
                ))
            }
            "params" => {
                say(format!("{:?}", context.params.iter().map(|param| (&param.name, &param.value)).collect::<Vec<_>>()))
            }
            other => Err(Error::Invalid(format!("`{other}` is nothing to do"))),
        }
    }
}

fn finding(code: &str, outcome: Outcome, message: String) -> Finding {
    Finding {
        code: code.to_owned(),
        outcome,
        severity: Severity::High,
        message,
        subject: None,
        terms: Vec::new(),
        solution: None,
    }
}

fn reported(result: Result<usize, evidence::Error>) -> String {
    match result {
        Ok(count) => count.to_string(),
        Err(evidence::Error::NotFound) => "not found".to_owned(),
        Err(evidence::Error::Denied(why)) => format!("denied: {why}"),
        Err(evidence::Error::TooLarge(size)) => format!("too large: {size}"),
        Err(evidence::Error::Unavailable(why)) => format!("unavailable: {why}"),
    }
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = [depth; 64];
    if depth == 0 { 0 } else { black_box(frame)[7].wrapping_add(recurse(black_box(depth - 1))) }
}
