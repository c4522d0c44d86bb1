"""Requests of the messages API, both ways. Source: providers.md 2.2 to 2.5, 2026-11-22."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from ..codec import BadWire, as_list, as_object
from ..ids import map_id
from ..json_schema import for_anthropic
from ..loss import Encoded, Joins, Losses, foreign_fields
from ..messages import (
    JSON,
    NOTHING,
    Blob,
    File,
    JSONObject,
    Message,
    Part,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Uri,
    only_text,
    plain_turn,
)
from ..messages import merge_turns as merged
from ..prefill import closed, spoken, trimmed
from ..requests import (
    SCHEMA_NAME,
    AnyTool,
    OpaqueTool,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
    WireRequest,
    is_plain,
)
from .model_facts import DEFAULT_MAX_TOKENS, MARK_SAMPLING, MOST_MAX_TOKENS, MOST_STRICT_TOOLS, prefills
from .reading import cache_of, decode_blocks, extras, kept_fields, own_fields, plain_tool_turn, string, wrong
from .thinking import decode_thinking, encode_thinking, is_budget, unthought
from .writing import compact, encode_block, encode_blocks, with_cache

WHO = "anthropic request"
T = TypeVar("T")

_KNOWN = frozenset(
    {
        "model",
        "max_tokens",
        "messages",
        "system",
        "stream",
        "stop_sequences",
        "temperature",
        "top_p",
        "top_k",
        "tools",
        "tool_choice",
        "metadata",
        "thinking",
        "output_config",
        "output_format",
    }
)
_COMMON = frozenset({"model", "max_tokens", "messages", "system", "stream", "tools"})
"""What most requests say, and no more."""
SAMPLING = ("temperature", "top_p", "top_k")
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


MARK_THINKING = "$thinking"
"""Our note: `[thinking, effort]` as they stood, where `ReasoningOptions` cannot say them exactly."""


def decode_request(wire: WireRequest) -> Request:
    """The canonical request. A null counts as absent."""
    body = as_object(wire.body, WHO)
    if None in body.values():
        body = {name: value for name, value in body.items() if value is not None}
    own: JSONObject = {}
    model, limit = optional(body, "model", str) or wire.model, optional(body, "max_tokens", int)
    leading, messages = _decode_messages(body)
    said = {} if body.keys() <= _COMMON else _decode_options(body, own, model, limit)
    request = Request(
        model=model,
        messages=messages,
        system=_decode_system(body.get("system")) + leading,
        stream=bool(body.get("stream")),
        max_tokens=limit,
        tools=_decode_tools(body),
        provider_fields=kept_fields(own),
        **said,
    )
    return renamed(request, wire.renamed_tools) if wire.renamed_tools else request


def _decode_options(body: JSONObject, own: JSONObject, model: str, limit: int | None) -> dict[str, Any]:
    """The request's other fields by name; what has no canonical name goes to `own`."""
    own.update((name, value) for name, value in body.items() if name not in _KNOWN)
    optional(own, "service_tier", str)
    choice, parallel = _decode_choice(body, own)
    response_format, effort = _decode_output(body, own)
    forced = choice is not None and choice.mode == "required"
    thinking = as_object(body["thinking"], f"{WHO}: thinking") if "thinking" in body else None
    reasoning, exact = decode_thinking((thinking, effort), model, limit or DEFAULT_MAX_TOKENS, forced=forced)
    if not exact:
        own[MARK_THINKING] = [thinking, effort]
    if any(name in body for name in SAMPLING):
        own[MARK_SAMPLING] = True
    return {
        "temperature": optional(body, "temperature", float),
        "top_p": optional(body, "top_p", float),
        "top_k": optional(body, "top_k", int),
        "stop_sequences": _strings(body, "stop_sequences"),
        "tool_choice": choice,
        "parallel_tool_calls": parallel,
        "response_format": response_format,
        "reasoning": reasoning,
        "user": _decode_user(body, own),
    }


_WORDS: dict[type[Any], str] = {str: "a string", int: "a whole number", float: "a number"}


def optional(body: JSONObject, name: str, kind: type[T]) -> T | None:
    """`body[name]` if it is there; BadWire if it is not a `kind`. A whole number counts as a float."""
    value = body.get(name)
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return cast(T, value)
    return wrong(f"{WHO}: {name}", _WORDS[kind], value)


