"""HTTP through the host, part of the template: every response of a service becomes a value or the right error.

The manifest requests the hosts, `plugins.toml` grants them. Redirects are responses and are not followed.
"""

import json

import assay
from componentize_py_types import Err
from wit_world.imports import http, types


def _number(response, name):
    for key, value in response.headers:
        if key.lower() == name and value.isdigit():
            return int(value)
    return None


def _check(response, url, secret):
    """Raises an error unless the response is a success."""
    if response.status in (401, 403):
        raise Err(types.Error_Auth(secret or "none"))
    if response.status == 429 or response.status >= 500:
        after = _number(response, "retry-after")
        raise assay.retry(f"{url} answered {response.status}", after and after * 1000)
    if response.status == 404:
        raise Err(types.Error_Lost(f"{url} does not exist"))
    if response.status >= 300:
        raise assay.fail(f"{url} answered {response.status}")


def _call(function, request, *more):
    try:
        return function(request, *more)
    except Err as error:
        cause = error.value
        if isinstance(cause, http.Error_Denied):
            raise assay.fail(f"{request.url} is denied: {cause.value}") from None
        if isinstance(cause, http.Error_TooLarge):
            raise assay.fail(f"the answer of {request.url} is too large") from None
        raise assay.retry(f"{request.url} cannot be reached: {cause}") from None


def request(method, url, body=None, headers=(), secret=None):
    """A request; `secret` is the name of a secret, whose value the host inserts."""
    headers = list(headers)
    content = http.Body_None_()
    if body is not None:
        headers.append(("content-type", "application/json"))
        content = http.Body_Bytes(json.dumps(body).encode())
    return http.Request(method=method, url=url, headers=headers, body=content, auth=secret, timeout_ms=None)


def send(method, url, body=None, headers=(), secret=None):
    """The response, whatever its status."""
    return _call(http.send, request(method, url, body, headers, secret))


def json_of(method, url, body=None, headers=(), secret=None):
    """The JSON of a successful response."""
    response = send(method, url, body, headers, secret)
    _check(response, url, secret)
    try:
        return json.loads(response.body)
    except ValueError as error:
        raise Err(types.Error_Lost(f"{url} answered something that is not JSON: {error}")) from None


def download(url, artifact, media_type, headers=(), secret=None):
    """Streams a successful response into an artifact. It never enters the memory of this plugin."""
    saved = _call(http.download, request("GET", url, None, headers, secret), artifact, media_type)
    _check(saved, url, secret)
    return saved.bytes
