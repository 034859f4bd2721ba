//! {{name}}: runs a job of a service over HTTP and collects its result. Replace the paths with those of your service.
//!
//! The service of this template: `POST /jobs` creates a job, `GET /jobs/ID` has its status, `GET /jobs/ID/log` its log,
//! and `DELETE /jobs/ID` cancels it. Between two calls, no instance of this program exists: all it knows is in `state`.

mod assay;
mod assay_http;
mod assay_output;
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "{{world}}" });
}

use assay_http::call;
use bindings::{
    assay::plugin::{
        checkpoint,
        types::{Context, Error, Severity, Verdict},
    },
    exports::assay::plugin::{
        metadata::{self, Manifest, Permission, Rule},
        remote_job::{self, Cancellation, Collected, State, Status, Waiting},
    },
};
use serde_json::{Value, json};

const PASSED: &str = concat!(env!("CARGO_PKG_NAME"), ".passed");
const POLL_MS: u32 = 10_000;

const PARAMS: &str = r#"{
  "type": "object",
  "properties": { "url": { "type": "string" } },
  "required": ["url"],
  "additionalProperties": false
}"#;

struct Plugin;

bindings::export!(Plugin with_types_in bindings);

impl metadata::Guest for Plugin {
    fn describe() -> Manifest {
        let permission = |kind: &str, name: &str, options: &[(&str, &str)], reason: &str| Permission {
            kind: kind.to_owned(),
            name: name.to_owned(),
            options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            reason: reason.to_owned(),
        };
        Manifest {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Runs a job of a service and reports its result.".to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: PARAMS.to_owned(),
            permissions: vec![
                permission("http", "{url}", &[("methods", "GET,POST,DELETE")], "the service with the jobs"),
                permission("checkpoint", "job", &[], "no job is made twice"),
            ],
            limits: Vec::new(),
            rules: vec![Rule {
                code: PASSED.to_owned(),
                title: "Job must pass".to_owned(),
                severity: Severity::High,
            }],
        }
    }
}

/// The state; begin it with your own version, so that a newer plugin can read it.
fn pack(job: &str, status: &str) -> State {
    json!({"version": 1, "job": job, "status": status}).to_string().into_bytes()
}

fn unpack(state: &[u8]) -> Result<(String, String), Error> {
    let known: Value = serde_json::from_slice(state).unwrap_or_default();
    match (known["version"].as_u64(), known["job"].as_str(), known["status"].as_str()) {
        (Some(1), Some(job), Some(status)) => Ok((job.to_owned(), status.to_owned())),
        _ => Err(assay::invalid("the state was written by another version of this plugin")),
    }
}

fn address(ctx: &Context, job: &str) -> Result<String, Error> {
    Ok(format!("{}/jobs/{job}", assay::text(ctx, "url")?))
}

fn waiting(ctx: &Context, job: &str, status: &str) -> Result<Status, Error> {
    Ok(Status::Waiting(Waiting {
        state: pack(job, status),
        after_ms: POLL_MS,
        native: status.to_owned(),
        url: Some(address(ctx, job)?),
    }))
}

/// The job that the checkpoint names, which was set as soon as the job existed.
fn noted() -> Option<String> {
    checkpoint::get("job").and_then(|note| String::from_utf8(note).ok())
}

impl remote_job::Guest for Plugin {
    fn submit(ctx: Context) -> Result<Status, Error> {
        if let Some(job) = noted() {
            return waiting(&ctx, &job, "queued");
        }
        // The service creates one job per key, however often it is requested.
        let url = format!("{}/jobs", assay::text(&ctx, "url")?);
        let made = call("POST", url).body(&json!({"key": ctx.key})).json()?;
        let job = match &made["id"] {
            Value::String(id) => id.clone(),
            id => id.to_string(),
        };
        checkpoint::set("job", job.as_bytes())
            .map_err(|error| Error::Internal(format!("the job {job} cannot be noted: {error:?}")))?;
        waiting(&ctx, &job, made["status"].as_str().unwrap_or("queued"))
    }

    fn poll(ctx: Context, state: State) -> Result<Status, Error> {
        let (job, _) = unpack(&state)?;
        let answer = call("GET", address(&ctx, &job)?).json()?;
        match answer["status"].as_str() {
            Some(status @ ("queued" | "running")) => waiting(&ctx, &job, status),
            Some(status) => Ok(Status::Ended(pack(&job, status))),
            None => Err(Error::Lost(format!("job {job} has no status"))),
        }
    }

    fn collect(ctx: Context, state: State) -> Result<Collected, Error> {
        let (job, status) = unpack(&state)?;
        let url = address(&ctx, &job)?;
        call("GET", format!("{url}/log")).download("console.log", "text/plain")?;
        let passed = status == "passed";
        let findings = if passed {
            Vec::new()
        } else {
            vec![assay::failure(PASSED, format!("job {job} ended with the status {status}"), &url)]
        };
        let verdict = assay::verdict(u32::from(passed), findings, format!("job {job}: {status}"));
        Ok(Collected::Done(Verdict { links: vec![("job".to_owned(), url)], ..verdict }))
    }

    fn cancel(ctx: Context, state: Option<State>, _reason: String) -> Result<Cancellation, Error> {
        let job = match state {
            Some(state) => Some(unpack(&state)?.0),
            None => noted(),
        };
        let Some(job) = job else { return Ok(Cancellation::Canceled) };
        match call("DELETE", address(&ctx, &job)?).send()?.status {
            ..300 | 404 | 410 => Ok(Cancellation::Canceled),
            status => Ok(Cancellation::Refused(format!("the service answered {status}"))),
        }
    }
}
