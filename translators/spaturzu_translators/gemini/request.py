"""Gemini requests: `{contents, systemInstruction, tools, toolConfig, generationConfig, ...}`.

Model and stream stand in the URL, so in `WireRequest`. Source: providers.md 4.2 to 4.5 and 6, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from ..accounts import joined, split
from ..codec import BadWire, as_object
from ..guardrails import put_safety
from ..json_schema import from_openapi
from ..loss import Encoded, Losses, foreign_fields
from ..messages import (
    JSON,
    JSONObject,
    Message,
    Part,
    Role,
    Text,
    ToolCall,
    ToolResult,
    is_array,
    is_object,
    lone_text,
    merge_turns,
    only_text,
    plain_block_turn,
)
from ..prefill import begun, noted, told
from ..provider_fields import MARKERS, with_shared
from ..requests import (
    SCHEMA_NAME,
    AnyTool,
    OpaqueTool,
    Request,
    ResponseFormat,
    SoundOptions,
    Tool,
    ToolChoice,
    WireRequest,
    is_plain,
)
from ..sound import PCM_FORMAT, is_googles
from .detail import SETTING, encode_detail, with_detail
from .fields import boolean, fields, integer, items, number, own, put_own, rest, string, string_at, strings
from .history import encode_messages
from .model_facts import thinking_of, validates
from .names import tool_names
from .parts import decode_part, drop_caches, plain_tool_part
from .thinking import decode_thinking, encode_thinking

WHO = "gemini request"
_DETAIL = f"generationConfig.{SETTING}"


@dataclass(frozen=True, slots=True)
class _Setting:
    """A field of `generationConfig`: its canonical name and how it is read."""

    name: str
    read: Callable[[JSON, str], Any]


_SETTINGS = {
    "maxOutputTokens": _Setting("max_tokens", integer),
    "temperature": _Setting("temperature", number),
    "topP": _Setting("top_p", number),
    "stopSequences": _Setting("stop_sequences", strings),
    "seed": _Setting("seed", integer),
    "frequencyPenalty": _Setting("frequency_penalty", number),
    "presencePenalty": _Setting("presence_penalty", number),
    "candidateCount": _Setting("candidate_count", integer),
    "responseLogprobs": _Setting("logprobs", boolean),
    "logprobs": _Setting("top_logprobs", integer),
}
_ELSEWHERE = frozenset({"topK", "thinkingConfig", "responseMimeType", "responseSchema", "responseJsonSchema"})
_ROOT = frozenset({"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "labels", "serviceTier"})
_COMMON = frozenset({"contents", "systemInstruction", "generationConfig"})
_ROLES: dict[str, Role] = {
    "": "user",
    "user": "user",
    "function": "user",
    "tool": "user",
    "model": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_MODES: dict[str, ToolChoice] = {
    "AUTO": ToolChoice(mode="auto"),
    "VALIDATED": ToolChoice(mode="auto"),
    "ANY": ToolChoice(mode="required"),
    "NONE": ToolChoice(mode="none"),
}
_BINDING = ("VALIDATED", "ANY")
"""Modes that hold every call to its schema (ai.google.dev/gemini-api/docs/function-calling, read 2026-11-30)."""
_MODE_NAMES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
_TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}
_TIER_NAMES = {tier: name for name, tier in _TIERS.items()}
_MAX_STOPS = 5
_MAX_TEMPERATURE = 2
_MAX_SEED = 2**31


def decode_request(wire: WireRequest) -> Request:
    """The canonical request of a body. Raises BadWire where it is not a generateContent body."""
    body = fields(wire.body, WHO)
    kept = rest(body, _ROOT)
    said: dict[str, Any] = {}
    if "generationConfig" in body:
        said = _decode_settings(fields(body["generationConfig"], f"{WHO}: generationConfig"), kept)
    if not body.keys() <= _COMMON:
        said["tools"], said["tool_choice"] = _decode_tools(body, kept, wire.renamed_tools)
        said["metadata"], said["user"] = split(_decode_labels(body))
        said["service_tier"] = _decode_tier(body, kept)
    system, messages = _decode_system(body, kept), _decode_contents(body, wire.renamed_tools)
    if _DETAIL in kept and (detailed := with_detail(messages, kept[_DETAIL])):
        messages = detailed
        del kept[_DETAIL]
    kept |= noted(messages)
    return Request(
        model=wire.model,
        stream=wire.stream,
        messages=messages,
        system=system,
        provider_fields=own(kept),
        **said,
    )


def _decode_settings(config: JSONObject, kept: JSONObject) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, value in config.items():
        if (setting := _SETTINGS.get(name)) is not None:
            said[setting.name] = setting.read(value, f"{WHO}: generationConfig.{name}")
        elif name == "responseModalities" and value == ["TEXT"]:
            kept["textOnly"] = True
        elif name not in _ELSEWHERE:
            kept[f"generationConfig.{name}"] = value
    if config.keys() <= _SETTINGS.keys():
        return said
    said["top_k"] = _decode_top_k(config, kept)
    said["sound"] = _decode_sound(config, kept)
    said["response_format"] = _decode_format(config, kept)
    if "thinkingConfig" in config:
        said["reasoning"] = decode_thinking(config["thinkingConfig"], f"{WHO}: generationConfig.thinkingConfig", kept)
    return said


def _decode_sound(config: JSONObject, kept: JSONObject) -> SoundOptions | None:
    """An answer that is heard only, in no voice or a named one; other ways to ask for sound stay as they are."""
    voice = _named_voice(config["speechConfig"]) if "speechConfig" in config else None
    if config.get("responseModalities") != ["AUDIO"] or ("speechConfig" in config and voice is None):
        return None
    for name in ("responseModalities", "speechConfig"):
        kept.pop(f"generationConfig.{name}", None)
    return SoundOptions(voice=voice, format=PCM_FORMAT)


def _named_voice(speech: JSON) -> str | None:
    """The voice of a config that says no more than its name."""
    for step in ("voiceConfig", "prebuiltVoiceConfig", "voiceName"):
        found = fields(speech, f"{WHO}: generationConfig.speechConfig") if is_object(speech) else {}
        if found.keys() != {step}:
            return None
        speech = found[step]
    return speech if isinstance(speech, str) and is_googles(speech) else None


def _encode_sound(sound: SoundOptions, losses: Losses) -> JSONObject:
    """Sound is PCM here, of which a WAV file is made for who asked for one."""
    if sound.format == "wav":
        losses.emulate("sound.format")
    elif sound.format != PCM_FORMAT:
        losses.approximate("sound.format", "tuning" if sound.format is None else "meaning")
    config: JSONObject = {"responseModalities": ["AUDIO"]}
    if sound.voice is not None and is_googles(sound.voice):
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": sound.voice}}}
    elif sound.voice is not None:
        losses.drop("sound.voice")
    return config


def _decode_top_k(config: JSONObject, kept: JSONObject) -> int | None:
    """Gemini's topK is a float."""
    if "topK" not in config:
        return None
    found = number(config["topK"], f"{WHO}: generationConfig.topK")
    if found == found // 1:
        return int(found)
    kept["generationConfig.topK"] = found
    return None


