"""{{name}}: every image of the Snapshot must come from an allowed registry. Replace it with your own task."""

import json

import assay
from wit_world import exports
from wit_world.exports.metadata import Manifest, Rule
from wit_world.imports import logging, snapshot, types

REGISTRY = "{{name}}.registry"

PARAMS = {
    "type": "object",
    "properties": {
        "registries": {"type": "array", "items": {"type": "string"}, "default": ["registry.example/"]},
    },
    "additionalProperties": False,
}


class Metadata(exports.Metadata):
    def describe(self):
        return Manifest(
            name="{{name}}",
            version="0.1.0",
            summary="Checks that the images of a Snapshot come from allowed registries.",
            license="Apache-2.0",
            source="",
            documentation="",
            params=json.dumps(PARAMS),
            permissions=[],
            limits=[],
            rules=[Rule(code=REGISTRY, title="Image must come from an allowed registry", severity=types.Severity.HIGH)],
        )


def components():
    """All components of the Snapshot; one response of the host has at most 500."""
    offset = 0
    while part := snapshot.components(offset, 500):
        yield from part
        offset += len(part)


class CustomTask(exports.CustomTask):
    def run(self, ctx):
        allowed = assay.param(ctx, "registries")
        findings = []
        successes = 0
        for component in components():
            if any(component.image.startswith(prefix) for prefix in allowed):
                successes += 1
            else:
                message = f"{component.image} of the component {component.name} is not from an allowed registry"
                findings.append(assay.finding(REGISTRY, message, subject=component.image, terms=[component.name]))
        logging.log(logging.Level.INFO, f"{successes} images are from allowed registries, {len(findings)} are not")
        outcome = types.Outcome.FAILURE if findings else types.Outcome.SUCCESS
        note = f"{successes} of {successes + len(findings)} images are from allowed registries"
        return assay.verdict(outcome, successes=successes, failures=len(findings), note=note, findings=findings)
