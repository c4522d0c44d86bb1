"""The spans that an SDK makes of its own calls stay the application's, where it takes spans and we make none."""

from __future__ import annotations

import os
import subprocess
import sys

import anthropic
import pytest

PROGRAM = """
import sys
import spaturzu.openai
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from spaturzu.sandbox import Sandbox, Status, clients

spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
with Sandbox() as sandbox:
    sandbox.wires["openai"].reply(Status(503, times=None))
    target = {"provider": "anthropic", "client": clients.anthropic(sandbox), "model": "claude-haiku-4-5"}
    client = spaturzu.openai.OpenAI(
        base_url=sandbox.url("openai"), api_key=clients.KEY, spaturzu={"fallback": [target]}
    )
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])
scopes = {span.instrumentation_scope.name for span in spans.get_finished_spans()}
print(sorted("anthropic" if "anthropic" in scope else scope for scope in scopes))
"""


@pytest.mark.skipif(not hasattr(anthropic.Anthropic, "open_telemetry"), reason="this anthropic makes no spans")
@pytest.mark.parametrize(("ours", "scopes"), [("off", "['anthropic']"), ("on", "['spaturzu']")])
def test_a_fallbacks_call_has_the_spans_of_one_of_us(ours: str, scopes: str, tmp_path: object) -> None:
    environment = {**os.environ, "SPATURZU_OTEL": ours, "SPATURZU_DB": f"{tmp_path}/ledger.sqlite3"}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == scopes, ran.stderr
