"""A response, both ways: the body that answers `POST /v1/responses`.

Shapes: providers.md section 1.R; reasons and usage: sections 6.1 and 6.2; 2026-11-22. What a body repeats of its
request is the request's to say: it is written from there, and not read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import assert_never

from ..citations import cited
from ..codec import BadWire, FailedAnswer, as_list, as_object, as_seconds
from ..logprobs import tokens_of
from ..loss import Encoded, Losses, foreign_response_fields
from ..messages import JSON, Blob, File, JSONObject, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, Uri
from ..requests import Request
from ..responses import Candidate, FinishReason, Response, Usage
from .errors import decode_error_object
from .fields import OWN, Writing, extras, given_id, item_id, keep, not_answered, own, shared, shown_id, text_of
from .items import decode_call, decode_reasoning, encode_call, encode_reasoning, is_item, item_fields, of_item
from .model_facts import model_facts
from .parts import decode_content, encode_output
from .request import encode_parameters

_WHO = "openai responses response"
_REASONS: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
_INCOMPLETE: dict[FinishReason, str] = {
    "length": "max_output_tokens",
    "context_window": "max_output_tokens",
    "content_filter": "content_filter",
    "guardrail": "content_filter",
    "refusal": "content_filter",
}
"""Why an answer is incomplete; every other one is complete. `refusal` is complete where a part says it."""

_CALLS = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "mcp_approval_request",
    }
)
"""Items that the caller has to answer."""

_ECHO: JSONObject = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a body repeats of its request, and what stands there where the request says nothing."""

_TOP = frozenset(
    {
        *("id", "object", "created_at", "model", "output", "usage", "status", "error", "incomplete_details"),
        *("output_text", "background", "completed_at", "frequency_penalty", "presence_penalty", "prompt"),
        *(
            "store",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "conversation",
            "service_tier",
        ),
        *_ECHO,
    }
)
_INPUT_DETAILS = {"cached_tokens": "cache_read_tokens", "cache_write_tokens": "cache_creation_tokens"}
_OUTPUT_DETAILS = {"reasoning_tokens": "reasoning_tokens"}
_USAGE = frozenset({"input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"})


def decode_response(body: JSONObject, model: str) -> Response:
    """The canonical answer. Raises BadWire where the body is no response, FailedAnswer where it says that it failed."""
    check_status(as_object(body, _WHO))
    parts, logprobs = decode_output(as_list(body.get("output"), f"{_WHO}: output"), _WHO)
    usage = body.get("usage")
    return Response(
        id=given_id(text_of(body.get("id") or "", f"{_WHO}: id")),
        model=text_of(body.get("model") or model, f"{_WHO}: model"),
        created=as_seconds(body.get("created_at"), f"{_WHO}: created_at"),
        candidates=(
            Candidate(parts=tuple(parts), finish_reason=decode_reason(body, parts), logprobs=logprobs_of(logprobs)),
        ),
        usage=None if usage is None else decode_usage(usage, f"{_WHO}: usage"),
        provider_fields=top_fields(body),
    )


def check_status(body: JSONObject) -> None:
    """Raises FailedAnswer for a response that failed, or was cancelled."""
    if body.get("status") in ("failed", "cancelled"):
        error = body.get("error")
        raise FailedAnswer(decode_error_object(error or {"code": body["status"]}))


def top_fields(body: JSONObject) -> Mapping[str, Mapping[str, JSON]]:
    """What an answer says beside its output, and beside what its request said."""
    tier = body.get("service_tier")
    return keep(extras(body, _TOP), {} if tier is None else {"service_tier": tier})


def decode_output(output: list[JSON], who: str) -> tuple[list[Part], list[JSON]]:
    """The parts of all items, and the logprobs of their tokens."""
    parts: list[Part] = []
    logprobs: list[JSON] = []
    for number, item in enumerate(output):
        where = f"{who}: output[{number}]"
        parts += decode_item(as_object(item, where), where, logprobs)
    return parts, logprobs


def decode_item(item: JSONObject, where: str, logprobs: list[JSON]) -> list[Part]:
    """One item of an answer."""
    match item.get("type"):
        case "message":
            return _decode_message(item, where, logprobs)
        case "reasoning":
            return [decode_reasoning(item, where)]
        case "function_call":
            return [decode_call(item, where, {})]
        case str():
            return [Opaque(issuer=OWN, value=item)]
        case other:
            raise BadWire(f"{where}.type must be a string, found {type(other).__name__}")


MESSAGE = frozenset({"type", "role", "content"})


def _decode_message(item: JSONObject, where: str, logprobs: list[JSON]) -> list[Part]:
    content = [without_logprobs(as_object(part, where), logprobs) for part in as_list(item.get("content") or [], where)]
    return of_item(decode_content(content, f"{where}.content"), item_fields(item, MESSAGE))


