//! Runs a request of Testing Farm, and collects its results.

use assay_adapter::{
    Context, Error, Look, Manifest, Outcome, Rule, Service, Severity, Stop, Verdict, Work,
    http::{Missing, call, encode, shown},
    invalid, params, permission,
    report::{Report, follow},
};
use serde_json::{Map, Value, json};

const CODE: &str = "testing-farm.passed";

const PARAMS: &str = r#"{
  "type": "object",
  "properties": {
    "api": { "type": "string", "description": "the API, with its version", "default": "https://api.dev.testing-farm.io/v0.1" },
    "test-type": { "type": "string", "enum": ["fmf", "sti"], "default": "fmf" },
    "git-url": { "type": "string", "description": "repository with the tests" },
    "git-ref": { "type": "string", "description": "branch, tag or commit", "default": "main" },
    "merge-sha": { "type": "string", "description": "commit that is merged before (fmf)" },
    "plan": { "type": "string", "description": "plans by name, a regular expression (fmf), or the playbook (sti)" },
    "test-name": { "type": "string", "description": "tests by name, a regular expression (fmf)" },
    "compose": { "type": "string", "description": "operating system; a container without it" },
    "arch": { "type": "array", "items": { "type": "string" }, "default": ["x86_64"] },
    "hardware": { "type": "string", "description": "JSON, as tmt has it" },
    "variables": { "type": "array", "items": { "type": "string" }, "description": "NAME=VALUE for the tests" },
    "tmt-context": { "type": "array", "items": { "type": "string" }, "description": "NAME=VALUE" },
    "artifacts": { "type": "string", "description": "JSON, a list of {type, id, …} that is installed" },
    "timeout-minutes": { "type": "integer", "description": "of the pipeline", "default": 720 },
    "artifacts-host": { "type": "string", "description": "where results are", "default": "artifacts.dev.testing-farm.io" },
    "poll-seconds": { "type": "integer", "default": 30 }
  },
  "required": ["git-url"],
  "additionalProperties": false
}"#;

/// How far back requests are searched.
const SEARCHED_MS: u64 = 2 * 86_400_000;

struct TestingFarm;

assay_adapter::adapter!(TestingFarm);

fn requests(ctx: &Context) -> Result<String, Error> {
    Ok(format!("{}/requests", params::text(ctx, "api")?.trim_end_matches('/')))
}

fn request(ctx: &Context, id: &str) -> Result<String, Error> {
    Ok(format!("{}/{}", requests(ctx)?, encode(id)))
}

fn object(pairs: Vec<(String, String)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

fn test(ctx: &Context) -> Result<Value, Error> {
    let mut test = json!({ "url": params::text(ctx, "git-url")?, "ref": params::text(ctx, "git-ref")? });
    let plan = params::optional(ctx, "plan");
    if params::text(ctx, "test-type")? == "sti" {
        test["playbooks"] = json!([plan.unwrap_or("tests/tests.yml")]);
        return Ok(json!({ "sti": test }));
    }
    for (name, value) in [
        ("name", plan),
        ("test_name", params::optional(ctx, "test-name")),
        ("merge_sha", params::optional(ctx, "merge-sha")),
    ] {
        if let Some(value) = value {
            test[name] = value.into();
        }
    }
    Ok(json!({ "fmf": test }))
}

fn environments(ctx: &Context) -> Result<Vec<Value>, Error> {
    let mut context = object(params::pairs(ctx, "tmt-context")?);
    context.insert("assay_key".to_owned(), ctx.key.as_str().into());
    let variables = object(params::pairs(ctx, "variables")?);
    let (hardware, artifacts) = (params::json(ctx, "hardware")?, params::json(ctx, "artifacts")?);
    let archs = params::list(ctx, "arch");
    if archs.is_empty() {
        return Err(invalid("the parameter `arch` is empty"));
    }
    Ok(archs
        .iter()
        .map(|arch| {
            let mut environment = json!({
                "arch": arch,
                "os": params::optional(ctx, "compose").map(|compose| json!({ "compose": compose })),
                "variables": variables,
                "tmt": { "context": context },
            });
            if let Some(hardware) = &hardware {
                environment["hardware"] = hardware.clone();
            }
            if let Some(artifacts) = &artifacts {
                environment["artifacts"] = artifacts.clone();
            }
            environment
        })
        .collect())
}

/// The folder of artifacts, if it is where results may be read.
fn folder(ctx: &Context, answer: &Value) -> Option<String> {
    let folder = answer["run"]["artifacts"].as_str()?.trim_end_matches('/');
    let host = |url: &str| url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default().to_owned());
    let own = host(folder)?;
    let is_known = params::optional(ctx, "artifacts-host") == Some(own.as_str())
        || params::optional(ctx, "api").and_then(host).as_deref() == Some(own.as_str());
    is_known.then(|| folder.to_owned())
}

