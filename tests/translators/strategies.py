"""Hypothesis strategies: canonical requests and responses in normal form, of every part type, from anyone.

`rich=False` leaves out what not every codec under construction can do: plain chats with tools.
What one provider alone can say (`own fields`, Opaque parts and tools, files) is drawn from tables of real examples, so
that a provider's SDK takes its own, and every other provider has to report it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from spaturzu_translators import PROVIDERS
from spaturzu_translators.messages import (
    NOTHING,
    Blob,
    File,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from spaturzu_translators.requests import (
    OpaqueTool,
    ReasoningOptions,
    Request,
    ResponseFormat,
    SoundOptions,
    Tool,
    ToolChoice,
)
from spaturzu_translators.responses import Candidate, Response, Usage

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip())
)
names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,11}", fullmatch=True)
tokens = st.integers(0, 10_000)
maybe = lambda strategy: st.none() | strategy  # noqa: E731
caches = st.none() | st.none() | st.sampled_from(["5m", "30m", "1h", "12h"])

ids = st.one_of(
    st.from_regex(r"call_[a-zA-Z0-9]{4,10}", fullmatch=True),
    st.from_regex(r"toolu_01[a-zA-Z0-9]{6}", fullmatch=True),
    st.from_regex(r"tooluse_[a-zA-Z0-9_-]{6}", fullmatch=True),
    st.from_regex(r"[a-zA-Z0-9]{9}", fullmatch=True),
    st.from_regex(r"functions\.[a-z]{3}:[0-9]", fullmatch=True),
    st.from_regex(r"chatcmpl-tool-[0-9a-f]{60}", fullmatch=True),
)
"""As every provider writes them, and a few that only compatible servers do."""

tool_names = names | st.sampled_from(["search.web", "read file", "наме", "n" * 70, "long_" * 26, "9lives", "a-b"])


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    """Arguments as a model writes them."""
    leaves = st.none() | st.booleans() | st.integers(-1000, 1000) | words
    return st.dictionaries(
        names, st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=4), max_size=3
    )


arguments = st.one_of(
    json_objects().map(json.dumps),
    json_objects().map(json.dumps),
    st.sampled_from(["", "{}", '{"a": ', "[1]", '"x"', "NaN", '{"a": NaN}', '{ "a" :1}', "null"]),
)

_CITATION = {
    "type": "page_location",
    "cited_text": "x",
    "document_index": 0,
    "start_page_number": 1,
    "end_page_number": 2,
}
_OWN: dict[str, dict[str, list[tuple[str, Any]]]] = {
    "request": {
        "openai": [
            ("store", True),
            ("logit_bias", {"50256": -100}),
            ("web_search_options", {}),
            ("moderation", {"model": "omni-moderation-latest", "policy": {"output": {"mode": "block"}}}),
        ],
        "anthropic": [("container", "c1"), ("inference_geo", "us")],
        "bedrock": [
            ("guardrailConfig", {"guardrailIdentifier": "g", "guardrailVersion": "1"}),
            ("performanceConfig", {"latency": "standard"}),
        ],
        "gemini": [
            ("safetySettings", [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
            ("cachedContent", "cachedContents/c"),
        ],
        "mistral": [
            ("safe_prompt", True),
            ("prompt_mode", "future"),
            ("guardrails", [{"moderation_llm_v2": {"action": "none"}}]),
            ("guardrails", [{"moderation_llm_v1": {"action": "block"}, "block_on_error": False}]),
        ],
    },
    "tool": {
        "openai": [("function", {"extra": 1})],
        "anthropic": [("defer_loading", True), ("input_examples", [{"a": 1}])],
        "gemini": [("response", {"type": "STRING"})],
        "mistral": [("function", {"extra": 1})],
    },
    "message": {
        "openai": [("name", "ada"), ("name", "bob")],
        "anthropic": [("extra", 1)],
        "mistral": [("extra", 1)],
    },
    "text": {
        "openai": [("extra", 1)],
        "anthropic": [
            (
                "citations",
                [
                    {
                        "type": "web_search_result_location",
                        "cited_text": "x",
                        "encrypted_index": "e",
                        "title": "t",
                        "url": "https://example.com/a",
                    }
                ],
            ),
            (
                "citations",
                [
                    {
                        "type": "page_location",
                        "cited_text": "x",
                        "document_index": 0,
                        "start_page_number": 1,
                        "end_page_number": 2,
                    }
                ],
            ),
        ],
        "bedrock": [
            ("citations", [{"title": "t"}]),
            ("citations", [{"title": "t", "location": {"web": {"url": "https://example.com/b"}}}]),
        ],
        "openai_responses": [
            (
                "annotations",
                [
                    {
                        "type": "url_citation",
                        "url": "https://example.com/r",
                        "title": "t",
                        "start_index": 0,
                        "end_index": 1,
                    }
                ],
            )
        ],
        "gemini": [("thoughtSignature", "c2ln"), ("partMetadata", {"a": "b"})],
        "mistral": [("extra", 1)],
    },
    "instruction": {
        "openai": [("extra", 1)],
        "anthropic": [
            (
                "citations",
                [
                    {
                        "type": "page_location",
                        "cited_text": "x",
                        "document_index": 0,
                        "start_page_number": 1,
                        "end_page_number": 2,
                    }
                ],
            )
        ],
        "gemini": [("partMetadata", {"a": "b"})],
        "mistral": [("extra", 1)],
    },
    "call": {
        "openai": [("extra_content", {"google": {"thought_signature": "c2ln"}})],
        "anthropic": [("caller", {"type": "direct"})],
        "gemini": [("thoughtSignature", "c2ln")],
        "mistral": [("extra", 1)],
    },
    "result": {
        "openai": [("extra", 1)],
        "anthropic": [("extra", 1)],
        "gemini": [("functionResponse.scheduling", "SILENT")],
        "mistral": [("extra", 1)],
    },
    "image": {
        "openai": [("detail", "future")],
        "gemini": [("mediaResolution", {"numTokens": 70})],
        "mistral": [("detail", "future")],
    },
    "document": {
        "anthropic": [("context", "c"), ("citations", {"enabled": True})],
        "bedrock": [("context", "c"), ("citations", {"enabled": True})],
        "gemini": [("mediaResolution", {"numTokens": 70})],
    },
    "audio": {},
    "video": {"gemini": [("videoMetadata", {"fps": 2})]},
    "response": {
        "openai": [("system_fingerprint", "fp"), ("service_tier", "default")],
        "anthropic": [("container", {"id": "c", "expires_at": "2026-11-22T00:00:00Z"})],
        "bedrock": [("performanceConfig", {"latency": "standard"}), ("metrics", {"latencyMs": 5})],
        "gemini": [("modelStatus", {"modelStage": "STABLE"})],
        "mistral": [("extra", 1)],
    },
    "candidate": {
        "openai": [("content_filter_results", {"hate": {"filtered": False}})],
        "anthropic": [("stop_details", {"type": "refusal", "category": "bio"})],
        "gemini": [("safetyRatings", [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}])],
        "mistral": [("extra", 1)],
    },
    "usage": {
        "openai": [("latency_checkpoint", {"a": 1})],
        "anthropic": [("service_tier", "standard")],
        "gemini": [("trafficType", "ON_DEMAND")],
        "mistral": [("prompt_audio_seconds", 3)],
    },
}
"""Level to provider to fields that may stand there on its wire, with values that its SDK takes."""


@st.composite
def own_fields(draw: st.DrawFn, level: str) -> Any:
    """Mostly none; else one or two fields of one or two providers."""
    if draw(st.integers(0, 5)):
        return NOTHING
    table = _OWN[level]
    chosen = draw(st.lists(st.sampled_from(sorted(table)), min_size=1, max_size=2, unique=True)) if table else []
    return {
        name: dict(draw(st.lists(st.sampled_from(table[name]), min_size=1, max_size=2, unique_by=lambda own: own[0])))
        for name in chosen
    } or NOTHING


def _texts(level: str) -> st.SearchStrategy[Text]:
    marked = st.builds(Text, text=words, cache=caches, provider_fields=own_fields(level))
    return plain_texts | marked | st.builds(Text, text=st.sampled_from(["", " ", "same", "same"]))


plain_texts = st.builds(Text, text=words)
texts, instructions = _texts("text"), _texts("instruction")

PDF, PNG, WAV = "JVBERi0=", "iVBORw0KGgo=", "UklGRg=="
_BLOBS: list[tuple[Any, str, str]] = [
    ("image", "image/png", PNG),
    ("image", "image/jpeg", "/9j/"),
    ("image", "image/jpg", "/9j/"),
    ("image", "image/tiff", "SUkq"),
    ("document", "application/pdf", PDF),
    ("document", "text/plain", "aGk="),
    ("document", "text/plain", "/w=="),
    ("document", "text/csv", "YSxi"),
    ("document", "application/msword", "0M8R"),
    ("document", "application/json", "e30="),
    ("audio", "audio/wav", WAV),
    ("audio", "audio/mpeg", "SUQz"),
    ("audio", "audio/mp3", "SUQz"),
    ("audio", "audio/ogg", "T2dnUw=="),
    ("video", "video/mp4", "AAAA"),
    ("video", "video/quicktime", "AAAA"),
]
_URIS: list[tuple[Any, str, str | None]] = [
    ("image", "https://example.com/a.png", None),
    ("image", "https://example.com/a.png", "image/png"),
    ("image", "https://example.com/a", None),
    ("image", "https://example.com/a", "image/webp"),
    ("image", "gs://bucket/a.jpg", "image/jpeg"),
    ("image", "s3://bucket/a.png", "image/png"),
    ("document", "https://example.com/a.pdf", None),
    ("document", "https://example.com/a", None),
    ("document", "https://example.com/a.csv", "text/csv"),
    ("document", "s3://bucket/a.pdf", "application/pdf"),
    ("audio", "https://example.com/a.mp3", None),
    ("audio", "gs://bucket/a", "audio/wav"),
    ("video", "https://example.com/a.mp4", "video/mp4"),
    ("video", "s3://bucket/a.mp4", "video/mp4"),
    ("video", "https://youtu.be/abc", None),
]
_FILES: list[tuple[Any, str, Any, str | None]] = [
    ("document", "file-1", "openai", None),
    ("document", "file_1", "anthropic", None),
    ("image", "file_2", "anthropic", None),
    ("document", "https://generativelanguage.googleapis.com/v1beta/files/a", "gemini", "application/pdf"),
    ("video", "https://generativelanguage.googleapis.com/v1beta/files/b", "gemini", "video/mp4"),
    ("document", "4f1e0a3c", "mistral", None),
]
details = st.none() | st.none() | st.sampled_from(["low", "medium", "high", "ultra_high"])
media_names = maybe(st.sampled_from(["a", "report 2.pdf", "report", "a", "наме"]))


def _told_once(fields: Any, more: dict[str, Any]) -> dict[str, Any]:
    """A provider's own word for the detail stands where it is none of ours, and not beside one."""
    return {**more, "detail": None} if any("detail" in own for own in fields.values()) else more


