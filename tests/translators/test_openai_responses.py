"""OpenAI Responses: the laws, its wire as the real SDK sees it, its errors, and recorded traffic."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response as NativeResponse
from openai.types.responses import ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import BaseModel, TypeAdapter

from spaturzu_translators import PROVIDERS, codec
from spaturzu_translators.codec import BadWire, FailedAnswer
from spaturzu_translators.events import (
    Event,
    Failed,
    Finished,
    PartEnded,
    SignatureDelta,
    Started,
    fold,
    unfold,
)
from spaturzu_translators.failures import ErrorReply, Failure, FailureKind
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import (
    Blob,
    File,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from spaturzu_translators.openai_responses import CODEC
from spaturzu_translators.requests import ReasoningOptions, Request, ResponseFormat, Tool, ToolChoice, WireRequest
from spaturzu_translators.responses import Candidate, FinishReason, Response, Usage

from .corpus import ALL, Record
from .strategies import responses

ASKED = Request(model="gpt-6-astra", messages=(Message(role="user", parts=(Text(text="hi"),)),), stream=True)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
PARAMS = TypeAdapter(ResponseCreateParamsNonStreaming), TypeAdapter(ResponseCreateParamsStreaming)


def decode(body: dict[str, Any], **more: Any) -> Request:
    """A request as the SDK would send it."""
    given_body = {"model": "gpt-6-astra", "input": "hi", **body}
    return CODEC.decode_request(WireRequest(body=given_body, model=given_body["model"], **more))


def encode(request: Request, *, losses: tuple[str, ...] = ()) -> dict[str, Any]:
    """A request's body, valid for the SDK, with exactly these losses."""
    encoded = CODEC.encode_request(request)
    assert tuple(loss.path for loss in encoded.losses) == losses
    check(encoded.value.body)
    return encoded.value.body


def check(body: dict[str, Any]) -> None:
    """Does the SDK take it? Its types demand ids of items that the API takes without (recorded traffic, 2026)."""
    items = [{"id": "x", **item} if item.get("type") in ("message", "reasoning") else item for item in body["input"]]
    PARAMS[body.get("stream", False)].validate_python({**body, "input": items})


def ask(*parts: Any, **more: Any) -> Request:
    """A request of one user turn."""
    return Request(model="gpt-6-astra", messages=(Message(role="user", parts=parts),), **more)


def answer(*parts: Any, reason: FinishReason = "stop", **more: Any) -> Response:
    """A response of one candidate."""
    candidate = Candidate(parts=parts, finish_reason=reason)
    return Response(id="r1", model="m", created=1_795_305_600, candidates=(candidate,), **more)


def frames_of(response: Response, request: Request = ASKED) -> tuple[list[dict[str, Any]], tuple[Loss, ...]]:
    """A whole stream, and its losses."""
    encoder = CODEC.stream_encoder(request)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    return frames, encoder.losses


def events_of(frames: list[dict[str, Any]]) -> list[Event]:
    """The canonical events of a stream."""
    decoder = CODEC.stream_decoder("m")
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.close()


@given(response=responses())
def test_a_streams_last_event_has_the_plain_answer(response: Response) -> None:
    frames, losses = frames_of(response)
    for frame in frames:
        EVENT.validate_python(frame)
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
    plain = CODEC.encode_response(response, ASKED)
    created = response.created or frames[-1]["response"]["created_at"]
    assert frames[-1]["response"] == {**plain.value, "created_at": created}
    NativeResponse.model_validate(plain.value)
    assert set(losses) == set(plain.losses)


@given(response=responses(rich=False), cut=st.integers(1, 400))
def test_only_the_end_of_a_whole_stream_is_recognised(response: Response, cut: int) -> None:
    wire = b"".join(map(CODEC.frame, frames_of(response)[0]))
    assert CODEC.terminal.search(wire[-16384:])
    assert not CODEC.terminal.search(wire[: -cut - 2][-16384:])


