//! An adapter that does what its parameter `do` says. Its remote job is a count in its state.

wit_bindgen::generate!({ path: "../../../wit/assay-plugin/0.1", world: "adapter" });

use assay::plugin::{
    artifacts, checkpoint,
    tests::{self, TestCase},
    types::{Context, Error, Outcome, Severity, Value, Verdict},
};
use exports::assay::plugin::{
    metadata,
    remote_job::{self, Cancellation, Collected, Status, Waiting},
};

struct Hostile;

export!(Hostile);

impl metadata::Guest for Hostile {
    fn describe() -> metadata::Manifest {
        metadata::Manifest {
            name: "hostile-adapter".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Misbehaves on demand.".to_owned(),
            license: "Apache-2.0".to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: r#"{"type": "object", "properties": {"do": {"type": "string", "default": ""}}}"#.to_owned(),
            permissions: vec![metadata::Permission {
                kind: "checkpoint".to_owned(),
                name: String::new(),
                options: Vec::new(),
                reason: "to note the job".to_owned(),
            }],
            limits: Vec::new(),
            rules: vec![metadata::Rule {
                code: "hostile-adapter.said".to_owned(),
                title: "Title".to_owned(),
                severity: Severity::Low,
            }],
        }
    }
}

fn what(context: &Context) -> String {
    match context.params.first().map(|param| &param.value) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn waiting(state: Vec<u8>, after_ms: u32) -> Waiting {
    Waiting { state, after_ms, native: "QUEUED\x1b[31m".to_owned(), url: Some("javascript:alert(1)".to_owned()) }
}

impl remote_job::Guest for Hostile {
    fn submit(context: Context) -> Result<Status, Error> {
        match what(&context).as_str() {
            "large" => return Ok(Status::Waiting(waiting(vec![0; 10 << 20], 0))),
            "medium" => return Ok(Status::Waiting(waiting(vec![0; 20 << 10], 0))),
            "never" => return Ok(Status::Waiting(waiting(vec![1], u32::MAX))),
            "keys" => {
                let kept = (0..1_000).take_while(|at| checkpoint::set(&format!("k{at}"), b"").is_ok()).count();
                return Err(Error::Internal(format!("{kept} keys")));
            }
            _ => {}
        }
        if let Some(noted) = checkpoint::get("job") {
            return Ok(Status::Waiting(waiting(noted, 1)));
        }
        checkpoint::set("job", &[1]).map_err(|error| Error::Internal(format!("{error:?}")))?;
        if what(&context) == "trap-after-note" {
            panic!("after the note");
        }
        Ok(Status::Waiting(waiting(vec![1], 1)))
    }

    fn poll(context: Context, state: Vec<u8>) -> Result<Status, Error> {
        let step = state.first().copied().unwrap_or_default();
        match what(&context).as_str() {
            "lost" => Err(Error::Lost("the queue has no such item".to_owned())),
            _ if step < 3 => Ok(Status::Waiting(waiting(vec![step + 1], 60_000))),
            _ => Ok(Status::Ended(vec![0])),
        }
    }

    fn collect(_: Context, state: Vec<u8>) -> Result<Collected, Error> {
        let step = state.first().copied().unwrap_or_default();
        let fail = |error: String| Error::Internal(error);
        artifacts::append("console.log", "text/plain", format!("part {step}\n").as_bytes())
            .map_err(|error| fail(format!("{error:?}")))?;
        let outcome = if step == 1 { Outcome::Failure } else { Outcome::Success };
        let case = TestCase { suite: "s".to_owned(), name: format!("{step}"), outcome, millis: 1, message: None };
        tests::add(&[case]).map_err(|error| fail(format!("{error:?}")))?;
        if step < 2 {
            return Ok(Collected::More(vec![step + 1]));
        }
        let log = artifacts::read("console.log", 0, 1_000).map_err(|error| fail(format!("{error:?}")))?;
        Ok(Collected::Done(Verdict {
            outcome: Outcome::Failure,
            successes: 0,
            failures: 0,
            warnings: 0,
            namespace: None,
            note: Some(String::from_utf8_lossy(&log).into_owned()),
            timestamp: None,
            findings: Vec::new(),
            results: vec![("BUILD".to_owned(), "7".to_owned())],
            links: Vec::new(),
        }))
    }

    fn cancel(_: Context, state: Option<Vec<u8>>, reason: String) -> Result<Cancellation, Error> {
        Ok(match state {
            None => Cancellation::Canceled,
            Some(state) if state.is_empty() => Cancellation::Refused(reason),
            Some(state) => Cancellation::Pending(waiting(state, 5_000)),
        })
    }
}
