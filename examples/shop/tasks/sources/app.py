"""sources: every component of the Snapshot names the commit that it was built from."""

import json
import re

import assay
from wit_world import exports
from wit_world.exports.metadata import Manifest, Rule
from wit_world.imports import logging, snapshot, types

SOURCE = "sources.commit"

PARAMS = {
    "type": "object",
    "properties": {
        "test": {"type": "string", "enum": ["sources"], "default": "sources"},
        "prefix": {"type": "string", "default": "https://"},
    },
    "additionalProperties": False,
}


class Metadata(exports.Metadata):
    def describe(self):
        return Manifest(
            name="sources",
            version="0.1.0",
            summary="Checks that components name the commits that they were built from.",
            license="Apache-2.0",
            source="",
            documentation="",
            params=json.dumps(PARAMS),
            permissions=[],
            limits=[],
            rules=[
                Rule(
                    code=SOURCE,
                    title="Component must name the commit that it was built from",
                    severity=types.Severity.HIGH,
                )
            ],
        )


def components():
    """All components of the Snapshot; one answer of the host has 500 at most."""
    offset = 0
    while part := snapshot.components(offset, 500):
        yield from part
        offset += len(part)


def wrong(component, prefix):
    """What is wrong with the source of a component, or nothing."""
    source = component.source
    if source is None:
        return "it names no source"
    if not source.url.startswith(prefix):
        return f"its source {source.url} is not below {prefix}"
    if not re.fullmatch("[0-9a-fA-F]{40}", source.revision):
        return f"its revision `{source.revision}` is not a commit"
    return None


class CustomTask(exports.CustomTask):
    def run(self, ctx):
        prefix = assay.param(ctx, "prefix")
        findings = []
        count = 0
        for component in components():
            count += 1
            if why := wrong(component, prefix):
                message = f"{component.name}: {why}"
                findings.append(assay.finding(SOURCE, message, subject=component.image, terms=[component.name]))
        successes = count - len(findings)
        note = f"{successes} of {count} components are as they should be"
        logging.log(logging.Level.INFO, note)
        outcome = types.Outcome.FAILURE if findings else types.Outcome.SUCCESS
        return assay.verdict(outcome, successes=successes, failures=len(findings), note=note, findings=findings)
