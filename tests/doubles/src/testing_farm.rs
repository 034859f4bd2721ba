//! Testing Farm v0.1: `POST`, `GET` and `DELETE /v0.1/requests`, and the folder of artifacts.

use serde_json::{Value, json};

use crate::{
    double::{ENTITY_BOMB, credential, nonsense},
    http::{Request, Response},
    jobs::{Job, Jobs, Phase},
};

fn uuid(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A request as the service shows it.
fn shown(jobs: &Jobs, job: &Job) -> Value {
    let word = jobs.result.as_str();
    let state = match job.phase {
        _ if jobs.faults.has("unknown-state") && job.phase != Phase::Canceled => "levitating",
        Phase::Queued => "queued",
        Phase::Running => "running",
        Phase::Ended if word == "error" => "error",
        Phase::Ended => "complete",
        Phase::Canceled => "canceled",
    };
    let time = job.created.to_string();
    let has_ended = matches!(job.phase, Phase::Ended);
    let overall = if has_ended { word } else { "unknown" };
    let artifacts = format!("{}/artifacts/{}", jobs.base, job.number);
    let result =
        json!({"summary": null, "overall": overall, "xunit": null, "xunit_url": format!("{artifacts}/results.xml")});
    // What was not requested is there with its default.
    let environment = |given: &Value| {
        json!({"arch": given["arch"], "os": given["os"].as_object().map_or_else(|| json!({"compose": "container"}), |os| json!(os)),
               "pool": null, "artifacts": given["artifacts"], "hardware": given["hardware"], "settings": {"pipeline": {}, "provisioning": {}},
               "tmt": {"context": given["tmt"]["context"]}, "variables": given.get("variables").cloned().unwrap_or_else(|| json!({}))})
    };
    let environments: Vec<Value> =
        job.request["environments"].as_array().into_iter().flatten().map(environment).collect();
    json!({
        "id": if jobs.faults.has("other-tenant") { uuid(999_999) } else { job.id.clone() },
        "user_id": uuid(1), "token_id": uuid(2),
        "test": {"fmf": job.request["test"].get("fmf").cloned(), "sti": job.request["test"].get("sti").cloned()},
        "state": state,
        "environments_requested": environments,
        "notes": [],
        "result": result,
        "run": {"console": null, "stages": null, "artifacts": artifacts},
        "settings": job.request.get("settings").cloned().unwrap_or_else(|| json!({})),
        "notification": job.request.get("notification").cloned(),
        "user": job.request.get("user").cloned().unwrap_or_else(|| json!({})),
        "queued_time": 1.0, "run_time": if has_ended { json!(2.0) } else { Value::Null },
        "created": time, "updated": time,
    })
}

/// The key, which the adapter puts into the context of each environment.
fn key(body: &Value) -> String {
    let context = &body["environments"][0]["tmt"]["context"]["assay_key"];
    context.as_str().unwrap_or_default().to_owned()
}

fn report(jobs: &Jobs) -> Option<String> {
    if jobs.faults.has("no-report") {
        return None;
    }
    if jobs.faults.has("entity-bomb") {
        return Some(ENTITY_BOMB.to_owned());
    }
    let count = if jobs.faults.has("many-cases") { 1_000_000 } else { 2 };
    let word = jobs.result.as_str();
    let mut text = format!(
        "<?xml version=\"1.0\"?><testsuites overall-result=\"{word}\"><testsuite name=\"/plans/all\" result=\"{word}\" tests=\"{count}\" stage=\"complete\">"
    );
    for number in 1..count {
        text.push_str(&format!("<testcase name=\"/tests/{number}\" result=\"passed\" time=\"1\"/>"));
    }
    let last = if word == "failed" { "failed" } else { "passed" };
    let failure = if last == "failed" { "<failure/>" } else { "" };
    text.push_str(&format!(
        "<testcase name=\"/tests/last\" result=\"{last}\" time=\"1\">{failure}</testcase></testsuite></testsuites>"
    ));
    Some(text)
}

pub(crate) fn answer(jobs: &mut Jobs, request: &Request) -> Response {
    let message = |status: u16, text: &str| Response::json(status, &json!({"code": status, "message": text}));
    let parts = request.parts();
    let needs = matches!(request.method.as_str(), "POST" | "DELETE") || parts.last() == Some(&"whoami");
    let body = request.json();
    let has_key = body.as_ref().is_some_and(|body| body["api_key"].is_string());
    if needs && credential(request).is_none() && !has_key {
        return message(401, "Unauthorized");
    }
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["v0.1", "requests"]) => {
            let Some(body) = body.filter(|body| body["test"]["fmf"].is_object() != body["test"]["sti"].is_object())
            else {
                return message(400, "Test section is empty or test type is wrong.");
            };
            let job = jobs.make("request", &key(&body), body, uuid).clone();
            let answer = json!({
                "id": job.id, "created": job.created.to_string(),
                "updated": job.created.to_string(), "state": "new", "notes": [],
                "test": job.request["test"], "environments": job.request.get("environments"),
                "settings": job.request.get("settings"), "notification": job.request.get("notification"),
                "api_key": "hidden", "result": null, "run": null,
            });
            Response::json(200, &answer).made(job.id)
        }
        ("GET", ["v0.1", "requests"]) => {
            let after = request.query("created_after").unwrap_or_default().to_owned();
            let is_wanted = |job: &&Job| {
                !job.is_gone
                    && request.query("user_id").is_none_or(|id| id == uuid(1))
                    && job.created.to_string() >= after
            };
            let all: Vec<Value> = jobs.all.iter().filter(is_wanted).map(|job| shown(jobs, job)).collect();
            Response::json(200, &all.into())
        }
        ("GET", ["v0.1", "requests", id]) => {
            let Some(job) = jobs.poll(id).cloned() else { return message(404, "No such entity") };
            nonsense(jobs).unwrap_or_else(|| Response::json(200, &shown(jobs, &job)))
        }
        ("DELETE", ["v0.1", "requests", id]) => {
            let was_canceled = jobs.find(id).is_some_and(|job| job.phase == Phase::Canceled);
            match jobs.cancel(id) {
                _ if was_canceled => Response::empty(204),
                Some(true) => {
                    let job = jobs.find(id).cloned();
                    job.map_or_else(|| message(404, "No such entity"), |job| Response::json(200, &shown(jobs, &job)))
                }
                Some(false) => message(409, "Request already finished"),
                None => message(404, "No such entity"),
            }
        }
        ("GET", ["v0.1", "about"]) => Response::json(200, &json!({"app_version": "2026.11", "pbr_version": null})),
        ("GET", ["v0.1", "whoami"]) => {
            let token = json!({"id": uuid(2), "enabled": true, "name": "double", "ranch": "public", "role": "user", "user_id": uuid(1)});
            let user =
                json!({"id": uuid(1), "auth_id": "1", "auth_method": "double", "auth_name": "double", "enabled": true});
            Response::json(200, &json!({"token": token, "user": user}))
        }
        ("GET", ["v0.1", "composes"] | ["v0.1", "composes", _]) => {
            Response::json(200, &json!({"composes": [{"name": "Fedora-Rawhide"}]}))
        }
        ("GET", ["artifacts", _, "results.xml"]) => {
            report(jobs).map_or_else(|| Response::text(404, "none"), |text| Response::new(200, "application/xml", text))
        }
        ("GET", ["artifacts", _, "pipeline.log"]) => {
            Response { is_endless: jobs.faults.has("endless-log"), ..Response::text(200, "[pipeline] done\n") }
        }
        ("GET", ["artifacts", ..]) => Response::new(200, "text/html", "<!DOCTYPE html><title>Artifacts</title>"),
        _ => message(404, "Not Found"),
    }
}
