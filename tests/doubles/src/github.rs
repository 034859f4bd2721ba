//! GitHub Actions: workflows that are dispatched, their runs and the jobs of those (REST API, version 2022-11-28).

use serde_json::{Value, json};

use crate::{
    double::{credential, nonsense},
    http::{Request, Response},
    jobs::{Job, Jobs, Phase},
};

const FIRST: u64 = 9_000_000_000;

fn run(jobs: &Jobs, job: &Job) -> Value {
    let (status, conclusion) = match job.phase {
        _ if jobs.faults.has("unknown-state") && job.phase != Phase::Canceled => ("levitating", Value::Null),
        Phase::Queued => ("queued", Value::Null),
        Phase::Running => ("in_progress", Value::Null),
        Phase::Ended => ("completed", json!(jobs.result)),
        Phase::Canceled => ("completed", json!("cancelled")),
    };
    let id = if jobs.faults.has("other-tenant") { 1 } else { FIRST + job.number };
    json!({
        "id": id, "name": job.name, "display_title": format!("{} {}", job.name, job.key), "event": "workflow_dispatch",
        "head_branch": job.request["ref"], "run_number": job.number, "run_attempt": 1, "status": status, "conclusion": conclusion,
        "html_url": format!("{}/pages/{}", jobs.base, job.number), "created_at": job.created.to_string(),
    })
}

fn number(id: &str) -> Option<String> {
    id.parse::<u64>().ok()?.checked_sub(FIRST).map(|number| number.to_string())
}

pub(crate) fn answer(jobs: &mut Jobs, request: &Request) -> Response {
    let message = |status: u16, text: &str| {
        Response::json(
            status,
            &json!({"message": text, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()}),
        )
    };
    if credential(request).is_none() {
        return message(401, "Requires authentication");
    }
    let parts = request.parts();
    let ["repos", _, _, "actions", rest @ ..] = parts.as_slice() else { return message(404, "Not Found") };
    match (request.method.as_str(), rest) {
        ("POST", ["workflows", workflow, "dispatches"]) => {
            let Some(body) = request.json().filter(|body| body["ref"].is_string()) else {
                return message(422, "Invalid request.\\n\\n\\\"ref\\\" wasn't supplied.");
            };
            let key = body["inputs"]["assay_key"].as_str().unwrap_or_default().to_owned();
            let job = jobs.make(workflow, &key, body, |number| number.to_string()).clone();
            Response::empty(204).made(job.id)
        }
        ("GET", ["workflows", workflow, "runs"]) => {
            let runs: Vec<Value> = jobs
                .all
                .iter()
                .rev()
                .filter(|job| job.name == *workflow && !job.is_gone)
                .take(100)
                .map(|job| run(jobs, job))
                .collect();
            Response::json(200, &json!({"total_count": runs.len(), "workflow_runs": runs}))
        }
        ("GET", ["runs", id]) => match number(id).and_then(|id| jobs.poll(&id).cloned()) {
            Some(job) => nonsense(jobs).unwrap_or_else(|| Response::json(200, &run(jobs, &job))),
            None => message(404, "Not Found"),
        },
        ("GET", ["runs", id, "jobs"]) => {
            let Some(job) = number(id).and_then(|id| jobs.find(&id)) else { return message(404, "Not Found") };
            let steps = json!([{"name": "Set up job", "status": "completed", "conclusion": "success", "number": 1}]);
            let conclusion = run(jobs, job)["conclusion"].clone();
            Response::json(
                200,
                &json!({"total_count": 1, "jobs": [{"id": 1, "run_id": FIRST + job.number, "name": "test",
                "status": "completed", "conclusion": conclusion, "html_url": format!("{}/pages/{}", jobs.base, job.number), "steps": steps}]}),
            )
        }
        ("GET", ["jobs", _, "logs"]) => {
            Response::empty(302).header("Location", "https://results.githubusercontent.example/log?signature=secret")
        }
        ("POST", ["runs", id, "cancel" | "force-cancel"]) => match number(id).and_then(|id| jobs.cancel(&id)) {
            Some(true) => Response::json(202, &json!({})),
            Some(false) => message(409, "Cannot cancel a workflow run that is completed."),
            None => message(404, "Not Found"),
        },
        _ => message(404, "Not Found"),
    }
}
