//! Runs a workflow of GitHub Actions, and collects its jobs.
//!
//! A dispatch has no body in its response: the run is found by its title, in which the workflow has the input `assay_key`.

use assay_adapter::{
    Context, Error, Look, Manifest, Outcome, Rule, Service, Severity, Stop, Verdict, Work,
    bindings::assay::plugin::tests::TestCase,
    http::{Call, Missing, call, encode, shown},
    invalid, params, permission,
    report::{Report, SEARCH},
};
use serde_json::{Map, Value, json};

const CODE: &str = "github-actions.passed";

/// How long a run may take to appear in the list.
const APPEARS_MS: u64 = 60_000;

const PARAMS: &str = r#"{
  "type": "object",
  "properties": {
    "api": { "type": "string", "default": "https://api.github.com" },
    "repository": { "type": "string", "description": "OWNER/NAME" },
    "workflow": { "type": "string", "description": "file name or ID of the workflow" },
    "ref": { "type": "string", "description": "branch or tag", "default": "main" },
    "inputs": { "type": "array", "items": { "type": "string" }, "description": "NAME=VALUE" },
    "key-input": { "type": "string", "description": "the input that takes the key", "default": "assay_key" },
    "poll-seconds": { "type": "integer", "default": 15 }
  },
  "required": ["repository", "workflow"],
  "additionalProperties": false
}"#;

struct Actions;

assay_adapter::adapter!(Actions);

fn actions(ctx: &Context, path: &str) -> Result<String, Error> {
    let repository = params::text(ctx, "repository")?;
    let Some((owner, name)) = repository.split_once('/').filter(|(_, name)| !name.contains('/')) else {
        return Err(invalid(format!("the repository `{repository}` is not OWNER/NAME")));
    };
    let api = params::text(ctx, "api")?.trim_end_matches('/');
    Ok(format!("{api}/repos/{}/{}/actions/{path}", encode(owner), encode(name)))
}

fn request(method: &str, url: String) -> Call {
    call(method, url)
        .secret("github")
        .header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
}

/// What of a run is kept.
fn of_run(ctx: &Context, run: &Value) -> Result<Work, Error> {
    let id = run["id"].as_u64().unwrap_or_default();
    let mut work = Work::new(ctx, id.to_string(), run["status"].as_str().unwrap_or("queued"))?;
    work.url = run["html_url"].as_str().map(str::to_owned);
    Ok(work)
}

impl Service for Actions {
    const APPEARS_MS: u64 = APPEARS_MS;

    fn describe() -> Manifest {
        Manifest {
            name: "github-actions".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: "https://docs.github.com/rest/actions".to_owned(),
            params: PARAMS.to_owned(),
            permissions: vec![
                permission("http", "{api}", &[("methods", "GET,POST")], "dispatches, watches and cancels runs"),
                permission("secret", "github", &[("host", "{api}")], "a token that may write actions"),
                permission("checkpoint", "job", &[], "no workflow is dispatched twice"),
            ],
            limits: Vec::new(),
            rules: vec![Rule {
                code: CODE.to_owned(),
                title: "The workflow must pass".to_owned(),
                severity: Severity::High,
            }],
        }
    }

    fn start(ctx: &Context) -> Result<Work, Error> {
        let mut inputs: Map<String, Value> =
            params::pairs(ctx, "inputs")?.into_iter().map(|(name, value)| (name, value.into())).collect();
        inputs.insert(params::text(ctx, "key-input")?.to_owned(), ctx.key.as_str().into());
        let url = actions(ctx, &format!("workflows/{}/dispatches", encode(params::text(ctx, "workflow")?)))?;
        request("POST", url)
            .body(&json!({ "ref": params::text(ctx, "ref")?, "inputs": inputs }))
            .ok(Missing::Invalid)?;
        Work::new(ctx, "", "dispatched")
    }

