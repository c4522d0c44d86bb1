"""Hypothesis strategies: canonical requests and responses in normal form, of every part type."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from spaturzu_translators.messages import Blob, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, Uri
from spaturzu_translators.requests import ReasoningOptions, Request, ResponseFormat, Tool, ToolChoice
from spaturzu_translators.responses import Candidate, Response, Usage

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip())
)
names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,11}", fullmatch=True)
ids = st.from_regex(r"call_[a-zA-Z0-9]{4,10}", fullmatch=True)
tokens = st.integers(0, 10_000)
texts = st.builds(Text, text=words)
maybe = lambda strategy: st.none() | strategy  # noqa: E731


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    """Arguments as a model writes them."""
    leaves = st.none() | st.booleans() | st.integers(-1000, 1000) | words
    return st.dictionaries(
        names, st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=4), max_size=3
    )


media = st.builds(
    Blob, modality=st.just("image"), media_type=st.sampled_from(["image/png", "image/jpeg"]), data=st.just("aGk=")
) | st.builds(Uri, modality=st.just("image"), uri=st.just("https://example.com/a.png"), media_type=st.just("image/png"))


@st.composite
def conversations(draw: st.DrawFn, *, rich: bool = True) -> tuple[Message, ...]:
    """User and assistant in turn, calls answered by the next user turn, ending with the user."""
    messages: list[Message] = []
    pending: list[ToolCall] = []
    for _ in range(draw(st.integers(0, 3))):
        messages.append(draw(_user(pending, rich=rich)))
        pending = draw(st.lists(_calls(), max_size=2, unique_by=lambda call: call.id))
        said = draw(st.lists(texts, min_size=0 if pending else 1, max_size=2))
        messages.append(Message(role="assistant", parts=(*said, *pending)))
    messages.append(draw(_user(pending, rich=rich)))
    return tuple(messages)


def _calls() -> st.SearchStrategy[ToolCall]:
    return st.builds(ToolCall, id=ids, name=names, arguments=json_objects().map(json.dumps))


@st.composite
def _user(draw: st.DrawFn, calls: list[ToolCall], *, rich: bool) -> Message:
    results: list[Part] = [
        ToolResult(
            call_id=call.id, name=call.name, content=(draw(texts),), is_error=draw(st.booleans()) if rich else False
        )
        for call in calls
    ]
    said = draw(st.lists(texts | media if rich else texts, min_size=0 if results else 1, max_size=2))
    return Message(role="user", parts=(*results, *said))


tools = st.builds(
    Tool,
    name=names,
    description=maybe(words),
    parameters=maybe(st.just({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})),
    strict=maybe(st.booleans()),
)

response_formats = st.just(ResponseFormat(type="json_object")) | st.builds(
    ResponseFormat,
    type=st.just("json_schema"),
    schema=st.just(
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
    ),
    name=maybe(names),
    description=maybe(words),
    strict=maybe(st.booleans()),
)


@st.composite
def requests(draw: st.DrawFn, *, rich: bool = True) -> Request:
    """A request; with `rich`, also media, errors, structured output, reasoning and tuning of every kind."""
    offered = tuple(draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name)))
    choice = None
    if offered:
        named = st.builds(ToolChoice, mode=st.just("required"), names=st.just((offered[0].name,)))
        choice = draw(st.none() | named | st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "required"])))
    tuning: dict[str, Any] = {}
    if rich:
        tuning = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "seed": st.integers(0, 1000),
                    "frequency_penalty": st.floats(-2, 2),
                    "presence_penalty": st.floats(-2, 2),
                    "candidate_count": st.integers(1, 3),
                    "logprobs": st.booleans(),
                    "response_format": response_formats,
                    "reasoning": st.builds(ReasoningOptions, effort=st.sampled_from(["low", "medium", "high"])),
                    "parallel_tool_calls": st.booleans(),
                    "user": words,
                    "metadata": st.dictionaries(names, words, min_size=1, max_size=2),
                    "service_tier": st.just("default"),
                },
            )
        )
    return Request(
        model=draw(st.sampled_from(["model-a", "model-b"])),
        messages=draw(conversations(rich=rich)),
        system=tuple(draw(st.lists(texts, max_size=2))),
        stream=draw(st.booleans()),
        max_tokens=draw(maybe(st.integers(1, 4096))),
        temperature=draw(maybe(st.floats(0, 2))),
        top_p=draw(maybe(st.floats(0, 1))),
        top_k=draw(maybe(st.integers(1, 100))),
        stop_sequences=tuple(draw(st.lists(words, max_size=3))),
        tools=offered,
        tool_choice=choice,
        **tuning,
    )


usages = st.builds(
    Usage,
    input_tokens=st.integers(20_000, 30_000),
    output_tokens=st.integers(10_000, 20_000),
    cache_read_tokens=maybe(tokens),
    cache_creation_tokens=maybe(tokens),
    reasoning_tokens=maybe(tokens),
)


@st.composite
def candidates(draw: st.DrawFn, *, rich: bool = True) -> Candidate:
    """Thoughts, text and calls, with the finish reason that fits."""
    calls = draw(st.lists(_calls(), max_size=2, unique_by=lambda call: call.id))
    parts: list[Part] = list(draw(st.lists(texts, min_size=0 if calls else 1, max_size=1)))
    if rich and draw(st.booleans()):
        parts.insert(0, Reasoning(text=draw(words)))
    if rich and not calls and draw(st.integers(0, 9)) == 0:
        return Candidate(parts=(Refusal(text=draw(words)),), finish_reason="refusal")
    reason = "tool_calls" if calls else draw(st.sampled_from(["stop", "length"]))
    return Candidate(parts=(*parts, *calls), finish_reason=reason)  # type: ignore[arg-type]


@st.composite
def responses(draw: st.DrawFn, *, rich: bool = True) -> Response:
    """One candidate (any number if `rich`), with usage."""
    count = draw(st.integers(1, 2)) if rich else 1
    return Response(
        id=draw(names),
        model="model-a",
        created=draw(maybe(st.integers(1_700_000_000, 1_800_000_000))),
        candidates=tuple(draw(candidates(rich=rich)) for _ in range(count)),
        usage=draw(maybe(usages)),
    )