def _strings(body: JSONObject, name: str) -> tuple[str, ...]:
    if name not in body:
        return ()
    values = as_list(body[name], f"{WHO}: {name}")
    for number, value in enumerate(values):
        if not isinstance(value, str):
            wrong(f"{WHO}: {name}[{number}]", "a string", value)
    return tuple(values)


def _decode_system(system: JSON) -> tuple[Text, ...]:
    if not system:
        return ()
    if isinstance(system, str):
        return (Text(system),)
    return _only_texts(decode_blocks(system, f"{WHO}: system", {}), "system")


def _only_texts(parts: tuple[Part, ...], what: str) -> tuple[Text, ...]:
    for number, part in enumerate(parts):
        if not isinstance(part, Text):
            raise BadWire(f"{WHO}: {what}[{number}] must be a text block")
    return cast("tuple[Text, ...]", parts)


def _decode_messages(body: JSONObject) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """System messages before the first turn, and the turns. Results get their tool's name from its call."""
    names: dict[str, str] = {}
    leading: list[Text] = []
    messages: list[Message] = []
    for number, raw in enumerate(as_list(body.get("messages"), f"{WHO}: messages")):
        if (turn := plain_turn(raw)) is not None:
            messages.append(turn)
            continue
        message = plain_tool_turn(raw, names) or _decode_message(raw, f"{WHO}: messages[{number}]", names)
        if message.role == "system" and not messages and (texts := _plain_texts(message)) is not None:
            leading += texts
        else:
            messages.append(message)
        for part in message.parts:
            if isinstance(part, ToolCall):
                names[part.id] = part.name
    return tuple(leading), merged(messages)


def _plain_texts(message: Message) -> list[Text] | None:
    texts = [part for part in message.parts if isinstance(part, Text)]
    return texts if len(texts) == len(message.parts) and not message.provider_fields else None


def _decode_message(item: JSON, where: str, names: Mapping[str, str]) -> Message:
    raw = as_object(item, where)
    role = _ROLES.get(string(raw, "role", where))
    if role is None:
        raise BadWire(f"{where}.role must be user, assistant or system, found {raw.get('role')!r}"[:200])
    parts = decode_blocks(raw.get("content"), f"{where}.content", names)
    if len(raw) == 2:
        return Message(role, parts)
    rest = {name: value for name, value in raw.items() if name not in ("role", "content") and value is not None}
    return Message(role=role, parts=parts, provider_fields=kept_fields(rest))


def _decode_tools(body: JSONObject) -> tuple[AnyTool, ...]:
    if "tools" not in body:
        return ()
    tools = as_list(body["tools"], f"{WHO}: tools")
    places = [f"{WHO}: tools[{number}]" for number in range(len(tools))]
    return tuple([_decode_tool(as_object(tool, who), who) for tool, who in zip(tools, places, strict=True)])


_TOOL = frozenset({"type", "name", "description", "input_schema", "strict"})


def _decode_tool(tool: JSONObject, who: str) -> AnyTool:
    if tool.get("type") not in (None, "custom"):
        cache = cache_of(tool.get("cache_control"))
        value = {name: item for name, item in tool.items() if name != "cache_control"} if cache else tool
        return OpaqueTool(issuer="anthropic", value=value, cache=cache)
    cache, fields = extras(tool, _TOOL)
    strict, description = tool.get("strict"), tool.get("description")
    return Tool(
        name=string(tool, "name", who),
        description=None if description is None else string(tool, "description", who),
        parameters=as_object(tool.get("input_schema"), f"{who}.input_schema"),
        strict=None if strict is None else bool(strict),
        cache=cache,
        provider_fields=fields,
    )


def _decode_choice(body: JSONObject, own: JSONObject) -> tuple[ToolChoice | None, bool | None]:
    if "tool_choice" not in body:
        return None, None
    raw = as_object(body["tool_choice"], f"{WHO}: tool_choice")
    disabled = raw.get("disable_parallel_tool_use")
    parallel = None if disabled is None else not disabled
    match raw.get("type"):
        case "auto" | "none" as mode:
            return ToolChoice(mode=mode), parallel
        case "any":
            return ToolChoice(mode="required"), parallel
        case "tool":
            return ToolChoice(mode="required", names=(string(raw, "name", f"{WHO}: tool_choice"),)), parallel
        case _:
            own["tool_choice"] = raw
            return None, parallel


