"""Helpers for assay plugins, part of the template: change them as you like.

Everything here is plain data. What a plugin can call is in `wit_world.imports`; `componentize-py -d wit -w {{world}}
bindings types` writes its types for your editor.
"""

import json

from componentize_py_types import Err
from wit_world.imports import types


def fail(message):
    """The inputs can never work: ends the call without a verdict, and it is not retried."""
    return Err(types.Error_Invalid(message))


def retry(message, after_ms=None):
    """The same call is retried later: the network, 429, 5xx."""
    return Err(types.Error_Transient(types.Retry(message=message, after_ms=after_ms)))


def param(ctx, name):
    """The value of a parameter: a string or a list of strings. The host has checked it and filled in its default."""
    for one in ctx.params:
        if one.name == name:
            if isinstance(one.value, types.Value_Json):
                return json.loads(one.value.value)
            return one.value.value
    raise fail(f"there is no parameter `{name}`")


def finding(code, message, outcome=None, severity=None, subject=None, terms=(), solution=None):
    """One finding. Its code must be among the rules of the manifest."""
    return types.Finding(
        code=code,
        outcome=outcome or types.Outcome.FAILURE,
        severity=severity or types.Severity.HIGH,
        message=message,
        subject=subject,
        terms=list(terms),
        solution=solution,
    )


def verdict(outcome, successes=0, failures=0, warnings=0, note=None, findings=(), results=(), links=()):
    """The result of a task or a job. The host counts by itself: a success with failures is an error."""
    return types.Verdict(
        outcome=outcome,
        successes=successes,
        failures=failures,
        warnings=warnings,
        namespace=None,
        note=note,
        timestamp=None,
        findings=list(findings),
        results=list(results),
        links=list(links),
    )