@st.composite
def media(draw: st.DrawFn) -> Blob | Uri | File:
    """Media of every modality, inline, by address, or in a provider's store."""
    more: dict[str, Any] = {"name": draw(media_names), "detail": draw(details), "cache": draw(caches)}
    match draw(st.sampled_from(["blob", "blob", "uri", "uri", "file"])):
        case "blob":
            modality, media_type, data = draw(st.sampled_from(_BLOBS))
            fields = draw(own_fields(modality))
            told = _told_once(fields, more)
            return Blob(modality=modality, media_type=media_type, data=data, provider_fields=fields, **told)
        case "uri":
            modality, uri, kind = draw(st.sampled_from(_URIS))
            fields = draw(own_fields(modality))
            told = _told_once(fields, more)
            return Uri(modality=modality, uri=uri, media_type=kind, provider_fields=fields, **told)
        case _:
            modality, file_id, issuer, kind = draw(st.sampled_from(_FILES))
            if issuer == "mistral" or (issuer == "anthropic" and modality == "image"):
                more["name"] = None  # their stores have the name
            return File(modality=modality, file_id=file_id, issuer=issuer, media_type=kind, **more)


def _opaque(table: Sequence[tuple[Any, Any]]) -> st.SearchStrategy[Opaque]:
    return st.sampled_from(table).map(lambda row: Opaque(issuer=row[0], value=row[1]))