def _decode_output(body: JSONObject, own: JSONObject) -> tuple[ResponseFormat | None, str | None]:
    """The response format and the effort. `output_format` is the older place of the format."""
    config = dict(as_object(body.get("output_config", {}), f"{WHO}: output_config"))
    effort, wanted = config.pop("effort", None), config.pop("format", None)
    if effort is not None and not isinstance(effort, str):
        wrong(f"{WHO}: output_config.effort", "a string", effort)
    found = _decode_format(wanted)
    if wanted is not None and (found is None or not _conforms(found)):
        config["format"] = wanted
    if "output_format" in body:
        own["output_format"] = body["output_format"]
        found = found or _decode_format(body["output_format"])
    if config:
        own["output_config"] = config
    return found, effort


def _decode_format(wanted: JSON) -> ResponseFormat | None:
    """A schema always binds here."""
    if not isinstance(wanted, dict):
        return None
    schema = cast(JSONObject, wanted).get("schema")
    if not isinstance(schema, dict):
        return None
    return ResponseFormat(type="json_schema", schema=cast(JSONObject, schema), strict=True)


def _conforms(wanted: ResponseFormat) -> bool:
    """Would the schema be sent as it is?"""
    try:
        return for_anthropic(wanted.schema or {})[1] is None
    except ValueError:
        return False


def _decode_user(body: JSONObject, own: JSONObject) -> str | None:
    if "metadata" not in body:
        return None
    metadata = dict(as_object(body["metadata"], f"{WHO}: metadata"))
    user = metadata.pop("user_id", None)
    if user is not None and not isinstance(user, str):
        wrong(f"{WHO}: metadata.user_id", "a string", user)
    if metadata:
        own["metadata"] = metadata
    return user


def encode_request(request: Request) -> Encoded[WireRequest]:
    """The body, and what it cannot say."""
    losses, own = Losses(), own_fields(request.provider_fields)
    request = (trimmed if prefills(request.model) else closed)(spoken(request, losses), losses)
    called = _names_in_history(request)
    changed = _illegal_names(request, called) if called or request.tools else {}
    if changed:
        request, called = renamed(request, changed), [changed.get(name, name) for name in called]
    limit = _limit(request, losses)
    body: JSONObject = {"model": request.model, "max_tokens": limit}
    if system := _encode_system(request, losses):
        body["system"] = system
    body["messages"] = _encode_messages(request, losses)
    if request.stream:
        body["stream"] = True
    plain = is_plain(request)
    if called or request.tools or not plain:
        _put_tools(request, called, body, own, losses)
    if not plain:
        _put_options(request, body, own, limit, losses)
    elif request.temperature is not None:
        losses.drop("temperature")  # as `_put_sampling` does
    losses.extend(foreign_fields(request, "anthropic"))
    if request.provider_fields.get("bedrock", NOTHING).get("additionalModelResponseFieldPaths") == ["/stop_sequence"]:
        losses.emulate("provider_fields.bedrock.additionalModelResponseFieldPaths")  # answers say it here
    names = {new: old for old, new in changed.items()}
    wire = WireRequest(body, request.model, request.stream, names)
    return Encoded(wire, losses.found())


def _put_options(request: Request, body: JSONObject, own: Mapping[str, JSON], limit: int, losses: Losses) -> None:
    """What few requests ask for."""
    _put_tuning(request, body, own, losses)
    _put_output(request, body, own, limit, losses)
    body.update(
        (name, value) for name, value in own.items() if name[0] != "$" and name not in ("output_config", "metadata")
    )


def _limit(request: Request, losses: Losses) -> int:
    """max_tokens: mandatory here, so a default stands in, with room for a thinking budget."""
    if request.max_tokens is not None:
        return request.max_tokens
    losses.emulate("max_tokens")
    budget = max(0, (request.reasoning and request.reasoning.budget_tokens) or 0)
    return min(DEFAULT_MAX_TOKENS + budget, MOST_MAX_TOKENS)


JSON_ONLY = "Answer with one JSON object and nothing else: no explanation and no code fence around it."


