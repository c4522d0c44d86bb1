"""Chat requests as mistralai 3.7 puts them on the wire. Source: providers.md sections 5.2 to 5.5, 2026-11-22."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast, get_args

from ..accounts import joined, split
from ..codec import BadWire, as_list, as_object
from ..guardrails import put_guardrails
from ..ids import Remembered
from ..loss import Encoded, Joins, Losses, foreign_fields
from ..messages import (
    JSON,
    NOTHING,
    JSONObject,
    Message,
    Opaque,
    Part,
    ProviderFields,
    Reasoning,
    ResultPart,
    Text,
    ToolCall,
    ToolResult,
    merge_turns,
    only_text,
    plain_calls,
    plain_result,
    plain_turn,
)
from ..provider_fields import MARK_MODE, MARKERS
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
from . import reading
from .content import (
    Chunk,
    call_id,
    content_of,
    decode_calls,
    decode_content,
    encode_call,
    encode_part,
    encode_parts,
    in_words,
    synthetic_id,
    wire_id,
    wire_name,
)
from .reading import OWN, maybe_object, objects, own_fields, required_string, rest_of, string, wrong

HERE = "mistral request"

BRIDGE = "OK."
"""The assistant's words between tool results and the user's: `user` may not follow `tool` (providers.md 5.3)."""

_READERS: dict[str, tuple[str, Callable[[JSONObject, str, str], Any]]] = {
    "max_tokens": ("max_tokens", reading.integer),
    "temperature": ("temperature", reading.number),
    "top_p": ("top_p", reading.number),
    "top_k": ("top_k", reading.integer),
    "random_seed": ("seed", reading.integer),
    "frequency_penalty": ("frequency_penalty", reading.number),
    "presence_penalty": ("presence_penalty", reading.number),
    "n": ("candidate_count", reading.integer),
    "logprobs": ("logprobs", reading.boolean),
    "top_logprobs": ("top_logprobs", reading.integer),
    "parallel_tool_calls": ("parallel_tool_calls", reading.boolean),
    "service_tier": ("service_tier", reading.string),
    "stream": ("stream", reading.boolean),
}
"""Wire name, canonical name, and how it is read."""
_ENCODED_ALONE = frozenset({"max_tokens", "temperature", "stream"})
_SCALARS = tuple((name, wire) for wire, (name, _) in _READERS.items() if name not in _ENCODED_ALONE)
_ELSEWHERE = frozenset({"model", "messages"})
_OFF_BY_DEFAULT = frozenset({"safe_prompt", "prompt_logprobs", "guardrails"})
_EFFORTS: frozenset[str] = frozenset(get_args(Effort))
_SERVICE_TIERS = frozenset({"auto", "standard_only"})
_MODES: dict[str, ToolChoice] = {
    "auto": ToolChoice(mode="auto"),
    "none": ToolChoice(mode="none"),
    "any": ToolChoice(mode="required"),
    "required": ToolChoice(mode="required"),
}
_MODE_NAMES = {"auto": "auto", "none": "none", "required": "any"}

_BUDGETS: tuple[tuple[int, Effort], ...] = ((0, "none"), (1024, "low"), (8192, "medium"), (24576, "high"))
"""The largest token budget of each effort; more is `xhigh`. The wire has efforts only (providers.md 6.5)."""

_SYSTEM_MESSAGE = frozenset({"role", "content"})
_ASSISTANT_MESSAGE = frozenset({"role", "content", "tool_calls", "prefix"})
_TOOL_MESSAGE = frozenset({"role", "content", "tool_call_id", "name"})
_TOOL = frozenset({"type", "function"})
_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_JSON_SCHEMA = frozenset({"name", "schema", "description", "strict"})


def decode_request(wire: WireRequest) -> Request:
    """The canonical request. Raises BadWire."""
    body = as_object(wire.body, HERE)
    system, messages = _decode_messages(objects(body, "messages", HERE, required=True))
    found: dict[str, Any] = {}
    own: JSONObject = {}
    for name, value in body.items():
        if value is None or name in _ELSEWHERE:
            continue
        if (reader := _READERS.get(name)) is not None:
            found[reader[0]] = reader[1](body, name, HERE)
        elif (section := _SECTIONS.get(name)) is not None:
            found[section[0]], kept = section[1](value)
            own |= kept
        elif value or name not in _OFF_BY_DEFAULT:
            own[name] = value
    if "metadata" in found:
        found["metadata"], found["user"] = split(found["metadata"])
    if own.get("prompt_mode") == "reasoning":
        own[MARK_MODE] = own.pop("prompt_mode")
        found.setdefault("reasoning", ReasoningOptions(effort="high"))
    if wire.stream:
        found["stream"] = True
    model, fields = string(body, "model", HERE) or wire.model, {OWN: own} if own else NOTHING
    return Request(model=model, messages=messages, system=system, provider_fields=fields, **found)


def _decode_stop(value: JSON) -> tuple[tuple[str, ...], JSONObject]:
    match value:
        case str():
            return (value,), {}
        case list() if all(isinstance(item, str) for item in cast("list[JSON]", value)):
            return tuple(cast("list[str]", value)), {}
        case _:
            raise wrong(f"{HERE}: stop", "a string or a list of strings", value)


def _decode_tools(value: JSON) -> tuple[tuple[AnyTool, ...], JSONObject]:
    who = f"{HERE}.tools"
    tools = [as_object(tool, f"{who}[{at}]") for at, tool in enumerate(as_list(value, who))]
    return tuple([_decode_tool(tool, f"{HERE}: tools[{at}]") for at, tool in enumerate(tools)]), {}


def _decode_tool(tool: JSONObject, who: str) -> AnyTool:
    """A function; every other type (image generation, document library, connector) is opaque."""
    if tool.get("type", "function") != "function":
        return OpaqueTool(issuer=OWN, value=tool)
    function = as_object(tool.get("function"), f"{who}.function")
    fields = rest_of(tool, _TOOL)
    if extra := own_fields(rest_of(function, _FUNCTION)):
        fields = {OWN: {**own_fields(fields), "function": dict(extra)}}
    return Tool(
        name=required_string(function, "name", f"{who}.function"),
        description=string(function, "description", f"{who}.function"),
        parameters=maybe_object(function, "parameters", f"{who}.function"),
        strict=reading.boolean(function, "strict", f"{who}.function"),
        provider_fields=fields,
    )


def _decode_tool_choice(value: JSON) -> tuple[ToolChoice | None, JSONObject]:
    match value:
        case str() if value in _MODES:
            return _MODES[value], {}
        case {"function": {"name": str(name)}}:
            return ToolChoice(mode="required", names=(name,)), {}
        case str() | dict():
            return None, {"tool_choice": value}
        case _:
            raise wrong(f"{HERE}: tool_choice", "a string or an object", value)


def _decode_response_format(value: JSON) -> tuple[ResponseFormat | None, JSONObject]:
    """Any form that is not plainly one of the three is kept as it is."""
    form = as_object(value, f"{HERE}: response_format")
    match form.get("type"):
        case "text" | None:
            return None, {}
        case "json_object":
            return ResponseFormat(type="json_object"), {}
        case "json_schema":
            return _decode_json_schema(form)
        case _:
            return None, {"response_format": value}


def _decode_json_schema(form: JSONObject) -> tuple[ResponseFormat | None, JSONObject]:
    who = f"{HERE}: response_format.json_schema"
    schema = as_object(form.get("json_schema"), who)
    if not schema.keys() <= _JSON_SCHEMA:
        return None, {"response_format": form}
    return ResponseFormat(
        type="json_schema",
        schema=maybe_object(schema, "schema", who),
        name=string(schema, "name", who),
        description=string(schema, "description", who),
        strict=reading.boolean(schema, "strict", who),
    ), {}


def _decode_effort(value: JSON) -> tuple[ReasoningOptions | None, JSONObject]:
    if not isinstance(value, str):
        raise wrong(f"{HERE}.reasoning_effort", "a string", value)
    if value not in _EFFORTS:
        return None, {"reasoning_effort": value}
    return ReasoningOptions(effort=cast(Effort, value)), {}


def _decode_metadata(value: JSON) -> tuple[Mapping[str, str] | None, JSONObject]:
    """Canonical metadata are strings; any other are kept as this provider's own."""
    metadata = as_object(value, f"{HERE}.metadata")
    if all(isinstance(item, str) for item in metadata.values()):
        return metadata, {}
    return None, {"metadata": metadata}


