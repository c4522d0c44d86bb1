"""What each provider treats as equal: the only differences that a body may show after decoding and encoding.

`EQUAL[provider](body)` levels a request's or an answer's wire JSON; two bodies that say the same to the provider are
equal afterwards. One function per provider; every class of difference stands at its own line.
"""

from __future__ import annotations

import json
import re
from typing import Any

from spaturzu_translators import Wire
from spaturzu_translators.gemini.parts import SENTINEL


def _openai(body: dict[str, Any]) -> dict[str, Any]:
    """A request body less what OpenAI itself takes as equal."""
    body = {name: value for name, value in body.items() if value is not None and value is not False}
    body.pop("stream_options", None)  # usage is always asked for
    body["messages"] = _openai_turns(body["messages"])
    if "safety_identifier" in body:
        body.setdefault("user", body.pop("safety_identifier"))  # the old name is still taken
    body["limit"] = body.pop("max_completion_tokens", None) or body.pop("max_tokens", None)
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    for tool in body.get("tools", ()):
        tool.setdefault("type", "function")
    if "functions" in body:
        body["tools"] = [{"type": "function", "function": function} for function in body.pop("functions")]
    return body


def _openai_turns(messages: list[dict[str, Any]]) -> list[Any]:
    """Roles and parts: neighbours merged, strings as parts, `developer` as `system`, a result's name with its call."""
    turns: list[Any] = []
    for message in messages:
        message = {name: value for name, value in message.items() if value not in (None, [])}
        role = message["role"] = {"developer": "system"}.get(message["role"], message["role"])
        content = message.get("content")
        message["content"] = (
            [{"type": "text", "text": content}] if content and isinstance(content, str) else content or []
        )
        for part in message["content"]:
            image = part.get("image_url", {})
            image.pop("detail", None) if image.get("detail") == "auto" else None  # the default
        if role == "tool":
            message.pop("name", None)
        if turns and turns[-1].keys() == message.keys() == {"role", "content"} and turns[-1]["role"] == role:
            turns[-1]["content"] += message["content"]
        else:
            turns.append(message)
    return turns


def _anthropic(value: Any) -> Any:
    """A request less what this provider treats as equal, which is all that may change on the way round."""
    if isinstance(value, list):
        return [_anthropic(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: _anthropic(item) for name, item in value.items() if item is not None}
    if isinstance(found.get("content"), str):
        found["content"] = [{"type": "text", "text": found["content"]}]  # one text block is as good as its text
    if isinstance(found.get("system"), str):
        found["system"] = [{"type": "text", "text": found["system"]}]
    if found.get("cache_control") == {"type": "ephemeral", "ttl": "5m"}:
        found["cache_control"] = {"type": "ephemeral"}  # five minutes is the default
    if found.get("type") == "tool_result" and found.get("is_error") is False:
        del found["is_error"]
    if "messages" in found:
        found["messages"] = _anthropic_turns(found["messages"])
        found = {name: item for name, item in found.items() if name != "stream" or item}
        found["tools"] = _at_most_20_strict(found.get("tools", []))
    return found


def _anthropic_turns(messages: list[Any]) -> list[Any]:
    """Neighbours of one role are one turn, its tool results first; a text block of nothing is an error there."""
    merged: list[Any] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1] = {**merged[-1], "content": merged[-1]["content"] + message["content"]}
        else:
            merged.append(message)
    for message in merged:
        message["content"] = [part for part in message["content"] if part.get("text") != ""]
        message["content"].sort(key=lambda part: part["type"] != "tool_result")
    return merged


def _at_most_20_strict(tools: list[Any]) -> list[Any]:
    """More than that are an error, so the others are sent without."""
    strict = [tool for tool in tools if tool.get("strict")]
    for tool in strict[20:]:
        del tool["strict"]
    return tools