def _encode_system(request: Request, losses: Losses) -> str | list[JSONObject]:
    text, wanted = only_text(request.system), request.response_format
    if not wanted and text and not text.isspace():
        return text
    blocks = encode_blocks(request.system, "system", losses)
    if wanted and wanted.schema is None:
        losses.emulate("response_format")
        losses.emulate("system")
        blocks.append({"type": "text", "text": JSON_ONLY})
    return compact(blocks)


def _encode_messages(request: Request, losses: Losses) -> list[JSONObject]:
    messages: list[JSONObject] = []
    joins = Joins(losses)
    for number, message in enumerate(request.messages):
        content, own = _encode_turn(message, number, losses)
        if content:
            messages.append({"role": message.role, "content": content, **own})
            joins.turn(number, message.role, own)
        elif own:
            losses.drop(f"messages[{number}]")
    return messages


def _encode_turn(message: Message, number: int, losses: Losses) -> tuple[str | list[JSONObject], Mapping[str, JSON]]:
    """Its content, if any of it is left, and its own fields."""
    if (text := only_text(message.parts)) and not message.provider_fields and not text.isspace():
        return text, NOTHING
    blocks = [
        block
        for index, part in enumerate(message.parts)
        if (block := _encode_part(part, message.role, f"messages[{number}].parts[{index}]", losses)) is not None
    ]
    return compact(blocks), own_fields(message.provider_fields)


_FOREIGN_TO: dict[Role, tuple[type[Any], ...]] = {
    "system": (ToolCall, ToolResult, Blob, Uri, File),
    "assistant": (ToolResult, Blob, Uri, File),
    "user": (ToolCall,),
}
"""Parts that the API rejects in a turn of this role."""


def _encode_part(part: Part, role: Role, path: str, losses: Losses) -> JSONObject | None:
    if isinstance(part, _FOREIGN_TO[role]):
        losses.drop(path, "meaning")
        return None
    return encode_block(part, path, losses)


def _put_tools(request: Request, called: list[str], body: JSONObject, own: Mapping[str, JSON], losses: Losses) -> None:
    tools = _encode_tools(request, losses)
    if called and not tools:
        _put_stubs(request, called, body, losses)
        return
    if tools:
        body["tools"] = tools
    choice = _encode_choice(request, losses, offered=bool(tools))
    if choice is not None and "tool_choice" not in own:
        body["tool_choice"] = choice


def _names_in_history(request: Request) -> list[str]:
    names: dict[str, None] = {}
    for message in request.messages:
        if message.role == "assistant":
            for part in message.parts:
                if isinstance(part, ToolCall):
                    names[part.name] = None
    return list(names)


def _put_stubs(request: Request, names: list[str], body: JSONObject, losses: Losses) -> None:
    """A history with calls is refused without tools, so they are named again, and forbidden."""
    losses.emulate("tools")
    if request.tool_choice is None or request.tool_choice.mode != "none":
        losses.emulate("tool_choice")
    if request.parallel_tool_calls is False and request.tools:
        losses.drop("parallel_tool_calls")
    body["tools"] = [{"name": name, "input_schema": {"type": "object", "properties": {}}} for name in names]
    body["tool_choice"] = {"type": "none"}


def _encode_tools(request: Request, losses: Losses) -> list[JSONObject]:
    """The tools that may be called: the API knows no choice among several, so the others are left out."""
    wanted, tools = _narrowed(request, losses), list[JSONObject]()
    strict = 0
    for number, tool in enumerate(request.tools):
        path = f"tools[{number}]"
        if wanted and _name(tool) not in wanted:
            losses.emulate(path)
            continue
        encoded = _encode_tool(tool, path, losses, strict_left=strict < MOST_STRICT_TOOLS)
        if encoded is not None:
            strict += "strict" in encoded
            tools.append(encoded)
    return tools


def _name(tool: AnyTool) -> str | None:
    return tool.name if isinstance(tool, Tool) else as_object(tool.value, WHO).get("name")