_SECTIONS: dict[str, tuple[str, Callable[[JSON], tuple[Any, JSONObject]]]] = {
    "stop": ("stop_sequences", _decode_stop),
    "tools": ("tools", _decode_tools),
    "tool_choice": ("tool_choice", _decode_tool_choice),
    "response_format": ("response_format", _decode_response_format),
    "reasoning_effort": ("reasoning", _decode_effort),
    "metadata": ("metadata", _decode_metadata),
}
"""Wire name, canonical name, and what gives the canonical value, and what is kept as the wire's own beside it."""


def _decode_messages(messages: list[JSONObject]) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """Leading system texts and the turns."""
    history = _History()
    for at, message in enumerate(messages):
        if (turn := plain_turn(message)) is not None:
            history.messages.append(turn)
        elif (calls := plain_calls(message)) is not None:
            history.called(calls)
            history.messages.append(Message("assistant", calls))
        elif (result := plain_result(message)) is not None:
            call_id, text, name = result
            history.answered(call_id, name, (Text(text),), NOTHING)
        else:
            history.add(message, f"{HERE}: messages[{at}]", last=at == len(messages) - 1)
    return tuple(history.system), merge_turns(history.messages)


def _content(value: JSON, who: str) -> list[Part]:
    return [in_words(part) for part in decode_content(value, who)]


