//! A service of no one: `POST /jobs`, `GET /jobs?key=`, `GET /jobs/ID`, `DELETE /jobs/ID`, `GET /jobs/ID/log` and `/junit.xml`.

use serde_json::{Value, json};

use crate::{
    double::{credential, junit, nonsense},
    http::{Request, Response},
    jobs::{Job, Jobs, Phase},
};

fn status(jobs: &Jobs, job: &Job) -> Value {
    let state = match job.phase {
        _ if jobs.faults.has("unknown-state") && job.phase != Phase::Canceled => "levitating",
        Phase::Queued => "queued",
        Phase::Running => "running",
        Phase::Ended => jobs.result.as_str(),
        Phase::Canceled => "canceled",
    };
    let id = if jobs.faults.has("other-tenant") { "999999" } else { &job.id };
    json!({"id": id, "state": state, "url": format!("{}/pages/{}", jobs.base, job.number)})
}

pub(crate) fn answer(jobs: &mut Jobs, request: &Request) -> Response {
    let none = || Response::json(404, &json!({"error": "there is no such job"}));
    if matches!(request.method.as_str(), "POST" | "DELETE") && credential(request).is_none() {
        return Response::json(401, &json!({"error": "a credential is needed"}));
    }
    match (request.method.as_str(), request.parts().as_slice()) {
        ("POST", ["jobs"]) => {
            let Some(body) = request.json().filter(Value::is_object) else {
                return Response::json(422, &json!({"error": "the body is not an object"}));
            };
            let key = body["key"].as_str().unwrap_or_default().to_owned();
            let job = jobs.make("job", &key, body, |number| number.to_string()).clone();
            Response::json(201, &status(jobs, &job)).made(job.id)
        }
        ("GET", ["jobs"]) => match jobs.of_key(request.query("key").unwrap_or_default()) {
            Some(job) => Response::json(200, &status(jobs, job)),
            None => none(),
        },
        ("GET", ["jobs", id]) => {
            let Some(job) = jobs.poll(id).cloned() else { return none() };
            nonsense(jobs).unwrap_or_else(|| Response::json(200, &status(jobs, &job)))
        }
        ("DELETE", ["jobs", id]) => match jobs.cancel(id) {
            Some(true) => Response::empty(204),
            Some(false) => Response::json(409, &json!({"error": "the job has ended"})),
            None => none(),
        },
        ("GET", ["jobs", id, "log"]) if jobs.find(id).is_some() => {
            let response = Response::text(200, "line one\nline two\n");
            Response { is_endless: jobs.faults.has("endless-log"), ..response }
        }
        ("GET", ["jobs", id, "junit.xml"]) if jobs.find(id).is_some() => {
            let report = junit(jobs, jobs.result == "passed");
            report.map_or_else(none, |report| Response::new(200, "application/xml", report))
        }
        _ => none(),
    }
}
