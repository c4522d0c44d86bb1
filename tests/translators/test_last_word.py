"""What a stream says late of its whole answer: kept, written again for the same provider's callers, else reported."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from spaturzu_translators import WIRES, Wire, codec
from spaturzu_translators.events import Event, Finished, Restated, Started, fold
from spaturzu_translators.requests import Request

ASKED = Request(model="m", messages=(), stream=True)


class Late(NamedTuple):
    """Frames of `wire`; `fields` are the answer's own at the end."""

    wire: Wire
    frames: list[dict[str, Any]]
    fields: dict[str, dict[str, Any]]


def chunk(delta: dict[str, Any], reason: str | None = None, **beside: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [choice], **beside}


def said(text: str, **beside: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    return {"candidates": [{"content": content, "index": 0}], "modelVersion": "m", "responseId": "r", **beside}


def response(status: str, **beside: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 5,
        "model": "m",
        "output": [],
        "status": status,
    } | beside


FILTERED = [{"blocked": False, "source_type": "prompt"}]
TRACE = {"promptRouter": {"invokedModelId": "m2"}}
LATE = [
    Late(
        "openai_responses",
        [
            {"type": "response.created", "response": response("in_progress", service_tier="auto")},
            {
                "type": "response.completed",
                "response": response("completed", service_tier="default", content_filters=FILTERED, usage=None),
            },
        ],
        {"openai_responses": {"content_filters": FILTERED}, "openai": {"service_tier": "default"}},
    ),
    Late(
        "openai",
        [chunk({"content": "a"}, service_tier="auto"), chunk({}, "stop", service_tier="default", x_served={"id": 1})],
        {"openai": {"service_tier": "default", "x_served": {"id": 1}}},
    ),
    Late(
        "anthropic",
        [
            {"type": "message_start", "message": {"id": "a", "model": "m", "content": [], "usage": {}}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"invocationLatency": 5}},
        ],
        {"anthropic": {"amazon-bedrock-invocationMetrics": {"invocationLatency": 5}}},
    ),
    Late(
        "gemini",
        [
            said("a"),
            {"promptFeedback": {"safetyRatings": []}, "responseId": "r", "modelVersion": "m"},
            said("b", modelStatus={"modelStage": "STABLE"}),
        ],
        {"gemini": {"promptFeedback": {"safetyRatings": []}, "modelStatus": {"modelStage": "STABLE"}}},
    ),
    Late("mistral", [chunk({"content": "a"}), chunk({}, "stop", tier="batch")], {"mistral": {"tier": "batch"}}),
    Late(
        "bedrock",
        [
            {"messageStart": {"role": "assistant"}},
            {"messageStop": {"stopReason": "end_turn"}},
            {"metadata": {"metrics": {"latencyMs": 7}, "trace": TRACE, "aFutureMember": {"x": 1}, "p": "abc"}},
        ],
        {"bedrock": {"metrics": {"latencyMs": 7}, "trace": TRACE, "aFutureMember": {"x": 1}}},
    ),
]


def read(wire: Wire, frames: list[dict[str, Any]]) -> list[Event]:
    decoder = codec(wire).stream_decoder("m")
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.close()


@pytest.mark.parametrize("late", LATE, ids=lambda late: late.wire)
def test_the_last_word_is_kept_and_written_again(late: Late) -> None:
    events = read(late.wire, late.frames)
    assert fold(events).provider_fields == late.fields
    encoder = codec(late.wire).stream_encoder(ASKED)
    again = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    assert fold(read(late.wire, again)).provider_fields == late.fields
    assert not [loss for loss in encoder.losses if "provider_fields" in loss.path]


@pytest.mark.parametrize("caller", WIRES)
@pytest.mark.parametrize("late", LATE, ids=lambda late: late.wire)
def test_to_another_providers_caller_it_is_reported_lost(late: Late, caller: Wire) -> None:
    if caller in late.fields:
        return
    encoder = codec(caller).stream_encoder(ASKED)
    for event in read(late.wire, late.frames):
        encoder.feed(event)
    encoder.close()
    lost = {loss.path for loss in encoder.losses}
    paths = {f"provider_fields.{owner}.{name}" for owner, values in late.fields.items() for name in values}
    shared = {"provider_fields.openai.service_tier"} if caller == "openai_responses" else set[str]()
    assert paths - shared <= lost


@pytest.mark.parametrize("wire", WIRES)
def test_a_model_that_is_named_late_is_named_or_reported(wire: Wire) -> None:
    encoder = codec(wire).stream_encoder(ASKED)
    events = (Started(id="i", model="m"), Restated(model="m2"), Finished(finish_reason="stop"))
    frames = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    lost = {loss.path for loss in encoder.losses}
    assert fold(read(wire, frames)).model == "m2" or "model" in lost or wire == "bedrock"  # which never names one


@pytest.mark.parametrize("wire", WIRES)
def test_an_id_that_is_told_late_is_told_or_reported(wire: Wire) -> None:
    """Gemini's first chunk may have none."""
    first, last = said("a"), said("b")
    del first["responseId"]
    last["candidates"][0]["finishReason"] = "STOP"
    events = read("gemini", [first, last])
    assert fold(events).id == "r"
    encoder = codec(wire).stream_encoder(ASKED)
    frames = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    lost = {loss.path for loss in encoder.losses}
    assert lost >= {"id"} if wire in ("anthropic", "bedrock") else fold(read(wire, frames)).id == "r"


def test_a_prompt_router_names_the_model_that_served_where_a_stream_ends() -> None:
    assert fold(read("bedrock", LATE[-1].frames)).model == "m2"


def test_what_comes_before_the_end_of_a_message_comes_with_it() -> None:
    start, end, _ = LATE[2].frames
    edits = {"applied_edits": [{"type": "clear_tool_uses_20250919"}]}
    early = {"type": "message_delta", "delta": {}, "context_management": edits}
    (candidate,) = fold(read("anthropic", [start, early, end])).candidates
    assert candidate.provider_fields == {"anthropic": {"context_management": edits}}
