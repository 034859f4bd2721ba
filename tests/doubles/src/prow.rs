//! Prow: gangway (`/v1/executions`, as `grpc-gateway` writes `gangway.proto`), deck (`/prowjob`, `/abort`) and the artifacts.

use serde_json::{Value, json};

use crate::{
    double::{credential, junit, nonsense},
    http::{Request, Response},
    jobs::{Job, Jobs, Phase},
};

fn id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The word of deck; gangway has it in upper case.
fn state(jobs: &Jobs, job: &Job) -> String {
    match job.phase {
        _ if jobs.faults.has("unknown-state") && job.phase != Phase::Canceled => "levitating".to_owned(),
        Phase::Queued => "triggered".to_owned(),
        Phase::Running => "pending".to_owned(),
        Phase::Ended => jobs.result.to_ascii_lowercase(),
        Phase::Canceled => "aborted".to_owned(),
    }
}

fn build(job: &Job) -> u64 {
    1_900_000_000_000_000_000 + job.number
}

fn folder(job: &Job) -> String {
    format!("logs/{}/{}", job.name, build(job))
}

fn execution(jobs: &Jobs, job: &Job) -> Value {
    let mut shown = json!({
        "id": if jobs.faults.has("other-tenant") { id(999_999) } else { job.id.clone() },
        "job_name": job.name,
        "job_type": kind(&job.request),
        "job_status": state(jobs, job).to_ascii_uppercase(),
        "create_time": job.created.to_string(),
        "pod_spec_options": job.request.get("pod_spec_options"),
        "refs": job.request.get("refs"),
    });
    if let Some(object) = shown.as_object_mut() {
        if !job.is_open() {
            object.insert("completion_time".to_owned(), job.created.to_string().into());
        }
        // The gateway leaves out what is not set.
        object.retain(|_, value| !value.is_null());
    }
    shown
}

fn kind(request: &Value) -> &'static str {
    match request["job_execution_type"].as_str().unwrap_or_default() {
        "2" | "POSTSUBMIT" => "POSTSUBMIT",
        "3" | "PRESUBMIT" => "PRESUBMIT",
        _ => "PERIODIC",
    }
}

/// A `ProwJob`, as deck writes it.
fn document(jobs: &Jobs, job: &Job) -> String {
    let (state, url) = (state(jobs, job), format!("{}/view/gs/test-platform-results/{}", jobs.base, folder(job)));
    let status = if job.phase == Phase::Queued {
        String::new()
    } else {
        format!("  build_id: \"{}\"\n  description: Job {state}.\n  url: {url}\n", build(job))
    };
    let annotations: String = job.request["pod_spec_options"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("    {name}: {value}\n"))
        .collect();
    format!(
        "apiVersion: prow.k8s.io/v1\nkind: ProwJob\nmetadata:\n  annotations:\n    prow.k8s.io/job: {}\n{annotations}  name: {}\nspec:\n  job: {}\n  type: {}\nstatus:\n{status}  startTime: \"{}\"\n  state: {state}\n",
        job.name,
        job.id,
        job.name,
        kind(&job.request).to_ascii_lowercase(),
        job.created
    )
}

