"""A chat completion, both ways: the body that answers `POST /v1/chat/completions`.

Shapes: providers.md section 1.6; reasons and usage: sections 6.1 and 6.2; 2026-11-22.
"""

from __future__ import annotations

import time
from typing import assert_never

from ..citations import of_candidate
from ..codec import BadWire, as_list, as_object, as_seconds
from ..logprobs import tokens_of
from ..loss import Encoded, Losses, foreign_response_fields
from ..messages import (
    JSON,
    Blob,
    File,
    JSONObject,
    Opaque,
    Part,
    ProviderFields,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from ..requests import Request, SoundOptions
from ..responses import Candidate, FinishReason, Response, Usage
from ..sound import joins, spoken
from .parts import encode_call, extras, is_call, keep, own, text_of
from .turns import ANSWER_FIELDS, answer_parts

_WHO = "openai response"
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_WIRE_REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_window": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "guardrail": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "malformed": "stop",
    "other": "stop",
}
"""What a caller may see: the SDK's type allows no other. `refusal` is `stop` where `message.refusal` says it."""

_TOP = frozenset({"id", "object", "created", "model", "choices", "usage", "obfuscation"})
_CHOICE = frozenset({"index", "message", "delta", "finish_reason", "logprobs"})
_IN_MESSAGE = ANSWER_FIELDS | {"audio"}
_PROMPT_DETAILS = {
    "cached_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_creation_tokens",
    "audio_tokens": "input_audio_tokens",
}
_COMPLETION_DETAILS = {"reasoning_tokens": "reasoning_tokens", "audio_tokens": "output_audio_tokens"}
_USAGE = frozenset(
    {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}
)


def decode_response(body: JSONObject, model: str) -> Response:
    """The canonical answer. Raises BadWire where the body is not a chat completion."""
    body = as_object(body, _WHO)
    response_id = text_of(body.get("id") or "", f"{_WHO}: id")
    choices = as_list(body.get("choices"), f"{_WHO}: choices")
    usage = body.get("usage")
    return Response(
        id=response_id,
        model=text_of(body.get("model") or model, f"{_WHO}: model"),
        created=as_seconds(body.get("created"), f"{_WHO}: created"),
        candidates=tuple(_decode_choice(item, number, response_id) for number, item in enumerate(choices)),
        usage=None if usage is None else decode_usage(usage, f"{_WHO}: usage"),
        provider_fields=keep(top_fields(body)),
    )


def top_fields(body: JSONObject) -> dict[str, JSON]:
    """What an answer, or a chunk of one, says beside its choices."""
    return extras(body, _TOP)


def _decode_choice(item: JSON, number: int, response_id: str) -> Candidate:
    where = f"{_WHO}: choices[{number}]"
    choice = as_object(item, where)
    message = choice.get("message")
    if message is None and choice.get("finish_reason") is not None:
        message = {}  # Azure filtered the answer and left nothing (recorded traffic, 2024-04)
    message = as_object(message, f"{where}.message")
    parts = answer_parts(message, f"{where}.message", {}, f"call_{response_id}_{number}")
    if message.get("audio") is not None:
        parts.append(Opaque(issuer="openai", value={"audio": message["audio"]}))
    return Candidate(
        parts=tuple(parts),
        finish_reason=decode_reason(choice.get("finish_reason"), parts),
        logprobs=choice.get("logprobs"),
        provider_fields=keep(candidate_fields(choice, extras(message, _IN_MESSAGE))),
    )


def candidate_fields(choice: JSONObject, in_message: dict[str, JSON]) -> dict[str, JSON]:
    """What a choice says beside its answer; what its message says so stands under `message`."""
    fields = extras(choice, _CHOICE)
    return fields | {"message": in_message} if in_message else fields


def decode_reason(value: JSON, parts: list[Part]) -> FinishReason | None:
    """Why the answer ended. Content counts first: a forced tool's call ends with `stop` on this wire."""
    if value is None:
        return None
    reason = _REASONS.get(value, "other") if isinstance(value, str) else "other"
    if reason in ("stop", "other"):
        if any(isinstance(part, ToolCall) or (isinstance(part, Opaque) and is_call(part)) for part in parts):
            return "tool_calls"
        if reason == "stop" and any(isinstance(part, Refusal) for part in parts):
            return "refusal"
    return reason


