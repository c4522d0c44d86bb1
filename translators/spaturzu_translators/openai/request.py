"""A chat completion request, both ways: the body of `POST /v1/chat/completions`.

Parameters: providers.md sections 1.2 to 1.5, what models refuse: `model_facts`; 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..codec import BadWire, as_list, as_object
from ..guardrails import put_moderation
from ..json_schema import openai_strict
from ..loss import Encoded, Losses, foreign_fields
from ..messages import JSON, JSONObject
from ..prefill import noted, told
from ..provider_fields import MARKERS
from ..requests import (
    SCHEMA_NAME,
    AnyTool,
    Effort,
    OpaqueTool,
    ReasoningOptions,
    Request,
    ResponseFormat,
    SoundOptions,
    Tool,
    ToolChoice,
    WireRequest,
    is_plain,
)
from ..sound import PCM_FORMAT, is_googles
from .model_facts import ModelFacts, model_facts
from .parts import Writing, extras, keep, own, text_of
from .turns import decode_messages, encode_messages

_NUMBER = (float, int)
_PLAIN: dict[str, tuple[str, tuple[type, ...], str]] = {
    "temperature": ("temperature", _NUMBER, "a number"),
    "top_p": ("top_p", _NUMBER, "a number"),
    "seed": ("seed", (int,), "an integer"),
    "n": ("candidate_count", (int,), "an integer"),
    "frequency_penalty": ("frequency_penalty", _NUMBER, "a number"),
    "presence_penalty": ("presence_penalty", _NUMBER, "a number"),
    "logprobs": ("logprobs", (bool,), "a boolean"),
    "top_logprobs": ("top_logprobs", (int,), "an integer"),
    "parallel_tool_calls": ("parallel_tool_calls", (bool,), "a boolean"),
    "stream": ("stream", (bool,), "a boolean"),
    "service_tier": ("service_tier", (str,), "a string"),
    "user": ("user", (str,), "a string"),
}
"""Parameters that need no more than their canonical name; the type is exact, for a bool is not an integer."""

_EFFORTS: frozenset[str] = frozenset(("none", "minimal", "low", "medium", "high", "xhigh", "max"))
_BUDGETS: tuple[tuple[int, Effort], ...] = ((1, "none"), (2049, "low"), (8193, "medium"))
_TIERS = frozenset(("auto", "default", "flex", "scale", "priority", "fast"))
_STANDARD_TIERS = frozenset(("standard", "standard_only"))
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "top_logprobs": (0, 20),
}
_MAX_STOPS = 4
_METADATA_PAIRS, _METADATA_KEY, _METADATA_VALUE = 16, 64, 512
_WHO = "openai request"


MARK_USER = "$user"
"""Our note in the provider fields: by which of its two names the caller said for whom it asks; `user` is deprecated."""


def decode_request(wire: WireRequest) -> Request:
    """The canonical request. Raises BadWire where the body is not a chat completion request."""
    found: dict[str, Any] = {}
    fields: dict[str, JSON] = {}
    for name, value in as_object(wire.body, _WHO).items():
        if value is None:
            continue
        if (plain := _PLAIN.get(name)) is not None:
            found[plain[0]] = _checked(name, value, plain[1], plain[2])
        elif (decode := _DECODERS.get(name)) is not None:
            decode(value, found, fields, wire.renamed_tools)
        elif name not in _ELSEWHERE:
            fields[name] = value
    _settle(wire, found, fields)
    system, messages = decode_messages(wire.body.get("messages"), wire.renamed_tools)
    fields |= noted(messages)
    return Request(model=wire.model, system=system, messages=messages, provider_fields=keep(fields), **found)


def _checked(name: str, value: JSON, types: tuple[type, ...], expected: str) -> JSON:
    if type(value) not in types:
        raise BadWire(f"{_WHO}: {name} must be {expected}, found {type(value).__name__}")
    return value


def _settle(wire: WireRequest, found: dict[str, Any], fields: dict[str, JSON]) -> None:
    """Where two parameters share a meaning: which one counts, and what must stand there again."""
    found.setdefault("stream", wire.stream)
    found.setdefault("stream_usage", False)
    if "audio" in fields:
        _decode_sound(found, fields)
    if "user" in found:
        fields[MARK_USER] = "user"
    elif isinstance(fields.get("safety_identifier"), str):
        found["user"], fields[MARK_USER] = fields.pop("safety_identifier"), "safety_identifier"
    long_name = wire.body.get("max_completion_tokens")
    if long_name is not None:
        found["max_tokens"] = _checked("max_completion_tokens", long_name, (int,), "an integer")
        if model_facts(wire.model).token_limit == "max_tokens":  # noqa: S105
            fields["max_completion_tokens"] = long_name


_SOUND = ["text", "audio"]


def _decode_sound(found: dict[str, Any], fields: dict[str, JSON]) -> None:
    """An answer that is heard as well, in a voice that has a name; other ways to ask for sound stay as they are."""
    match fields.get("audio"):
        case {"voice": str(voice), "format": str(form), **rest} if not rest and fields.get("modalities") == _SOUND:
            if not is_googles(voice):
                found["sound"] = SoundOptions(voice=voice, format=form)
                del fields["audio"], fields["modalities"]
        case _:
            return


def _decode_max_tokens(value: JSON, found: dict[str, Any], _f: dict[str, JSON], _r: Mapping[str, str]) -> None:
    found["max_tokens"] = _checked("max_tokens", value, (int,), "an integer")


def _decode_stop(value: JSON, found: dict[str, Any], _f: dict[str, JSON], _r: Mapping[str, str]) -> None:
    stops = [value] if isinstance(value, str) else as_list(value, f"{_WHO}: stop")
    found["stop_sequences"] = tuple(text_of(stop, f"{_WHO}: stop") for stop in stops)


def _decode_stream_options(value: JSON, found: dict[str, Any], fields: dict[str, JSON], _r: Mapping[str, str]) -> None:
    options = as_object(value, f"{_WHO}: stream_options")
    found["stream_usage"] = bool(options.get("include_usage"))
    if rest := extras(options, frozenset({"include_usage"})):
        fields["stream_options"] = rest


def _decode_metadata(value: JSON, found: dict[str, Any], fields: dict[str, JSON], _r: Mapping[str, str]) -> None:
    metadata = as_object(value, f"{_WHO}: metadata")
    if all(isinstance(item, str) for item in metadata.values()):
        found["metadata"] = metadata
    else:
        fields["metadata"] = metadata


def _decode_effort(value: JSON, found: dict[str, Any], fields: dict[str, JSON], _r: Mapping[str, str]) -> None:
    if text_of(value, f"{_WHO}: reasoning_effort") in _EFFORTS:
        found["reasoning"] = ReasoningOptions(effort=value)
    else:
        fields["reasoning_effort"] = value


def _decode_modalities(value: JSON, _found: dict[str, Any], fields: dict[str, JSON], _r: Mapping[str, str]) -> None:
    if value != ["text"]:  # which is the default
        fields["modalities"] = value


def _decode_response_format(value: JSON, found: dict[str, Any], fields: dict[str, JSON], _r: Mapping[str, str]) -> None:
    match as_object(value, f"{_WHO}: response_format"):
        case {"type": "text"}:
            return
        case {"type": "json_object"}:
            found["response_format"] = ResponseFormat(type="json_object")
        case {"type": "json_schema", "json_schema": inner}:
            schema = as_object(inner, f"{_WHO}: response_format.json_schema")
            found["response_format"] = ResponseFormat(
                type="json_schema",
                schema=schema.get("schema"),
                name=schema.get("name"),
                description=schema.get("description"),
                strict=schema.get("strict"),
            )
        case _:
            fields["response_format"] = value


def _decode_tools(value: JSON, found: dict[str, Any], _f: dict[str, JSON], renamed: Mapping[str, str]) -> None:
    items = as_list(value, f"{_WHO}: tools")
    found["tools"] = tuple(_decode_tool(item, f"{_WHO}: tools[{number}]", renamed) for number, item in enumerate(items))


def _decode_functions(value: JSON, found: dict[str, Any], fields: dict[str, JSON], renamed: Mapping[str, str]) -> None:
    """The deprecated form of tools; `functions` is kept as a mark that the answer has its form too."""
    items = as_list(value, f"{_WHO}: functions")
    found["tools"] = tuple(
        _decode_tool({"type": "function", "function": item}, f"{_WHO}: functions[{number}]", renamed)
        for number, item in enumerate(items)
    )
    fields["functions"] = True


_TOOL = frozenset({"type", "function"})
_FUNCTION = frozenset({"name", "description", "parameters", "strict"})


def _decode_tool(item: JSON, where: str, renamed: Mapping[str, str]) -> AnyTool:
    tool = as_object(item, where)
    if tool.get("type", "function") != "function":
        return OpaqueTool(issuer="openai", value=tool)
    function = as_object(tool.get("function"), f"{where}.function")
    name = text_of(function.get("name"), f"{where}.function.name")
    parameters = function.get("parameters")
    fields = extras(tool, _TOOL)
    if inner := extras(function, _FUNCTION):
        fields["function"] = inner
    return Tool(
        name=renamed.get(name, name),
        description=function.get("description"),
        parameters=None if parameters is None else as_object(parameters, f"{where}.function.parameters"),
        strict=function.get("strict"),
        provider_fields=keep(fields),
    )


def _decode_tool_choice(
    value: JSON, found: dict[str, Any], fields: dict[str, JSON], renamed: Mapping[str, str]
) -> None:
    choice = _tool_choice(value, renamed)
    if choice is None:
        fields["tool_choice"] = value
    else:
        found["tool_choice"] = choice


def _tool_choice(value: JSON, renamed: Mapping[str, str]) -> ToolChoice | None:
    match value:
        case "none" | "auto" | "required":
            return ToolChoice(mode=value)
        case {"type": "function", "function": {"name": str(name)}} | {"name": str(name)}:
            return ToolChoice(mode="required", names=(renamed.get(name, name),))
        case {"type": "allowed_tools", "allowed_tools": {"mode": "auto" | "required" as mode, "tools": [*tools]}}:
            names = [_function_name(tool) for tool in tools]
            known = tuple(renamed.get(name, name) for name in names if name is not None)
            return ToolChoice(mode=mode, names=known) if len(known) == len(names) else None
        case dict():
            return None
        case _:
            raise BadWire(f"{_WHO}: tool_choice must be none, auto, required or an object, found {value!r:.40}")


def _function_name(tool: JSON) -> str | None:
    match tool:
        case {"type": "function", "function": {"name": str(name)}}:
            return name
        case _:
            return None


_DECODERS = {
    "max_tokens": _decode_max_tokens,
    "stop": _decode_stop,
    "stream_options": _decode_stream_options,
    "metadata": _decode_metadata,
    "reasoning_effort": _decode_effort,
    "modalities": _decode_modalities,
    "response_format": _decode_response_format,
    "tools": _decode_tools,
    "functions": _decode_functions,
    "tool_choice": _decode_tool_choice,
    "function_call": _decode_tool_choice,
}
_ELSEWHERE = frozenset({"model", "messages", "max_completion_tokens"})


def encode_request(request: Request) -> Encoded[WireRequest]:
    """The body for `request.model`, and what it could not say. A stream is always asked for its usage."""
    writing = Writing(model_facts(request.model), Losses(), {})
    losses = writing.losses
    losses.extend(foreign_fields(request, "openai"))
    request = told(request, losses)
    body: JSONObject = {"model": request.model, "messages": encode_messages(request, writing)}
    plain = is_plain(request)
    if request.temperature is not None:
        _encode_number("temperature", request.temperature, body, writing)
    if request.max_tokens is not None:
        body[writing.facts.token_limit] = request.max_tokens
    if request.tools or not plain:
        _encode_tools(request, body, writing)
    _encode_reasoning(request, body, writing)
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if not plain:
        _encode_options(request, body, writing)
    wire = WireRequest(body, request.model, request.stream, writing.renamed)
    return Encoded(wire, losses.found())


def _encode_options(request: Request, body: JSONObject, writing: Writing) -> None:
    """What few requests ask for."""
    _encode_sampling(request, body, writing)
    _encode_stops(request, body, writing)
    _encode_who(request, body, writing.losses)
    if request.response_format is not None:
        body["response_format"] = _encode_response_format(request.response_format, writing.losses)
    if request.sound is not None:
        body |= _encode_sound(request.sound, writing.losses)
    _encode_own(request, body, writing.losses)


def _encode_sampling(request: Request, body: JSONObject, writing: Writing) -> None:
    for name, value in (
        ("top_p", request.top_p),
        ("frequency_penalty", request.frequency_penalty),
        ("presence_penalty", request.presence_penalty),
        ("top_logprobs", request.top_logprobs),
    ):
        if value is not None:
            _encode_number(name, value, body, writing)
    for name, value in (("seed", request.seed), ("n", request.candidate_count), ("logprobs", request.logprobs)):
        if value is not None:
            body[name] = value
    if request.top_k is not None:
        writing.losses.drop("top_k")


def _encode_number(name: str, value: float, body: JSONObject, writing: Writing) -> None:
    """`value` within the API's range; a model that samples its own way takes 1 only."""
    if not writing.facts.sampling and name in ("temperature", "top_p") and value != 1:
        writing.losses.drop(name)
        return
    low, high = _RANGES[name]
    body[name] = min(max(value, low), high)
    if body[name] != value:
        writing.losses.approximate(name)


