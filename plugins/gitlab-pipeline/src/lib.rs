//! Runs a pipeline of GitLab, and collects its test report and the logs of its jobs.

use assay_adapter::{
    Context, Error, Look, Manifest, Outcome, Rule, Service, Severity, Stop, Verdict, Work,
    bindings::assay::plugin::tests::TestCase,
    http::{Call, Missing, call, encode, shown},
    params, permission,
    report::{Report, SEARCH},
};
use serde_json::{Value, json};

const CODE: &str = "gitlab-pipeline.passed";

/// The variable that takes the key.
const KEY: &str = "ASSAY_KEY";

/// Pipelines that are looked at for the key, and jobs whose logs are kept.
const RECENT: usize = 20;

const PARAMS: &str = r#"{
  "type": "object",
  "properties": {
    "url": { "type": "string", "default": "https://gitlab.com" },
    "project": { "type": "string", "description": "GROUP/NAME or the ID" },
    "ref": { "type": "string", "description": "branch or tag", "default": "main" },
    "variables": { "type": "array", "items": { "type": "string" }, "description": "NAME=VALUE" },
    "poll-seconds": { "type": "integer", "default": 15 }
  },
  "required": ["project"],
  "additionalProperties": false
}"#;

struct Pipeline;

assay_adapter::adapter!(Pipeline);

fn project(ctx: &Context, path: &str) -> Result<String, Error> {
    let url = params::text(ctx, "url")?.trim_end_matches('/');
    Ok(format!("{url}/api/v4/projects/{}/{path}", encode(params::text(ctx, "project")?)))
}

fn request(method: &str, url: String) -> Call {
    call(method, url).secret("gitlab")
}

fn of_pipeline(ctx: &Context, request: &Call, pipeline: &Value) -> Result<Work, Error> {
    let Some(id) = pipeline["id"].as_u64() else {
        let what = shown(pipeline.to_string().as_bytes());
        return Err(Error::Lost(format!("{} answered without an `id`: {what}", request.name())));
    };
    let mut work = Work::new(ctx, id.to_string(), pipeline["status"].as_str().unwrap_or("created"))?;
    work.url = pipeline["web_url"].as_str().map(str::to_owned);
    Ok(work)
}

impl Service for Pipeline {
    fn describe() -> Manifest {
        Manifest {
            name: "gitlab-pipeline".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: "https://docs.gitlab.com/api/pipelines".to_owned(),
            params: PARAMS.to_owned(),
            permissions: vec![
                permission("http", "{url}", &[("methods", "GET,POST")], "makes, watches and cancels pipelines"),
                permission("secret", "gitlab", &[("host", "{url}")], "a token of the scope `api`"),
                permission("checkpoint", "job", &[], "no pipeline is made twice"),
            ],
            limits: Vec::new(),
            rules: vec![Rule {
                code: CODE.to_owned(),
                title: "The pipeline must pass".to_owned(),
                severity: Severity::High,
            }],
        }
    }

    fn start(ctx: &Context) -> Result<Work, Error> {
        let mut variables: Vec<Value> = params::pairs(ctx, "variables")?
            .into_iter()
            .map(|(name, value)| json!({ "key": name, "value": value }))
            .collect();
        variables.push(json!({ "key": KEY, "value": ctx.key }));
        let request = request("POST", project(ctx, "pipeline")?)
            .body(&json!({ "ref": params::text(ctx, "ref")?, "variables": variables }));
        let answer = request.json(Missing::Invalid)?;
        of_pipeline(ctx, &request, &answer)
    }

    fn find(ctx: &Context) -> Result<Option<Work>, Error> {
        let name = encode(params::text(ctx, "ref")?);
        let list = request(
            "GET",
            project(ctx, &format!("pipelines?source=api&order_by=id&sort=desc&per_page={RECENT}&ref={name}"))?,
        );
        let answer = list.json(SEARCH)?;
        for pipeline in answer.as_array().map(Vec::as_slice).unwrap_or_default().iter().take(RECENT) {
            let id = pipeline["id"].as_u64().unwrap_or_default();
            let variables = request("GET", project(ctx, &format!("pipelines/{id}/variables"))?).json(SEARCH)?;
            let has_key = |variable: &Value| variable["key"] == KEY && variable["value"] == ctx.key.as_str();
            if variables.as_array().is_some_and(|variables| variables.iter().any(has_key)) {
                return of_pipeline(ctx, &list, pipeline).map(Some);
            }
        }
        Ok(None)
    }

