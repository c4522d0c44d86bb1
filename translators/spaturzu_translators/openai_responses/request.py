"""A Responses request, both ways: the body of `POST /v1/responses`.

Parameters: providers.md section 1.R, 2026-11-22, what models refuse: `model_facts`. A response is stored unless the
caller says no, and a function is strict unless it says no (recorded traffic, 2026-07), so what was not said is kept as
`store` and `strict`; what comes from elsewhere is neither.
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
    Tool,
    ToolChoice,
    WireRequest,
    is_plain,
)
from .fields import OWN, SHARED, Writing, extras, keep, not_carried, own, shared, text_of
from .items import decode_input, encode_input, instructions
from .model_facts import ModelFacts, model_facts

_NUMBER = (float, int)
_PLAIN: dict[str, tuple[str, tuple[type, ...], str]] = {
    "temperature": ("temperature", _NUMBER, "a number"),
    "top_p": ("top_p", _NUMBER, "a number"),
    "max_output_tokens": ("max_tokens", (int,), "an integer"),
    "top_logprobs": ("top_logprobs", (int,), "an integer"),
    "parallel_tool_calls": ("parallel_tool_calls", (bool,), "a boolean"),
    "stream": ("stream", (bool,), "a boolean"),
    "service_tier": ("service_tier", (str,), "a string"),
    "user": ("user", (str,), "a string"),
}
"""Parameters that need no more than their canonical name; the type is exact, for a bool is not an integer."""

_EFFORTS: frozenset[str] = frozenset(("none", "minimal", "low", "medium", "high", "xhigh", "max"))
_BUDGETS: tuple[tuple[int, Effort], ...] = ((1, "none"), (2049, "low"), (8193, "medium"))
_TIERS = frozenset(("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"))
_STANDARD_TIERS = frozenset(("standard", "standard_only"))
_RANGES = {"temperature": (0, 2), "top_p": (0, 1), "top_logprobs": (0, 20)}
_LEAST_TOKENS = 16
"""`max_output_tokens` below it is refused (`integer_below_min_value`)."""

_METADATA_PAIRS, _METADATA_KEY, _METADATA_VALUE = 16, 64, 512
_LOGPROBS = "message.output_text.logprobs"
_WHO = "openai responses request"

_Found = dict[str, Any]
_Fields = dict[str, JSON]


def decode_request(wire: WireRequest) -> Request:
    """The canonical request. Raises BadWire where the body is not a Responses request."""
    found: _Found = {"stream": wire.stream}
    fields: _Fields = {}
    of_both: _Fields = {}
    for name, value in as_object(wire.body, _WHO).items():
        if value is None:
            continue
        if (plain := _PLAIN.get(name)) is not None:
            found[plain[0]] = _checked(name, value, plain[1], plain[2])
        elif (decode := _DECODERS.get(name)) is not None:
            decode(value, found, fields, of_both)
        elif name in SHARED:
            of_both[name] = value
        elif name not in _ELSEWHERE:
            fields[name] = value
    if "tools" in wire.body or "tool_choice" in wire.body:
        _decode_tooling(wire, found, fields)
    if "user" in found:
        of_both["$user"] = "user"
    elif isinstance(of_both.get("safety_identifier"), str):
        found["user"], of_both["$user"] = of_both.pop("safety_identifier"), "safety_identifier"
    if wire.body.get("store") is not False:
        fields["store"] = True
    said, messages = decode_input(wire.body.get("input"), wire.renamed_tools)
    system = (*found.pop("system", ()), *said)
    fields |= noted(messages)
    return Request(model=wire.model, system=system, messages=messages, provider_fields=keep(fields, of_both), **found)


def _checked(name: str, value: JSON, types: tuple[type, ...], expected: str) -> JSON:
    if type(value) not in types:
        raise BadWire(f"{_WHO}: {name} must be {expected}, found {type(value).__name__}")
    return value


def _decode_instructions(value: JSON, found: _Found, _fields: _Fields, _both: _Fields) -> None:
    system, messages = decode_input([{"role": "system", "content": text_of(value, f"{_WHO}: instructions")}], {})
    if not messages:
        found["system"] = system


def _decode_include(value: JSON, found: _Found, fields: _Fields, _both: _Fields) -> None:
    names = as_list(value, f"{_WHO}: include")
    if _LOGPROBS in names:
        found["logprobs"] = True
    if rest := [name for name in names if name != _LOGPROBS]:
        fields["include"] = rest


def _decode_metadata(value: JSON, found: _Found, fields: _Fields, _both: _Fields) -> None:
    metadata = as_object(value, f"{_WHO}: metadata")
    if all(isinstance(item, str) for item in metadata.values()):
        found["metadata"] = metadata
    else:
        fields["metadata"] = metadata


_REASONING = frozenset({"effort", "summary", "generate_summary"})


def _decode_reasoning(value: JSON, found: _Found, fields: _Fields, _both: _Fields) -> None:
    asked = as_object(value, f"{_WHO}: reasoning")
    rest = extras(asked, _REASONING)
    effort, summary = asked.get("effort"), asked.get("summary") or asked.get("generate_summary")
    if effort is not None and text_of(effort, f"{_WHO}: reasoning.effort") not in _EFFORTS:
        rest["effort"], effort = effort, None
    if summary not in (None, "auto"):
        rest["summary"] = summary
    if effort is not None or summary is not None:
        found["reasoning"] = ReasoningOptions(effort=effort, include_text=True if summary else None)
    if rest:
        fields["reasoning"] = rest


_TEXT = frozenset({"format", "verbosity"})


def _decode_text(value: JSON, found: _Found, fields: _Fields, of_both: _Fields) -> None:
    options = as_object(value, f"{_WHO}: text")
    rest = extras(options, _TEXT)
    if options.get("verbosity") is not None:
        of_both["verbosity"] = options["verbosity"]
    match options.get("format"):
        case None | {"type": "text"}:
            pass
        case {"type": "json_object"}:
            found["response_format"] = ResponseFormat(type="json_object")
        case {"type": "json_schema", **schema}:
            found["response_format"] = ResponseFormat(
                type="json_schema",
                schema=schema.get("schema"),
                name=schema.get("name"),
                description=schema.get("description"),
                strict=schema.get("strict"),
            )
        case other:
            rest["format"] = as_object(other, f"{_WHO}: text.format")
    if rest:
        fields["text"] = rest


def _decode_background(value: JSON, _found: _Found, fields: _Fields, _both: _Fields) -> None:
    if value is not False:
        fields["background"] = value


_DECODERS = {
    "instructions": _decode_instructions,
    "include": _decode_include,
    "metadata": _decode_metadata,
    "reasoning": _decode_reasoning,
    "text": _decode_text,
    "background": _decode_background,
}
_ELSEWHERE = frozenset({"model", "input", "tools", "tool_choice", "store"})


def _decode_tooling(wire: WireRequest, found: _Found, fields: _Fields) -> None:
    body, renamed = wire.body, wire.renamed_tools
    if body.get("tools") is not None:
        items = as_list(body["tools"], f"{_WHO}: tools")
        found["tools"] = tuple(
            _decode_tool(item, f"{_WHO}: tools[{number}]", renamed) for number, item in enumerate(items)
        )
    if body.get("tool_choice") is None:
        return
    if (choice := _tool_choice(body["tool_choice"], renamed)) is not None:
        found["tool_choice"] = choice
    else:
        fields["tool_choice"] = body["tool_choice"]


_TOOL = frozenset({"type", "name", "description", "parameters", "strict"})


def _decode_tool(item: JSON, where: str, renamed: Mapping[str, str]) -> AnyTool:
    tool = as_object(item, where)
    if tool.get("type", "function") != "function":
        return OpaqueTool(issuer=OWN, value=tool)
    name = text_of(tool.get("name"), f"{where}.name")
    parameters = tool.get("parameters")
    fields = extras(tool, _TOOL)
    if tool.get("strict") is None:
        fields["strict"] = "default"
    return Tool(
        name=renamed.get(name, name),
        description=tool.get("description"),
        parameters=None if parameters is None else as_object(parameters, f"{where}.parameters"),
        strict=tool.get("strict"),
        provider_fields=keep(fields),
    )


def _tool_choice(value: JSON, renamed: Mapping[str, str]) -> ToolChoice | None:
    match value:
        case "none" | "auto" | "required":
            return ToolChoice(mode=value)
        case {"type": "function", "name": str(name)}:
            return ToolChoice(mode="required", names=(renamed.get(name, name),))
        case {"type": "allowed_tools", "mode": "auto" | "required" as mode, "tools": [*tools]}:
            names = [_function_name(tool) for tool in tools]
            known = tuple(renamed.get(name, name) for name in names if name is not None)
            return ToolChoice(mode=mode, names=known) if len(known) == len(names) else None
        case dict():
            return None
        case _:
            raise BadWire(f"{_WHO}: tool_choice must be none, auto, required or an object, found {value!r:.40}")


def _function_name(tool: JSON) -> str | None:
    match tool:
        case {"type": "function", "name": str(name)}:
            return name
        case _:
            return None


def encode_request(request: Request) -> Encoded[WireRequest]:
    """The body for `request.model`, and what it could not say."""
    writing = Writing(model_facts(request.model), Losses(), {})
    writing.losses.extend(not_carried(foreign_fields(request, OWN)))
    request = told(request, writing.losses)
    body: JSONObject = {"model": request.model, "input": encode_input(request, writing)}
    body |= encode_parameters(request, writing)
    if request.stream:
        body["stream"] = True
    wire = WireRequest(body, request.model, request.stream, writing.renamed)
    return Encoded(wire, writing.losses.found())


def encode_parameters(request: Request, writing: Writing) -> JSONObject:
    """All of the body but the model and what was said."""
    body: JSONObject = {"store": False}
    if (text := instructions(request)) is not None:
        body["instructions"] = text
    plain = is_plain(request)
    if request.temperature is not None:
        _encode_number("temperature", request.temperature, body, writing)
    if request.max_tokens is not None:
        body["max_output_tokens"] = max(request.max_tokens, _LEAST_TOKENS)
        if body["max_output_tokens"] != request.max_tokens:
            writing.losses.approximate("max_tokens")
    if request.tools or not plain:
        _encode_tools(request, body, writing)
    if not plain:
        _encode_options(request, body, writing)
    return body


def _encode_options(request: Request, body: JSONObject, writing: Writing) -> None:
    """What few requests ask for."""
    _encode_sampling(request, body, writing)
    _encode_reasoning(request, body, writing)
    _encode_text(request, body, writing.losses)
    _encode_who(request, body, writing.losses)
    _encode_own(request, body, writing.losses)


def _encode_sampling(request: Request, body: JSONObject, writing: Writing) -> None:
    for name, value in (("top_p", request.top_p), ("top_logprobs", request.top_logprobs)):
        if value is not None:
            _encode_number(name, value, body, writing)
    if request.logprobs:
        body["include"] = [_LOGPROBS]
    for name in ("top_k", "seed", "frequency_penalty", "presence_penalty"):
        if getattr(request, name) is not None:
            writing.losses.drop(name)
    if request.stop_sequences:
        writing.losses.drop("stop_sequences", "meaning")
    if request.sound is not None:
        writing.losses.drop("sound", "meaning")
    if request.candidate_count is not None:
        writing.losses.drop("candidate_count", "meaning" if request.candidate_count > 1 else "tuning")


def _encode_number(name: str, value: float, body: JSONObject, writing: Writing) -> None:
    """`value` within the API's range; a model that samples its own way takes 1 only."""
    if not writing.facts.sampling and name in ("temperature", "top_p") and value != 1:
        writing.losses.drop(name)
        return
    low, high = _RANGES[name]
    body[name] = min(max(value, low), high)
    if body[name] != value:
        writing.losses.approximate(name)


