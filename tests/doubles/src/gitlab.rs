//! GitLab: pipelines that are made by the API, their variables, jobs and test reports (REST API, version 4).

use serde_json::{Value, json};

use crate::{
    double::{credential, nonsense},
    http::{Request, Response},
    jobs::{Job, Jobs, Phase},
};

const FIRST: u64 = 5_000;

fn pipeline(jobs: &Jobs, job: &Job) -> Value {
    let status = match job.phase {
        _ if jobs.faults.has("unknown-state") && job.phase != Phase::Canceled => "levitating",
        Phase::Queued => "pending",
        Phase::Running => "running",
        Phase::Ended => jobs.result.as_str(),
        Phase::Canceled => "canceled",
    };
    let id = if jobs.faults.has("other-tenant") { 1 } else { FIRST + job.number };
    json!({
        "id": id, "iid": job.number, "project_id": 7, "sha": "0".repeat(40), "ref": job.request["ref"], "status": status,
        "source": "api", "created_at": job.created.to_string(), "updated_at": job.created.to_string(),
        "web_url": format!("{}/pages/{}", jobs.base, job.number), "yaml_errors": null,
    })
}

fn number(id: &str) -> Option<String> {
    id.parse::<u64>().ok()?.checked_sub(FIRST).map(|number| number.to_string())
}

pub(crate) fn answer(jobs: &mut Jobs, request: &Request) -> Response {
    let message = |status: u16, text: &str| Response::json(status, &json!({"message": text}));
    if credential(request).is_none() {
        return message(401, "401 Unauthorized");
    }
    let parts = request.parts();
    let ["api", "v4", "projects", _, rest @ ..] = parts.as_slice() else { return message(404, "404 Not Found") };
    match (request.method.as_str(), rest) {
        ("POST", ["pipeline"]) => {
            let Some(body) = request.json().filter(|body| body["ref"].is_string()) else {
                return message(400, "ref is missing");
            };
            let variables = body["variables"].as_array().into_iter().flatten();
            let key = variables
                .filter(|variable| variable["key"] == "ASSAY_KEY")
                .find_map(|variable| variable["value"].as_str());
            let key = key.unwrap_or_default().to_owned();
            let job = jobs.make("pipeline", &key, body, |number| number.to_string()).clone();
            Response::json(201, &pipeline(jobs, &job)).made(job.id)
        }
        ("GET", ["pipelines"]) => {
            let wanted = request.query("ref").unwrap_or_default();
            let all: Vec<Value> = jobs
                .all
                .iter()
                .rev()
                .filter(|job| job.request["ref"] == wanted && !job.is_gone)
                .take(20)
                .map(|job| pipeline(jobs, job))
                .collect();
            Response::json(200, &all.into())
        }
        ("GET", ["pipelines", id]) => match number(id).and_then(|id| jobs.poll(&id).cloned()) {
            Some(job) => nonsense(jobs).unwrap_or_else(|| Response::json(200, &pipeline(jobs, &job))),
            None => message(404, "404 Not found"),
        },
        ("GET", ["pipelines", id, "variables"]) => match number(id).and_then(|id| jobs.find(&id)) {
            Some(job) => Response::json(200, &job.request["variables"]),
            None => message(404, "404 Not found"),
        },
        ("GET", ["pipelines", id, "jobs"]) => match number(id).and_then(|id| jobs.find(&id)) {
            Some(job) => {
                let status = pipeline(jobs, job)["status"].clone();
                Response::json(
                    200,
                    &json!([{"id": 31, "name": "test", "stage": "test", "status": status, "duration": 1.5,
                    "web_url": format!("{}/pages/{}", jobs.base, job.number)}]),
                )
            }
            None => message(404, "404 Not found"),
        },
        ("GET", ["jobs", _, "trace"]) => {
            Response { is_endless: jobs.faults.has("endless-log"), ..Response::text(200, "running\ndone\n") }
        }
        ("GET", ["pipelines", id, "test_report"]) if number(id).is_some() => {
            let failed = u32::from(jobs.result != "success");
            if jobs.faults.has("no-report") {
                return message(404, "404 Not found");
            }
            let case = |name: &str, status: &str| json!({"status": status, "name": name, "classname": "shop", "execution_time": 0.5});
            let last = case("last", if failed == 0 { "success" } else { "failed" });
            Response::json(
                200,
                &json!({"total_time": 1.0, "total_count": 2, "success_count": 2 - failed, "failed_count": failed,
                "skipped_count": 0, "error_count": 0,
                "test_suites": [{"name": "test", "total_count": 2, "test_cases": [case("first", "success"), last]}]}),
            )
        }
        ("POST", ["pipelines", id, "cancel"]) => match number(id).and_then(|id| jobs.cancel(&id).map(|_| id)) {
            Some(id) => {
                let job = jobs.find(&id).cloned();
                job.map_or_else(|| message(404, "404 Not found"), |job| Response::json(200, &pipeline(jobs, &job)))
            }
            None => message(404, "404 Not found"),
        },
        _ => message(404, "404 Not Found"),
    }
}