def decode_usage(value: JSON, where: str) -> Usage:
    """Totals that include cache and reasoning, as on the wire. Azure's and others' extra counts are kept."""
    usage = as_object(value, where)
    found: dict[str, int | None] = {}
    fields = extras(usage, _USAGE)
    for name, details, canonical in (
        ("prompt_tokens", "prompt_tokens_details", _PROMPT_DETAILS),
        ("completion_tokens", "completion_tokens_details", _COMPLETION_DETAILS),
    ):
        found["input_tokens" if name == "prompt_tokens" else "output_tokens"] = _count(usage.get(name), where)
        if usage.get(details) is not None:
            detail = as_object(usage[details], f"{where}.{details}")
            found |= {canonical[key]: _count(count, where) for key, count in detail.items() if key in canonical}
            if rest := {key: count for key, count in detail.items() if key not in canonical and count}:
                fields[details] = rest
    known = {name: count for name, count in found.items() if count is not None}
    return Usage(**known, provider_fields=keep(fields))


def _count(value: JSON, where: str) -> int | None:
    if value is None or type(value) is int:
        return value
    raise BadWire(f"{where}: token counts must be integers, found {type(value).__name__}")


def encode_response(response: Response, request: Request) -> Encoded[JSONObject]:
    """The chat completion that OpenAI would have sent, as the caller's SDK parses it."""
    losses = Losses()
    losses.extend(foreign_response_fields(response, "openai"))
    body: JSONObject = {
        **own(response.provider_fields),
        "id": response.id,
        "object": "chat.completion",
        "created": encode_created(response.created),
        "model": response.model,
        "choices": [
            _encode_candidate(number, candidate, request, losses)
            for number, candidate in enumerate(response.candidates)
        ],
    }
    if response.usage is not None:
        body["usage"] = encode_usage(response.usage, losses)
    return Encoded(body, losses.found())


def answers_in_functions(request: Request) -> bool:
    """Did the caller ask with the deprecated `functions`, so that it looks for a `function_call`?"""
    return "functions" in own(request.provider_fields)


def encode_created(created: int | None) -> int:
    """`created` is required here: now, where the provider gave no time."""
    return int(time.time()) if created is None else created


def _encode_candidate(number: int, candidate: Candidate, request: Request, losses: Losses) -> JSONObject:
    path, in_functions = f"candidates[{number}]", answers_in_functions(request)
    fields = dict(own(candidate.provider_fields))
    answer = _Answer(path, in_functions, losses)
    for index, part in enumerate(candidate.parts):
        answer.add(part, f"{path}.parts[{index}]")
    message = {**fields.pop("message", {}), **answer.message(request.sound)}
    if "annotations" not in message and (citations := of_candidate(candidate, path, "openai", losses)):
        message["annotations"] = citations
    reason = encode_reason(
        candidate.finish_reason, path, losses, calls=bool(answer.calls), refuses=bool(answer.refusals)
    )
    drop_stop_sequence(candidate.stop_sequence, path, losses)
    return {
        **fields,
        "index": number,
        "message": message,
        "logprobs": encode_logprobs(candidate.logprobs, path, losses),
        "finish_reason": "function_call" if in_functions and reason == "tool_calls" else reason,
    }


class _Answer:
    """An answer's parts while they are sorted into the places of one message."""

    __slots__ = (
        "_losses",
        "_path",
        "_rank",
        "audio",
        "calls",
        "functions",
        "in_functions",
        "refusals",
        "sounds",
        "texts",
        "thoughts",
    )

    def __init__(self, path: str, in_functions: bool, losses: Losses) -> None:
        self._path, self._losses, self._rank = path, losses, -1
        self.in_functions = in_functions
        self.thoughts: list[str] = []
        self.texts: list[str] = []
        self.refusals: list[str] = []
        self.calls: list[JSONObject] = []
        self.audio: JSON = None
        self.sounds: list[Blob] = []

    def add(self, part: Part, path: str) -> None:
        """Sort `part` in. Texts are joined and thoughts come first here, whatever their order was."""
        match part:
            case Text() if part.text:
                self._reach(1, once=True)
                drop_own(part.provider_fields, path, self._losses)
                self.texts.append(part.text)
            case Refusal() if part.text:
                self._reach(2, once=True)
                drop_own(part.provider_fields, path, self._losses)
                self.refusals.append(part.text)
            case Reasoning() if part.text:
                self._reach(0, once=True)
                drop_own(part.provider_fields, path, self._losses)
                self.thoughts.append(part.text)
                seal(part, path, self._losses)
            case ToolCall():
                self._add_call(encode_call(part, part.name), path)
            case Opaque() if is_call(part):
                self._add_call(part.value, path)
            case Opaque(value={"audio": audio}) if part.issuer == "openai":
                self._reach(4, once=True)
                self.audio = audio
            case Blob(modality="audio") if joins(self.sounds, part):
                self._reach(4, once=True)
                self._losses.approximate(path)
                self.sounds.append(part)
            case Text() | Refusal():
                return
            case Reasoning():
                self._losses.drop(path)
            case Blob() | Uri() | File() | ToolResult() | Opaque():
                self._losses.drop(path, "meaning")
            case _:
                assert_never(part)

    def _add_call(self, call: JSONObject, path: str) -> None:
        if self.in_functions and self.calls:
            self._losses.drop(path, "meaning")
            return
        self._reach(3)
        self.calls.append(call)

    def _reach(self, rank: int, *, once: bool = False) -> None:
        if rank < self._rank or (once and rank == self._rank):
            self._losses.approximate(f"{self._path}.parts")
        self._rank = max(rank, self._rank)

    def message(self, sound: SoundOptions | None) -> JSONObject:
        """The message, null where nothing was said; sound as it was asked for."""
        said: JSONObject = {
            "role": "assistant",
            "content": "".join(self.texts) if self.texts else None,
            "refusal": "".join(self.refusals) if self.refusals else None,
        }
        if self.thoughts:
            said["reasoning_content"] = "".join(self.thoughts)
        if self.calls:
            said |= {"function_call": self.calls[0]["function"]} if self.in_functions else {"tool_calls": self.calls}
        if self.audio is not None:
            said["audio"] = self.audio
        elif self.sounds:
            said["audio"] = spoken(self.sounds, sound and sound.format)
        return said