def without_logprobs(part: JSONObject, logprobs: list[JSON]) -> JSONObject:
    """`part` without its tokens' logprobs, which go to `logprobs`."""
    if "logprobs" not in part:
        return part
    logprobs += as_list(part["logprobs"] or [], f"{_WHO}: logprobs")
    return {name: value for name, value in part.items() if name != "logprobs"}


def logprobs_of(tokens: list[JSON]) -> JSON:
    """As chat completions have them, whose tokens look alike."""
    return {"content": tokens} if tokens else None


def decode_reason(body: JSONObject, parts: list[Part]) -> FinishReason | None:
    """Why the answer ended: the status says when it is incomplete, else its items do."""
    match body.get("status"):
        case "incomplete":
            details = as_object(body.get("incomplete_details") or {}, f"{_WHO}: incomplete_details")
            return _REASONS.get(str(details.get("reason")), "other")
        case "in_progress" | "queued":
            return None
        case _ if any(map(_is_call, parts)):
            return "tool_calls"
        case _:
            return "refusal" if any(isinstance(part, Refusal) for part in parts) else "stop"


def _is_call(part: Part) -> bool:
    return isinstance(part, ToolCall) or (is_item(part) and part.value.get("type") in _CALLS)


def decode_usage(value: JSON, where: str) -> Usage:
    """Totals that include cache and reasoning, as on the wire."""
    usage = as_object(value, where)
    found: dict[str, int | None] = {
        "input_tokens": _count(usage.get("input_tokens"), where),
        "output_tokens": _count(usage.get("output_tokens"), where),
    }
    fields = extras(usage, _USAGE)
    for details, canonical in (("input_tokens_details", _INPUT_DETAILS), ("output_tokens_details", _OUTPUT_DETAILS)):
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
    """The response that OpenAI would have sent, as the caller's SDK parses it."""
    losses = Losses()
    response = cited(response, OWN, losses)
    losses.extend(not_answered(foreign_response_fields(response, OWN)))
    for number in range(1, len(response.candidates)):
        losses.drop(f"candidates[{number}]", "meaning")
    candidate = response.candidates[0] if response.candidates else Candidate()
    answer = Answer(response.id, losses)
    for index, part in enumerate(candidate.parts):
        answer.add(part, f"candidates[0].parts[{index}]")
    answer.log(candidate.logprobs)
    if response.candidates:
        drop_stop_sequence(candidate.stop_sequence, losses)
    usage = None if response.usage is None else encode_usage(response.usage, losses)
    body = {
        **opening(response.id, response.model, response.created, response.provider_fields, echo(request)),
        "output": answer.output,
        **ending(candidate.finish_reason, answer, losses),
        "usage": usage,
    }
    if not response.candidates:
        losses = _less_candidate(losses)
    return Encoded(body, losses.found())


def _less_candidate(losses: Losses) -> Losses:
    """Without a candidate there is nothing of it to lose: an empty one stands there."""
    found = Losses()
    found.extend(loss for loss in losses.found() if not loss.path.startswith("candidates"))
    found.approximate("candidates")
    return found


def opening(
    response_id: str,
    model: str,
    created: int | None,
    fields: Mapping[str, Mapping[str, JSON]],
    echoed: JSONObject,
) -> JSONObject:
    """A response that has begun. Nobody has stored it."""
    return {
        **echoed,
        **own(fields),
        "id": shown_id(response_id),
        "object": "response",
        "created_at": int(time.time()) if created is None else created,
        "status": "in_progress",
        "background": False,
        "store": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
        **({"service_tier": shared(fields)["service_tier"]} if "service_tier" in shared(fields) else {}),
    }


def echo(request: Request) -> JSONObject:
    """What a response repeats of its request."""
    said = encode_parameters(request, Writing(model_facts(request.model), Losses(), {}))
    return {name: said.get(name, unsaid) for name, unsaid in _ECHO.items()}


def ending(reason: FinishReason | None, answer: Answer, losses: Losses) -> JSONObject:
    """Status and incomplete details; the reason is lost where they and the items say another."""
    refuses = reason == "refusal" and answer.refuses
    why = None if reason is None or refuses else _INCOMPLETE.get(reason)
    details = None if why is None else {"reason": why}
    status = "completed" if why is None else "incomplete"
    back = _REASONS[why] if why else "tool_calls" if answer.calls else "refusal" if answer.refuses else "stop"
    if back != reason:
        losses.approximate("candidates[0].finish_reason")
    return {"status": status, "incomplete_details": details}


def drop_stop_sequence(stop_sequence: str | None, losses: Losses) -> None:
    """Which sequence stopped the answer has no place here."""
    if stop_sequence is not None:
        losses.drop("candidates[0].stop_sequence")


