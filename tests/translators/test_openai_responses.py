"""OpenAI Responses: the laws, its wire as the real SDK sees it, its errors, and recorded traffic."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response as NativeResponse
from openai.types.responses import ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter

from spaturzu_translators.events import (
    Event,
    fold,
    unfold,
)
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import (
    Message,
    Reasoning,
    Text,
)
from spaturzu_translators.openai_responses import CODEC
from spaturzu_translators.requests import Request, WireRequest
from spaturzu_translators.responses import Candidate, FinishReason, Response, Usage

from .laws import unexplained
from .strategies import requests, responses

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
    PARAMS[request.stream].validate_python(encoded.value.body)
    return encoded.value.body


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


@given(request=requests())
def test_what_the_encoder_reports_lost_is_exactly_what_differs(request: Request) -> None:
    encoded = CODEC.encode_request(request)
    PARAMS[request.stream].validate_python(json.loads(json.dumps(encoded.value.body)))
    assert not (wrong := unexplained(request, CODEC.decode_request(encoded.value), encoded.losses)), wrong


@given(response=responses())
def test_what_the_response_encoder_reports_lost_is_exactly_what_differs(response: Response) -> None:
    encoded = CODEC.encode_response(response, ASKED)
    NativeResponse.model_validate(encoded.value)
    after = CODEC.decode_response(encoded.value, response.model)
    assert not (wrong := unexplained(response, after, encoded.losses)), wrong


@given(response=responses())
def test_a_stream_says_what_the_plain_answer_says(response: Response) -> None:
    frames, losses = frames_of(response)
    for frame in frames:
        EVENT.validate_python(frame)
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert not (wrong := unexplained(response, fold(events_of(frames)), losses)), wrong
    plain = CODEC.encode_response(response, ASKED)
    created = response.created or frames[-1]["response"]["created_at"]
    assert frames[-1]["response"] == {**plain.value, "created_at": created}
    assert set(losses) == set(plain.losses)


@given(response=responses(), data=st.data())
def test_any_split_of_a_streams_bytes_gives_the_same_events(response: Response, data: st.DataObject) -> None:
    frames, _ = frames_of(response)
    wire = b"".join(map(CODEC.frame, frames)) + CODEC.end
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    framer = CODEC.framer()
    pieces = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    read: list[Any] = [frame for piece in pieces for frame in framer.feed(piece)] + framer.close()
    assert read == frames


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


def corpus() -> list[Any]:
    """The recorded responses, if SPATURZU_CORPUS names the folder."""
    root = os.environ.get("SPATURZU_CORPUS")
    if not root:
        reason = "no recorded traffic: SPATURZU_CORPUS is not set"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="no corpus")]
    files = sorted(Path(root, "interactions", "openai").glob("*.json"))
    records = [json.loads(file.read_text("utf-8")) for file in files]
    return [pytest.param(record, id=record["id"]) for record in records if record["api"] == "responses"]


recorded = pytest.mark.parametrize("record", corpus())


def said(value: Any) -> Any:
    """JSON less nulls and empty lists, which say nothing."""
    if isinstance(value, dict):
        return {name: said(item) for name, item in value.items() if item is not None and item != []}
    return [said(item) for item in value] if isinstance(value, list) else value


def levelled(body: dict[str, Any]) -> dict[str, Any]:
    """A request body less what OpenAI itself takes as equal."""
    body = {"store": True, "stream": False, **said(body)}
    items = body.pop("input", [])
    items = [{"role": "user", "content": items}] if isinstance(items, str) else list(items)
    if "instructions" in body:
        items.insert(0, {"role": "system", "content": body.pop("instructions")})
    body["input"] = _turns(items)
    if body.get("text") == {"format": {"type": "text"}}:
        del body["text"]
    return body


def _turns(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items: neighbours of one role merged, strings as parts, `developer` as `system`, what is default left out."""
    turns: list[dict[str, Any]] = []
    for item in items:
        if "role" not in item:
            turns.append({name: value for name, value in item.items() if (name, value) != ("status", "completed")})
            continue
        role = {"developer": "system"}.get(item["role"], item["role"])
        kind = "output_text" if role == "assistant" else "input_text"
        content = item.get("content") or []
        parts = [{"type": kind, "text": content}] if isinstance(content, str) else content
        parts = [{"detail": "auto", **part} if part["type"] == "input_image" else part for part in parts]
        turn = {"type": "message", "status": "completed", **item, "role": role, "content": parts}
        if turns and {**turns[-1], "content": parts} == turn:
            turns[-1] = {**turn, "content": [*turns[-1]["content"], *parts]}
        else:
            turns.append(turn)
    return turns