def test_the_end_of_an_answer_longer_than_what_is_kept_is_recognised() -> None:
    long = answer(Text(text="x" * 40_000), usage=Usage(input_tokens=1, output_tokens=2))
    wire = b"".join(map(CODEC.frame, frames_of(long)[0]))
    assert CODEC.terminal.search(wire[-16384:])
    assert not CODEC.terminal.search(wire[:-700][-16384:])


def test_a_request_says_its_parameters_in_the_canonical_words() -> None:
    request = decode(
        {
            "instructions": "Be brief.",
            "max_output_tokens": 100,
            "temperature": 0.5,
            "top_logprobs": 2,
            "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
            "reasoning": {"effort": "high", "summary": "detailed", "context": "all_turns"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}, "verbosity": "low"},
            "store": False,
            "safety_identifier": "u1",
            "previous_response_id": "resp_0",
            "background": False,
        }
    )
    assert (request.system, request.max_tokens, request.temperature) == ((Text(text="Be brief."),), 100, 0.5)
    assert (request.logprobs, request.top_logprobs, request.user) == (True, 2, "u1")
    assert request.reasoning == ReasoningOptions(effort="high", include_text=True)
    assert request.response_format == ResponseFormat(type="json_schema", name="n", schema={}, strict=True)
    assert request.provider_fields == {
        "openai_responses": {
            "include": ["reasoning.encrypted_content"],
            "reasoning": {"context": "all_turns", "summary": "detailed"},
            "previous_response_id": "resp_0",
        },
        "openai": {"$user": "safety_identifier", "verbosity": "low"},
    }


def test_what_is_stored_unless_it_says_no_is_not_stored_for_callers_from_elsewhere() -> None:
    assert encode(ask(Text(text="hi")))["store"] is False
    assert CODEC.encode_request(decode({})).value.body["store"] is True


def test_a_function_is_strict_here_unless_it_says_no() -> None:
    assert encode(ask(Text(text="hi"), tools=(Tool(name="f"),)))["tools"][0]["strict"] is False
    unsaid = decode({"tools": [{"type": "function", "name": "f", "parameters": {}}]})
    assert "strict" not in CODEC.encode_request(unsaid).value.body["tools"][0]


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "name": "f"}, ToolChoice(mode="required", names=("f",))),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice(mode="auto", names=("f",)),
        ),
    ],
)
def test_tool_choices_go_both_ways(wire: Any, choice: ToolChoice) -> None:
    tool = {"type": "function", "name": "f", "parameters": {}, "strict": False}
    request = decode({"tools": [tool], "tool_choice": wire})
    assert request.tool_choice == choice
    assert CODEC.encode_request(request).value.body["tool_choice"] == wire