def _narrowed(request: Request, losses: Losses) -> frozenset[str]:
    """The names that `tool_choice` narrows the tools to; empty where it does not, or forces a single one."""
    choice = request.tool_choice
    if choice is None or not choice.names or (choice.mode == "required" and len(choice.names) == 1):
        return frozenset()
    known = frozenset(choice.names) & {_name(tool) for tool in request.tools}
    if choice.mode == "none":
        losses.drop("tool_choice.names")
        return frozenset()
    losses.emulate("tool_choice.names") if known else losses.drop("tool_choice.names", "meaning")
    return frozenset(name for name in known if name)


def _encode_tool(tool: AnyTool, path: str, losses: Losses, *, strict_left: bool) -> JSONObject | None:
    if isinstance(tool, OpaqueTool):
        if tool.issuer != "anthropic":
            losses.drop(path, "meaning")
            return None
        return with_cache(dict(tool.value), tool.cache, path, losses)
    encoded: JSONObject = {"name": tool.name}
    if tool.description is not None:
        encoded["description"] = tool.description
    encoded["input_schema"] = parameters = _parameters(tool, path, losses)
    if tool.strict is not None:
        _put_strict(tool, encoded, parameters, path, losses, strict_left=strict_left)
    encoded.update(own_fields(tool.provider_fields))
    return with_cache(encoded, tool.cache, path, losses)


def _parameters(tool: Tool, path: str, losses: Losses) -> JSONObject:
    """A schema whose type is object, which the API demands."""
    if tool.parameters is None:
        return {"type": "object", "properties": {}}
    if tool.parameters.get("type") != "object":
        losses.approximate(f"{path}.parameters")
        return {**tool.parameters, "type": "object"}
    return tool.parameters


def _put_strict(
    tool: Tool, encoded: JSONObject, parameters: JSONObject, path: str, losses: Losses, *, strict_left: bool
) -> None:
    """A strict tool's schema must keep to the dialect; where that would change its meaning, it is not strict."""
    if not tool.strict:
        encoded["strict"] = False
        return
    try:
        schema, change = for_anthropic(parameters)
    except ValueError:
        schema, change = parameters, "meaning"
    if change == "meaning" or not strict_left:
        losses.drop(f"{path}.strict")
        return
    if change:
        losses.approximate(f"{path}.parameters")
    encoded["input_schema"], encoded["strict"] = schema, True


_MODES = {"auto": "auto", "none": "none", "required": "any"}


def _encode_choice(request: Request, losses: Losses, *, offered: bool) -> JSONObject | None:
    """`tool_choice`, which also says whether calls may be parallel. Without tools there is none."""
    choice, parallel = request.tool_choice, request.parallel_tool_calls
    if not offered:
        if choice is not None:
            losses.drop("tool_choice", "meaning" if choice.mode == "required" else "tuning")
        if parallel is False and request.tools:
            losses.drop("parallel_tool_calls")
        return None
    if choice is None and parallel is not False:  # calls may be parallel unasked
        return None
    if choice is None:
        encoded: JSONObject = {"type": "auto"}  # as where nothing is chosen: it has to stand there
    elif choice.mode == "required" and len(choice.names) == 1:
        encoded = {"type": "tool", "name": choice.names[0]}
    else:
        encoded = {"type": _MODES[choice.mode]}
    if parallel is not None and encoded["type"] != "none":
        encoded["disable_parallel_tool_use"] = not parallel
    elif parallel is False:
        losses.drop("parallel_tool_calls")
    return encoded


_ABSENT = ("seed", "frequency_penalty", "presence_penalty")


def _put_tuning(request: Request, body: JSONObject, own: Mapping[str, JSON], losses: Losses) -> None:
    _put_sampling(request, body, losses, allowed=MARK_SAMPLING in own)
    _put_stops(request, body, losses)
    for name in _ABSENT:
        if getattr(request, name) is not None:
            losses.drop(name)
    if request.sound is not None:
        losses.drop("sound", "meaning")
    if request.candidate_count is not None:
        losses.drop("candidate_count", "meaning" if request.candidate_count > 1 else "tuning")
    if request.logprobs:
        losses.drop("logprobs", "meaning")
    if request.top_logprobs is not None:
        losses.drop("top_logprobs", "meaning" if request.top_logprobs else "tuning")
    metadata = own.get("metadata", {})
    if request.user is not None or metadata:
        body["metadata"] = {**metadata} if request.user is None else {**metadata, "user_id": request.user}
    if request.metadata:
        losses.drop("metadata")
    if request.service_tier is not None:
        losses.drop("service_tier")


