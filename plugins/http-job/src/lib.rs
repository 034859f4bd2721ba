//! Runs a job of any service over HTTP: all that differs between services is in the parameters.

use assay_adapter::{
    Context, Error, Look, Manifest, Outcome, Rule, Service, Severity, Stop, Verdict, Work,
    http::{Call, Missing, call, encode},
    invalid, params, permission,
    report::{Report, follow},
};
use serde_json::Value;

const CODE: &str = "http-job.passed";
const MINUTE: u64 = 60_000;

const PARAMS: &str = r#"{
  "type": "object",
  "properties": {
    "submit": { "type": "string", "description": "URL that makes a job" },
    "submit-method": { "type": "string", "enum": ["POST", "PUT"], "default": "POST" },
    "body": { "type": "string", "description": "JSON that is sent to make a job; {key} is put in", "default": "{\"key\":\"{key}\"}" },
    "status": { "type": "string", "description": "URL of a job, with {id}" },
    "cancel": { "type": "string", "description": "URL that cancels a job, with {id}" },
    "cancel-method": { "type": "string", "enum": ["DELETE", "POST", "PUT"], "default": "DELETE" },
    "find": { "type": "string", "description": "URL that finds a job by {key}" },
    "id-path": { "type": "string", "description": "where the ID is in an answer, as a.b.0 or /a/b/0", "default": "id" },
    "find-path": { "type": "string", "description": "where the ID is in the answer of find, if elsewhere" },
    "state-path": { "type": "string", "description": "where the state is in the answer of status", "default": "state" },
    "url-path": { "type": "string", "description": "where the page for people is in the answer of status", "default": "url" },
    "passed": { "type": "array", "items": { "type": "string" }, "description": "states of a job that passed" },
    "failed": { "type": "array", "items": { "type": "string" }, "description": "states of a job that failed" },
    "canceled": { "type": "array", "items": { "type": "string" }, "description": "states of a job that somebody canceled", "default": ["canceled", "cancelled"] },
    "log": { "type": "string", "description": "URL of the log, with {id}" },
    "report": { "type": "string", "description": "URL of a report in JUnit's format, with {id}" },
    "wait-minutes": { "type": "integer", "description": "how long a state in no list is waited for", "default": 360 },
    "poll-seconds": { "type": "integer", "default": 10 }
  },
  "required": ["submit", "status", "passed", "failed"],
  "additionalProperties": false
}"#;

struct HttpJob;

assay_adapter::adapter!(HttpJob);

/// A template with its values; `{id}` and `{key}` are percent-encoded.
fn url(ctx: &Context, name: &str, id: &str) -> Result<Option<String>, Error> {
    let Some(template) = params::optional(ctx, name) else { return Ok(None) };
    if !id.is_empty() && !template.contains("{id}") && name != "find" && name != "submit" {
        return Err(invalid(format!("the parameter `{name}` has no {{id}}")));
    }
    Ok(Some(template.replace("{id}", &encode(id)).replace("{key}", &encode(&ctx.key))))
}

/// The value at a path: `a.b.0`, or a JSON Pointer.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.starts_with('/') {
        return value.pointer(path);
    }
    let path = path.strip_prefix("$.").unwrap_or(path);
    path.split('.').filter(|part| !part.is_empty()).try_fold(value, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        value => value.get(part),
    })
}

fn text_at(value: &Value, path: &str) -> Option<String> {
    match at(value, path)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn has(ctx: &Context, list: &str, state: &str) -> bool {
    params::list(ctx, list).iter().any(|known| known.eq_ignore_ascii_case(state))
}

fn is_final(ctx: &Context, state: &str) -> bool {
    ["passed", "failed", "canceled"].iter().any(|list| has(ctx, list, state))
}

/// The body: placeholders in the strings of the JSON are filled, so that no value can leave its string.
fn fill(value: &mut Value, ctx: &Context) {
    match value {
        Value::String(text) if text.contains("{key}") => *text = text.replace("{key}", &ctx.key),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, ctx)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, ctx)),
        _ => {}
    }
}

fn of_answer(ctx: &Context, request: &Call, answer: &Value, path: &str) -> Result<Work, Error> {
    let id = text_at(answer, path).filter(|id| !id.is_empty()).ok_or_else(|| {
        let shown = assay_adapter::http::shown(answer.to_string().as_bytes());
        Error::Lost(format!("{} answered nothing at `{path}`, where the job's ID should be: {shown}", request.name()))
    })?;
    let native = text_at(answer, params::text(ctx, "state-path")?).unwrap_or_else(|| "submitted".to_owned());
    let url = text_at(answer, params::text(ctx, "url-path")?);
    Ok(Work { url, ..Work::new(ctx, id, native)? })
}