HOLOGRAM = {"type": "input_hologram", "x": 1}
PDF = "data:application/pdf;base64,aGk="
PARTS = [
    ({"type": "input_text", "text": "x"}, Text(text="x")),
    (
        {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        Text(text="x", cache="12h"),
    ),
    (
        {"type": "input_image", "image_url": "https://e.com/a.png", "detail": "high"},
        Uri(modality="image", uri="https://e.com/a.png", detail="high"),
    ),
    (
        {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
        Blob(modality="image", media_type="image/png", data="aGk="),
    ),
    (
        {"type": "input_image", "file_id": "file-1", "detail": "auto"},
        File(modality="image", file_id="file-1", issuer="openai"),
    ),
    (
        {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
        Blob(modality="document", media_type="application/pdf", data="aGk=", name="a.pdf"),
    ),
    ({"type": "input_file", "file_url": "https://e.com/a.pdf"}, Uri(modality="document", uri="https://e.com/a.pdf")),
    ({"type": "input_file", "file_id": "file-1"}, File(modality="document", file_id="file-1", issuer="openai")),
    (
        {"type": "input_hologram", "x": 1},
        Opaque(issuer="openai_responses", value={"content": {"type": "input_hologram", "x": 1}}),
    ),
]


@pytest.mark.parametrize(("wire", "part"), PARTS)
def test_parts_go_both_ways_in_messages_and_results(wire: dict[str, Any], part: Any) -> None:
    said = {"type": "input_text", "text": "look"}
    items = [
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": [said, wire]},
        {"role": "user", "content": [said, wire]},
    ]
    request = decode({"input": items})
    result = ToolResult(call_id="call_1", name="f", content=(Text(text="look"), part))
    assert request.messages[1].parts == (result, Text(text="look"), part)
    encoded = CODEC.encode_request(request)
    assert (encoded.value.body["input"], encoded.losses) == (items, ())


HISTORY = [
    {"role": "user", "content": "hi"},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "x"},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "phase": "commentary",
        "content": [{"type": "output_text", "text": "Let me look.", "annotations": []}],
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'},
    {"type": "function_call_output", "call_id": "call_1", "output": "1"},
    {"type": "custom_tool_call_output", "call_id": "call_2", "output": "raw"},
    {"role": "user", "content": "go on"},
    {"role": "assistant", "content": "Gladly."},
    {"type": "item_reference", "id": "msg_0"},
    {"role": "user", "content": "?"},
]


def test_a_history_of_items_comes_back_as_it_was() -> None:
    request = decode({"input": HISTORY})
    assert [message.role for message in request.messages] == ["user", "assistant", "user", "assistant", "user"]
    assert request.messages[1].parts[0] == Reasoning(
        text="Hm.", signature="x", issuer="openai", provider_fields={"openai_responses": {"item": {"id": "rs_1"}}}
    )
    encoded = CODEC.encode_request(request)
    assert (encoded.value.body["input"], encoded.losses) == (HISTORY, ())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_only_this_wire_can_say_is_reported_by_every_other(provider: Any) -> None:
    tools = [{"type": "web_search"}]
    asked = decode({"input": HISTORY, "tools": tools, "previous_response_id": "resp_0"})
    encoded = codec(provider).encode_request(asked)
    meant = {loss.path for loss in encoded.losses if loss.matters == "meaning"}
    assert "provider_fields.openai_responses.previous_response_id" in meant
    for place in ("tools[0]", "messages[1].parts[2]", "messages[3].parts[1]"):
        assert any(place.startswith(path) for path in meant), place
    wire = json.dumps(encoded.value.body)
    assert all(word not in wire for word in ("ws_1", "resp_0", "web_search", "msg_0", "encrypted_content", "rs_1"))


def test_what_both_of_openais_wires_say_goes_from_one_to_the_other() -> None:
    fields = {"openai": {"prompt_cache_key": "k", "verbosity": "low", "logit_bias": {"1": 2}}}
    body = encode(ask(Text(text="hi"), provider_fields=fields), losses=("provider_fields.openai.logit_bias",))
    assert (body["prompt_cache_key"], body["text"]) == ("k", {"verbosity": "low"})
    back = codec("openai").encode_request(
        decode({"prompt_cache_key": "k", "text": {"verbosity": "low"}, "store": False})
    )
    assert (back.value.body["prompt_cache_key"], back.value.body["verbosity"], back.losses) == ("k", "low", ())


def test_thoughts_of_others_and_of_ours_are_never_replayed_to_openai() -> None:
    foreign = Reasoning(text="Hm.", signature="s", issuer="anthropic")
    said = Message(role="assistant", parts=(foreign, Text(text="Yes.")))
    asked = Message(role="user", parts=(Text(text="?"),))
    request = Request(model="m", messages=(said, asked))
    assert encode(request, losses=("messages[0].parts[0]",))["input"][0] == {"role": "assistant", "content": "Yes."}
    shown = CODEC.encode_response(answer(Reasoning(text="Hm.", issuer="gemini"), Text(text="Yes.")), ASKED).value[
        "output"
    ]
    again = decode({"input": [*shown, {"role": "user", "content": "?"}]})
    assert again.messages[0].parts == (Reasoning(text="Hm."), Text(text="Yes."))


def test_model_facts_shape_the_request() -> None:
    asked = ask(Text(text="x", cache="5m"), temperature=0.5, max_tokens=1, reasoning=ReasoningOptions(effort="minimal"))
    losses = ("max_tokens", "messages[0].parts[0].cache", "reasoning", "temperature")
    encoded = CODEC.encode_request(asked)
    assert tuple(sorted(loss.path for loss in encoded.losses)) == losses
    assert encoded.value.body["reasoning"] == {"effort": "low"}
    assert encoded.value.body["max_output_tokens"] == 16
    classic = CODEC.encode_request(Request(model="gpt-4.1", messages=(), reasoning=ReasoningOptions(effort="low")))
    assert [loss.path for loss in classic.losses] == ["reasoning"]


FINISHES: list[tuple[str, str | None, tuple[Any, ...], FinishReason]] = [
    ("completed", None, (Text(text="x"),), "stop"),
    ("completed", None, (ToolCall(id="c", name="f"),), "tool_calls"),
    ("completed", None, (Refusal(text="no"),), "refusal"),
    ("incomplete", "max_output_tokens", (ToolCall(id="c", name="f"),), "length"),
    ("incomplete", "content_filter", (Text(text="x"),), "content_filter"),
]


@pytest.mark.parametrize(("status", "why", "parts", "reason"), FINISHES)
def test_why_an_answer_ended(status: str, why: str | None, parts: tuple[Any, ...], reason: FinishReason) -> None:
    encoded = CODEC.encode_response(answer(*parts, reason=reason), ASKED)
    assert (encoded.value["status"], encoded.losses) == (status, ())
    assert encoded.value["incomplete_details"] == (why and {"reason": why})
    assert CODEC.decode_response(encoded.value, "m").candidates[0].finish_reason == reason
    frames, _ = frames_of(answer(*parts, reason=reason))
    assert frames[-1]["type"] == f"response.{status}"


def test_a_response_repeats_its_request() -> None:
    request = decode(
        {
            "instructions": "Be brief.",
            "temperature": 1,
            "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
            "metadata": {"a": "b"},
            "text": {"format": {"type": "json_object"}},
            "previous_response_id": "resp_0",
        }
    )
    body = NativeResponse.model_validate(CODEC.encode_response(answer(Text(text="x")), request).value)
    assert (body.instructions, body.temperature, body.metadata) == ("Be brief.", 1, {"a": "b"})
    assert (body.tools[0].type, body.previous_response_id) == ("function", "resp_0")
    assert body.output_text == "x"


def test_a_stream_tells_its_events_in_the_order_of_the_api() -> None:
    parts = (
        Reasoning(text="Hm.", signature="s", issuer="openai"),
        Text(text="a"),
        ToolCall(id="c1", name="f", arguments="{}"),
    )
    frames, losses = frames_of(answer(*parts, reason="tool_calls"))
    assert [frame["type"].removeprefix("response.") for frame in frames] == [
        *("created", "in_progress"),
        *("output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.done"),
        *("content_part.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"),
        "completed",
    ]
    assert frames[7]["item"]["encrypted_content"] == "s"
    assert losses == ()


def test_a_streams_encrypted_thoughts_come_with_their_end() -> None:
    begun = {"type": "response.created", "response": {"id": "r", "model": "m", "created_at": 1}}
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "early"}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    about = {"output_index": 0, "item_id": "rs_1"}
    deltas = [
        {"type": "response.reasoning_summary_text.delta", **about, "summary_index": at, "delta": text}
        for at, text in ((0, "a"), (0, "b"), (1, "c"))
    ]
    summary = [{"type": "summary_text", "text": "ab"}, {"type": "summary_text", "text": "c"}]
    done = {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {**item, "summary": summary, "encrypted_content": "late"},
    }
    events = events_of([begun, added, *deltas, done])
    kept = {"openai_responses": {"item": {"id": "rs_1"}, "summary": summary}}
    assert SignatureDelta(index=0, signature="late") in events
    assert events[-1] == PartEnded(index=0, provider_fields=kept)
    assert fold(events).candidates[0].parts == (
        Reasoning(text="ab\n\nc", signature="late", issuer="openai", provider_fields=kept),
    )


def test_items_without_deltas_come_whole() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    text = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "x", "annotations": []}],
    }
    body = {"id": "r", "model": "m", "created_at": 1, "status": "completed", "output": [call, search, text]}
    events = events_of([{"type": "response.completed", "response": body}])
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert fold(events) == CODEC.decode_response(body, "m")