    fn find(ctx: &Context) -> Result<Option<Work>, Error> {
        let workflow = encode(params::text(ctx, "workflow")?);
        let url = actions(ctx, &format!("workflows/{workflow}/runs?event=workflow_dispatch&per_page=100"))?;
        let answer = request("GET", url).json(SEARCH)?;
        let runs = answer["workflow_runs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let has_key = |run: &&Value| {
            ["display_title", "name"]
                .iter()
                .any(|field| run[*field].as_str().is_some_and(|text| text.contains(&ctx.key)))
        };
        runs.iter().find(has_key).map(|run| of_run(ctx, run)).transpose()
    }

    fn look(ctx: &Context, work: Work) -> Result<Look, Error> {
        if work.id.is_empty() {
            if let Some(found) = Self::find(ctx)? {
                return Ok(Look::Waiting(Work { since: work.since, extra: work.extra, ..found }));
            }
            if ctx.now.saturating_sub(work.since) > 10 * APPEARS_MS {
                return Err(Error::Lost(
                    "the workflow was dispatched, and no run with the key in its title appeared; does the workflow have \
                     `run-name: ${{ inputs.assay_key }}`?"
                        .to_owned(),
                ));
            }
            return Ok(Look::Waiting(work));
        }
        let request = request("GET", actions(ctx, &format!("runs/{}", encode(&work.id)))?);
        let run = request.json(Missing::Lost)?;
        let status = run["status"].as_str().unwrap_or_default();
        if run["id"].as_u64().map(|id| id.to_string()).as_deref() != Some(work.id.as_str()) || status.is_empty() {
            let what = shown(run.to_string().as_bytes());
            return Err(Error::Lost(format!("{} answered with something else than this run: {what}", request.name())));
        }
        let conclusion = run["conclusion"].as_str();
        let mut next = Work { native: conclusion.unwrap_or(status).to_owned(), ..work };
        next.url = run["html_url"].as_str().map(str::to_owned).or(next.url);
        Ok(if status == "completed" { Look::Ended(next) } else { Look::Waiting(next) })
    }

    fn collect(ctx: &Context, work: &Work) -> Result<Verdict, Error> {
        let mut report = Report::default();
        let answer =
            request("GET", actions(ctx, &format!("runs/{}/jobs?per_page=100", encode(&work.id)))?).json(Missing::Lost);
        match answer {
            Ok(answer) => {
                let jobs = answer["jobs"].as_array().map(Vec::as_slice).unwrap_or_default();
                let case = |job: &Value| {
                    let conclusion = job["conclusion"].as_str().unwrap_or("unknown").to_owned();
                    TestCase {
                        suite: params::optional(ctx, "workflow").unwrap_or_default().to_owned(),
                        name: job["name"].as_str().unwrap_or_default().to_owned(),
                        outcome: outcome(&conclusion),
                        millis: 0,
                        message: (conclusion != "success").then_some(conclusion),
                    }
                };
                report.cases(&jobs.iter().map(case).collect::<Vec<_>>());
            }
            Err(error @ (Error::Transient(_) | Error::Auth(_))) => return Err(error),
            Err(_) => report.warn("the jobs of the run cannot be listed".to_owned()),
        }
        Ok(report.verdict("GitHub Actions", CODE, work, outcome(&work.native), work.native == "cancelled"))
    }

    fn stop(ctx: &Context, work: &Work, times: u64) -> Result<Stop, Error> {
        if work.id.is_empty() {
            return Ok(Stop::Requested);
        }
        let verb = if times < 10 { "cancel" } else { "force-cancel" };
        let request = request("POST", actions(ctx, &format!("runs/{}/{verb}", encode(&work.id)))?);
        let response = request.send()?;
        match response.status {
            404 => Ok(Stop::Stopped),
            409 => Ok(Stop::Refused(shown(&response.body))),
            _ => request.check(&response, Missing::Lost).map(|()| Stop::Requested),
        }
    }
}

fn outcome(conclusion: &str) -> Outcome {
    match conclusion {
        "success" => Outcome::Success,
        "failure" => Outcome::Failure,
        "neutral" => Outcome::Warning,
        "skipped" => Outcome::Skipped,
        _ => Outcome::Error,
    }
}
