//! Jenkins: jobs in folders, the queue, builds, logs by offset, test reports, and the three ways to stop a build.

use serde_json::{Value, json};

use crate::{
    double::{credential, nonsense},
    http::{Request, Response},
    jobs::{Job, Jobs, Phase},
};

/// A build's ID is its number in its job; its item in the queue is that and a hundred.
const QUEUE: u64 = 100;

/// `job/a/job/b` as `a/b`, with what stands after it.
fn job_path<'a>(parts: &'a [&'a str]) -> Option<(String, &'a [&'a str])> {
    let mut names = Vec::new();
    let mut rest = parts;
    while let ["job", name, more @ ..] = rest {
        names.push(*name);
        rest = more;
    }
    (!names.is_empty()).then(|| (names.join("/"), rest))
}

fn job_url(jobs: &Jobs, name: &str) -> String {
    let path: String = name.split('/').map(|part| format!("/job/{part}")).collect();
    format!("{}{path}/", jobs.base)
}

fn result(jobs: &Jobs, job: &Job) -> Value {
    match job.phase {
        _ if jobs.faults.has("unknown-state") && job.phase != Phase::Canceled => json!("LEVITATING"),
        Phase::Ended => json!(jobs.result),
        Phase::Canceled => json!("ABORTED"),
        Phase::Queued | Phase::Running => Value::Null,
    }
}

fn parameters(job: &Job) -> Value {
    let values = job.request.as_object().into_iter().flatten();
    let parameters: Vec<Value> = values
        .map(|(name, value)| json!({"_class": "hudson.model.StringParameterValue", "name": name, "value": value}))
        .collect();
    json!([{"_class": "hudson.model.ParametersAction", "parameters": parameters},
           {"_class": "hudson.model.CauseAction", "causes": [{"_class": "hudson.model.Cause$UserIdCause", "userId": "double"}]}])
}

fn build(jobs: &Jobs, job: &Job) -> Value {
    let number = if jobs.faults.has("other-tenant") { 999_999 } else { job.number };
    let url = format!("{}{}/", job_url(jobs, &job.name), job.number);
    let result = result(jobs, job);
    json!({
        "_class": "hudson.model.FreeStyleBuild", "number": number, "id": number.to_string(), "url": url,
        "building": job.is_open() && result.is_null(), "result": result, "duration": 1000, "estimatedDuration": 2000,
        "timestamp": job.created.as_millisecond(), "queueId": job.number + QUEUE, "displayName": format!("#{number}"),
        "fullDisplayName": format!("{} #{number}", job.name), "description": null, "keepLog": false, "inProgress": job.is_open(),
        "artifacts": [{"displayPath": "out.txt", "fileName": "out.txt", "relativePath": "dist/out.txt"}],
        "actions": parameters(job), "changeSet": {"_class": "hudson.scm.EmptyChangeLogSet", "items": [], "kind": null},
        "culprits": [], "builtOn": "", "executor": null, "nextBuild": null, "previousBuild": null,
    })
}

fn item(jobs: &Jobs, job: &Job) -> Value {
    let is_queued = job.phase == Phase::Queued;
    let class = match job.phase {
        Phase::Queued => "hudson.model.Queue$BuildableItem",
        _ => "hudson.model.Queue$LeftItem",
    };
    let executable = json!({"_class": "hudson.model.FreeStyleBuild", "number": job.number,
        "url": format!("{}{}/", job_url(jobs, &job.name), job.number)});
    json!({
        "_class": class, "actions": parameters(job), "blocked": false, "buildable": is_queued, "id": job.number + QUEUE,
        "inQueueSince": job.created.as_millisecond(), "params": "", "stuck": false,
        "task": {"_class": "hudson.model.FreeStyleProject", "name": job.name.rsplit('/').next(), "url": job_url(jobs, &job.name), "color": "blue"},
        "url": format!("queue/item/{}/", job.number + QUEUE),
        "why": if is_queued { json!("Waiting for next available executor") } else { Value::Null },
        "cancelled": job.phase == Phase::Canceled && !job.has_run,
        "executable": if job.has_run { executable } else { Value::Null },
    })
}

fn project(jobs: &Jobs, name: &str) -> Value {
    let builds: Vec<Value> = jobs
        .all
        .iter()
        .rev()
        .filter(|job| job.name == name && job.has_run && !job.is_gone)
        .map(|job| build(jobs, job))
        .collect();
    let last = builds.first().cloned().unwrap_or(Value::Null);
    let parameter = |name: &str| {
        json!({"_class": "hudson.model.StringParameterDefinition", "name": name, "type": "StringParameterDefinition",
               "description": "", "defaultParameterValue": {"_class": "hudson.model.StringParameterValue", "name": name, "value": ""}})
    };
    json!({
        "_class": "hudson.model.FreeStyleProject", "name": name.rsplit('/').next(), "fullName": name, "displayName": name,
        "fullDisplayName": name, "url": job_url(jobs, name), "buildable": true, "color": "blue", "inQueue": false,
        "nextBuildNumber": jobs.all.len() + 1, "builds": builds, "lastBuild": last, "firstBuild": null, "healthReport": [],
        "queueItem": null, "concurrentBuild": true, "disabled": false, "description": "",
        "property": [{"_class": "hudson.model.ParametersDefinitionProperty",
                      "parameterDefinitions": [parameter("ASSAY_KEY"), parameter("SNAPSHOT"), parameter("BRANCH")]}],
    })
}

fn trigger(jobs: &mut Jobs, request: &Request, name: &str) -> Response {
    if credential(request).is_none() {
        return Response::new(403, "text/html", "<html>anonymous is missing the Job/Build permission</html>");
    }
    let values = request.form().into_iter().chain(request.query.clone());
    let values: Vec<(String, String)> = values.filter(|(name, _)| name != "delay" && name != "json").collect();
    let key = values.iter().find(|(name, _)| name == "ASSAY_KEY").map(|(_, value)| value.clone()).unwrap_or_default();
    let body: Value =
        values.into_iter().map(|(name, value)| (name, json!(value))).collect::<serde_json::Map<_, _>>().into();
    let job = jobs.make(name, &key, body, |number| number.to_string()).clone();
    let location = format!("{}/queue/item/{}/", jobs.base, job.number + QUEUE);
    let location = if jobs.faults.has("slash-id") { format!("{}/queue/item/../../x/", jobs.base) } else { location };
    Response::empty(201).header("Location", location).made(job.id)
}

fn test_report(jobs: &Jobs) -> Response {
    if jobs.faults.has("no-report") {
        return Response::text(404, "none");
    }
    let count = if jobs.faults.has("many-cases") { 200_000_u32 } else { 2 };
    let has_failed = jobs.result == "UNSTABLE" || jobs.result == "FAILURE";
    let case = |number: u32| {
        let status = if has_failed && number + 1 == count { "FAILED" } else { "PASSED" };
        json!({"className": "shop.Cart", "name": format!("case {number}"), "status": status, "duration": 0.5, "age": 0,
               "errorDetails": null, "errorStackTrace": null, "failedSince": 0, "skipped": false, "stderr": null, "stdout": null})
    };
    let failed = u32::from(has_failed);
    Response::json(
        200,
        &json!({"_class": "hudson.tasks.junit.TestResult", "duration": 1.0, "empty": false, "failCount": failed,
            "passCount": count - failed, "skipCount": 0,
            "suites": [{"name": "shop.Cart", "duration": 1.0, "id": null, "timestamp": null, "cases": (0..count).map(case).collect::<Vec<_>>()}]}),
    )
}

fn log(jobs: &Jobs, job: &Job, request: &Request, parts: &[&str]) -> Response {
    let text = "Started by user double\nBuilding\nFinished\n";
    if parts == ["consoleText"] {
        return Response::text(200, text);
    }
    let start: usize = request.query("start").and_then(|start| start.parse().ok()).unwrap_or_default();
    let is_endless = jobs.faults.has("endless-log");
    let chunk = if is_endless { "again and again\n" } else { text.get(start.min(text.len())..).unwrap_or_default() };
    let response = Response::text(200, chunk).header("X-Text-Size", (start + chunk.len()).to_string());
    if job.is_open() || is_endless { response.header("X-More-Data", "true") } else { response }
}

pub(crate) fn answer(jobs: &mut Jobs, request: &Request) -> Response {
    let parts = request.parts();
    let none = || Response::new(404, "text/html", "<html>Not Found</html>");
    let response = match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["crumbIssuer", "api", "json"]) => Response::json(
            200,
            &json!({"_class": "hudson.security.csrf.DefaultCrumbIssuer", "crumb": "0c9a7e", "crumbRequestField": "Jenkins-Crumb"}),
        ),
        ("GET" | "HEAD", [] | ["api", "json"]) => Response::json(
            200,
            &json!({"_class": "hudson.model.Hudson", "mode": "NORMAL", "nodeName": "", "numExecutors": 2, "url": format!("{}/", jobs.base),
                    "useSecurity": true, "useCrumbs": true, "jobs": [{"_class": "hudson.model.FreeStyleProject", "name": "cart", "url": job_url(jobs, "cart")}],
                    "views": [], "primaryView": {"name": "all", "url": jobs.base}, "quietingDown": false}),
        ),
        ("GET", ["me" | "whoAmI", "api", "json"]) => Response::json(
            200,
            &json!({"_class": "hudson.security.WhoAmI", "id": "double", "fullName": "double", "name": "double", "authenticated": true}),
        ),
        ("GET", ["computer", "api", "json"]) => Response::json(
            200,
            &json!({"_class": "hudson.model.ComputerSet", "computer": [], "totalExecutors": 2, "busyExecutors": 0}),
        ),
        ("GET", ["queue", "api", "json"]) => {
            let open: Vec<Value> =
                jobs.all.iter().filter(|job| job.phase == Phase::Queued).map(|job| item(jobs, job)).collect();
            Response::json(200, &json!({"_class": "hudson.model.Queue", "items": open, "discoverableItems": []}))
        }
        ("GET", ["queue", "item", number, "api", "json"]) => {
            let id = number
                .parse::<u64>()
                .ok()
                .and_then(|number| number.checked_sub(QUEUE))
                .map(|number| number.to_string());
            match id.and_then(|id| jobs.poll(&id).cloned()) {
                Some(job) => nonsense(jobs).unwrap_or_else(|| Response::json(200, &item(jobs, &job))),
                None => none(),
            }
        }
        ("POST", ["queue", "cancelItem"]) => {
            let id = request.query("id").and_then(|id| id.parse::<u64>().ok()).and_then(|id| id.checked_sub(QUEUE));
            let is_queued =
                id.is_some_and(|id| jobs.find(&id.to_string()).is_some_and(|job| job.phase == Phase::Queued));
            match id.filter(|_| is_queued).and_then(|id| jobs.cancel(&id.to_string())) {
                Some(_) => Response::empty(204),
                None => none(),
            }
        }
        (method, all) => match job_path(all) {
            Some((name, rest)) => in_job(jobs, request, method, &name, rest).unwrap_or_else(none),
            None => none(),
        },
    };
    response.header("X-Jenkins", "2.541")
}