FAILED_BODY = {
    "id": "r",
    "model": "m",
    "created_at": 1,
    "status": "failed",
    "output": [],
    "error": {"code": "rate_limit_exceeded", "message": "Please try again in 1.5s."},
}


def test_a_failed_answer_is_a_failure_plain_and_streamed() -> None:
    with pytest.raises(FailedAnswer) as caught:
        CODEC.decode_response(FAILED_BODY, "m")
    wanted = Failure(
        kind="rate_limit", code="rate_limit_exceeded", retry_after_s=1.5, message="Please try again in 1.5s."
    )
    assert caught.value.failure == wanted
    assert events_of([{"type": "response.failed", "response": FAILED_BODY}]) == [Failed(failure=wanted)]
    assert CODEC.decode_error(ErrorReply(status=200, body=FAILED_BODY)).kind == "rate_limit"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", "server"),
        ("invalid_prompt", "content_policy"),
        ("bio_policy", "content_policy"),
        ("image_too_large", "bad_request"),
        ("vector_store_timeout", "timeout"),
        ("context_length_exceeded", "context_overflow"),
        ("something_new", "server"),
    ],
)
def test_codes_of_failed_answers(code: str, kind: FailureKind) -> None:
    flat = {"type": "error", "code": code, "message": "m", "param": None, "sequence_number": 3}
    [failed] = events_of([flat])
    assert isinstance(failed, Failed)
    assert (failed.failure.kind, failed.failure.code) == (kind, code)
    assert events_of([{"error": {"code": code, "message": "m"}}]) == [failed]


