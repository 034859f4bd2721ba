"""junit-gate: test results must be there, be enough, and have no failures but those that are known.

The report comes from a URL or from the parameter `report`. The host parses it and keeps the test cases with the run; this
plugin reads it once more for the names of what failed.
"""

import fnmatch
import json
import xml.etree.ElementTree as ElementTree

import assay
import assay_http
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.metadata import Manifest, Permission, Rule
from wit_world.imports import artifacts, logging, tests, types

FAILED = "junit-gate.failed"
TESTS = "junit-gate.tests"
SKIPPED = "junit-gate.skipped"

REPORT = "junit.xml"

# Findings about single test cases; the rest is counted in one more.
FINDINGS = 100

PARAMS = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "default": "", "description": "Where the report is."},
        "report": {"type": "string", "default": "", "description": "The report itself, such as a result of an earlier task."},
        "min-tests": {"type": "integer", "default": 1, "description": "The fewest test cases that must have run."},
        "max-failures": {"type": "integer", "default": 0, "description": "The most failures that are only a warning."},
        "max-skipped": {"type": "integer", "default": -1, "description": "The most skipped test cases; -1 is no limit."},
        "known-failures": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Test cases that may fail, `SUITE/NAME`, with `*` for any characters.",
        },
        "secret": {"type": "boolean", "default": False, "description": "Whether the report is fetched with the secret `report`."},
    },
    "additionalProperties": False,
}


class Metadata(exports.Metadata):
    def describe(self):
        high = types.Severity.HIGH
        return Manifest(
            name="junit-gate",
            version="0.1.0",
            summary="Checks the results of tests, a report in JUnit's XML.",
            license="Apache-2.0",
            source="",
            documentation="",
            params=json.dumps(PARAMS),
            permissions=[
                Permission(kind="http", name="{url}", options=[("methods", "GET")], reason="the report is there"),
                Permission(kind="secret", name="report", options=[("host", "{url}")], reason="the report may not be public"),
            ],
            limits=[("memory-mib", 256)],
            rules=[
                Rule(code=FAILED, title="Test cases must not fail", severity=high),
                Rule(code=TESTS, title="Enough test cases must have run", severity=high),
                Rule(code=SKIPPED, title="Few test cases may be skipped", severity=types.Severity.MEDIUM),
            ],
        )


def fetch(ctx):
    """Puts the report into an artifact, from where the parameters say."""
    url, report = assay.param(ctx, "url"), assay.param(ctx, "report")
    if bool(url) == bool(report):
        raise assay.fail("give either `url` or `report`")
    if url:
        secret = "report" if assay.param(ctx, "secret") else None
        assay_http.download(url, REPORT, "application/xml", secret=secret)
    else:
        artifacts.append(REPORT, "application/xml", report.encode())


def read():
    """The report, in the parts that the host gives."""
    parts, offset = [], 0
    while part := artifacts.read(REPORT, offset, 1 << 20):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def cases(report):
    """Every test case as `SUITE/NAME`, what happened to it, and the message."""
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = f"{case.get('classname') or ''}/{case.get('name') or ''}"
        for kind in ("error", "failure", "skipped"):
            found = case.find(kind)
            if found is not None:
                message = found.get("message") or found.text or ""
                yield name, kind, " ".join(message.split())[:300]
                break
        else:
            yield name, "success", ""


class CustomTask(exports.CustomTask):
    def run(self, ctx):
        fetch(ctx)
        try:
            counts = tests.ingest(REPORT, "junit")
            # The host has checked the XML: it has no document type, so no entities either.
            found = list(cases(read()))
        except Err as error:
            raise assay.fail(f"the report cannot be read: {getattr(error.value, 'value', error.value)}") from None
        except ElementTree.ParseError as error:
            raise assay.fail(f"the report cannot be read: {error}") from None
        logging.log(logging.Level.INFO, f"{len(found)} test cases, {counts.skipped} skipped")
        return evaluate(ctx, found)


def is_known(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def evaluate(ctx, found):
    """The verdict about all test cases."""
    patterns = assay.param(ctx, "known-failures")
    failed = [case for case in found if case[1] in ("error", "failure")]
    known = [case for case in failed if is_known(case[0], patterns)]
    unknown = [case for case in failed if not is_known(case[0], patterns)]
    skipped = sum(1 for case in found if case[1] == "skipped")
    ran = len(found) - skipped
    findings = []
    if ran < assay.param(ctx, "min-tests"):
        message = f"{ran} test cases ran, fewer than the {assay.param(ctx, 'min-tests')} required"
        findings.append(assay.finding(TESTS, message, solution="Run the tests, or lower `min-tests`."))
    is_tolerated = len(unknown) <= assay.param(ctx, "max-failures")
    outcome = types.Outcome.WARNING if is_tolerated else types.Outcome.FAILURE
    for name, kind, message in unknown[:FINDINGS]:
        text = f"{name}: {message or kind}"
        findings.append(assay.finding(FAILED, text, outcome=outcome, subject=name, terms=[name]))
    if len(unknown) > FINDINGS:
        findings.append(assay.finding(FAILED, f"Another {len(unknown) - FINDINGS} test cases failed", outcome=outcome))
    for name, kind, message in known[:FINDINGS]:
        text = f"{name} failed, which is known: {message or kind}"
        findings.append(assay.finding(FAILED, text, outcome=types.Outcome.WARNING, subject=name, terms=[name]))
    most = assay.param(ctx, "max-skipped")
    if 0 <= most < skipped:
        message = f"{skipped} test cases were skipped, more than the {most} allowed"
        findings.append(assay.finding(SKIPPED, message, severity=types.Severity.MEDIUM))
    failures = sum(1 for finding in findings if finding.outcome == types.Outcome.FAILURE)
    # Failures that may happen are no success either: the host counts them, too.
    if failures:
        result = types.Outcome.FAILURE
    else:
        result = types.Outcome.WARNING if failed or findings else types.Outcome.SUCCESS
    return assay.verdict(
        result,
        successes=ran - len(failed),
        failures=max(failures, 0 if is_tolerated else len(unknown)),
        warnings=len(known) + (len(unknown) if is_tolerated else 0),
        note=f"{ran} of {len(found)} test cases ran, {len(failed)} failed, {len(known)} of them known",
        findings=findings,
        results=[("TESTS", str(len(found))), ("FAILED", str(len(failed))), ("SKIPPED", str(skipped))],
    )
