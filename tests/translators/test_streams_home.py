"""Every recorded stream, decoded and written again for a caller of the same provider, says what it said.

Frames are cut elsewhere, so what they add up to is compared (`told`): each place of a stream with all of its text, or
with its last word. That is worked out from the frames alone, without the decoder. `EQUAL` lists every class of
difference that a provider treats as equal; nothing else may differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from spaturzu_translators import Wire

from .corpus import ALL, WHY_SKIPPED, Record, every
from .test_corpus import asking

if not ALL:
    pytest.skip(WHY_SKIPPED, allow_module_level=True)

_PIECES = re.compile(
    r"\.(?:text|content|partial_json|thinking|signature|arguments|refusal|reasoning_content|transcript|input|delta)$"
)
"""Places whose strings go on from frame to frame."""
_JSON = re.compile(r"\.(?:partial_json|arguments|input)$")
_COUNTS: dict[Wire, tuple[str, ...]] = {"gemini": (".usageMetadata",)}
"""What each chunk says anew, so that all of an earlier one's is over."""

EQUAL: dict[Wire, dict[str, str]] = {
    "openai": {
        r"\.obfuscation$": "padding",
        r"\.(?:index|finish_reason|role|object|id|created|model)$": "each chunk repeats them; checked by themselves",
        r"\.error\.message$": "the words of an error are not handed on",
    },
    "anthropic": {
        r"^#\d+\.delta\.type$": "citations come before or after the text that rests on them",
        r"^\.message\.usage\.": "what the start counts the end counts too; an earlier count is overwritten by it",
        r"^\.usage\.(?:inference_geo|service_tier|input_tokens)$": "said at the end instead",
        r"^\.usage\.cache_creation\.": "said at the end instead",
    },
    "bedrock": {
        r"\.p$": "padding",
        r"\.toolUse\.type$": "some models write it; it is always tool_use",
        r"\.usage\.cache(?:Read|Write)InputTokenCount$": "an older spelling of what stands beside it",
    },
    "gemini": {
        r"\.(?:role|index)$": "each chunk repeats whose it is",
        r"\.functionCall\.id$": "a call without an id is given one",
        r"\.usageMetadata\.totalTokenCount$": "the sum, where it was not said",
    },
    "mistral": {
        r"^\.p$": "padding",
        r"\.(?:index|finish_reason)$": "each chunk repeats whose it is, and null until the end",
        r"\.tool_calls\[\]#\d+\.id$": "an id that is none (not nine characters) is made one",
        r"\.content\[\]\.(?:type|closed)$": "text in a chunk or as a string; thoughts are closed",
    },
    "openai_responses": {
        r"\.obfuscation$": "padding",
        r"sequence_number$": "numbered anew",
        r"\.item_id$": "an event of a tool that OpenAI ran (searching, interpreting): its item says the same",
        r"^#\d+\.(?:code|delta)$": "the same: code that OpenAI ran, whose item has it whole",
        r"^#\d+\.(?:name)$": "a later API says the function's name at the end of its arguments",
        r"\.item\.queries\[\]$": "an item is shown whole as soon as it is there",
        r"\.encrypted_content$": "each event seals the same thoughts anew; the item's own is kept",
        r"^\.response\.(?!id$|model$|status$|output|usage|incomplete_details|service_tier|error)": "what a response "
        "repeats of its request, with its own day's defaults put in",
    },
}


def told(wire: Wire, frames: list[Any]) -> dict[str, Any]:
    """Each place of a stream, and what is said there in all."""
    found: dict[str, Any] = {}
    for frame in frames:
        for name in _COUNTS.get(wire, ()):
            if name[1:] in frame:
                found = {path: said for path, said in found.items() if not path.startswith(name)}
        for path, leaf in _leaves(frame, ""):
            _add(found, path.replace(".content[].text", ".content") if wire == "mistral" else path, leaf)
    said = {path: _parsed(path, value) for path, value in found.items() if value not in (None, "", 0, False, [])}
    return {path: value for path, value in said.items() if not any(re.search(how, path) for how in EQUAL[wire])}


