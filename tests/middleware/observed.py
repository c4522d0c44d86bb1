"""A program with OpenTelemetry's SDK, as an application sets it up: calls through drop-ins, spans printed as JSON.

`python -m tests.middleware.observed`, from the repository's root.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spaturzu
from spaturzu.sandbox import Cut, Reply, Sandbox, Status

ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "the secret prompt"}]}
CLAUDE = "claude-haiku-4-5"
WHOLE = Reply("The river rises in the hills, runs past two old mills and ends in the sea.", flush_each=True)


def plain(span: ReadableSpan) -> dict[str, Any]:
    parent = None if span.parent is None else span.parent.span_id
    scope = span.instrumentation_scope.name if span.instrumentation_scope else ""
    return {
        "name": span.name,
        "scope": scope,
        "id": span.context.span_id,
        "parent": parent,
        "trace": span.context.trace_id,
        "attributes": dict(span.attributes or {}),
        "end": span.end_time,
    }


def calls(sandbox: Sandbox) -> None:
    """A fallback; a stream; one that breaks; a call of an async client; and one of Anthropic's own drop-in."""
    import anthropic

    from spaturzu.anthropic import Anthropic
    from spaturzu.openai import AsyncOpenAI, OpenAI

    here: dict[str, Any] = {"api_key": "sk-secret", "base_url": sandbox.url("openai")}
    there: dict[str, Any] = {"api_key": "sk-secret", "base_url": sandbox.url("anthropic")}
    fallback = {"provider": "anthropic", "client": anthropic.Anthropic(**there), "model": CLAUDE}
    client = OpenAI(**here, spaturzu={"fallback": [fallback]})
    tracer = trace.get_tracer("application")
    with tracer.start_as_current_span("fallback"), spaturzu.run("plan", tags={"team": "search"}):
        sandbox.openai.script(Status(503))
        client.chat.completions.create(**ASK)
    with tracer.start_as_current_span("stream"):
        stream = client.chat.completions.create(**ASK, stream=True)
    list(stream)
    with tracer.start_as_current_span("resumed"):
        sandbox.openai.script(Cut(after_deltas=8, framing="wrong", reply=WHOLE))
        sandbox.anthropic.script(WHOLE)
        list(client.chat.completions.create(**ASK, stream=True))
    with tracer.start_as_current_span("async"):
        sandbox.openai.script(Status(503))
        asyncio.run(_async(AsyncOpenAI(**here, spaturzu={"fallback": [fallback]})))
    with tracer.start_as_current_span("vendor"):
        Anthropic(**there).messages.create(model=CLAUDE, max_tokens=10, messages=ASK["messages"])


async def _async(client: Any) -> None:
    await client.chat.completions.create(**ASK)
    assert trace.get_current_span().get_span_context().is_valid


def main() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    with Sandbox() as sandbox:
        calls(sandbox)
    spaturzu.flush(10)
    sys.stdout.write(json.dumps([plain(span) for span in exporter.get_finished_spans()]))


if __name__ == "__main__":
    main()