def _encode_stops(request: Request, body: JSONObject, writing: Writing) -> None:
    if not request.stop_sequences:
        return
    if not writing.facts.stop:
        writing.losses.drop("stop_sequences", "meaning")
        return
    body["stop"] = list(request.stop_sequences[:_MAX_STOPS])
    for number in range(_MAX_STOPS, len(request.stop_sequences)):
        writing.losses.drop(f"stop_sequences[{number}]", "meaning")


def _encode_tools(request: Request, body: JSONObject, writing: Writing) -> None:
    tools = [_encode_tool(tool, f"tools[{number}]", writing) for number, tool in enumerate(request.tools)]
    if offered := [tool for tool in tools if tool is not None]:
        body["tools"] = offered
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
        if request.tool_choice is not None:
            body["tool_choice"] = _encode_tool_choice(request.tool_choice, writing)
    else:  # the API refuses both without tools
        if request.parallel_tool_calls is False and request.tools:
            writing.losses.drop("parallel_tool_calls")
        if request.tool_choice is not None:
            writing.losses.drop("tool_choice")


def _encode_tool(tool: AnyTool, path: str, writing: Writing) -> JSONObject | None:
    if isinstance(tool, OpaqueTool) and tool.issuer != "openai":
        writing.losses.drop(path, "meaning")
        return None
    if tool.cache:
        writing.losses.drop(f"{path}.cache")
    if isinstance(tool, OpaqueTool):
        return tool.value
    function: JSONObject = {"name": writing.name(tool.name)}
    strict = openai_strict(tool.strict, tool.parameters, path, writing.losses)
    for name, value in (("description", tool.description), ("parameters", tool.parameters), ("strict", strict)):
        if value is not None:
            function[name] = value
    fields = own(tool.provider_fields)
    if "function" in fields:
        function |= fields["function"]
    return {**fields, "type": "function", "function": function}


