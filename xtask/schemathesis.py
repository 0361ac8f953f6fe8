"""What schemathesis must be taught to ask this host everything: `cargo xtask schemathesis` names it as its hooks.

No check is turned off for it. What a document of OpenAPI cannot say of a good request is said here: what goes together,
what excludes one another, and which words only the host gives out. Bad requests are sent as they were made.
"""

import json

import schemathesis
from schemathesis.transport.requests import REQUESTS_TRANSPORT

# Exports are lines of JSON, and so is what is imported.
LINES = "application/x-ndjson"
# An export in which nothing is has no line to be held to its description: this one stands for it.
NO_LINE = {
    "seq": 1, "at": "2026-01-01T00:00:00Z", "principal": "", "kind": "", "action": "", "subject": "", "verdict": "",
    "previous": "", "hash": "",
}
# They change many executions at once, and want to be told which.
BULK = ("/executions/pause", "/executions/resume", "/executions/cancel", "/executions/purge")
NARROWING = {"runtime", "playbook", "status", "label", "since", "until", "olderThan"}


@schemathesis.deserializer(LINES)
def read_lines(ctx, response):
    lines = response.content.decode().splitlines()
    return json.loads(lines[0]) if lines else NO_LINE


@REQUESTS_TRANSPORT.serializer(LINES)
def write_lines(ctx, value):
    if isinstance(value, bytes):
        return {"data": value}
    return {"data": value.encode() if isinstance(value, str) else json.dumps(value).encode()}


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    mend_query(case)
    if isinstance(case.body, dict):
        mend_body(case.path, case.body)


def mend_query(case):
    query = case.query or {}
    # A place in a list is a word of the host.
    if not str(query.get("cursor", "")).startswith(("e0", "i0", "a")):
        query.pop("cursor", None)
    # A noted line is named by both.
    if ("seq" in query) != ("hash" in query):
        query.pop("seq", None)
        query.pop("hash", None)
    if case.path.endswith(BULK) and not NARROWING & query.keys():
        case.query = {**query, "runtime": "kitchen-v1"}


def mend_body(path, body):
    # Schemas go together: both, or none.
    if path.endswith("/drafts/scaffold") and (body.get("inputSchema") is None) != (body.get("outputSchema") is None):
        body.pop("inputSchema", None)
        body.pop("outputSchema", None)
    # Who may do everything needs no environments.
    if path.endswith("/keys") and body.get("everything"):
        body.pop("environments", None)
    # Which settings a model needs depends on who provides it.
    if path.endswith("/runtimes"):
        body.pop("model", None)