fn in_job(jobs: &mut Jobs, request: &Request, method: &str, name: &str, rest: &[&str]) -> Option<Response> {
    match (method, rest) {
        ("POST", ["build" | "buildWithParameters"]) => Some(trigger(jobs, request, name)),
        ("GET", ["api", "json"]) => Some(Response::json(200, &project(jobs, name))),
        ("GET", []) => Some(Response::new(200, "text/html", "<!DOCTYPE html><title>Job</title>")),
        (method, [number, more @ ..]) => {
            let job = jobs.find(number).filter(|job| job.name == name && job.has_run).cloned()?;
            match (method, more) {
                ("GET", ["api", "json"]) => {
                    let job = jobs.poll(number).cloned()?;
                    Some(nonsense(jobs).unwrap_or_else(|| Response::json(200, &build(jobs, &job))))
                }
                ("GET" | "POST", ["logText", "progressiveText"] | ["consoleText"]) => {
                    Some(log(jobs, &job, request, more))
                }
                ("GET", ["testReport", "api", "json"]) => Some(test_report(jobs)),
                ("GET", ["artifact", ..]) => Some(Response::text(200, "an artifact\n")),
                ("POST", ["stop" | "term" | "kill"]) => {
                    jobs.cancel(number)?;
                    Some(Response::empty(302).header("Location", job_url(jobs, name)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}