def _add(found: dict[str, Any], path: str, leaf: Any) -> None:
    if leaf is None:
        return
    if isinstance(leaf, str) and _PIECES.search(path):
        found[path] = found.get(path, "") + leaf
    elif "[]" in path and not path.startswith(".response."):
        found.setdefault(path, []).append(leaf)
    else:
        found[path] = leaf


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every place of a frame; a block, a choice or an item by its number, thoughts apart from what is said."""
    if isinstance(value, dict):
        number = value.get("index", value.get("contentBlockIndex", value.get("output_index")))
        if number is None and path == ".candidates[]":
            number = 0
        path += f"#{number}" if isinstance(number, int) else ""
        path += "~" if value.get("thought") else ""
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, f"{path}[]")
    else:
        yield path, value


def _parsed(path: str, value: Any) -> Any:
    """White space in a call's arguments says nothing."""
    if not isinstance(value, str) or not _JSON.search(path):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def frames_of(record: Record) -> list[Any]:
    framer = record.codec.framer()
    return [*framer.feed(record.stream), *framer.close()]


def home_again(record: Record) -> list[Any]:
    """The record's stream as its caller would see it through the canonical events."""
    decoder = record.codec.stream_decoder(record.model)
    asked = record.codec.decode_request(record.wire) if record.body else asking(record.spoken)
    encoder = record.codec.stream_encoder(replace(asked, stream=True, stream_usage=True))
    events = [event for frame in frames_of(record) for event in decoder.feed(frame)] + decoder.close()
    return [frame for event in events for frame in encoder.feed(event)] + encoder.close()


streamed = every(lambda record: record.status == 200 and record.is_streamed)


@streamed
def test_a_stream_goes_home_as_it_came(record: Record) -> None:
    before, after = told(record.spoken, frames_of(record)), told(record.spoken, home_again(record))
    differ = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()}
    assert {path: pair for path, pair in differ.items() if pair[0] != pair[1]} == {}


@streamed
def test_what_each_chunk_repeats_goes_home_too(record: Record) -> None:
    if record.spoken not in ("openai", "mistral"):
        return
    before, after = frames_of(record), home_again(record)
    for name in ("id", "model"):
        assert _said(after, name) == _said(before, name)
    ends = _ends(before)
    assert _ends(after) == {**ends, **dict.fromkeys(_forced(after) & ends.keys(), "tool_calls")}


def _said(frames: list[Any], name: str) -> set[str]:
    return {frame[name] for frame in frames if frame.get(name)}


def _ends(frames: list[Any]) -> dict[int, str]:
    """Why each choice is over."""
    choices = [choice for frame in frames for choice in frame.get("choices", ())]
    return {choice["index"]: choice["finish_reason"] for choice in choices if choice.get("finish_reason")}


def _forced(frames: list[Any]) -> set[int]:
    """The choices that call a tool. OpenAI ends with `stop` where the call was demanded; we say what it is."""
    choices = [choice for frame in frames for choice in frame.get("choices", ())]
    return {choice["index"] for choice in choices if choice["delta"].get("tool_calls")}


def test_every_class_of_difference_is_seen_in_the_corpus() -> None:
    """A class that nothing shows any more has to go."""
    seen: set[tuple[str, str]] = set()
    for record in streamed.args[1]:
        classes = EQUAL[record.spoken]
        both = [dict[str, list[Any]]() for _ in range(2)]
        for frames, leaves in zip((frames_of(record), home_again(record)), both, strict=True):
            for path, leaf in (found for frame in frames for found in _leaves(frame, "")):
                leaves.setdefault(path, []).append(leaf)
        differ = [path for path in both[0].keys() | both[1].keys() if both[0].get(path) != both[1].get(path)]
        seen |= {(record.spoken, how) for how in classes for path in differ if re.search(how, path)}
    assert seen == {(wire, how) for wire, classes in EQUAL.items() for how in classes}
