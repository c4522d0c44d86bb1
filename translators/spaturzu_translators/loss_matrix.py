"""What every direction carries, worked out by asking the codecs: the source of `docs/loss-matrix.md`.

`python -m spaturzu_translators.loss_matrix` prints the page.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from .codec import codec
from .loss import Loss
from .messages import (
    WIRES,
    Blob,
    File,
    Message,
    Part,
    Provider,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
    Wire,
)
from .requests import ReasoningOptions, Request, ResponseFormat, Tool, ToolChoice, WireRequest
from .structured import encode_request

Fate: TypeAlias = Literal["carried", "emulated", "approximated", "dropped", "skips the target"]

MODELS: dict[Wire, str] = {
    "openai": "gpt-6.2",
    "anthropic": "claude-opus-5-5",
    "bedrock": "anthropic.claude-opus-5-5-v1:0",
    "gemini": "gemini-3.8-flash",
    "mistral": "mistral-large-latest",
    "openai_responses": "gpt-6.2",
}
"""What a cell depends on, beside the direction: a current model of each (2026-11-22)."""

ANY_MODEL = "any"
"""The caller's: what its provider can be asked for, whatever one model of it refuses."""

PLAIN = Request(model="", messages=(Message(role="user", parts=(Text(text="hi"),)),), max_tokens=100)
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
TOOL = Tool(name="look_up", description="d", parameters=SCHEMA)
CALL = ToolCall(id="toolAB123", name="look_up", arguments='{"a":1}')


def _said(*parts: Part) -> Request:
    return replace(PLAIN, messages=(Message(role="user", parts=(Text(text="hi"), *parts)),))


def _after(*parts: Part, tools: bool = False) -> Request:
    """A history with an assistant's turn, and the user's answer."""
    history = (
        *PLAIN.messages,
        Message(role="assistant", parts=parts),
        Message(role="user", parts=(Text(text="go on"),)),
    )
    return replace(PLAIN, messages=history, tools=(TOOL,) if tools else ())


def _answered(result: ToolResult) -> Request:
    turns = (Message(role="assistant", parts=(CALL,)), Message(role="user", parts=(result,)))
    return replace(PLAIN, messages=(*PLAIN.messages, *turns), tools=(TOOL,))


def _with(**fields: Any) -> Request:
    return replace(PLAIN, **fields)


def _result(*content: Text | Blob, is_error: bool = False) -> ToolResult:
    return ToolResult(call_id=CALL.id, name=CALL.name, content=content, is_error=is_error)


IMAGE = Blob(modality="image", media_type="image/png", data="aGk=")
WORDS = Text(text="42")