def _decode_format(config: JSONObject, kept: JSONObject) -> ResponseFormat | None:
    """JSON by `responseMimeType`, which `responseJsonSchema` or `responseSchema`, an OpenAPI Schema, binds."""
    media_type = config.get("responseMimeType", "text/plain")
    if media_type != "application/json":
        left = ("responseMimeType", "responseSchema", "responseJsonSchema")
        kept.update({f"generationConfig.{name}": config[name] for name in left if name in config})
        return None
    if "responseJsonSchema" in config:
        schema = as_object(config["responseJsonSchema"], f"{WHO}: generationConfig.responseJsonSchema")
        return ResponseFormat(type="json_schema", schema=schema, strict=True)
    if "responseSchema" not in config:
        return ResponseFormat(type="json_object")
    schema = as_object(config["responseSchema"], f"{WHO}: generationConfig.responseSchema")
    kept["generationConfig.responseSchema"] = schema
    return ResponseFormat(type="json_schema", schema=from_openapi(schema), strict=True)


def _decode_system(body: JSONObject, kept: JSONObject) -> tuple[Text, ...]:
    """The instruction's texts. One with other parts is kept whole."""
    value = body.get("systemInstruction")
    if value is None:
        return ()
    if isinstance(value, str):
        return (Text(text=value),)
    parts = value.get("parts") if is_object(value) and len(value) == 1 else None
    if is_array(parts) and (text := lone_text(parts)) is not None:
        return (Text(text),)
    content = fields(value, f"{WHO}: systemInstruction")
    who = f"{WHO}: systemInstruction.parts"
    said = [decode_part(part, f"{who}[{n}]") for n, part in enumerate(items(content.get("parts", []), who))]
    texts = tuple([part for part in said if isinstance(part, Text)])
    if len(texts) < len(said):
        kept["systemInstruction"] = value
        return ()
    return texts


