"""OpenAI's Responses, the other half of its dialect. Source: providers.md section 1.R, 2026-11-22."""

from __future__ import annotations

from typing import cast

from spaturzu_translators.messages import JSONObject
from spaturzu_translators.sse import named_frame

from ..replies import Reply, ToolCall, Usage, split
from .dialect import CREATED, Asked, Streamed, inside

API = "responses"
_INCOMPLETE = {
    "length": "max_output_tokens",
    "context_window": "max_output_tokens",
    "content_filter": "content_filter",
}


def read(body: JSONObject) -> Asked:
    """What in a request shapes its answer."""
    return Asked(
        model=str(body.get("model", "")),
        stream=body.get("stream") is True,
        structured=inside(body, "text", "format").get("type") in ("json_schema", "json_object"),
        api=API,
    )


def plain(reply: Reply, asked: Asked, serial: str) -> JSONObject:
    """A response."""
    return _ended(reply, asked, serial, [item for item, _ in _items(reply, asked, serial)])


def _begun(asked: Asked, serial: str) -> JSONObject:
    """A response before its first item."""
    nulls = ("error", "incomplete_details", "instructions", "max_output_tokens", "previous_response_id", "usage")
    return {
        "id": f"resp_{serial}",
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "model": asked.model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1.0,
        "top_p": 1.0,
        "metadata": {},
        "store": True,
        "service_tier": "default",
        **dict.fromkeys(nulls),
    }


def _ended(reply: Reply, asked: Asked, serial: str, output: list[JSONObject]) -> JSONObject:
    why = _INCOMPLETE.get(reply.reason)
    return {
        **_begun(asked, serial),
        "status": "incomplete" if why else "completed",
        "incomplete_details": {"reason": why} if why else None,
        "output": output,
        "usage": _usage(reply.usage),
    }


def _usage(usage: Usage) -> JSONObject:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


def _items(reply: Reply, asked: Asked, serial: str) -> list[tuple[JSONObject, list[str]]]:
    """The output's items, and each one's text in pieces."""
    found: list[tuple[JSONObject, list[str]]] = []
    if reply.reasoning:
        summary = [{"type": "summary_text", "text": reply.reasoning}]
        item = {"id": f"rs_{serial}", "type": "reasoning", "summary": summary, "encrypted_content": f"sealed-{serial}"}
        found.append((item, split(reply.reasoning, None)))
    if text := reply.said(structured=asked.structured):
        content: list[JSONObject] = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
        message = {"id": f"msg_{serial}", "type": "message", "role": "assistant", "status": "completed"}
        found.append(({**message, "content": content}, reply.pieces(structured=asked.structured)))
    return [*found, *(_call(call, serial, at) for at, call in enumerate(reply.tool_calls))]


def _call(call: ToolCall, serial: str, at: int) -> tuple[JSONObject, list[str]]:
    names = {"id": f"fc_{serial}{at:02d}", "type": "function_call", "status": "completed"}
    given = {"call_id": call.id or f"call_{serial}{at:02d}", "name": call.name, "arguments": call.arguments_json}
    return {**names, **given}, split(call.arguments_json, 2)


def stream(reply: Reply, asked: Asked, serial: str) -> Streamed:
    """A response's events. Five come before the first text: two of the response, and those that open its place."""
    items = _items(reply, asked, serial)
    begun = _begun(asked, serial)
    told: list[JSONObject] = [{"type": f"response.{kind}", "response": begun} for kind in ("created", "in_progress")]
    for index, (item, pieces) in enumerate(items):
        told += _item_events(item, pieces, index)
    last = _ended(reply, asked, serial, [item for item, _ in items])
    told.append({"type": f"response.{last['status']}", "response": last})
    events = [named_frame(event["type"], {**event, "sequence_number": at}) for at, event in enumerate(told)]
    opening = next((at for at, event in enumerate(told) if event["type"].endswith(".delta")), 2)
    return Streamed(tuple(events), opening, 1)


def error_event(error: JSONObject) -> bytes:
    """An error in the middle of the events: flat, and one more of them, which the SDK hands on and does not raise."""
    told = {name: error[name] for name in ("code", "message", "param")}
    return named_frame("error", {"type": "error", **told, "sequence_number": 0})


def _item_events(item: JSONObject, pieces: list[str], index: int) -> list[JSONObject]:
    empty: dict[str, JSONObject] = {
        "message": {"content": []},
        "reasoning": {"summary": []},
        "function_call": {"arguments": ""},
    }
    added = {**item, **empty[item["type"]], **({"status": "in_progress"} if "status" in item else {})}
    about = {"output_index": index, "item_id": item["id"]}
    inner = [{**about, **event} for event in _INNER[item["type"]](item, pieces)]
    return [
        {"type": "response.output_item.added", "output_index": index, "item": added},
        *inner,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def _message_events(item: JSONObject, pieces: list[str]) -> list[JSONObject]:
    part = cast("list[JSONObject]", item["content"])[0]
    text: JSONObject = {"content_index": 0, "logprobs": []}
    return [
        {"type": "response.content_part.added", "content_index": 0, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **text, "delta": piece} for piece in pieces),
        {"type": "response.output_text.done", **text, "text": part["text"]},
        {"type": "response.content_part.done", "content_index": 0, "part": part},
    ]


def _reasoning_events(item: JSONObject, pieces: list[str]) -> list[JSONObject]:
    part = cast("list[JSONObject]", item["summary"])[0]
    kind, at = "response.reasoning_summary", {"summary_index": 0}
    return [
        {"type": f"{kind}_part.added", **at, "part": {**part, "text": ""}},
        *({"type": f"{kind}_text.delta", **at, "delta": piece} for piece in pieces),
        {"type": f"{kind}_text.done", **at, "text": part["text"]},
        {"type": f"{kind}_part.done", **at, "part": part},
    ]


def _call_events(item: JSONObject, pieces: list[str]) -> list[JSONObject]:
    kind = "response.function_call_arguments"
    done = {"type": f"{kind}.done", "name": item["name"], "arguments": item["arguments"]}
    return [*({"type": f"{kind}.delta", "delta": piece} for piece in pieces), done]


_INNER = {"message": _message_events, "reasoning": _reasoning_events, "function_call": _call_events}