KINDS: list[tuple[FailureKind, type[openai.APIError]]] = [
    ("rate_limit", openai.RateLimitError),
    ("quota_exhausted", openai.RateLimitError),
    ("overloaded", openai.InternalServerError),
    ("server", openai.InternalServerError),
    ("context_overflow", openai.BadRequestError),
    ("content_policy", openai.BadRequestError),
    ("auth", openai.AuthenticationError),
    ("permission", openai.PermissionDeniedError),
    ("not_found", openai.NotFoundError),
]


def client_of(reply: httpx2.Response) -> openai.OpenAI:
    """A client whose server answers `reply`."""
    transport = httpx2.MockTransport(lambda request: reply)
    return openai.OpenAI(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


@pytest.mark.parametrize(("kind", "raised"), KINDS)
def test_the_sdk_raises_its_own_class_and_reads_back_as_the_same_failure(
    kind: FailureKind, raised: type[openai.APIError]
) -> None:
    reply = CODEC.encode_error(Failure(kind=kind, message="secret"))
    client = client_of(httpx2.Response(reply.status, headers=dict(reply.headers), json=reply.body))
    with pytest.raises(raised) as caught:
        client.responses.create(model="m", input="hi")
    assert "secret" not in str(caught.value)
    assert CODEC.decode_error(reply).kind == kind


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS])
def test_an_error_inside_a_stream_is_raised_by_the_sdk_and_read_by_us(kind: FailureKind) -> None:
    encoder = CODEC.stream_encoder(ASKED)
    began = encoder.feed(Started(id="r", model="m", created=1))
    [error] = encoder.feed(Failed(failure=Failure(kind=kind, message="secret")))
    assert encoder.close() == []
    EVENT.validate_python(error)
    content = b"".join(map(CODEC.frame, [*began, error]))
    client = client_of(httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=content))
    with pytest.raises(openai.APIError):
        list(client.responses.create(model="m", input="hi", stream=True))
    [failed] = events_of([error])
    assert isinstance(failed, Failed)
    assert failed.failure.kind == kind


class Weather(BaseModel):
    """What a structured answer is."""

    city: str