def _decode_labels(body: JSONObject) -> Mapping[str, str] | None:
    labels = body.get("labels")
    if labels is None:
        return None
    found = as_object(labels, f"{WHO}: labels")
    return {name: string(value, f"{WHO}: labels.{name}") for name, value in found.items()}


def _decode_tier(body: JSONObject, kept: JSONObject) -> str | None:
    tier = body.get("serviceTier")
    if tier is None:
        return None
    found = _TIERS.get(string(tier, f"{WHO}: serviceTier").lower())
    if found is None:
        kept["serviceTier"] = tier
    return found


def _decode_contents(body: JSONObject, renamed: Mapping[str, str]) -> tuple[Message, ...]:
    if "contents" not in body:
        raise BadWire(f"{WHO}: contents is missing")
    calls = _Calls(renamed)
    contents = items(body["contents"], f"{WHO}: contents")
    return merge_turns([_decode_content(content, number, calls) for number, content in enumerate(contents)])


def _decode_content(value: JSON, turn: int, calls: _Calls) -> Message:
    if (plain := plain_block_turn(value, "parts", _SPEAKERS)) is not None:
        return plain
    if (part := plain_tool_part(value)) is not None:
        return Message("assistant" if isinstance(part, ToolCall) else "user", (calls.paired(part, turn, 0),))
    who = f"{WHO}: contents[{turn}]"
    content = fields(value, who)
    listed = items(content.get("parts", []), f"{who}.parts")
    parts = tuple([calls.paired(decode_part(part, f"{who}.parts[{n}]"), turn, n) for n, part in enumerate(listed)])
    return Message(_role(content, parts, who), parts, own(rest(content, _CONTENT)))


_SPEAKERS: dict[JSON, Role] = {"user": "user", "model": "assistant"}
_CONTENT = frozenset({"role", "parts"})


def _role(content: JSONObject, parts: tuple[Part, ...], who: str) -> Role:
    """What the parts demand, else what the content says."""
    for part in parts:
        if isinstance(part, ToolCall):
            return "assistant"
        if isinstance(part, ToolResult):
            return "user"
    role = string_at(content, "role", who, "")
    if role not in _ROLES:
        raise BadWire(f"{who}.role must be user or model, found {role!r}")
    return _ROLES[role]


class _Calls:
    """Gives calls without an id one, and finds the call that a result without an id answers.

    Such a result answers the first open call of its name in the latest turn that has one.
    """

    __slots__ = ("_open", "_renamed")

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self._open: list[tuple[int, str, str]] = []
        self._renamed = renamed

    def paired(self, part: Part, turn: int, index: int) -> Part:
        """`part` with the id that it lacked, and the caller's own name of its tool."""
        if isinstance(part, ToolCall):
            if not part.id or self._renamed:
                part = replace(part, id=part.id or f"call_{turn}_{index}", name=self._own(part.name))
            self._open.append((turn, part.name, part.id))
        elif isinstance(part, ToolResult):
            name = self._own(part.name or "")
            call_id = self._answered(part.call_id, name) or f"call_{turn}_{index}"
            if (call_id, name) != (part.call_id, part.name):
                return replace(part, call_id=call_id, name=name)
        return part

    def _own(self, name: str) -> str:
        return self._renamed.get(name, name) if self._renamed else name

    def _answered(self, call_id: str, name: str) -> str:
        found: tuple[int, str, str] | None = None
        for call in self._open:
            fits = call[2] == call_id if call_id else call[1] == name
            if fits and (found is None or call[0] > found[0]):
                found = call
        if found is None:
            return call_id
        self._open.remove(found)
        return found[2]