    fn look(ctx: &Context, work: Work) -> Result<Look, Error> {
        let request = request("GET", project(ctx, &format!("pipelines/{}", encode(&work.id)))?);
        let pipeline = request.json(Missing::Lost)?;
        let found = of_pipeline(ctx, &request, &pipeline)?;
        if found.id != work.id {
            return Err(Error::Lost(format!("{} answered with the pipeline {}", request.name(), found.id)));
        }
        let next = Work { native: found.native, url: found.url.or(work.url.clone()), ..work };
        let has_ended = matches!(next.native.as_str(), "success" | "failed" | "canceled" | "skipped");
        Ok(if has_ended { Look::Ended(next) } else { Look::Waiting(next) })
    }

    fn collect(ctx: &Context, work: &Work) -> Result<Verdict, Error> {
        let mut report = Report::default();
        let pipeline = |path: &str| project(ctx, &format!("pipelines/{}/{path}", encode(&work.id)));
        match request("GET", pipeline("test_report")?).json(Missing::Lost) {
            Ok(answer) => report.cases(&cases(&answer)),
            Err(error @ (Error::Transient(_) | Error::Auth(_))) => return Err(error),
            Err(_) => report.warn("the pipeline has no test report".to_owned()),
        }
        match request("GET", pipeline("jobs?per_page=20")?).json(Missing::Lost) {
            Ok(answer) => {
                for job in answer.as_array().map(Vec::as_slice).unwrap_or_default().iter().take(RECENT) {
                    let id = job["id"].as_u64().unwrap_or_default();
                    report.log(
                        ctx,
                        &request("GET", project(ctx, &format!("jobs/{id}/trace"))?),
                        &format!("job-{id}.log"),
                    )?;
                }
            }
            Err(error @ (Error::Transient(_) | Error::Auth(_))) => return Err(error),
            Err(_) => report.warn("the jobs of the pipeline cannot be listed".to_owned()),
        }
        let outcome = match work.native.as_str() {
            "success" => Outcome::Success,
            "failed" => Outcome::Failure,
            "skipped" => Outcome::Skipped,
            _ => Outcome::Error,
        };
        Ok(report.verdict("GitLab", CODE, work, outcome, work.native == "canceled"))
    }

    fn stop(ctx: &Context, work: &Work, _: u64) -> Result<Stop, Error> {
        let request = request("POST", project(ctx, &format!("pipelines/{}/cancel", encode(&work.id)))?);
        let response = request.send()?;
        match response.status {
            404 => Ok(Stop::Stopped),
            403 => Ok(Stop::Refused(shown(&response.body))),
            _ => request.check(&response, Missing::Lost).map(|()| Stop::Requested),
        }
    }
}

fn cases(report: &Value) -> Vec<TestCase> {
    let suites = report["test_suites"].as_array().into_iter().flatten();
    let mut found = Vec::new();
    for suite in suites {
        for case in suite["test_cases"].as_array().into_iter().flatten().take(10_000) {
            let status = case["status"].as_str().unwrap_or_default();
            found.push(TestCase {
                suite: suite["name"].as_str().unwrap_or_default().to_owned(),
                name: case["name"].as_str().unwrap_or_default().to_owned(),
                outcome: match status {
                    "success" => Outcome::Success,
                    "skipped" => Outcome::Skipped,
                    "failed" => Outcome::Failure,
                    _ => Outcome::Error,
                },
                millis: (case["execution_time"].as_f64().unwrap_or_default().clamp(0.0, 1e9) * 1_000.0) as u64,
                message: None,
            });
        }
    }
    found
}
