"""Whatever comes over the wire, a decoder answers with a value or with BadWire: bounded fuzzing of all of them.

`tests/fuzz/decoders.py` runs the same decoders under atheris, which begins with our fixtures and looks for inputs that
take new ways; here for a bounded number of them.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu_translators import WIRES, BadWire, Wire, codec
from spaturzu_translators.codec import FailedAnswer, MalformedFrame
from spaturzu_translators.events import unfold
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.requests import WireRequest

from .strategies import requests, responses
from .test_laws import ASKED, stream_bytes

every_codec = pytest.mark.parametrize("wire_name", WIRES)

JUNK: list[Any] = [None, True, 0, -1, 1.5, "", "junk", "\ud83d", [], [None], [[]], {}, {"type": []}, {"type": "junk"}]

anything = st.recursive(
    st.sampled_from(JUNK) | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn, whole: Any) -> Any:
    """`whole` with one to three of its inner values replaced, renamed or left out."""
    value = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = _place(draw, value)
        if holder is None:
            return draw(anything)
        match draw(st.integers(0, 3)):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[draw(st.sampled_from(sorted(_NAMES)))] = holder.pop(key)
            case _:
                holder[key] = deepcopy(draw(st.sampled_from(JUNK) | anything))  # the next damage may be inside it
    return value


_NAMES = {"type", "text", "content", "parts", "role", "toolUse", "functionCall", "index", "delta", "usage", "input"}


def _place(draw: st.DrawFn, value: Any) -> tuple[Any, Any]:
    """Somewhere inside `value`: a container, and the key of one of its members."""
    holder, key = None, None
    while isinstance(value, dict | list) and value:
        holder = value
        key = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        value = value[key]
        if draw(st.integers(0, 2)) == 0:
            break
    return holder, key


def survives(decode: Callable[[], Any]) -> Any:
    """What `decode` gives, or None where it says BadWire; anything else it raises fails the test."""
    try:
        return decode()
    except BadWire:
        return None


@every_codec
@given(data=st.data())
def test_a_damaged_request_is_bad_wire_or_a_request(wire_name: Wire, data: st.DataObject) -> None:
    c = codec(wire_name)
    wire = c.encode_request(data.draw(requests())).value
    body = data.draw(damaged(wire.body))
    request = survives(lambda: c.decode_request(WireRequest(body=body, model="m")))
    if request is not None:
        c.encode_request(request)


@every_codec
@given(data=st.data())
def test_a_damaged_answer_is_bad_wire_or_an_answer(wire_name: Wire, data: st.DataObject) -> None:
    c = codec(wire_name)
    body = data.draw(damaged(c.encode_response(data.draw(responses()), ASKED).value))
    response = survives(lambda: c.decode_response(body, "m"))
    if response is not None:
        c.encode_response(response, ASKED)


@every_codec
@given(data=st.data())
def test_a_damaged_stream_is_bad_wire_or_events(wire_name: Wire, data: st.DataObject) -> None:
    c = codec(wire_name)
    encoder, decoder, again = c.stream_encoder(ASKED), c.stream_decoder("m"), c.stream_encoder(ASKED)
    frames = [frame for event in unfold(data.draw(responses())) for frame in encoder.feed(event)] + encoder.close()
    hit = data.draw(st.integers(0, len(frames) - 1))
    for number, sound in enumerate(frames):
        frame = data.draw(damaged(sound)) if number == hit else sound
        events = survives(lambda frame=frame: decoder.feed(frame)) if isinstance(frame, dict) else []
        if events is None:
            return  # who reads a stream gives it up there
        for event in events:
            b"".join(map(c.frame, again.feed(event)))
    decoder.close()


@every_codec
@given(body=anything, status=st.sampled_from([200, 400, 401, 403, 404, 413, 429, 500, 503, 529]))
def test_any_json_is_bad_wire_or_decoded(wire_name: Wire, body: Any, status: int) -> None:
    c = codec(wire_name)
    survives(lambda: c.decode_request(WireRequest(body=body, model="m")))
    survives(lambda: c.decode_response(body, "m"))
    if isinstance(body, dict):
        survives(lambda: c.stream_decoder("m").feed(body))
    headers = {"retry-after": str(body), "x-should-retry": str(body)}
    assert c.decode_error(ErrorReply(status=status, headers=headers, body=body)).kind


@every_codec
@given(data=st.data())
def test_a_damaged_error_still_has_a_kind(wire_name: Wire, data: st.DataObject) -> None:
    c = codec(wire_name)
    whole = {
        "error": {"type": "invalid_request_error", "code": 400, "message": "m", "status": "X", "details": [{"a": {}}]},
        "message": "m",
        "type": "t",
        "code": "c",
        "object": "error",
        "detail": [{"msg": "m", "loc": ["a"]}],
    }
    assert c.decode_error(ErrorReply(status=400, body=data.draw(damaged(whole)))).kind


@every_codec
@given(data=st.data())
def test_bytes_of_any_kind_are_frames_or_malformed(wire_name: Wire, data: st.DataObject) -> None:
    c = codec(wire_name)
    wire = bytearray(data.draw(st.binary(max_size=200)) or stream_bytes(c, data.draw(responses())))
    for _ in range(data.draw(st.integers(0, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    framer, decoder = c.framer(), c.stream_decoder("m")
    for frame in [*framer.feed(bytes(wire)), *framer.close()]:
        if not isinstance(frame, MalformedFrame):
            survives(lambda frame=frame: decoder.feed(frame))


TOO_DEEP = 200_000
"""Levels that no CPython reads or writes: 3.11 stops at 1,000, 3.13 at 10,000, 3.14 where its stack ends."""

DEEP: Any = []
for _ in range(TOO_DEEP):
    DEEP = [DEEP]

TEXT = {"type": "text", "text": ""}
ONE_BLOCK = [
    {"type": "message_start", "message": {"id": "m", "usage": {}}},
    {"type": "content_block_start", "index": 0, "content_block": TEXT},
    {"type": "content_block_stop", "index": 0},
]
ADDED = {"type": "response.output_item.added", "item": {"type": "function_call", "call_id": "c", "name": "f"}}
DONE = {"type": "response.output_item.done", "output_index": 0, "item": ADDED["item"]}
BEGUN = {"type": "response.created", "response": {"id": "r"}}
MORE = {"type": "response.function_call_arguments.delta", "delta": "{"}


@pytest.mark.parametrize(
    ("wire_name", "frames"),
    [
        ("openai", [{"id": "c", "choices": [], "created": math.inf}]),
        ("openai", [{"id": "c", "choices": [], "created": math.nan}]),
        ("openai_responses", [{"type": "response.created", "response": {"created_at": math.inf}}]),
        ("openai_responses", [ADDED, ADDED]),
        ("openai_responses", [MORE]),
        ("openai_responses", [BEGUN, ADDED, ADDED]),
        ("openai_responses", [BEGUN, ADDED, DONE, MORE]),
        ("openai_responses", [BEGUN, ADDED, {**DONE, "item": {"type": 1.5}}]),
        ("anthropic", [ONE_BLOCK[2]]),
        ("anthropic", [ONE_BLOCK[1], ONE_BLOCK[0]]),
        ("anthropic", [ONE_BLOCK[0], ONE_BLOCK[0]]),
        ("anthropic", [*ONE_BLOCK, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}]),
        ("gemini", [{"usageMetadata": {"promptTokenCount": "9" * 5000}}]),
    ],
)
def test_frames_that_fuzzing_found_are_bad_wire(wire_name: Wire, frames: list[Any]) -> None:
    decoder = codec(wire_name).stream_decoder("m")
    for frame in frames[:-1]:
        decoder.feed(frame)
    with pytest.raises(BadWire):
        decoder.feed(frames[-1])


def _frames(wire_name: Wire, levels: int) -> list[Any]:
    framer = codec(wire_name).framer()
    deep = b'data: {"a": ' + b"[" * levels + b"]" * levels + b"}\n\n"
    return [*framer.feed(deep), *framer.close()]


@every_codec
def test_an_event_that_is_nested_too_deeply_is_malformed(wire_name: Wire) -> None:
    frames = _frames(wire_name, TOO_DEEP)
    assert frames
    assert all(isinstance(frame, MalformedFrame) for frame in frames)


@every_codec
def test_an_event_that_some_pythons_read_and_others_do_not_is_decoded_or_malformed(wire_name: Wire) -> None:
    decoder = codec(wire_name).stream_decoder("m")
    for frame in _frames(wire_name, 5000):
        if not isinstance(frame, MalformedFrame):
            survives(lambda frame=frame: decoder.feed(frame))


def test_arguments_that_are_nested_too_deeply_are_bad_wire() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": DEEP}}
    body = {"messages": [{"role": "assistant", "content": [call]}]}
    with pytest.raises(BadWire):
        codec("anthropic").decode_request(WireRequest(body=body, model="m"))


def test_a_schema_that_is_nested_too_deeply_is_bad_wire() -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(sys.getrecursionlimit()):
        schema = {"type": "object", "properties": {"a": schema}}
    body = {"messages": [], "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    request = codec("openai").decode_request(WireRequest(body=body, model="m"))
    with pytest.raises(BadWire):
        codec("anthropic").encode_request(request)


@every_codec
def test_a_time_that_no_calendar_has_goes_to_every_wire(wire_name: Wire) -> None:
    body = {"id": "c", "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "created": 10**30}
    codec(wire_name).encode_response(codec("openai").decode_response(body, "m"), ASKED)


def test_an_unknown_item_that_has_content_is_no_part_of_a_message() -> None:
    c = codec("openai_responses")
    body = {"id": "r", "output": [{"type": "future", "content": [1]}], "status": "completed"}
    assert c.encode_response(c.decode_response(body, "m"), ASKED).value["output"] == body["output"]


def test_an_answer_that_says_it_failed_is_bad_wire_too() -> None:
    assert issubclass(FailedAnswer, BadWire)


FUZZER = Path(__file__).parents[1] / "fuzz" / "decoders.py"


@pytest.mark.timeout(600)
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this Python or system")
def test_atheris_finds_no_input_that_raises_anything_else(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    assert _fuzzer("--seeds", str(seeds)).returncode == 0
    assert len(list(seeds.iterdir())) > 80
    bounds = ["-runs=40000", "-max_total_time=60", "-seed=7", "-max_len=4096", "-timeout=10"]
    run = _fuzzer(*bounds, f"-artifact_prefix={tmp_path}/", str(seeds))
    assert run.returncode == 0, _told(run, tmp_path)
    done = re.search(r"Done (\d+) runs", run.stderr)
    assert done is not None
    assert int(done[1]) > 2000


def _told(run: subprocess.CompletedProcess[str], folder: Path) -> str:
    """What was raised, which atheris writes to stdout, and the input, to be repeated from its hexadecimal digits."""
    inputs = [path.read_bytes().hex() for pattern in ("crash-*", "timeout-*") for path in folder.glob(pattern)]
    return f"{run.stdout[-4000:]}\n{run.stderr[-2000:]}\ninput: {inputs}"


def _fuzzer(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    env["PYTHONHASHSEED"] = "0"  # so that the same seed tries the same inputs
    return subprocess.run(
        [sys.executable, str(FUZZER), *arguments], capture_output=True, text=True, env=env, timeout=280, check=False
    )