def _decode_tools(
    body: JSONObject, kept: JSONObject, renamed: Mapping[str, str]
) -> tuple[tuple[AnyTool, ...], ToolChoice | None]:
    choice, validated = _decode_choice(body, kept, renamed) if "toolConfig" in body else (None, False)
    if "tools" not in body:
        return (), choice
    listed = items(body["tools"], f"{WHO}: tools")
    tools = [tool for n, value in enumerate(listed) for tool in _decode_tool(value, f"{WHO}: tools[{n}]", renamed)]
    if validated:
        tools = [replace(tool, strict=True) if isinstance(tool, Tool) else tool for tool in tools]
    return tuple(tools), choice


def _decode_tool(value: JSON, who: str, renamed: Mapping[str, str]) -> Iterator[AnyTool]:
    """One wire tool holds many functions, and may hold built-in tools beside them."""
    for name, item in fields(value, who).items():
        if name != "functionDeclarations":
            yield OpaqueTool(issuer="gemini", value={name: item})
            continue
        for n, function in enumerate(items(item, f"{who}.functionDeclarations")):
            yield _decode_function(fields(function, f"{who}.functionDeclarations[{n}]"), who, renamed)


_FUNCTION = frozenset({"name", "description", "parametersJsonSchema"})


def _decode_function(function: JSONObject, who: str, renamed: Mapping[str, str]) -> Tool:
    name = string_at(function, "name", f"{who}.functionDeclarations")
    about = string_at(function, "description", f"{who}: {name}") if "description" in function else None
    parameters: JSONObject | None = None
    if "parametersJsonSchema" in function:
        parameters = as_object(function["parametersJsonSchema"], f"{who}: {name}.parametersJsonSchema")
    elif "parameters" in function:
        parameters = from_openapi(as_object(function["parameters"], f"{who}: {name}.parameters"))
    return Tool(
        name=renamed.get(name, name),
        description=about,
        parameters=parameters,
        provider_fields=own(rest(function, _FUNCTION)),
    )


def _decode_choice(body: JSONObject, kept: JSONObject, renamed: Mapping[str, str]) -> tuple[ToolChoice | None, bool]:
    """The choice, and whether calls are held to their schemas."""
    config = fields(body["toolConfig"], f"{WHO}: toolConfig")
    calling = fields(config.get("functionCallingConfig", {}), f"{WHO}: toolConfig.functionCallingConfig")
    where = "toolConfig.functionCallingConfig"
    kept.update({f"toolConfig.{key}": value for key, value in config.items() if key != "functionCallingConfig"})
    kept.update(
        {f"{where}.{key}": item for key, item in calling.items() if key not in ("mode", "allowedFunctionNames")}
    )
    mode = string(calling.get("mode", "MODE_UNSPECIFIED"), f"{WHO}: {where}.mode").upper()
    names = strings(calling.get("allowedFunctionNames", []), f"{WHO}: {where}.allowedFunctionNames")
    choice = _MODES.get(mode)
    if choice is None:
        if mode != "MODE_UNSPECIFIED":
            kept[f"{where}.mode"] = mode
        return None, False
    if names:
        choice = replace(choice, names=tuple(renamed.get(name, name) for name in names))
    return choice, mode in _BINDING


