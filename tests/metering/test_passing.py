"""What passes through is metered by what its answer says: Bedrock's InvokeModel, embeddings without a usage."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anthropic
import boto3
import openai
import pytest
from google import genai

import spaturzu
from spaturzu.ledger.record import Record
from spaturzu.ledger.wire import full_entry
from spaturzu_translators.eventstream import event_frame

Records = Callable[[], list[Record]]
COUNTS = {"X-Amzn-Bedrock-Input-Token-Count": "120", "X-Amzn-Bedrock-Output-Token-Count": "30"}
METRICS = {"inputTokenCount": 9, "outputTokenCount": 4, "cacheReadInputTokenCount": 3, "invocationLatency": 5}

SEARCHED: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-5",
    "error": None,
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [{"type": "web_search"}],
    "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
    "tool_usage": {"web_search": {"num_requests": 2}},
}

CLAUDE_SEARCHED: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "This."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1000, "output_tokens": 100, "server_tool_use": {"web_search_requests": 3}},
}


def _frame(chunk: dict[str, Any]) -> bytes:
    return event_frame({"chunk": {"bytes": b64encode(json.dumps(chunk).encode()).decode()}})


class Handler(BaseHTTPRequestHandler):
    """Answers as each API does, as far as metering goes."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/invoke-with-response-stream"):
            metrics = 7 if "damaged" in self.path else METRICS
            frames = [_frame({"outputText": "Hel"}), _frame({"amazon-bedrock-invocationMetrics": metrics})]
            if "damaged" in self.path:
                frames.append(event_frame({"trace": {"bytes": "A"}}))  # no base64
            self._answer(b"".join(frames), "application/vnd.amazon.eventstream", {})
        elif self.path.endswith("/responses"):
            self._answer(json.dumps(SEARCHED).encode(), "application/json", {})
        elif self.path.endswith("/messages"):
            self._answer(json.dumps(CLAUDE_SEARCHED).encode(), "application/json", {})
        elif self.path.endswith(":predict"):
            texts = [{"embeddings": {"values": [0.5], "statistics": {"token_count": count}}} for count in (3, 4)]
            self._answer(json.dumps({"predictions": texts}).encode(), "application/json", {})
        elif "untold" in self.path:
            self._answer(b"{}", "application/json", {})
        elif "/invoke" in self.path:
            self._answer(b'{"outputText": "Hello"}', "application/json", COUNTS)
        else:
            self._answer(b'{"embeddings": [{"values": [0.5, 0.25]}]}', "application/json", {})

    def _answer(self, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def bedrock(sp: spaturzu.Spaturzu, url: str) -> Any:
    """A wrapped client of it."""
    sdk: Any = boto3
    raw = sdk.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="a",
        aws_secret_access_key="s",
    )
    return sp.wrap_bedrock(raw)


def test_invoke_model_is_metered_by_its_headers(sp: spaturzu.Spaturzu, bedrock: Any, records: Records) -> None:
    with sp.run("old hand"):
        answer = bedrock.invoke_model(modelId="amazon.nova-micro-v1:0", body=b"{}")
    assert json.loads(answer["body"].read()) == {"outputText": "Hello"}
    (record,) = records()
    assert (record.operation, record.request_model) == ("chat", "amazon.nova-micro-v1:0")
    assert (record.usage_source, record.agent_name) == ("provider", "old hand")
    assert record.usage is not None
    assert (record.usage.input_tokens, record.usage.output_tokens) == (120, 30)
    assert record.cost_nanodollars == 120 * 35 + 30 * 140


def test_a_streamed_invocation_is_metered_by_its_last_chunk(
    sp: spaturzu.Spaturzu, bedrock: Any, records: Records
) -> None:
    with sp.run("old hand"):
        body = bedrock.invoke_model_with_response_stream(modelId="amazon.nova-micro-v1:0", body=b"{}")["body"]
    chunks = [json.loads(event["chunk"]["bytes"]) for event in body]
    assert chunks[0] == {"outputText": "Hel"}
    (record,) = records()
    assert record.usage is not None
    assert (record.usage.input_tokens, record.usage.cache_read_tokens, record.usage.output_tokens) == (12, 3, 4)
    assert record.agent_name == "old hand"
    assert (record.cost_nanodollars or 0) > 0