def _encode_tool_choice(choice: ToolChoice, writing: Writing) -> JSON:
    tools = [{"type": "function", "function": {"name": writing.name(name)}} for name in choice.names]
    match choice.mode, tools:
        case "none", [*_]:
            if tools:
                writing.losses.drop("tool_choice.names")
            return "none"
        case mode, []:
            return mode
        case "required", [tool]:
            return tool
        case mode, _:
            return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def _encode_reasoning(request: Request, body: JSONObject, writing: Writing) -> None:
    """Even where nothing was asked: some models call no tools unless told not to reason."""
    asked = request.reasoning
    if asked is None and "tools" not in body:
        return
    effort = _effort(asked, offers_tools="tools" in body, facts=writing.facts)
    if effort is not None:
        body["reasoning_effort"] = effort
    if asked is None:
        if effort is not None:
            writing.losses.approximate("reasoning")
    elif effort is None:
        writing.losses.drop("reasoning")
    elif asked.effort != effort:
        writing.losses.approximate("reasoning")
    else:
        if asked.budget_tokens is not None:
            writing.losses.drop("reasoning.budget_tokens")
        if asked.include_text:
            writing.losses.drop("reasoning.include_text")


def _effort(asked: ReasoningOptions | None, *, offers_tools: bool, facts: ModelFacts) -> Effort | None:
    """What stands in `reasoning_effort`, after what the model refuses."""
    effort = None if asked is None else asked.effort or _effort_of(asked.budget_tokens)
    if not facts.effort:
        return None
    if offers_tools and facts.tools_while_reasoning != "yes":
        return "none" if facts.tools_while_reasoning == "no" else None
    return "low" if effort == "minimal" and not facts.minimal_effort else effort