user_opaque = _opaque(
    [
        ("openai", {"type": "file", "file": {"file_data": "data:text/csv;base64,YSxi", "filename": "a.csv"}}),
        ("anthropic", {"type": "container_upload", "file_id": "f"}),
        ("bedrock", {"guardContent": {"image": {"format": "png", "source": {"bytes": PNG}}}}),
        ("gemini", {"executableCode": {"language": "PYTHON", "code": "1"}}),
        (
            "mistral",
            {"type": "resource", "uri": "u", "content": {"type": "image_url", "image_url": "https://x.org/a.png"}},
        ),
    ]
)
answer_opaque = _opaque(
    [
        ("openai", {"id": "call_c", "type": "custom", "custom": {"name": "n", "input": "i"}}),
        ("anthropic", {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}),
        ("bedrock", {"toolUse": {"toolUseId": "t9", "name": "g", "input": {"a": 1}, "type": "server_tool_use"}}),
        ("gemini", {"executableCode": {"language": "PYTHON", "code": "1"}}),
        (
            "mistral",
            {"type": "resource", "uri": "u", "content": {"type": "image_url", "image_url": "https://x.org/a.png"}},
        ),
    ]
)
result_opaque = _opaque(
    [
        ("anthropic", {"type": "tool_reference", "tool_name": "f"}),
        (
            "mistral",
            {"type": "resource", "uri": "u", "content": {"type": "image_url", "image_url": "https://x.org/a.png"}},
        ),
    ]
)
issuers = st.sampled_from(PROVIDERS)
reasoning = st.one_of(
    st.builds(Reasoning, text=words),
    st.builds(Reasoning, text=words, issuer=issuers),
    st.builds(Reasoning, text=st.just("") | words, signature=st.just("c2ln"), issuer=issuers),
    st.builds(Reasoning, redacted=st.just("cmVk"), issuer=st.sampled_from(["anthropic", "bedrock"])),
)