def test_metrics_that_cannot_be_read_harm_nobodys_stream(sp: spaturzu.Spaturzu, bedrock: Any, records: Records) -> None:
    """A body's end is on the caller's path: what is wrong there is not metered, and the stream goes on."""
    body = bedrock.invoke_model_with_response_stream(modelId="acme.damaged", body=b"{}")["body"]
    assert json.loads(next(iter(body))["chunk"]["bytes"]) == {"outputText": "Hel"}
    assert len(list(body)) >= 1
    (record,) = records()
    assert (record.operation, record.request_model) == ("unmetered", "acme.damaged")


def test_an_invocation_that_tells_no_tokens_is_counted_as_unmetered(
    sp: spaturzu.Spaturzu, bedrock: Any, records: Records
) -> None:
    bedrock.invoke_model(modelId="acme.untold", body=b"{}")["body"].read()
    (record,) = records()
    assert (record.operation, record.request_model, record.cost_nanodollars) == ("unmetered", "acme.untold", None)
    assert sp.stats().unmetered == 1


def test_an_embedding_of_bedrocks_is_one(bedrock: Any, records: Records) -> None:
    bedrock.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=b"{}")["body"].read()
    (record,) = records()
    assert (record.operation, record.usage and record.usage.input_tokens) == ("embeddings", 120)


def test_an_embedding_without_a_usage_is_estimated_and_says_so(
    sp: spaturzu.Spaturzu, url: str, records: Records
) -> None:
    raw = genai.Client(api_key="k", http_options=genai.types.HttpOptions(base_url=url))
    sp.wrap_gemini(raw).models.embed_content(
        model="gemini-embedding-001", contents=["Seven words are in this short text"]
    )
    (record,) = records()
    assert record.operation == "embeddings"
    assert record.usage_source in ("tiktoken", "heuristic")
    assert record.usage is not None
    assert record.usage.input_tokens in range(5, 12)
    assert (record.cost_nanodollars or 0) > 0


def test_vertexs_older_embeddings_are_metered_by_the_count_of_each_text(
    sp: spaturzu.Spaturzu, url: str, records: Records
) -> None:
    raw = genai.Client(vertexai=True, api_key="k", http_options=genai.types.HttpOptions(base_url=url))
    sp.wrap_gemini(raw).models.embed_content(model="text-embedding-005", contents=["three words here", "and four here"])
    (record,) = records()
    assert (record.operation, record.request_model) == ("embeddings", "text-embedding-005")
    assert (record.usage_source, record.usage and record.usage.input_tokens) == ("provider", 7)


def test_searches_that_the_provider_ran_are_on_the_bill(sp: spaturzu.Spaturzu, url: str, records: Records) -> None:
    sp.wrap_openai(openai.OpenAI(base_url=url, api_key="k")).responses.create(model="gpt-5", input="What is new?")
    (record,) = records()
    assert record.cost_nanodollars == 1000 * 1250 + 100 * 10_000 + 2 * 10_000_000
    assert record.hosted == {"web_searches": 2}
    assert full_entry(record)["hosted"] == {"web_searches": 2}


def test_searches_that_claude_counts_in_its_usage_are_too(sp: spaturzu.Spaturzu, url: str, records: Records) -> None:
    client = sp.wrap_anthropic(anthropic.Anthropic(base_url=url, api_key="k"))
    client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=[{"role": "user", "content": "New?"}])
    (record,) = records()
    assert record.cost_nanodollars == 1000 * 1000 + 100 * 5000 + 3 * 10_000_000
    assert full_entry(record)["hosted"] == {"web_searches": 3}