class _History:
    """Turns so far, and the calls that wait for their results."""

    __slots__ = ("messages", "names", "system", "waiting")

    def __init__(self) -> None:
        self.system: list[Text] = []
        self.messages: list[Message] = []
        self.waiting: list[ToolCall] = []
        self.names: dict[str, str] = {}

    def add(self, message: JSONObject, who: str, *, last: bool) -> None:
        match message.get("role"):
            case "system":
                self._system(message, who)
            case "user":
                self._user(message, who)
            case "assistant":
                self._assistant(message, who, last=last)
            case "tool":
                self._result(message, who)
            case role:
                raise BadWire(f"{who}.role must be system, user, assistant or tool, found {role!r:.40}")

    def _system(self, message: JSONObject, who: str) -> None:
        content = message.get("content")
        if content and len(message) == 2 and isinstance(content, str) and not self.messages:
            self.system.append(Text(content))
            return
        parts = _content(content, f"{who}.content")
        texts = [part for part in parts if isinstance(part, Text)]
        if self.messages or len(texts) < len(parts) or not message.keys() <= _SYSTEM_MESSAGE:
            fields = rest_of(message, _SYSTEM_MESSAGE)
            self.messages.append(Message(role="system", parts=tuple(parts), provider_fields=fields))
        else:
            self.system.extend(texts)

    def _user(self, message: JSONObject, who: str) -> None:
        parts = _content(message.get("content"), f"{who}.content") or [Text(text="")]
        fields = rest_of(message, _SYSTEM_MESSAGE)
        self.messages.append(Message(role="user", parts=tuple(parts), provider_fields=fields))

    def _assistant(self, message: JSONObject, who: str, *, last: bool) -> None:
        """`prefix` on the last message says only that it is last; anywhere else it is the caller's own."""
        parts = _content(message.get("content"), f"{who}.content")
        calls = decode_calls(objects(message, "tool_calls", who), f"{who}.tool_calls", str(len(self.messages)))
        fields = rest_of(message, _ASSISTANT_MESSAGE)
        if reading.boolean(message, "prefix", who) and not last:
            fields = {OWN: {**own_fields(fields), "prefix": True}}
        self.called(calls)
        said = tuple(parts) if parts or calls else (Text(text=""),)
        self.messages.append(Message(role="assistant", parts=(*said, *calls), provider_fields=fields))

    def called(self, calls: Sequence[ToolCall]) -> None:
        self.waiting += calls
        for call in calls:
            self.names[call.id] = call.name

    def answered(self, call_id: str, name: str | None, content: tuple[ResultPart, ...], fields: ProviderFields) -> None:
        for call in self.waiting:
            if call.id == call_id:
                self.waiting.remove(call)
                break
        result = ToolResult(call_id, content, name or self.names.get(call_id), provider_fields=fields)
        self.messages.append(Message("user", (result,)))

    def _result(self, message: JSONObject, who: str) -> None:
        content = _content(message.get("content"), f"{who}.content")
        name = string(message, "name", who)
        found = call_id(string(message, "tool_call_id", who)) or self._waiting_for(name) or synthetic_id(who)
        self.answered(found, name, tuple(map(_result_part, content)), rest_of(message, _TOOL_MESSAGE))

    def _waiting_for(self, name: str | None) -> str | None:
        """The id of the first call that waits and fits by name."""
        return next((call.id for call in self.waiting if name in (None, call.name)), None)