def _effort_of(budget_tokens: int | None) -> Effort | None:
    """The effort nearest to a budget; a negative one leaves the choice to the model (Gemini)."""
    if budget_tokens is None or budget_tokens < 0:
        return None
    for limit, effort in _BUDGETS:
        if budget_tokens < limit:
            return effort
    return "high"


def _encode_response_format(wanted: ResponseFormat, losses: Losses) -> JSONObject:
    if wanted.type == "json_object":
        return {"type": "json_object"}
    schema: JSONObject = {"name": wanted.name or SCHEMA_NAME}
    strict = openai_strict(wanted.strict, wanted.schema, "response_format", losses)
    for name, value in (("description", wanted.description), ("schema", wanted.schema), ("strict", strict)):
        if value is not None:
            schema[name] = value
    return {"type": "json_schema", "json_schema": schema}


def _encode_sound(sound: SoundOptions, losses: Losses) -> JSONObject:
    """Both are demanded here; another provider's voice is ours."""
    voice, form = sound.voice or _VOICE, sound.format or PCM_FORMAT
    if is_googles(voice):
        voice = _VOICE
    for name, said in (("voice", voice), ("format", form)):
        if getattr(sound, name) != said:
            losses.approximate(f"sound.{name}")
    return {"modalities": _SOUND, "audio": {"voice": voice, "format": form}}