def _calls(*, rich: bool) -> st.SearchStrategy[ToolCall]:
    if not rich:
        return st.builds(ToolCall, id=ids, name=names, arguments=json_objects().map(json.dumps))
    fields = own_fields("call")
    return st.builds(ToolCall, id=ids, name=tool_names, arguments=arguments, cache=caches, provider_fields=fields)


@st.composite
def _results(draw: st.DrawFn, call: ToolCall, *, rich: bool) -> ToolResult:
    if not rich:
        return ToolResult(call_id=call.id, name=call.name, content=(draw(plain_texts),))
    structured = draw(st.booleans())
    said = [Text(text=json.dumps(draw(json_objects())))] if structured else draw(st.lists(instructions, max_size=2))
    more = [] if structured else draw(st.lists(media() | result_opaque, max_size=draw(st.sampled_from([0, 0, 1, 2]))))
    return ToolResult(
        call_id=call.id,
        name=call.name,
        content=(*said, *more),
        is_error=draw(st.booleans()),
        structured=structured,
        cache=draw(caches),
        provider_fields=draw(own_fields("result")),
    )


@st.composite
def conversations(draw: st.DrawFn, *, rich: bool = True) -> tuple[Message, ...]:
    """User and assistant in turn, calls answered by the next user turn.

    With `rich`, instructions stand between turns, the assistant may have the last word (a prefill), the user may say
    nothing, and rarely there is no turn at all.
    """
    if rich and draw(st.integers(0, 15)) == 15:
        return ()
    messages: list[Message] = []
    pending: list[ToolCall] = []
    for _ in range(draw(st.integers(0, 3))):
        messages.append(draw(_user(pending, rich=rich)))
        messages += draw(_system_turns(rich=rich))
        pending = draw(st.lists(_calls(rich=rich), max_size=2, unique_by=lambda call: call.id))
        messages.append(draw(_assistant(pending, rich=rich)))
    prefills = rich and messages and not pending and draw(st.integers(0, 4)) == 0
    return tuple(messages if prefills else [*messages, draw(_user(pending, rich=rich))])


@st.composite
def _user(draw: st.DrawFn, calls: list[ToolCall], *, rich: bool) -> Message:
    results: list[Part] = [draw(_results(call, rich=rich)) for call in calls]
    saying = st.one_of(texts, texts, media(), user_opaque) if rich else plain_texts
    said = draw(st.lists(saying, min_size=0 if results or rich else 1, max_size=2))
    fields = draw(own_fields("message")) if rich and not results else NOTHING
    return Message(role="user", parts=(*results, *said), provider_fields=fields)


@st.composite
def _assistant(draw: st.DrawFn, calls: list[ToolCall], *, rich: bool) -> Message:
    if not rich:
        said = draw(st.lists(plain_texts, min_size=0 if calls else 1, max_size=2))
        return Message(role="assistant", parts=(*said, *calls))
    refusals = st.builds(Refusal, text=words)
    images = st.just(Blob(modality="image", media_type="image/png", data=PNG))
    saying = st.one_of(texts, texts, reasoning, reasoning, refusals, answer_opaque, images)
    said = draw(st.lists(saying, min_size=0 if calls else 1, max_size=3))
    parts = (*said, *calls) if draw(st.integers(0, 4)) else (*calls, *said)
    fields = NOTHING if calls else draw(own_fields("message"))
    return Message(role="assistant", parts=parts, provider_fields=fields)