def encode_request(request: Request) -> Encoded[WireRequest]:
    """The body for generateContent, and what it could not say."""
    losses = Losses()
    losses.extend(foreign_fields(request, "gemini"))
    request = told(begun(request, losses), losses)
    names = tool_names(request)
    contents, media = encode_messages(request, names, losses)
    body: JSONObject = {"contents": contents}
    if (text := only_text(request.system)) != "" and request.parallel_tool_calls is not False:
        body["systemInstruction"] = {"parts": [{"text": text}]}
    elif parts := _instructions(request, losses):
        body["systemInstruction"] = {"parts": parts}
    if request.tools and (tools := _encode_tools(request, names, losses)):
        body["tools"] = tools
    choice = request.tool_choice
    if choice is None and request.tools and _validates(request):
        choice = _MODES["VALIDATED"]  # Gemini's way to say `strict`; calling or not is the model's choice all the same
    if choice is not None:
        body["toolConfig"] = {"functionCallingConfig": _encode_choice(request, choice, names, losses)}
    plain, config = is_plain(request), _encode_common(request, losses)
    if not plain:
        config |= _encode_settings(request, losses)
    if media and (level := encode_detail(media, losses)):
        config[SETTING] = level
    if config:
        body["generationConfig"] = config
    if not plain:
        _encode_account(request, body, losses)
        _put_own_request(request, body)
        put_safety(request.provider_fields, body, losses)
    renamed = {wire: name for name, wire in names.items() if wire != name} if names else {}
    return Encoded(WireRequest(body, request.model, request.stream, renamed), losses.found())


ONE_CALL = "Call at most one tool in this turn."


def _instructions(request: Request, losses: Losses) -> list[JSONObject]:
    """The system's texts, then ours: Gemini has no switch for parallel calls (providers.md 4.4 and 11.1)."""
    drop_caches(request.system, "system", losses)
    parts = [wire for part in request.system if (wire := _encode_system(part)) != {"text": ""}]
    if request.parallel_tool_calls is False and request.tools:
        losses.emulate("parallel_tool_calls")
        losses.emulate(f"system[{len(request.system) - 1}]" if request.system else "system")
        parts.append({"text": ONE_CALL})
    return parts


def _encode_system(part: Text) -> JSONObject:
    return put_own({"text": part.text}, part.provider_fields)


def _encode_common(request: Request, losses: Losses) -> JSONObject:
    config: JSONObject = {}
    if request.max_tokens is not None:
        config["maxOutputTokens"] = request.max_tokens
    if (temperature := request.temperature) is not None:
        config["temperature"] = min(max(temperature, 0), _MAX_TEMPERATURE)
        if config["temperature"] != temperature:
            losses.approximate("temperature")
    return config


def _encode_settings(request: Request, losses: Losses) -> JSONObject:
    config: JSONObject = {wire: value for wire, get in _PLAIN if (value := get(request)) is not None}
    if request.seed is not None and not -_MAX_SEED <= request.seed < _MAX_SEED:
        del config["seed"]
        losses.drop("seed")
    if request.stop_sequences:
        config["stopSequences"] = list(request.stop_sequences[:_MAX_STOPS])
        for index in range(_MAX_STOPS, len(request.stop_sequences)):
            losses.drop(f"stop_sequences[{index}]")
    if request.response_format is not None:
        _encode_format(request, request.response_format, config, losses)
    if request.sound is not None:
        config |= _encode_sound(request.sound, losses)
    if request.reasoning is not None:
        thinking = encode_thinking(request.reasoning, thinking_of(request.model), losses)
        config |= {"thinkingConfig": thinking} if thinking else {}
    return config


_PLAIN: list[tuple[str, Callable[[Request], Any]]] = [
    (wire, attrgetter(setting.name))
    for wire, setting in _SETTINGS.items()
    if wire not in ("maxOutputTokens", "temperature", "stopSequences")
]
_PLAIN.append(("topK", attrgetter("top_k")))