FEATURES: dict[str, Request] = {
    "system instruction": _with(system=(Text(text="be brief"),)),
    "system message in mid-conversation": _with(
        messages=(
            *_after(Text(text="yes")).messages[:2],
            Message(role="system", parts=(Text(text="now in French"),)),
            Message(role="user", parts=(Text(text="go on"),)),
        )
    ),
    "several turns": _after(Text(text="yes")),
    "last turn without a word": _with(
        messages=(*_after(Text(text="yes")).messages[:2], Message(role="user", parts=(Text(text=""),)))
    ),
    "instructions without a turn": _with(system=(Text(text="be brief"),), messages=()),
    "temperature": _with(temperature=0.5),
    "top_p": _with(top_p=0.5),
    "top_k": _with(top_k=5),
    "no limit on tokens": _with(max_tokens=None),
    "stop sequences": _with(stop_sequences=("END",)),
    "seed": _with(seed=7),
    "frequency and presence penalty": _with(frequency_penalty=0.5, presence_penalty=0.5),
    "several candidates (n)": _with(candidate_count=2),
    "logprobs": _with(logprobs=True),
    "tools": _with(tools=(TOOL,)),
    "strict tool": _with(tools=(replace(TOOL, strict=True),)),
    "tool choice: none": _with(tools=(TOOL,), tool_choice=ToolChoice(mode="none")),
    "tool choice: any": _with(tools=(TOOL,), tool_choice=ToolChoice(mode="required")),
    "tool choice: this one": _with(tools=(TOOL,), tool_choice=ToolChoice(mode="required", names=(TOOL.name,))),
    "parallel calls forbidden": _with(tools=(TOOL,), parallel_tool_calls=False),
    "tool call and result in history": _answered(_result(WORDS)),
    "failed tool result": _answered(_result(WORDS, is_error=True)),
    "image in a tool result": _answered(_result(IMAGE)),
    "tool arguments that are not JSON": replace(
        _answered(_result(WORDS)),
        messages=(
            *PLAIN.messages,
            Message(role="assistant", parts=(replace(CALL, arguments="{oops"),)),
            Message(role="user", parts=(_result(WORDS),)),
        ),
    ),
    "image, inline": _said(IMAGE),
    "image, by URL": _said(Uri(modality="image", uri="https://example.com/a.png", media_type="image/png")),
    "detail of an image": _said(replace(IMAGE, detail="high")),
    "PDF, inline": _said(Blob(modality="document", media_type="application/pdf", data="aGk=", name="a.pdf")),
    "PDF, by URL": _said(Uri(modality="document", uri="https://example.com/a.pdf", media_type="application/pdf")),
    "audio, inline": _said(Blob(modality="audio", media_type="audio/wav", data="aGk=")),
    "video, inline": _said(Blob(modality="video", media_type="video/mp4", data="aGk=")),
    "JSON mode": _with(response_format=ResponseFormat(type="json_object")),
    "JSON schema": _with(response_format=ResponseFormat(type="json_schema", schema=SCHEMA, name="answer", strict=True)),
    "JSON schema with patternProperties": _with(
        response_format=ResponseFormat(type="json_schema", schema={**SCHEMA, "patternProperties": {"^x": {}}})
    ),
    "reasoning effort": _with(reasoning=ReasoningOptions(effort="high"), max_tokens=None),
    "reasoning budget": _with(reasoning=ReasoningOptions(budget_tokens=4096), max_tokens=8000),
    "prompt cache marker": _with(
        messages=(Message(role="user", parts=(Text(text="a long document", cache="5m"), Text(text="hi"))),)
    ),
    "user id": _with(user="user-1"),
    "metadata": _with(metadata={"team": "search"}),
    "refusal in history": _after(Refusal(text="no")),
}


def _own_thoughts(provider: Provider) -> Request:
    return _after(Reasoning(text="hm", signature="c2ln", issuer=provider), Text(text="yes"))


def _own_file(provider: Provider) -> Request:
    return _said(File(modality="document", file_id="file-1", issuer=provider, media_type="application/pdf"))


ISSUED: dict[str, Callable[[Provider], Request]] = {
    "signed reasoning in history": _own_thoughts,
    "file in the provider's store": _own_file,
}
"""Features that belong to the caller's provider."""

PREFILL = "last turn begins the answer (prefill)"
PREFILLED = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "The"}]}