def _result_part(part: Part) -> ResultPart:
    match part:
        case Reasoning():
            inner = [{"type": "text", "text": part.text}]
            return Opaque(issuer=OWN, value={"type": "thinking", "thinking": inner})
        case _:
            return cast(ResultPart, part)


class _Encoding:
    """What the encoding of one request has gathered: a history names the same few tools and calls again and again."""

    __slots__ = ("ids", "names", "renamed", "report")

    def __init__(self, report: Losses) -> None:
        self.report = report
        self.renamed: dict[str, str] = {}
        self.ids = Remembered(wire_id)
        self.names = Remembered(wire_name)

    def name(self, name: str, path: str, member: str = "name") -> str:
        """A tool's wire name; `member` of `path` is where the canonical one stands."""
        wire = self.names[name]
        if wire != name:
            self.renamed[wire] = name
            self.report.emulate(f"{path}.{member}")
        return wire


def encode_request(request: Request) -> Encoded[WireRequest]:
    """The wire request and what it could not say."""
    report = Losses()
    report.extend(foreign_fields(request, OWN))
    encoding = _Encoding(report)
    body: JSONObject = {"model": request.model, "messages": _encode_messages(request, encoding)}
    body["stream"] = request.stream
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.temperature is not None:
        _encode_temperature(request.temperature, body, report)
    plain = is_plain(request)
    if not plain:
        _encode_scalars(request, body, report)
    if request.tools or not plain:
        _encode_tools(request, body, encoding)
    if not plain:
        _encode_response_format(request.response_format, body)
        own = own_fields(request.provider_fields)
        _encode_reasoning(request.reasoning, body, own, report)
        body.update((name, value) for name, value in own.items() if name not in MARKERS)
        put_guardrails(request.provider_fields, body, report)
    wire = WireRequest(body, request.model, request.stream, encoding.renamed)
    return Encoded(wire, report.found())


def _encode_scalars(request: Request, body: JSONObject, report: Losses) -> None:
    for name, key in _SCALARS:
        if (value := getattr(request, name)) is not None:
            body[key] = value
    if request.sound is not None:
        report.drop("sound", "meaning")
    if request.stop_sequences:
        body["stop"] = list(request.stop_sequences)
    if metadata := joined(request, report, lambda name, value: True):
        body["metadata"] = metadata
    if request.service_tier is not None and request.service_tier not in _SERVICE_TIERS:
        del body["service_tier"]
        report.drop("service_tier")


def _encode_temperature(temperature: float, body: JSONObject, report: Losses) -> None:
    if not 0 <= temperature <= 1:
        temperature = min(max(temperature, 0.0), 1.0)
        report.approximate("temperature")
    body["temperature"] = temperature


def _encode_response_format(form: ResponseFormat | None, body: JSONObject) -> None:
    if form is None:
        return
    if form.type == "json_object":
        body["response_format"] = {"type": form.type}
        return
    schema: JSONObject = {"name": form.name or SCHEMA_NAME, "schema": form.schema or {}}
    if form.description is not None:
        schema["description"] = form.description
    if form.strict is not None:
        schema["strict"] = form.strict
    body["response_format"] = {"type": form.type, "json_schema": schema}


def _encode_reasoning(
    options: ReasoningOptions | None, body: JSONObject, own: Mapping[str, JSON], report: Losses
) -> None:
    """An effort as it is, a budget as the effort that it buys. Thoughts come whether asked for or not."""
    if options is None:
        return
    if MARK_MODE in own and options == ReasoningOptions(effort="high"):
        body["prompt_mode"] = own[MARK_MODE]
        return
    if options.effort is not None:
        body["reasoning_effort"] = options.effort
        if options.budget_tokens is not None:
            report.drop("reasoning.budget_tokens")
        if options.include_text:
            report.drop("reasoning.include_text")
    elif options.budget_tokens is not None:
        body["reasoning_effort"] = _effort_of(options.budget_tokens)
        report.approximate("reasoning")
    else:
        report.drop("reasoning")