impl Service for HttpJob {
    fn describe() -> Manifest {
        let http = |name: &str, methods: &str, reason: &str| permission("http", name, &[("methods", methods)], reason);
        Manifest {
            name: "http-job".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: PARAMS.to_owned(),
            permissions: vec![
                http("{submit}", "POST,PUT,GET", "makes a job"),
                http("{status}", "GET", "requests its state"),
                http("{cancel}", "DELETE,POST,PUT", "cancels it"),
                http("{find}", "GET", "finds a job that was made before"),
                http("{log}", "GET", "its log"),
                http("{report}", "GET", "its report"),
                permission("secret", "job", &[("host", "{submit}")], "the credential of the service"),
                permission("checkpoint", "job", &[], "no job is made twice"),
            ],
            limits: Vec::new(),
            rules: vec![Rule {
                code: CODE.to_owned(),
                title: "The job must pass".to_owned(),
                severity: Severity::High,
            }],
        }
    }

    fn start(ctx: &Context) -> Result<Work, Error> {
        let mut body = params::json(ctx, "body")?.unwrap_or_default();
        fill(&mut body, ctx);
        let url = url(ctx, "submit", "")?.unwrap_or_default();
        let request = call(params::text(ctx, "submit-method")?, url)
            .header("idempotency-key", &ctx.key)
            .secret("job")
            .body(&body);
        let answer = request.json(Missing::Invalid)?;
        of_answer(ctx, &request, &answer, params::text(ctx, "id-path")?)
    }

    fn find(ctx: &Context) -> Result<Option<Work>, Error> {
        let Some(url) = url(ctx, "find", "")? else { return Ok(None) };
        let request = call("GET", url).secret("job");
        let response = request.send()?;
        if response.status == 404 {
            return Ok(None);
        }
        request.check(&response, Missing::Invalid)?;
        let answer = request.parse(&response)?;
        let path = match params::optional(ctx, "find-path") {
            Some(path) => path,
            None => params::text(ctx, "id-path")?,
        };
        // A list of jobs, or one.
        let answer = match &answer {
            Value::Array(items) if !path.starts_with(|first: char| first.is_ascii_digit() || first == '/') => {
                match items.first() {
                    Some(first) => first,
                    None => return Ok(None),
                }
            }
            answer => answer,
        };
        match text_at(answer, path) {
            Some(id) if !id.is_empty() => of_answer(ctx, &request, answer, path).map(Some),
            _ => Ok(None),
        }
    }

    fn look(ctx: &Context, mut work: Work) -> Result<Look, Error> {
        let url = url(ctx, "status", &work.id)?.unwrap_or_default();
        let request = call("GET", url).secret("job");
        let answer = request.json(Missing::Lost)?;
        if let Some(id) = text_at(&answer, params::text(ctx, "id-path")?).filter(|id| *id != work.id) {
            let shown: String = id.chars().take(80).collect();
            return Err(Error::Lost(format!("{} answered with the job `{shown}`", request.name())));
        }
        let path = params::text(ctx, "state-path")?;
        work.native = text_at(&answer, path).ok_or_else(|| {
            let shown = assay_adapter::http::shown(answer.to_string().as_bytes());
            Error::Lost(format!("{} answered nothing at `{path}`, where the state should be: {shown}", request.name()))
        })?;
        work.url = text_at(&answer, params::text(ctx, "url-path")?).or(work.url);
        let has_ended = is_final(ctx, &work.native);
        if !has_ended && let Some(log) = url_of_log(ctx, &work)? {
            follow(call("GET", log).secret("job"), &mut work);
        }
        let wait = params::integer(ctx, "wait-minutes")?.saturating_mul(MINUTE);
        let is_over = ctx.now.saturating_sub(work.since) >= wait;
        Ok(if has_ended || is_over { Look::Ended(work) } else { Look::Waiting(work) })
    }

    fn collect(ctx: &Context, work: &Work) -> Result<Verdict, Error> {
        let mut report = Report::default();
        if let Some(log) = url_of_log(ctx, work)? {
            report.log(ctx, &call("GET", log).secret("job"), "job.log")?;
        }
        if let Some(junit) = url(ctx, "report", &work.id)?
            && report.file(&call("GET", junit).secret("job"), "junit.xml", "application/xml")?
        {
            report.ingest("junit.xml", "junit");
        }
        let is_canceled = has(ctx, "canceled", &work.native);
        let outcome = match &work.native {
            state if has(ctx, "passed", state) => Outcome::Success,
            state if has(ctx, "failed", state) => Outcome::Failure,
            _ => Outcome::Error,
        };
        if outcome == Outcome::Error && !is_canceled {
            report.warn(format!("`{}` is in neither `passed` nor `failed`, and was waited for too long", work.native));
        }
        Ok(report.verdict("the service", CODE, work, outcome, is_canceled))
    }

    fn stop(ctx: &Context, work: &Work, _: u64) -> Result<Stop, Error> {
        let Some(url) = url(ctx, "cancel", &work.id)? else {
            return Ok(Stop::Refused("the parameter `cancel` is not given".to_owned()));
        };
        let request = call(params::text(ctx, "cancel-method")?, url).secret("job");
        let response = request.send()?;
        match response.status {
            404 | 410 => Ok(Stop::Stopped),
            409 => Ok(Stop::Refused(assay_adapter::http::shown(&response.body))),
            _ => request.check(&response, Missing::Lost).map(|()| Stop::Requested),
        }
    }
}

fn url_of_log(ctx: &Context, work: &Work) -> Result<Option<String>, Error> {
    url(ctx, "log", &work.id)
}