def test_the_sdks_helper_accumulates_an_encoded_stream() -> None:
    frames, _ = frames_of(answer(Reasoning(text="Hm."), Text(text='{"city":'), Text(text='"Cluj"}')))
    content = b"".join(map(CODEC.frame, frames))
    client = client_of(httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=content))
    with client.responses.stream(model="m", input="hi") as stream:
        final = stream.get_final_response()
    assert final.output_text == '{"city":"Cluj"}'
    assert Weather.model_validate_json(final.output_text).city == "Cluj"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"input": 3}, "input"),
        ({"input": [3]}, r"input\[0\]"),
        ({"input": [{"role": "robot", "content": "x"}]}, r"input\[0\]\.role"),
        ({"input": [{"role": "user", "content": 3}]}, r"input\[0\]\.content"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, r"content\[0\]"),
        ({"input": [{"type": 3}]}, r"input\[0\]\.type"),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, r"input\[0\]\.name"),
        ({"input": [{"type": "reasoning", "summary": [3]}]}, r"input\[0\]"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, r"tools\[0\]\.name"),
        ({"tool_choice": 3}, "tool_choice"),
        ({"temperature": "hot"}, "temperature"),
        ({"stream": 1}, "stream"),
        ({"text": []}, "text"),
        ({"reasoning": "high"}, "reasoning"),
        ({"instructions": 3}, "instructions"),
        ({"include": "x"}, "include"),
    ],
)
def test_a_malformed_request_is_told_with_its_place(body: dict[str, Any], where: str) -> None:
    with pytest.raises(BadWire, match=f"openai responses request: .*{where}"):
        decode(body)


WORDS = ["", "x", "message", "reasoning", "function_call"]
KEYS = [
    *("type", "role", "content", "text", "id", "summary", "name", "call_id", "arguments", "output", "usage", "status"),
    *("error", "item", "part", "response", "delta", "output_index", "input", "tools", "model"),
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
PAYLOADS = st.dictionaries(
    st.sampled_from(["item", "part", "response", "delta", "output_index"]), JSON_VALUES, max_size=4
)
EVENT_NAMES = st.sampled_from(
    [
        *("created", "output_item.added", "content_part.added", "output_text.delta", "reasoning_summary_text.delta"),
        *("function_call_arguments.delta", "content_part.done", "output_item.done", "completed", "failed"),
    ]
)


@given(
    body=st.dictionaries(
        st.sampled_from(["input", "tools", "text", "reasoning", "include", "output", "usage", "status", "id", "error"]),
        JSON_VALUES,
        max_size=5,
    ),
    frames=st.lists(st.tuples(EVENT_NAMES, PAYLOADS), max_size=5),
)
def test_no_input_raises_anything_but_bad_wire(body: dict[str, Any], frames: list[Any]) -> None:
    for read in (lambda: decode(body), lambda: CODEC.decode_response(body, "m"), lambda: events_of([body])):
        with contextlib.suppress(BadWire):
            read()
    with contextlib.suppress(BadWire):
        events_of([{**frame, "type": f"response.{name}"} for name, frame in frames])
    CODEC.decode_error(ErrorReply(status=400, body=body))


@pytest.mark.parametrize(
    "record", [record for record in ALL if record.raw["api"] == "responses" and record.is_streamed], ids=lambda r: r.id
)
def test_a_recorded_stream_says_what_its_last_event_says(record: Record) -> None:
    framer = CODEC.framer()
    frames: list[Any] = framer.feed(record.stream) + framer.close()
    if frames[-1]["type"] == "error":
        pytest.skip("it failed")
    whole, folded = CODEC.decode_response(frames[-1]["response"], "m"), fold(events_of(frames))
    assert [_beside_seals(part) for part in folded.candidates[0].parts] == [
        _beside_seals(part) for part in whole.candidates[0].parts
    ]
    assert folded.candidates[0].finish_reason == whole.candidates[0].finish_reason
    assert folded.usage == whole.usage


def _beside_seals(part: Any) -> Any:
    """A part without its encrypted content, which is another in each event."""
    return (part.text, part.provider_fields, bool(part.signature)) if isinstance(part, Reasoning) else part