def _effort_of(budget: int) -> Effort:
    for limit, effort in _BUDGETS:
        if budget <= limit:
            return effort
    return "xhigh"


def _encode_tools(request: Request, body: JSONObject, encoding: _Encoding) -> None:
    choice = request.tool_choice
    if choice is not None:
        body["tool_choice"] = _encode_tool_choice(choice, encoding)
    offered = _offered(choice)
    tools: list[JSONObject] = []
    for at, tool in enumerate(request.tools):
        if offered and choice and not (isinstance(tool, Tool) and tool.name in choice.names):
            encoding.report.emulate(f"tools[{at}]")
        elif (wire := _encode_tool(tool, f"tools[{at}]", encoding)) is not None:
            tools.append(wire)
    if tools:
        body["tools"] = tools
    elif request.tools and request.parallel_tool_calls is False:
        encoding.report.drop("parallel_tool_calls")


def _offered(choice: ToolChoice | None) -> bool:
    """Must the offer be narrowed to the choice's names? The wire can force one tool only, not some of them."""
    return choice is not None and bool(choice.names) and not _forced(choice) and choice.mode != "none"


def _forced(choice: ToolChoice) -> bool:
    return choice.mode == "required" and len(choice.names) == 1


def _encode_tool_choice(choice: ToolChoice, encoding: _Encoding) -> JSON:
    if _forced(choice):
        name = encoding.name(choice.names[0], "tool_choice", "names")
        return {"type": "function", "function": {"name": name}}
    if choice.names:
        encoding.report.emulate("tool_choice.names") if _offered(choice) else encoding.report.drop("tool_choice.names")
    return _MODE_NAMES[choice.mode]


def _encode_tool(tool: AnyTool, path: str, encoding: _Encoding) -> JSONObject | None:
    """`parameters` are required on this wire: none are an empty object."""
    if tool.cache is not None:
        encoding.report.drop(f"{path}.cache")
    if isinstance(tool, OpaqueTool):
        if tool.issuer == OWN:
            return cast(JSONObject, tool.value)
        encoding.report.drop(path, "meaning")
        return None
    own = own_fields(tool.provider_fields)
    nothing: JSONObject = {"type": "object", "properties": {}}
    parameters = nothing if tool.parameters is None else tool.parameters
    function: JSONObject = {"name": encoding.name(tool.name, path), "parameters": parameters}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    function.update(own.get("function", {}))
    return {"type": "function", "function": function, **{name: own[name] for name in own if name != "function"}}


def _encode_messages(request: Request, encoding: _Encoding) -> list[JSONObject]:
    wire: list[JSONObject] = []
    if content := _encode_instructions(request.system, encoding.report):
        wire.append({"role": "system", "content": content})
    joins, last = Joins(encoding.report), len(request.messages) - 1
    for at, message in enumerate(request.messages):
        if (text := only_text(message.parts)) and not message.provider_fields and (at < last or message.role == "user"):
            said, says = [{"role": message.role, "content": text}], True
        else:
            said = _encode_message(message, f"messages[{at}]", encoding, last=at == last)
            says = len(said) > 1 or bool(said[0]["content"]) or len(said[0]) > 2
        if message.role == "user" and wire and wire[-1]["role"] == "tool" and said[0]["role"] == "user":
            wire.append({"role": "assistant", "content": BRIDGE})
            encoding.report.emulate(f"messages[{at}]")
            joins.turn(-1, "assistant", NOTHING, says=False)
        wire += said
        joins.turn(at, message.role, own_fields(message.provider_fields), says)
    return wire


def _encode_instructions(system: tuple[Text, ...], report: Losses) -> str | list[Chunk]:
    if not system:
        return ""
    if text := only_text(system):
        return text
    return content_of(encode_parts(((f"system[{at}]", part) for at, part in enumerate(system)), report))


def _encode_message(message: Message, path: str, encoding: _Encoding, *, last: bool) -> list[JSONObject]:
    match message.role:
        case "system":
            return [_encode_system(message, path, encoding.report)]
        case "user":
            return _encode_user(message, path, encoding)
        case "assistant":
            return [_encode_assistant(message, path, encoding, last=last)]