_VOICE = "alloy"


def _encode_who(request: Request, body: JSONObject, losses: Losses) -> None:
    """For whom, and under which terms."""
    if request.user is not None:
        modern = "safety_identifier" if model_facts(request.model).token_limit != "max_tokens" else "user"  # noqa: S105
        body[own(request.provider_fields).get(MARK_USER, modern)] = request.user
    if request.metadata is not None:
        body["metadata"] = _encode_metadata(request.metadata, losses)
    tier = request.service_tier
    if tier in _STANDARD_TIERS:
        body["service_tier"] = "default"
        losses.approximate("service_tier")
    elif tier in _TIERS:
        body["service_tier"] = tier
    elif tier is not None:
        losses.drop("service_tier")


def _encode_metadata(metadata: Mapping[str, str], losses: Losses) -> JSONObject:
    fitting: JSONObject = {}
    for key, value in metadata.items():
        if len(fitting) < _METADATA_PAIRS and len(key) <= _METADATA_KEY and len(value) <= _METADATA_VALUE:
            fitting[key] = value
        else:
            losses.drop(f"metadata.{key}")
    return fitting


def _encode_own(request: Request, body: JSONObject, losses: Losses) -> None:
    """OpenAI's own parameters, where they stood; deprecated functions went as tools."""
    for name, value in own(request.provider_fields).items():
        if name in MARKERS:
            continue
        if name == "functions" or (name == "stream_options" and not request.stream):
            losses.drop(f"provider_fields.openai.{name}")
        else:
            body[name] = value | body[name] if name == "stream_options" else value
    put_moderation(request.provider_fields, body, losses)
    if "max_completion_tokens" in body:
        body.pop("max_tokens", None)