@st.composite
def _system_turns(draw: st.DrawFn, *, rich: bool) -> list[Message]:
    if not rich or draw(st.integers(0, 5)):
        return []
    return [Message(role="system", parts=(draw(instructions),), provider_fields=draw(own_fields("message")))]


schemas = st.sampled_from(
    [
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "string", "minLength": 2}}, "additionalProperties": False},
        {"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}, {"type": "null"}]}}},
        {"type": "object", "patternProperties": {"a": {"type": "string"}}},
        {"properties": {"a": {"type": ["string", "null"]}}},
        {"type": "object", "properties": {}},
        {},
    ]
)
tools = st.builds(
    Tool,
    name=tool_names,
    description=maybe(words),
    parameters=maybe(schemas),
    strict=maybe(st.booleans()),
    cache=caches,
    provider_fields=own_fields("tool"),
)
plain_tools = st.builds(Tool, name=names, description=maybe(words), parameters=maybe(schemas))
opaque_tools = st.sampled_from(
    [
        OpaqueTool(issuer="openai", value={"type": "custom", "custom": {"name": "c"}}),
        OpaqueTool(issuer="anthropic", value={"type": "web_search_20250305", "name": "web_search"}),
        OpaqueTool(issuer="bedrock", value={"systemTool": {"name": "nova_grounding"}}),
        OpaqueTool(issuer="gemini", value={"googleSearch": {}}),
    ]
)
response_formats = st.one_of(
    st.just(ResponseFormat(type="json_object")),
    st.builds(
        ResponseFormat,
        type=st.just("json_schema"),
        schema=schemas,
        name=maybe(names),
        description=maybe(words),
        strict=maybe(st.booleans()),
    ),
)
efforts = st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
reasoning_options = st.builds(
    ReasoningOptions,
    effort=maybe(efforts),
    budget_tokens=maybe(st.sampled_from([0, 100, 1024, 5000, 50_000])),
    include_text=maybe(st.booleans()),
).filter(lambda asked: asked != ReasoningOptions())

_TUNING: dict[str, st.SearchStrategy[Any]] = {
    "sound": st.builds(
        SoundOptions,
        voice=st.sampled_from([None, "alloy", "Kore"]),
        format=st.sampled_from([None, "wav", "pcm16", "mp3"]),
    ),
    "seed": st.integers(0, 1000) | st.just(2**40),
    "frequency_penalty": st.floats(-2, 2),
    "presence_penalty": st.floats(-2, 2),
    "candidate_count": st.integers(1, 3),
    "logprobs": st.booleans(),
    "top_logprobs": st.integers(0, 5),
    "response_format": response_formats,
    "reasoning": reasoning_options,
    "parallel_tool_calls": st.booleans(),
    "user": words,
    "metadata": st.dictionaries(names | st.just("Some Key"), words, min_size=1, max_size=2),
    "service_tier": st.sampled_from(["default", "auto", "flex", "priority", "standard_only", "scale"]),
    "provider_fields": own_fields("request"),
}
_MODELS = [
    *("model-a", "model-b", "gpt-4o", "gpt-6", "o3", "claude-sonnet-5-5", "claude-3-5-sonnet-20241022"),
    *("us.anthropic.claude-opus-4-7-v1:0", "us.amazon.nova-pro-v1:0", "gemini-2.5-flash", "gemini-3.8-flash"),
    "mistral-large-latest",
]


@st.composite
def _choices(draw: st.DrawFn, offered: tuple[Any, ...]) -> ToolChoice | None:
    functions = [tool.name for tool in offered if isinstance(tool, Tool)]
    mode = draw(st.sampled_from([None, "auto", "none", "required", "named", "some"]))
    if not offered or mode is None:
        return None
    if mode in ("named", "some"):
        some = functions[:1] if mode == "named" else functions[:2]
        return ToolChoice(mode="required", names=tuple(some)) if some else None
    return ToolChoice(mode=mode)