class Answer:
    """The output items of an answer while its parts come in."""

    __slots__ = ("_losses", "_message", "_response_id", "calls", "output", "refuses")

    def __init__(self, response_id: str, losses: Losses) -> None:
        self._response_id, self._losses = response_id, losses
        self._message: JSONObject | None = None
        self.output: list[JSONObject] = []
        self.calls = self.refuses = False

    def add(self, part: Part, path: str) -> None:
        """The next part."""
        match part:
            case Text() | Refusal() if not part.text:
                return
            case Text() | Refusal():
                self.speak(part, path)
            case Opaque() if part.issuer == OWN and not is_item(part):
                self.speak(part, path)
            case Opaque() if is_item(part):
                self.put(part.value)
                self.calls |= _is_call(part)
            case ToolCall():
                self.call(part)
            case Reasoning():
                if (item := self.think(part, path)) is not None:
                    self.put(item)
            case Blob() | Uri() | File() | ToolResult() | Opaque():
                self._losses.drop(path, "meaning")
            case _:
                assert_never(part)

    def put(self, item: JSONObject) -> JSONObject:
        """`item` as the next one; a message is over with it."""
        self._message = None
        self.output.append(item)
        return item

    def new_id(self, prefix: str) -> str:
        """An id for the next item."""
        return item_id(prefix, self._response_id, len(self.output))

    def message(self, part: Text | Refusal | Opaque) -> tuple[JSONObject, bool]:
        """The message that `part` stands in, and whether it begins with it."""
        fields: Mapping[str, JSON] | None = own(part.provider_fields).get("item")
        if self._message is not None and fields is None:
            return self._message, False
        empty: JSONObject = {"type": "message", "role": "assistant", "status": "completed", "content": []}
        message = self.put({"id": self.new_id("msg"), **empty, **(fields or {})})
        self._message = message
        return message, True

    def speak(self, part: Text | Refusal | Opaque, path: str) -> None:
        """Text in a message."""
        message, _ = self.message(part)
        message["content"].append(spoken(part, path, self._losses))
        self.refuses |= isinstance(part, Refusal)

    def call(self, part: ToolCall) -> JSONObject:
        """A call."""
        self.calls = True
        return self.put({"id": self.new_id("fc"), "status": "completed", **encode_call(part, part.name)})

    def think(self, part: Reasoning, path: str) -> JSONObject | None:
        """Thoughts as an item; another's seal is broken, and OpenAI's need not show anything."""
        signature = part.signature if part.issuer == "openai" else None
        if part.signature != signature:
            self._losses.drop(f"{path}.signature")
        if part.redacted is not None:
            self._losses.drop(f"{path}.redacted")
        if not part.text and signature is None and not own(part.provider_fields):
            self._losses.drop(path)
            return None
        seal = Reasoning(text=part.text, signature=signature, issuer=part.issuer, provider_fields=part.provider_fields)
        return {"id": self.new_id("rs"), **encode_reasoning(seal)}

    def log(self, logprobs: JSON) -> None:
        """The tokens' logprobs, at the first text; Gemini's respelt."""
        if logprobs is None:
            return
        texts = self._texts()
        match logprobs:
            case {"content": [*tokens]} if texts:
                texts[0]["logprobs"] = tokens
            case _ if texts and (told := tokens_of(logprobs)) is not None:
                self._losses.approximate("candidates[0].logprobs")
                texts[0]["logprobs"] = told
            case _:
                self._losses.drop("candidates[0].logprobs")

    def _texts(self) -> list[JSONObject]:
        messages = [item for item in self.output if item["type"] == "message"]
        return [part for item in messages for part in item["content"] if part.get("type") == "output_text"]


def spoken(part: Text | Refusal | Opaque, path: str, losses: Losses) -> JSONObject:
    """A part of a message, as the SDK's types demand it."""
    content = encode_output(part, path, Writing(model_facts(""), losses, {}))
    return {**content, "logprobs": []} if content.get("type") == "output_text" else content


def encode_usage(usage: Usage, losses: Losses) -> JSONObject:
    """All of the counts are required here: 0 where the provider did not say."""
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"):
        if getattr(usage, name) is None:
            losses.approximate(f"usage.{name}")
    for name in (
        *("cache_creation_5m_tokens", "cache_creation_1h_tokens", "input_audio_tokens", "output_audio_tokens"),
    ):
        if getattr(usage, name) is not None:
            losses.drop(f"usage.{name}")
    fields = own(usage.provider_fields)
    told, said = usage.input_tokens or 0, usage.output_tokens or 0
    cached = {"cached_tokens": usage.cache_read_tokens or 0, "cache_write_tokens": usage.cache_creation_tokens or 0}
    return {
        **fields,
        "input_tokens": told,
        "input_tokens_details": {**fields.get("input_tokens_details", {}), **cached},
        "output_tokens": said,
        "output_tokens_details": {
            **fields.get("output_tokens_details", {}),
            "reasoning_tokens": usage.reasoning_tokens or 0,
        },
        "total_tokens": told + said,
    }