/// A time as the API takes it, such as `2026-11-29T12:00:00`.
fn date(milliseconds: u64) -> String {
    let (days, second) = (milliseconds / 86_400_000, milliseconds / 1_000 % 86_400);
    // Civil from days, in years that begin in March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

impl Service for TestingFarm {
    fn describe() -> Manifest {
        Manifest {
            name: "testing-farm".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: "https://docs.testing-farm.io".to_owned(),
            params: PARAMS.to_owned(),
            permissions: vec![
                permission("http", "{api}", &[("methods", "GET,POST,DELETE")], "makes, watches and cancels requests"),
                permission("http", "{artifacts-host}", &[("methods", "GET")], "the results of the tests"),
                permission("secret", "testing-farm", &[("host", "{api}")], "the token of the API"),
                permission("checkpoint", "job", &[], "no request is made twice"),
            ],
            limits: Vec::new(),
            rules: vec![Rule {
                code: CODE.to_owned(),
                title: "The tests must pass".to_owned(),
                severity: Severity::High,
            }],
        }
    }

    fn start(ctx: &Context) -> Result<Work, Error> {
        let body = json!({
            "test": test(ctx)?,
            "environments": environments(ctx)?,
            "settings": { "pipeline": { "timeout": params::integer(ctx, "timeout-minutes")? },
                          "user": { "webpage": { "name": format!("assay {}", ctx.key), "url": "https://assay.dev", "icon": "" } } },
        });
        let call = call("POST", requests(ctx)?).secret("testing-farm").body(&body);
        let answer = call.json(Missing::Invalid)?;
        let id = answer["id"].as_str().ok_or_else(|| {
            Error::Lost(format!("{} answered without an `id`: {}", call.name(), shown(answer.to_string().as_bytes())))
        })?;
        let work = Work::new(ctx, id, answer["state"].as_str().unwrap_or("new"))?;
        Ok(Work { url: Some(request(ctx, id)?), ..work })
    }

    /// The list of requests has those of the token's owner, with the context of each environment.
    fn find(ctx: &Context) -> Result<Option<Work>, Error> {
        let api = params::text(ctx, "api")?.trim_end_matches('/');
        let list = || -> Result<Value, Error> {
            let who = call("GET", format!("{api}/whoami")).secret("testing-farm").json(Missing::Invalid)?;
            let user = who["user"]["id"].as_str().unwrap_or_default();
            let after = date(ctx.now.saturating_sub(SEARCHED_MS));
            let query = format!("user_id={}&created_after={}", encode(user), encode(&after));
            call("GET", format!("{}?{query}", requests(ctx)?)).secret("testing-farm").json(Missing::Invalid)
        };
        let list = match list() {
            Ok(list) => list,
            // An instance without the list: see the README.
            Err(Error::Invalid(_) | Error::Lost(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let has_key = |request: &&Value| {
            let environments = request["environments_requested"].as_array().map(Vec::as_slice).unwrap_or_default();
            environments.iter().any(|one| one["tmt"]["context"]["assay_key"] == ctx.key.as_str())
        };
        let requests = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(found) = requests.iter().find(has_key) else { return Ok(None) };
        let id = found["id"].as_str().unwrap_or_default();
        let work = Work::new(ctx, id, found["state"].as_str().unwrap_or("new"))?;
        Ok(Some(Work { url: Some(request(ctx, id)?), ..work }))
    }

    fn look(ctx: &Context, mut work: Work) -> Result<Look, Error> {
        let call_ = call("GET", request(ctx, &work.id)?);
        let answer = call_.json(Missing::Lost)?;
        let (id, state) = (answer["id"].as_str().unwrap_or_default(), answer["state"].as_str().unwrap_or_default());
        if id != work.id || state.is_empty() {
            let what = shown(answer.to_string().as_bytes());
            return Err(Error::Lost(format!(
                "{} answered with something else than this request: {what}",
                call_.name()
            )));
        }
        let state = state.to_owned();
        let overall = answer["result"]["overall"].as_str().unwrap_or("unknown");
        work.native = if state == "complete" { format!("complete, {overall}") } else { state.clone() };
        let folder = folder(ctx, &answer);
        work.url = answer["run"]["artifacts"].as_str().map(str::to_owned).or(work.url);
        work.extra["overall"] = overall.into();
        work.extra["state"] = state.as_str().into();
        if let Some(folder) = folder {
            work.extra["folder"] = folder.as_str().into();
            if state == "running" {
                follow(call("GET", format!("{folder}/pipeline.log")), &mut work);
            }
        }
        Ok(match state.as_str() {
            "complete" | "error" | "canceled" => Look::Ended(work),
            "new" | "queued" | "running" | "cancel-requested" => Look::Waiting(work),
            _ => {
                let wait = params::integer(ctx, "timeout-minutes")?.saturating_mul(60_000);
                let is_over = ctx.now.saturating_sub(work.since) >= wait;
                if is_over { Look::Ended(work) } else { Look::Waiting(work) }
            }
        })
    }

    fn collect(ctx: &Context, work: &Work) -> Result<Verdict, Error> {
        let mut report = Report::default();
        if let Some(folder) = work.extra["folder"].as_str() {
            report.log(ctx, &call("GET", format!("{folder}/pipeline.log")), "pipeline.log")?;
            if report.file(&call("GET", format!("{folder}/results.xml")), "results.xml", "application/xml")? {
                report.ingest("results.xml", "testing-farm");
            }
            report.result("ARTIFACTS_URL", folder);
        } else {
            report.warn("the request has no folder of artifacts that may be read".to_owned());
        }
        let state = work.extra["state"].as_str().unwrap_or_default();
        let outcome = match (state, work.extra["overall"].as_str().unwrap_or_default()) {
            ("complete", "passed") => Outcome::Success,
            ("complete", "failed") => Outcome::Failure,
            ("complete", "skipped") => Outcome::Skipped,
            _ => Outcome::Error,
        };
        Ok(report.verdict("Testing Farm", CODE, work, outcome, state == "canceled"))
    }

    fn stop(ctx: &Context, work: &Work, _: u64) -> Result<Stop, Error> {
        let call = call("DELETE", request(ctx, &work.id)?).secret("testing-farm");
        let response = call.send()?;
        match response.status {
            204 | 404 => Ok(Stop::Stopped),
            403 | 409 => Ok(Stop::Refused(shown(&response.body))),
            _ => call.check(&response, Missing::Lost).map(|()| Stop::Requested),
        }
    }
}