@st.composite
def requests(draw: st.DrawFn, *, rich: bool = True) -> Request:
    """A request; with `rich`, everything that any provider's caller can ask."""
    offering = st.one_of(tools, tools, opaque_tools) if rich else plain_tools
    key = lambda tool: tool.name if isinstance(tool, Tool) else tool.issuer  # noqa: E731
    offered = tuple(draw(st.lists(offering, max_size=3, unique_by=key)))
    tuning = draw(st.fixed_dictionaries({}, optional=_TUNING)) if rich else {}
    stops = words | st.sampled_from(["\n", "###"]) if rich else words
    return Request(
        model=draw(st.sampled_from(_MODELS if rich else _MODELS[:2])),
        messages=draw(conversations(rich=rich)),
        system=tuple(draw(st.lists(instructions if rich else plain_texts, max_size=2))),
        stream=draw(st.booleans()),
        max_tokens=draw(maybe(st.integers(1, 4096))),
        temperature=draw(maybe(st.floats(0, 2))),
        top_p=draw(maybe(st.floats(0, 1))),
        top_k=draw(maybe(st.integers(1, 100))),
        stop_sequences=tuple(draw(st.lists(stops, max_size=6))),
        tools=offered,
        tool_choice=draw(_choices(offered)),
        **tuning,
    )


plain_usages = st.builds(
    Usage,
    input_tokens=st.integers(20_000, 30_000),
    output_tokens=st.integers(10_000, 20_000),
    cache_read_tokens=maybe(tokens),
    cache_creation_tokens=maybe(tokens),
    reasoning_tokens=maybe(tokens),
)
usages = plain_usages | st.builds(
    Usage,
    input_tokens=maybe(st.integers(0, 30_000)),
    output_tokens=maybe(st.integers(0, 20_000)),
    cache_read_tokens=maybe(tokens),
    cache_creation_tokens=maybe(tokens),
    cache_creation_5m_tokens=maybe(tokens),
    cache_creation_1h_tokens=maybe(tokens),
    reasoning_tokens=maybe(tokens),
    input_audio_tokens=maybe(tokens),
    output_audio_tokens=maybe(tokens),
    provider_fields=own_fields("usage"),
)
logprobs = st.sampled_from(
    [
        None,
        None,
        {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}], "refusal": None},
        {"chosenCandidates": [{"token": "a", "logProbability": -0.5}]},
        {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "token_id": 5, "top_logprobs": []}]},
    ]
)
_ENDS = [
    *("stop", "stop", "length", "stop_sequence", "context_window", "content_filter", "guardrail", "refusal"),
    *("pause", "malformed", "other", None),
]


@st.composite
def candidates(draw: st.DrawFn, *, rich: bool = True) -> Candidate:
    """Thoughts, text and calls, with the finish reason that fits; with `rich`, any part that an answer may hold."""
    calls = draw(st.lists(_calls(rich=rich), max_size=2, unique_by=lambda call: call.id))
    calls = [ToolCall(id=call.id, name=call.name, arguments=call.arguments) for call in calls]
    if not rich:
        parts: list[Part] = list(draw(st.lists(plain_texts, min_size=0 if calls else 1, max_size=1)))
        reason: Any = "tool_calls" if calls else draw(st.sampled_from(["stop", "length"]))
        return Candidate(parts=(*parts, *calls), finish_reason=reason)
    images = st.just(Blob(modality="image", media_type="image/png", data=PNG))
    cited = st.builds(Text, text=words, provider_fields=own_fields("text"))
    saying = st.one_of(plain_texts, cited, reasoning, st.builds(Refusal, text=words), answer_opaque, images)
    said = draw(st.lists(saying, min_size=0 if calls else 1, max_size=3))
    reason = draw(st.sampled_from(["tool_calls", "tool_calls", "length"] if calls else _ENDS))
    return Candidate(
        parts=(*said, *calls),
        finish_reason=reason,
        stop_sequence="###" if reason == "stop_sequence" else None,
        logprobs=draw(logprobs),
        provider_fields=draw(own_fields("candidate")),
    )


@st.composite
def responses(draw: st.DrawFn, *, rich: bool = True) -> Response:
    """One candidate (any number if `rich`), with usage."""
    count = draw(st.integers(1, 2)) if rich else 1
    return Response(
        id=draw(names),
        model="model-a",
        created=draw(maybe(st.integers(1_700_000_000, 1_800_000_000))),
        candidates=tuple(draw(candidates(rich=rich)) for _ in range(count)),
        usage=draw(maybe(usages if rich else plain_usages)),
        provider_fields=draw(own_fields("response")) if rich else NOTHING,
    )