def _encode_format(request: Request, wanted: ResponseFormat, config: JSONObject, losses: Losses) -> None:
    config["responseMimeType"] = "application/json"
    for name, value in (
        ("name", None if wanted.name == SCHEMA_NAME else wanted.name),
        ("description", wanted.description),
        ("strict", wanted.strict and wanted.schema is None),
    ):
        if value:
            losses.drop(f"response_format.{name}")
    if wanted.type == "json_object":
        return
    if wanted.schema is None:
        losses.approximate("response_format.type")
    elif "generationConfig.responseSchema" not in request.provider_fields.get("gemini", {}):
        config["responseJsonSchema"] = wanted.schema


def _encode_account(request: Request, body: JSONObject, losses: Losses) -> None:
    """Who asks, and at what service. `parallel_tool_calls=True` is what Gemini does anyway."""
    if labels := joined(request, losses, _is_label):
        body["labels"] = labels
    if request.service_tier in _TIER_NAMES:
        body["serviceTier"] = _TIER_NAMES[request.service_tier]
    elif request.service_tier is not None:
        losses.drop("service_tier")


def _is_label(name: str, value: str) -> bool:
    """Labels are lower-case letters of any script, digits, `_` and `-`; a name starts with a letter."""
    return name[:1].isalpha() and all(_fits(text) for text in (name, value))


def _fits(text: str) -> bool:
    plain = text.replace("-", "").replace("_", "")
    return len(text) <= 63 and text == text.lower() and (plain.isalnum() or not plain)


def _put_own_request(request: Request, body: JSONObject) -> None:
    if not request.provider_fields:
        return
    kept = dict(with_shared("gemini", request.provider_fields, {}))
    if kept.pop("textOnly", False):
        kept["generationConfig.responseModalities"] = ["TEXT"]
    put_own(body, {"gemini": {name: value for name, value in kept.items() if name not in MARKERS}})


def _encode_tools(request: Request, names: Mapping[str, str], losses: Losses) -> list[JSONObject]:
    """All functions as one wire tool (Vertex refuses several), each built-in tool as its own."""
    tools: list[JSONObject] = []
    functions: list[JSONObject] = []
    for index, tool in enumerate(request.tools):
        path = f"tools[{index}]"
        if tool.cache is not None:
            losses.drop(f"{path}.cache")
        if isinstance(tool, Tool):
            if not functions:
                tools.append({"functionDeclarations": functions})
            functions.append(_encode_function(tool, names.get(tool.name, tool.name)))
        elif tool.issuer == "gemini":
            tools.append(tool.value)
        else:
            losses.drop(path, "meaning")
    _encode_strictness(request, losses)
    return tools


def _encode_function(tool: Tool, name: str) -> JSONObject:
    """Always `parametersJsonSchema`: `parameters` refuses `$ref`, `const` and lists of types."""
    function: JSONObject = {"name": name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None and "parameters" not in tool.provider_fields.get("gemini", {}):
        function["parametersJsonSchema"] = tool.parameters
    return put_own(function, tool.provider_fields)


def _validates(request: Request) -> bool:
    """Is it mode VALIDATED, which says `strict` of all tools, and takes names beside `auto`?"""
    choice = request.tool_choice
    if choice is not None and (choice.mode != "auto" or choice.names):
        return choice.mode == "auto"
    asked = [tool.strict for tool in request.tools if isinstance(tool, Tool)]
    return True in asked and False not in asked and validates(request.model)


def _encode_strictness(request: Request, losses: Losses) -> None:
    choice = request.tool_choice
    binds = _validates(request) or (choice is not None and choice.mode == "required")
    for index, tool in enumerate(request.tools):
        if isinstance(tool, Tool) and tool.strict and not binds:
            losses.drop(f"tools[{index}].strict")


def _encode_choice(request: Request, choice: ToolChoice, names: Mapping[str, str], losses: Losses) -> JSONObject:
    calling: JSONObject = {"mode": "VALIDATED" if _validates(request) else _MODE_NAMES[choice.mode]}
    if choice.names and choice.mode == "none":
        losses.drop("tool_choice.names")
    elif choice.names:
        calling["allowedFunctionNames"] = [names.get(name, name) for name in choice.names]
    return calling
