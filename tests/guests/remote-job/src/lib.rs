//! An adapter of a service that has jobs: `POST /jobs` makes one for a key, `GET /jobs/ID` says how it stands, `GET /jobs/ID/log`
//! has its log, `DELETE /jobs/ID` cancels it. It has no search, or one by `POST /search`.

use assay_sdk::{
    Context, Error, Permission, Rule, Severity, VerdictExt as _, artifacts, failure, http, invalid,
    state::{Cancellation, Collected, Status, note, set_note},
    verdict,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

const PASSED: &str = "remote-job.passed";

assay_sdk::params! {
    /// The parameters.
    pub struct Params {
        /// The service.
        url: String;
        /// Whether requests carry the secret `token`.
        secret: bool = false;
        /// Whether a job is looked for before another one is made.
        search: bool = false;
    }
}

#[derive(Deserialize, Serialize)]
struct Job {
    id: String,
    status: String,
}

assay_sdk::adapter! {
    summary: "Runs a job of a service.",
    params: Params,
    rules: [Rule::new(PASSED, "Job must pass", Severity::High)],
    permissions: [
        Permission::http("{url}", "GET,POST,DELETE", "the service has the job"),
        Permission::secret("token", "{url}", "the service may need a login"),
        Permission::checkpoint("a job is made once"),
    ],
    state: Job,
    submit: submit,
    poll: poll,
    collect: collect,
    cancel: cancel,
}

fn call(ctx: &Context<Params>, method: &str, path: &str) -> http::Call {
    let call = http::call(method, format!("{}/jobs{path}", ctx.params.url));
    if ctx.params.secret { call.secret("token") } else { call }
}

fn waiting(ctx: &Context<Params>, job: Job) -> Status<Job> {
    let (native, url) = (job.status.clone(), format!("{}/jobs/{}", ctx.params.url, job.id));
    Status::Waiting { state: job, after_ms: 1_000, native, url: Some(url) }
}

fn submit(ctx: &Context<Params>) -> Result<Status<Job>, Error> {
    if let Some(id) = note("job") {
        return Ok(waiting(ctx, Job { id, status: "queued".to_owned() }));
    }
    if ctx.params.search && ctx.attempt > 1 {
        let call = http::call("POST", format!("{}/search", ctx.params.url)).json_body(&json!({"key": ctx.key}));
        if let Some(job) = call.json::<Vec<Job>>()?.into_iter().next() {
            set_note("job", &job.id)?;
            return Ok(waiting(ctx, job));
        }
    }
    let job: Job = call(ctx, "POST", "").json_body(&json!({"key": ctx.key})).json()?;
    set_note("job", &job.id)?;
    Ok(waiting(ctx, job))
}

fn poll(ctx: &Context<Params>, job: Job) -> Result<Status<Job>, Error> {
    let job: Job = call(ctx, "GET", &format!("/{}", job.id)).json()?;
    Ok(if matches!(job.status.as_str(), "queued" | "running") { waiting(ctx, job) } else { Status::Ended(job) })
}

fn collect(ctx: &Context<Params>, job: Job) -> Result<Collected<Job>, Error> {
    call(ctx, "GET", &format!("/{}/log", job.id)).download("console.log", "text/plain")?;
    let log = artifacts::read("console.log")?;
    if log.is_empty() {
        return Err(invalid("the log is empty"));
    }
    let findings = match job.status.as_str() {
        "passed" => Vec::new(),
        status => vec![failure(PASSED, format!("job {} ended with the status {status}", job.id))],
    };
    let successes = u32::from(findings.is_empty());
    Ok(Collected::Done(verdict(successes, findings).note(format!("{} bytes of log", log.len()))))
}

fn cancel(ctx: &Context<Params>, job: Option<Job>, _reason: &str) -> Result<Cancellation, Error> {
    let Some(id) = job.map(|job| job.id).or_else(|| note("job")) else { return Ok(Cancellation::Canceled) };
    Ok(match call(ctx, "DELETE", &format!("/{id}")).send()?.status {
        ..300 | 404 => Cancellation::Canceled,
        status => Cancellation::Refused(format!("the service answered {status}")),
    })
}