def drop_own(fields: ProviderFields, path: str, losses: Losses) -> None:
    """An answer's text is a plain string here: there is no place beside it."""
    for name in own(fields):
        losses.drop(f"{path}.provider_fields.openai.{name}")


def seal(part: Reasoning, path: str, losses: Losses) -> None:
    """Thoughts are plain text here, so what binds them to their issuer is lost."""
    if part.signature is not None:
        losses.drop(f"{path}.signature")
    if part.redacted is not None:
        losses.drop(f"{path}.redacted")


def encode_reason(reason: FinishReason | None, path: str, losses: Losses, *, calls: bool, refuses: bool) -> str:
    """One of the five reasons that the SDK knows; the caller's loop looks for `tool_calls` where there are calls."""
    wire = "stop" if reason is None or (reason == "refusal" and refuses) else _WIRE_REASONS[reason]
    if wire == "stop" and calls:
        wire = "tool_calls"
    back = "refusal" if wire == "stop" and refuses else _REASONS[wire]
    if back != reason:
        losses.approximate(f"{path}.finish_reason")
    return wire


def drop_stop_sequence(stop_sequence: str | None, path: str, losses: Losses) -> None:
    """Which sequence stopped the answer has no place here."""
    if stop_sequence is not None:
        losses.drop(f"{path}.stop_sequence")


def encode_logprobs(logprobs: JSON, path: str, losses: Losses) -> JSON:
    """OpenAI's own logprobs as they are; Gemini's respelt."""
    match logprobs:
        case None | {"content": _} | {"refusal": _}:
            return logprobs
        case _ if (tokens := tokens_of(logprobs)) is not None:
            losses.approximate(f"{path}.logprobs")
            return {"content": tokens, "refusal": None}
        case _:
            losses.drop(f"{path}.logprobs")
            return None


def encode_usage(usage: Usage, losses: Losses) -> JSONObject:
    """The totals, which are required here: 0 where the provider did not say."""
    for name, count in (("input_tokens", usage.input_tokens), ("output_tokens", usage.output_tokens)):
        if count is None:
            losses.approximate(f"usage.{name}")
    if usage.cache_creation_5m_tokens is not None:
        losses.drop("usage.cache_creation_5m_tokens")
    if usage.cache_creation_1h_tokens is not None:
        losses.drop("usage.cache_creation_1h_tokens")
    fields = own(usage.provider_fields)
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        **fields,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": _details(
            fields.get("prompt_tokens_details"),
            cached_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_creation_tokens,
            audio_tokens=usage.input_audio_tokens,
        ),
        "completion_tokens_details": _details(
            fields.get("completion_tokens_details"),
            reasoning_tokens=usage.reasoning_tokens,
            audio_tokens=usage.output_audio_tokens,
        ),
    }


def _details(fields: JSON, **counts: int | None) -> JSONObject:
    """Always an object: callers read `usage.prompt_tokens_details.cached_tokens` without asking."""
    return {**(fields or {}), **{name: count for name, count in counts.items() if count is not None}}