def _bedrock(value: Any) -> Any:
    """A body less what says nothing to Bedrock: empty members, `status: success`, the limits of neighbouring turns."""
    if isinstance(value, list):
        return [_bedrock(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "input" in value or "schema" in value:
        return {name: json.loads(item) if name == "schema" else item for name, item in value.items()}
    found = {"thinking" if name == "reasoning_config" else name: item for name, item in value.items()}
    if "messages" in found:
        found["messages"] = _bedrock_turns(found["messages"])
        found.pop("additionalModelResponseFieldPaths", None)  # what the answer says beside itself
    plain = {name: _bedrock(item) for name, item in found.items() if (name, item) != ("status", "success")}
    return {name: item for name, item in plain.items() if item not in ([], {}) or name in ("content", "auto", "any")}


def _bedrock_turns(messages: list[Any]) -> list[Any]:
    turns: list[Any] = []
    for message in messages:
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1] = {**message, "content": turns[-1]["content"] + message["content"]}
        else:
            turns.append(message)
    return turns


def _gemini(value: Any) -> Any:
    """Differences that mean nothing to Gemini: spelling, absence, defaults, and where a turn or a tool list ends."""
    if isinstance(value, list):
        return [_gemini(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {_camel(name): _gemini(item) for name, item in value.items() if item is not None}
    found = {name: item for name, item in found.items() if item not in ({}, []) and (name, item) not in _DEFAULTS}
    if "contents" in found:
        found["contents"] = _gemini_turns(found["contents"])
    if "tools" in found:
        found["tools"] = _grouped(found["tools"])
    if _MADE_UP.fullmatch(found.get("functionCall", {}).get("id", "")):
        del found["functionCall"]["id"]
    found.get("systemInstruction", {}).pop("role", None)
    found.pop("thoughtSignature", None) if found.get("thoughtSignature") == SENTINEL else None
    return found


_DEFAULTS = (("thought", False), ("index", 0), ("candidatesTokenCount", 0), ("content", {"role": "model"}))
_MADE_UP = re.compile(r"call_[0-9a-f]{8}_\d+_\d+")


def _camel(name: str) -> str:
    return "".join(word if n == 0 else word.title() for n, word in enumerate(name.split("_")))


def _gemini_turns(contents: list[Any]) -> list[Any]:
    merged: list[Any] = []
    for content in contents:
        if merged and merged[-1]["role"] == content["role"]:
            merged[-1]["parts"] += content["parts"]
        else:
            merged.append(content)
    return [_standard(content) for content in merged]


def _standard(content: Any) -> Any:
    """Base64 in the standard alphabet."""
    for part in content["parts"]:
        if "data" in part.get("inlineData", {}):
            part["inlineData"]["data"] = part["inlineData"]["data"].replace("-", "+").replace("_", "/")
    return content


def _grouped(tools: list[Any]) -> list[Any]:
    functions = [function for tool in tools for function in tool.get("functionDeclarations", [])]
    rest = [{name: item} for tool in tools for name, item in tool.items() if name != "functionDeclarations"]
    return [*([{"functionDeclarations": functions}] if functions else []), *rest]


def _mistral(value: Any) -> Any:
    """Wire JSON less the differences that mean nothing to this provider."""
    if isinstance(value, list):
        return [_mistral(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "messages" in value:
        value = {**value, "messages": _without_bridges(value["messages"])}
    if isinstance(value.get("image_url"), dict) and value["image_url"].get("detail") == "auto":
        value = {**value, "image_url": {"url": value["image_url"]["url"]}}  # the default
    if isinstance(value.get("image_url"), dict) and value["image_url"].keys() == {"url"}:
        value = {**value, "image_url": value["image_url"]["url"]}
    if value.get("type") == "thinking":  # closed unless it says otherwise; one text or many
        texts = "".join(text["text"] for text in value["thinking"])
        value = {"closed": True, **value, "thinking": texts}
    if "num_cached_tokens" in value:  # another spelling of cached tokens
        details = {"cached_tokens": value["num_cached_tokens"], **value.get("prompt_tokens_details", {})}
        value = {**value, "prompt_tokens_details": details}
    if isinstance(value.get("stop"), str):
        value = {**value, "stop": [value["stop"]]}
    return {name: _mistral(item) for name, item in value.items() if not _meaningless(name, item, value)}


def _meaningless(name: str, item: Any, inside: dict[str, Any]) -> bool:
    """Nulls, defaults, how ids and indexes look, and a tool message's name (its call has it)."""
    if name in ("id", "tool_call_id") and (name == "tool_call_id" or "function" in inside):
        return True
    if name in ("index", "type") and "function" in inside:
        return True
    if name == "name" and inside.get("role") == "tool":
        return True
    return (
        item is None
        or item is False
        or name in ("num_cached_tokens", "created")
        or (name in ("content", "tool_calls") and not item)
    )


def _without_bridges(messages: list[Any]) -> list[Any]:
    """Text alone is said as a string; what we put between a tool's result and the user is ours."""
    plain = [
        {**message, "content": message["content"][0]["text"]}
        if isinstance(message.get("content"), list)
        and len(message["content"]) == 1
        and message["content"][0].keys() == {"type", "text"}
        else message
        for message in messages
    ]
    return [message for message in plain if message != {"role": "assistant", "content": "OK."}]


def _without_nothing(value: Any) -> Any:
    """JSON less nulls and empty lists, which say nothing."""
    if isinstance(value, dict):
        return {name: _without_nothing(item) for name, item in value.items() if item is not None and item != []}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _openai_responses(body: dict[str, Any]) -> dict[str, Any]:
    """A request body less what OpenAI itself takes as equal."""
    body = {"store": True, "stream": False, **_without_nothing(body)}
    items = body.pop("input", [])
    items = [{"role": "user", "content": items}] if isinstance(items, str) else list(items)
    if "instructions" in body:
        items.insert(0, {"role": "system", "content": body.pop("instructions")})
    body["input"] = _items(items)
    if body.get("text") == {"format": {"type": "text"}}:
        del body["text"]
    return body


def _items(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
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


EQUAL: dict[str, Any] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "bedrock": _bedrock,
    "gemini": _gemini,
    "mistral": _mistral,
    "openai_responses": _openai_responses,
}


def equal_answer(provider: Wire, body: Any) -> Any:
    """An answer less what says nothing in any provider's answers, and less what its own provider takes as equal."""
    level = _ANSWERS.get(provider)
    return _something(level(body) if level else body)


def _openai_answer(body: dict[str, Any]) -> dict[str, Any]:
    body.pop("created", None)  # required, so there is one even where a compatible server gave none
    body.pop("object", None)
    for choice in body["choices"]:
        choice.setdefault("message", {"role": "assistant"})  # Azure leaves it out where it filtered the answer
        choice["message"].setdefault("role", "assistant")
    return body


def _bedrock_answer(body: dict[str, Any]) -> dict[str, Any]:
    for name in ("cacheReadInputTokenCount", "cacheWriteInputTokenCount"):
        body["usage"].pop(name, None)  # an older spelling of what stands beside it
    for block in body["output"]["message"]["content"]:
        block.get("toolUse", {}).pop("type", None)  # some models write it; it is always `tool_use`
        cited = block.get("citationsContent", {})
        cited["content"] = [item for item in cited.get("content", ()) if item.get("text")]  # a citation of no text
    return body


_ITS_OWN = ("id", "model", "status", "incomplete_details", "output", "usage", "service_tier")
"""What an OpenAI response says beside what it repeats of its request, with today's defaults put in."""


def _openai_responses_answer(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body.get(name) for name in _ITS_OWN}


_ANSWERS: dict[str, Any] = {
    "openai": _openai_answer,
    "bedrock": _bedrock_answer,
    "gemini": _gemini,
    "mistral": _mistral,
    "openai_responses": _openai_responses_answer,
}


def _something(value: Any) -> Any:
    """Null, nothing and zero are what a provider says where it says nothing."""
    if isinstance(value, list):
        return [_something(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: _something(item) for name, item in value.items()}
    return {name: item for name, item in found.items() if item is not None and item not in ("", [], {}) and item != 0}