def _encode_system(message: Message, path: str, report: Losses) -> JSONObject:
    """System messages hold texts and thoughts only."""
    chunks: list[Chunk] = []
    for at, part in enumerate(message.parts):
        place = f"{path}.parts[{at}]"
        if isinstance(part, Text | Reasoning | Opaque):
            chunks += _said(part, place, report)
        else:
            report.drop(place, "meaning")
    return {"role": "system", "content": content_of(chunks), **own_fields(message.provider_fields)}


def _encode_user(message: Message, path: str, encoding: _Encoding) -> list[JSONObject]:
    """Results as messages of their own; a bridge where the user goes on to speak after them."""
    results: list[JSONObject] = []
    chunks: list[Chunk] = []
    spoken = False
    for at, part in enumerate(message.parts):
        place = f"{path}.parts[{at}]"
        if isinstance(part, ToolResult):
            results.append(_encode_result(part, place, encoding))
        else:
            spoken = spoken or not _says_nothing(part)
            chunks += _said(part, place, encoding.report)
    if results and (not spoken or not chunks):
        if message.provider_fields:
            results[-1].update(own_fields(message.provider_fields))
        return results
    said: JSONObject = {"role": "user", "content": content_of(chunks), **own_fields(message.provider_fields)}
    if not results:
        return [said]
    encoding.report.emulate(path)
    return [*results, {"role": "assistant", "content": BRIDGE}, said]


def _said(part: Part, path: str, report: Losses) -> list[Chunk]:
    """The chunk of a part of the history, if any. Thoughts are replayed to their issuer only."""
    if isinstance(part, Reasoning) and part.issuer != OWN:
        report.drop(path)
        return []
    chunk = encode_part(part, path, report)
    return [] if chunk is None else [chunk]


def _encode_result(result: ToolResult, path: str, encoding: _Encoding) -> JSONObject:
    if result.cache is not None:
        encoding.report.drop(f"{path}.cache")
    content: JSON = only_text(result.content)
    if not content or result.is_error:
        content = _result_content(result, path, encoding.report)
    wire: JSONObject = {"role": "tool", "tool_call_id": encoding.ids[result.call_id], "content": content}
    if result.name is not None:
        wire["name"] = encoding.names[result.name]
    if result.provider_fields:
        wire.update(own_fields(result.provider_fields))
    return wire


def _result_content(result: ToolResult, path: str, report: Losses) -> JSON:
    """The wire has no flag for a failed tool: words say it."""
    chunks: list[Chunk] = []
    marked = not result.is_error
    for at, part in enumerate(result.content):
        place = f"{path}.content[{at}]"
        found = _said(part, place, report)
        if found and not marked:
            found, marked = _with_error_words(found[0]), True
            report.emulate(place)
        chunks += found
    if not marked:
        chunks = [{"type": "text", "text": "Error"}]
        report.approximate(f"{path}.content", "meaning") if result.content else report.emulate(f"{path}.content")
    if result.is_error:
        report.emulate(f"{path}.is_error")
    return content_of(chunks)


def _with_error_words(chunk: Chunk) -> list[Chunk]:
    if chunk.get("type") == "text":
        return [{**chunk, "text": f"Error: {chunk['text']}"}]
    return [{"type": "text", "text": "Error:"}, chunk]


def _says_nothing(part: Part) -> bool:
    return isinstance(part, Text) and not part.text and not part.provider_fields


def _encode_assistant(message: Message, path: str, encoding: _Encoding, *, last: bool) -> JSONObject:
    """Content, then calls. A last turn of the assistant is one to go on with: `prefix`."""
    report = encoding.report
    chunks: list[Chunk] = []
    calls: list[JSONObject] = []
    reordered = False
    for at, part in enumerate(message.parts):
        place = f"{path}.parts[{at}]"
        if isinstance(part, ToolCall):
            if part.cache is not None:
                report.drop(f"{place}.cache")
            calls.append(encode_call(part, encoding.ids[part.id], encoding.name(part.name, place)))
        else:
            found = _said(part, place, report)
            reordered = reordered or bool(found and calls and not _says_nothing(part))
            chunks += found
    if reordered:
        report.approximate(f"{path}.parts")
    content = content_of(chunks)
    if not content and not calls:
        report.approximate(path)
        content = BRIDGE
    wire: JSONObject = {"role": "assistant", "content": content}
    if calls:
        wire["tool_calls"] = calls
    elif last:
        wire["prefix"] = True
    if message.provider_fields:
        wire.update(own_fields(message.provider_fields))
    return wire