@recorded
def test_a_recorded_request_comes_back_equal(record: dict[str, Any]) -> None:
    body = record["request"]["body"]
    model = body.get("model", "")
    decoded = CODEC.decode_request(WireRequest(body=body, model=model, stream=record["streaming"]))
    encoded = CODEC.encode_request(decoded)
    assert [loss for loss in encoded.losses if loss.matters == "meaning"] == []
    assert levelled(encoded.value.body) == levelled({"model": "", **body})
    assert CODEC.decode_request(encoded.value) == decoded or "instructions" in encoded.value.body


@recorded
def test_a_recorded_answer_comes_back_equal(record: dict[str, Any]) -> None:
    body = record["response"].get("body")
    if record["response"]["status"] != 200 or not body:
        pytest.skip("no plain answer")
    request = CODEC.decode_request(WireRequest(body=record["request"]["body"], model=body["model"]))
    response = CODEC.decode_response(body, body["model"])
    encoded = CODEC.encode_response(response, request)
    assert [loss for loss in encoded.losses if not loss.path.startswith("usage.")] == []
    NativeResponse.model_validate(encoded.value)
    assert encoded.value["created_at"] == body["created_at"] or body["created_at"] == 0  # removed from the record
    for name in ("id", "model", "status", "incomplete_details", "output", "service_tier"):
        assert said(encoded.value[name]) == said(body[name]), name
    assert said(encoded.value["usage"]).items() >= {"total_tokens": body["usage"]["total_tokens"]}.items()


def sse(record: dict[str, Any]) -> list[dict[str, Any]]:
    """A recorded stream's events."""
    framer = CODEC.framer()
    separator = record["response"].get("sse_separator", "\n\n")
    data = (separator.join(record["response"]["sse"]) + separator).encode()
    assert CODEC.terminal.search(data[-16384:])
    found: list[Any] = framer.feed(data) + framer.close()
    return found


@recorded
def test_a_recorded_stream_says_what_its_last_event_says(record: dict[str, Any]) -> None:
    if "sse" not in record["response"] or record["response"]["status"] != 200:
        pytest.skip("no stream")
    frames = sse(record)
    events = events_of(frames)
    whole = CODEC.decode_response(frames[-1]["response"], "m")
    folded = fold(events)
    assert [_beside_seals(part) for part in folded.candidates[0].parts] == [
        _beside_seals(part) for part in whole.candidates[0].parts
    ]
    assert folded.candidates[0].finish_reason == whole.candidates[0].finish_reason
    assert folded.usage == whole.usage
    request = CODEC.decode_request(WireRequest(body=record["request"]["body"], model="m", stream=True))
    encoder = CODEC.stream_encoder(request)
    again = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    for frame in again:
        EVENT.validate_python(frame)
    assert [loss for loss in encoder.losses if not loss.path.startswith("usage.")] == []
    assert fold(events_of(again)).candidates == folded.candidates


def _beside_seals(part: Any) -> Any:
    """A part without its encrypted content, which is another in each event."""
    return (part.text, part.provider_fields, bool(part.signature)) if isinstance(part, Reasoning) else part


@recorded
def test_a_recorded_error_is_classified(record: dict[str, Any]) -> None:
    response, features = record["response"], record["features"]
    if response["status"] < 400:
        pytest.skip("no error")
    failure = CODEC.decode_error(
        ErrorReply(status=response["status"], headers={}, body=response.get("body", response.get("body_text")))
    )
    kinds = {
        "error_context_length": "context_overflow",
        "error_bad_request": "bad_request",
        "error_auth": "auth",
        "error_server": "server",
    }
    assert [failure.kind] == [kinds[feature] for feature in features if feature in kinds]