def _encode_tools(request: Request, body: JSONObject, writing: Writing) -> None:
    tools = [_encode_tool(tool, f"tools[{number}]", writing) for number, tool in enumerate(request.tools)]
    if offered := [tool for tool in tools if tool is not None]:
        body["tools"] = offered
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
        if request.tool_choice is not None:
            body["tool_choice"] = _encode_tool_choice(request.tool_choice, writing)
    else:
        if request.parallel_tool_calls is False and request.tools:
            writing.losses.drop("parallel_tool_calls")
        if request.tool_choice is not None:
            writing.losses.drop("tool_choice")


def _encode_tool(tool: AnyTool, path: str, writing: Writing) -> JSONObject | None:
    if isinstance(tool, OpaqueTool) and tool.issuer != OWN:
        writing.losses.drop(path, "meaning")
        return None
    if tool.cache:
        writing.losses.drop(f"{path}.cache")
    if isinstance(tool, OpaqueTool):
        return tool.value
    wire: JSONObject = {"type": "function", "name": writing.name(tool.name)}
    if tool.description is not None:
        wire["description"] = tool.description
    wire["parameters"] = {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
    fields = dict(own(tool.provider_fields))
    if fields.pop("strict", None) is None:
        wire["strict"] = bool(openai_strict(tool.strict, tool.parameters, path, writing.losses))
    return wire | fields


def _encode_tool_choice(choice: ToolChoice, writing: Writing) -> JSON:
    tools = [{"type": "function", "name": writing.name(name)} for name in choice.names]
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
            return {"type": "allowed_tools", "mode": mode, "tools": tools}


def _encode_reasoning(request: Request, body: JSONObject, writing: Writing) -> None:
    asked = request.reasoning
    if asked is None:
        return
    if not writing.facts.effort:
        writing.losses.drop("reasoning")
        return
    effort = _effort(asked, writing.facts)
    wire: JSONObject = {} if effort is None else {"effort": effort}
    if asked.include_text:
        wire["summary"] = "auto"
    if not wire:
        writing.losses.drop("reasoning")
        return
    body["reasoning"] = wire
    if asked.effort != effort:
        writing.losses.approximate("reasoning")
    elif asked.budget_tokens is not None:
        writing.losses.drop("reasoning.budget_tokens")


def _effort(asked: ReasoningOptions, facts: ModelFacts) -> Effort | None:
    effort = asked.effort or _effort_of(asked.budget_tokens)
    return "low" if effort == "minimal" and not facts.minimal_effort else effort


def _effort_of(budget_tokens: int | None) -> Effort | None:
    """The effort nearest to a budget; a negative one leaves the choice to the model (Gemini)."""
    if budget_tokens is None or budget_tokens < 0:
        return None
    for limit, effort in _BUDGETS:
        if budget_tokens < limit:
            return effort
    return "high"


def _encode_text(request: Request, body: JSONObject, losses: Losses) -> None:
    text: JSONObject = {}
    if request.response_format is not None:
        text["format"] = _encode_format(request.response_format, losses)
    if "verbosity" in (of_both := shared(request.provider_fields)):
        text["verbosity"] = of_both["verbosity"]
    if text:
        body["text"] = text


def _encode_format(wanted: ResponseFormat, losses: Losses) -> JSONObject:
    if wanted.type == "json_object":
        return {"type": "json_object"}
    wire: JSONObject = {"type": "json_schema", "name": wanted.name or SCHEMA_NAME}
    strict = openai_strict(wanted.strict, wanted.schema, "response_format", losses)
    for name, value in (("description", wanted.description), ("schema", wanted.schema), ("strict", strict)):
        if value is not None:
            wire[name] = value
    return wire


def _encode_who(request: Request, body: JSONObject, losses: Losses) -> None:
    """For whom, and under which terms."""
    of_both = shared(request.provider_fields)
    body.update((name, of_both[name]) for name in SHARED & of_both.keys())
    if request.user is not None:
        body[of_both.get("$user", "safety_identifier")] = request.user
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
    """This wire's own parameters, where they stood."""
    for name, value in own(request.provider_fields).items():
        match name:
            case _ if name in MARKERS:
                continue
            case "include":
                body["include"] = [*body.get("include", ()), *value]
            case "text" | "reasoning":
                body[name] = body.get(name, {}) | value
            case "stream_options" if not request.stream:
                losses.drop(f"provider_fields.{OWN}.stream_options")
            case _:
                body[name] = value
    put_moderation(request.provider_fields, body, losses)
