"""{{name}}: an image must have an attestation of a certain type. Replace it with your own check."""

import json

import assay
from wit_world import exports
from wit_world.exports.metadata import Manifest, Permission, Rule
from wit_world.imports import evidence, logging, types

ATTESTED = "{{name}}.attested"

PARAMS = {
    "type": "object",
    "properties": {"type": {"type": "string", "default": "https://slsa.dev/provenance/v1"}},
    "additionalProperties": False,
}


class Metadata(exports.Metadata):
    def describe(self):
        return Manifest(
            name="{{name}}",
            version="0.1.0",
            summary="Checks that an image has an attestation of a certain type.",
            license="Apache-2.0",
            source="",
            documentation="",
            params=json.dumps(PARAMS),
            permissions=[Permission(kind="evidence", name="attestations", options=[], reason="they are what is checked")],
            limits=[],
            rules=[Rule(code=ATTESTED, title="Image must have the attestation", severity=types.Severity.HIGH)],
        )


class ImageCheck(exports.ImageCheck):
    def evaluate(self, ctx, image):
        wanted = assay.param(ctx, "type")
        found = [attestation.predicate_type for attestation in evidence.attestations(image)]
        logging.log(logging.Level.INFO, f"{image} has {len(found)} attestations")
        if wanted in found:
            return []
        return [
            assay.finding(
                ATTESTED,
                f"{image} has no attestation of the type {wanted}",
                subject=image,
                solution="Build the image with a pipeline that makes the attestation.",
            )
        ]