pub(crate) fn answer(jobs: &mut Jobs, request: &Request) -> Response {
    // As `google.rpc.Status` is written.
    let error = |status: u16, code: u16, text: &str| {
        Response::json(status, &json!({"code": code, "message": text, "details": []}))
    };
    let parts = request.parts();
    if parts.first() == Some(&"v1") && credential(request).is_none() {
        return error(403, 7, "no api key or bearer token");
    }
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["v1", "executions"]) => {
            let Some(body) = request.json().filter(|body| body["job_name"].is_string()) else {
                return error(400, 3, "job_name is required");
            };
            if kind(&body) != "PERIODIC" && !body["refs"].is_object() {
                return error(400, 3, "refs are required for this type of job");
            }
            let name = body["job_name"].as_str().unwrap_or_default().to_owned();
            if name.starts_with("none") {
                return error(404, 5, "the job is not known");
            }
            let key = body["pod_spec_options"]["annotations"]["assay.dev/key"].as_str().unwrap_or_default().to_owned();
            let job = jobs.make(&name, &key, body, id).clone();
            Response::json(200, &execution(jobs, &job)).made(job.id)
        }
        ("GET", ["v1", "executions"]) => {
            let name = request.query("job_name").unwrap_or_default();
            let all: Vec<Value> = jobs
                .all
                .iter()
                .filter(|job| job.name == name && !job.is_gone)
                .map(|job| execution(jobs, job))
                .collect();
            Response::json(200, &json!({"job_execution": all}))
        }
        ("GET", ["v1", "executions", id]) => match jobs.poll(id).cloned() {
            Some(job) => nonsense(jobs).unwrap_or_else(|| Response::json(200, &execution(jobs, &job))),
            None => error(404, 5, "failed to find the job"),
        },
        ("GET", ["prowjob"]) => {
            let id = request.query("prowjob").unwrap_or_default().to_owned();
            match jobs.poll(&id).cloned() {
                Some(job) => nonsense(jobs)
                    .unwrap_or_else(|| Response::new(200, "text/plain; charset=utf-8", document(jobs, &job))),
                None => Response::text(404, "ProwJob not found"),
            }
        }
        ("POST", ["abort"]) => {
            if credential(request).is_none() {
                return Response::text(401, "you are not logged in");
            }
            match jobs.cancel(request.query("prowjob").unwrap_or_default()) {
                Some(true) => Response::text(200, "the job was aborted"),
                Some(false) => Response::text(400, "cannot abort a job that is complete"),
                None => Response::text(404, "ProwJob not found"),
            }
        }
        ("GET", [.., "build-log.txt"]) => {
            Response { is_endless: jobs.faults.has("endless-log"), ..Response::text(200, "step one\nstep two\n") }
        }
        ("GET", [.., "finished.json"]) => {
            let passed = jobs.result == "SUCCESS";
            Response::json(200, &json!({"timestamp": jobs.now().as_second(), "passed": passed, "result": jobs.result}))
        }
        ("GET", [.., "artifacts", file]) if file.starts_with("junit") => {
            let report = junit(jobs, jobs.result == "SUCCESS");
            report.map_or_else(|| Response::text(404, "none"), |report| Response::new(200, "application/xml", report))
        }
        _ => Response::text(404, "Not Found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Faults;

    /// What Go's `protojson` writes of messages of `gangway.proto` (sigs.k8s.io/prow v0.0.0-20240619181241-cfb8754e0459, `UseProtoNames`).
    const GOLDEN: [(&str, &str); 4] = [
        ("request", include_str!("../golden/create_request.json")),
        ("triggered", include_str!("../golden/execution_triggered.json")),
        ("success", include_str!("../golden/execution_success.json")),
        ("list", include_str!("../golden/executions.json")),
    ];

    fn golden(name: &str) -> Value {
        let found = GOLDEN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).unwrap_or_default();
        serde_json::from_str(found).unwrap_or_default()
    }

    fn request(method: &str, path: &str, query: &[(&str, &str)], body: &Value) -> Request {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let headers = [("authorization".to_owned(), "Bearer token".to_owned())].into();
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers,
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn executions_are_written_as_protojson_writes_them() {
        let mut jobs = Jobs::new(Faults::default(), 1, "SUCCESS".to_owned(), String::new());
        let mut send = |sent: Request| {
            let response = answer(&mut jobs, &sent);
            for job in &mut jobs.all {
                job.created = "2026-01-01T00:00:00Z".parse().unwrap_or_default();
            }
            (response.status, serde_json::from_slice::<Value>(&response.body).unwrap_or_default())
        };
        let (status, mut made) = send(request("POST", "/v1/executions", &[], &golden("request")));
        made["create_time"] = "2026-01-01T00:00:00Z".into();
        assert_eq!((status, made), (200, golden("triggered")));
        let list = send(request("GET", "/v1/executions", &[("job_name", "periodic-ci-shop-e2e")], &Value::Null));
        assert_eq!(list, (200, golden("list")));
        let path = format!("/v1/executions/{}", id(1));
        send(request("GET", &path, &[], &Value::Null));
        assert_eq!(send(request("GET", &path, &[], &Value::Null)), (200, golden("success")));
    }
}
