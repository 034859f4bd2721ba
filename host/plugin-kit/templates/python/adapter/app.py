"""{{name}}: runs a job of a service over HTTP and collects its result. Replace the paths with those of your service.

The service of this template: `POST /jobs` creates a job, `GET /jobs/ID` returns its status, `GET /jobs/ID/log` its log, and
`DELETE /jobs/ID` cancels it. Between two calls, no instance of this program exists: all it knows is in `state`.
"""

import json

import assay
import assay_http
from wit_world import exports
from wit_world.exports import remote_job
from wit_world.exports.metadata import Manifest, Permission, Rule
from wit_world.imports import checkpoint, types

PASSED = "{{name}}.passed"
POLL_MS = 10_000

PARAMS = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"], "additionalProperties": False}


class Metadata(exports.Metadata):
    def describe(self):
        return Manifest(
            name="{{name}}",
            version="0.1.0",
            summary="Runs a job of a service and reports its result.",
            license="Apache-2.0",
            source="",
            documentation="",
            params=json.dumps(PARAMS),
            permissions=[
                Permission(
                    kind="http", name="{url}", options=[("methods", "GET,POST,DELETE")], reason="the service with the jobs"
                ),
                Permission(kind="checkpoint", name="job", options=[], reason="no job is made twice"),
            ],
            limits=[],
            rules=[Rule(code=PASSED, title="Job must pass", severity=types.Severity.HIGH)],
        )


def pack(job, status="queued"):
    """The state; begin it with your own version, so that a newer plugin can read it."""
    return json.dumps({"version": 1, "job": job, "status": status}).encode()


def unpack(state):
    known = json.loads(state)
    if known.get("version") != 1:
        raise assay.fail("the state was written by another version of this plugin")
    return known["job"], known["status"]


def waiting(ctx, job, status):
    url = f"{assay.param(ctx, 'url')}/jobs/{job}"
    return remote_job.Waiting(state=pack(job, status), after_ms=POLL_MS, native=status, url=url)


class RemoteJob(exports.RemoteJob):
    def submit(self, ctx):
        note = checkpoint.get("job")
        if note is not None:
            return remote_job.Status_Waiting(waiting(ctx, note.decode(), "queued"))
        # The service creates one job per key, however many requests there are.
        made = assay_http.json_of("POST", f"{assay.param(ctx, 'url')}/jobs", {"key": ctx.key})
        job = str(made["id"])
        checkpoint.set("job", job.encode())
        return remote_job.Status_Waiting(waiting(ctx, job, made.get("status", "queued")))

    def poll(self, ctx, state):
        job, _ = unpack(state)
        status = assay_http.json_of("GET", f"{assay.param(ctx, 'url')}/jobs/{job}")["status"]
        if status in ("queued", "running"):
            return remote_job.Status_Waiting(waiting(ctx, job, status))
        return remote_job.Status_Ended(pack(job, status))

    def collect(self, ctx, state):
        job, status = unpack(state)
        url = f"{assay.param(ctx, 'url')}/jobs/{job}"
        assay_http.download(f"{url}/log", "console.log", "text/plain")
        passed = status == "passed"
        findings = [] if passed else [assay.finding(PASSED, f"job {job} ended with the status {status}", subject=url)]
        return remote_job.Collected_Done(
            assay.verdict(
                types.Outcome.SUCCESS if passed else types.Outcome.FAILURE,
                successes=int(passed),
                failures=int(not passed),
                note=f"job {job}: {status}",
                findings=findings,
                links=[("job", url)],
            )
        )

    def cancel(self, ctx, state, reason):
        note = checkpoint.get("job")
        job = unpack(state)[0] if state is not None else note.decode() if note is not None else None
        if job is None:
            return remote_job.Cancellation_Canceled()
        answer = assay_http.send("DELETE", f"{assay.param(ctx, 'url')}/jobs/{job}")
        if answer.status < 300 or answer.status in (404, 410):
            return remote_job.Cancellation_Canceled()
        return remote_job.Cancellation_Refused(f"the service answered {answer.status}")