OWN: dict[Wire, dict[str, dict[str, Any]]] = {
    "openai": {
        "logit_bias": {"logit_bias": {"1": 1}},
        "verbosity": {"verbosity": "low"},
        "moderation that scores": {"moderation": {"model": "omni-moderation-latest"}},
        "moderation that blocks": {
            "moderation": {"model": "omni-moderation-latest", "policy": {"output": {"mode": "block"}}}
        },
        "prompt_cache_key": {"prompt_cache_key": "k"},
        "web_search_options": {"web_search_options": {}},
        "audio output": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        "custom tool": {"tools": [{"type": "custom", "custom": {"name": "g"}}]},
    },
    "anthropic": {
        "web search tool": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        "container": {"container": "c"},
        "service_tier": {"service_tier": "standard_only"},
        PREFILL: PREFILLED,
    },
    "bedrock": {
        "guardrailConfig": {"guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}},
        "performanceConfig": {"performanceConfig": {"latency": "optimized"}},
        "promptVariables": {"promptVariables": {"a": {"text": "b"}}},
        PREFILL: {"messages": [{**turn, "content": [{"text": turn["content"]}]} for turn in PREFILLED["messages"]]},
    },
    "gemini": {
        "safetySettings": {
            "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]
        },
        "googleSearch tool": {"tools": [{"googleSearch": {}}]},
        "cachedContent": {"cachedContent": "cachedContents/1"},
    },
    "mistral": {
        "safe_prompt": {"safe_prompt": True},
        "prompt_mode": {"prompt_mode": "reasoning"},
        "guardrails that block": {"guardrails": [{"moderation_llm_v2": {"action": "block"}}]},
        "guardrails that block on errors": {"guardrails": [{"block_on_error": True}]},
        "guardrails that look": {"guardrails": [{"moderation_llm_v2": {"action": "none"}}]},
        PREFILL: PREFILLED,
    },
    "openai_responses": {
        "previous_response_id": {"previous_response_id": "resp_1"},
        "background": {"background": True},
        "store": {"store": True},
        "truncation": {"truncation": "auto"},
        "web search tool": {"tools": [{"type": "web_search"}]},
        "custom tool": {"tools": [{"type": "custom", "name": "g"}]},
        "verbosity": {"text": {"verbosity": "low"}},
    },
}
"""What only one provider has, as it stands on its wire."""


def _asked(primary: Wire, request: Request) -> Request | None:
    """The feature as a caller of `primary` asks for it; None where that provider cannot ask for it."""
    own = codec(primary)
    encoded = own.encode_request(replace(request, model=ANY_MODEL))
    if any(loss.matters == "meaning" or loss.kind in ("dropped", "emulated") for loss in encoded.losses):
        return None
    return own.decode_request(encoded.value)


def _beside(primary: Wire, extra: dict[str, Any]) -> Request:
    own = codec(primary)
    wire = own.encode_request(replace(PLAIN, model=MODELS[primary])).value
    return own.decode_request(WireRequest(body={**wire.body, **extra}, model=wire.model))


def features(primary: Wire) -> Iterator[tuple[str, Request]]:
    """Every row of a caller's table: what the caller's provider can be asked for at all."""
    for name, request in (*FEATURES.items(), *((name, make(codec(primary).provider)) for name, make in ISSUED.items())):
        if asked := _asked(primary, request):
            yield name, asked
    for name, extra in OWN[primary].items():
        yield f"`{name}`" if name.isidentifier() else name, _beside(primary, extra)


def fate(request: Request, target: Wire) -> Fate:
    """What becomes of the feature at `target`."""
    asked = replace(request, model=MODELS[target])
    return _worst(encode_request(asked, codec(target).encode_request)[0].losses)


def _worst(losses: tuple[Loss, ...]) -> Fate:
    if any(loss.matters == "meaning" for loss in losses):
        return "skips the target"
    if not losses:
        return "carried"
    if all(loss.kind == "emulated" for loss in losses):
        return "emulated"
    return "dropped" if all(map(_is_whole, losses)) else "approximated"


def _is_whole(loss: Loss) -> bool:
    """Is the feature gone, rather than said with less detail, or by a turn that was joined with its neighbour?"""
    own_field = loss.path.startswith("provider_fields.")
    return loss.kind == "dropped" and (own_field or "." not in loss.path)


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What each direction carries"
    yield ""
    yield "Generated from the codecs by `python -m spaturzu_translators.loss_matrix`; a test fails when it is stale."
    yield ""
    yield "*carried*: the target is asked for the same. *emulated*: for the same by other means, where the target has"
    yield "no member for it: an instruction, a forced tool, words in a text; only the model sees to it. *approximated*:"
    yield "for something near, as the hop's losses say in detail. *dropped*: it only tunes the answer, and the hop's"
    yield "losses name it. *skips the target*: without it the answer could mean something else, so the target is not"
    yield 'tried, unless `on_loss="allow"`.'
    yield f"Targets' models: {', '.join(MODELS.values())}."
    for primary in WIRES:
        yield from _table(primary)


def _table(primary: Wire) -> Iterator[str]:
    targets: list[Wire] = [target for target in WIRES if target != primary]
    yield ""
    yield f"## A caller of {primary}"
    yield ""
    yield f"| feature | {' | '.join(targets)} |"
    yield f"| --- |{' --- |' * len(targets)}"
    for name, request in features(primary):
        yield f"| {name} | {' | '.join(fate(request, target) for target in targets)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