def _put_sampling(request: Request, body: JSONObject, losses: Losses, *, allowed: bool) -> None:
    """API version 2026-10-21 rejects sampling, even at its defaults."""
    for name in SAMPLING:
        value = getattr(request, name)
        if value is not None and allowed:
            body[name] = value
        elif value is not None:
            losses.drop(name)


def _put_stops(request: Request, body: JSONObject, losses: Losses) -> None:
    """A stop sequence of white space is an error here."""
    stops = [stop for stop in request.stop_sequences if stop.strip()]
    if stops:
        body["stop_sequences"] = stops
    if len(stops) != len(request.stop_sequences):
        for number, stop in enumerate(request.stop_sequences):
            if not stop.strip():
                losses.drop(f"stop_sequences[{number}]", "meaning")


def _put_output(request: Request, body: JSONObject, own: Mapping[str, JSON], limit: int, losses: Losses) -> None:
    config: JSONObject = {}
    if (wanted := _encode_format(request, own, losses)) is not None:
        config["format"] = wanted
    thinking, effort = _encode_reasoning(request, body, own, limit, losses)
    if thinking is not None:
        body["thinking"] = thinking
    if effort is not None:
        config["effort"] = effort
    config.update(own.get("output_config", {}))
    if config:
        body["output_config"] = config


def _encode_reasoning(
    request: Request, body: JSONObject, own: Mapping[str, JSON], limit: int, losses: Losses
) -> tuple[JSON, JSON]:
    thoughtless = unthought(body["messages"])
    if MARK_THINKING in own:
        thinking, effort = own[MARK_THINKING]
        if not (thoughtless and is_budget(thinking)):
            return thinking, effort
        losses.drop(f"provider_fields.anthropic.{MARK_THINKING}")
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    return encode_thinking(request.reasoning, request.model, limit, losses, forced=forced, unthought=thoughtless)


def _encode_format(request: Request, own: Mapping[str, JSON], losses: Losses) -> JSONObject | None:
    """The schema in this dialect; its name and description have no place, and it always binds."""
    wanted = request.response_format
    if wanted is None or wanted.schema is None:
        return None
    if "output_format" in own or "format" in own.get("output_config", {}):
        return None
    try:
        schema, change = for_anthropic(wanted.schema)
    except ValueError:
        losses.drop("response_format", "meaning")
        return None
    if change:
        losses.approximate("response_format.schema", change)
    _drop_labels(wanted, losses)
    return {"type": "json_schema", "schema": schema}


def _drop_labels(wanted: ResponseFormat, losses: Losses) -> None:
    if wanted.name not in (None, SCHEMA_NAME):
        losses.drop("response_format.name")
    if wanted.description is not None:
        losses.drop("response_format.description")


_LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def _illegal_names(request: Request, called: list[str]) -> dict[str, str]:
    """The names of tools that this wire refuses, and for each the one that stands in for it."""
    names = {tool.name for tool in request.tools if isinstance(tool, Tool)}.union(called)
    return {name: _legal_name(name) for name in names if not _LEGAL.fullmatch(name)}


def _legal_name(name: str) -> str:
    """Cleaned and cut, with a hash of the whole, so that two names stay two."""
    return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', name)[:118]}_{map_id('mistral', name)}"


def renamed(request: Request, names: Mapping[str, str]) -> Request:
    """The request with its tools renamed wherever they are named."""
    rename: Callable[[str], str] = lambda name: names.get(name, name)  # noqa: E731
    choice = request.tool_choice
    return replace(
        request,
        tools=tuple(
            replace(tool, name=rename(tool.name)) if isinstance(tool, Tool) else tool for tool in request.tools
        ),
        tool_choice=choice and replace(choice, names=tuple(map(rename, choice.names))),
        messages=tuple(
            replace(message, parts=tuple(_renamed_part(part, rename) for part in message.parts))
            for message in request.messages
        ),
    )


def _renamed_part(part: Part, rename: Callable[[str], str]) -> Part:
    match part:
        case ToolCall():
            return replace(part, name=rename(part.name))
        case ToolResult():
            return replace(part, name=part.name and rename(part.name))
        case _:
            return part
