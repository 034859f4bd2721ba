"""{{name}}: writes a page about a run. Replace it with your own report."""

import json

from wit_world import exports
from wit_world.exports.metadata import Manifest
from wit_world.imports import artifacts, events, logging

PARAMS = {
    "type": "object",
    "properties": {"title": {"type": "string", "default": "Run"}},
    "additionalProperties": False,
}


class Metadata(exports.Metadata):
    def describe(self):
        return Manifest(
            name="{{name}}",
            version="0.1.0",
            summary="Writes a page about a run.",
            license="Apache-2.0",
            source="",
            documentation="",
            params=json.dumps(PARAMS),
            permissions=[],
            limits=[],
            rules=[],
        )


def all_events():
    """All events of the run; one response of the host has at most 500."""
    last = 0
    while part := events.after(last, 500):
        yield from part
        last = part[-1].number


class Renderer(exports.Renderer):
    def render(self, ctx):
        title = next((one.value.value for one in ctx.params if one.name == "title"), "Run")
        artifacts.append("report.md", "text/markdown", f"# {title}\n\n".encode())
        count = 0
        for event in all_events():
            count += 1
            artifacts.append("report.md", "text/markdown", f"- {event.number}: `{event.document}`\n".encode())
        logging.log(logging.Level.INFO, f"{count} events")
        return ["report.md"]
