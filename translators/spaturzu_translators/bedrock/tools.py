"""`toolConfig`: definitions, the choice among them, and what it has no word for ("none", a subset, one at a time).

Source: providers.md section 3.4, 2026-11-22.
"""

from __future__ import annotations

from typing import Any

from ..codec import as_object
from ..loss import Losses
from ..messages import JSON, NOTHING, JSONObject, Text, ToolCall, ToolResult
from ..requests import AnyTool, OpaqueTool, Request, Tool, ToolChoice
from .content import Reading, Writing, cache_point, mark_cached
from .names import wire_name
from .wire import a_text, an_object, expected, keep, list_at, object_at, own_fields, rest, text_at

WHERE = "bedrock request: toolConfig"
NO_ARGUMENTS: JSONObject = {"type": "object", "properties": {}}
_CONFIG = frozenset({"tools", "toolChoice"})
_SPEC = frozenset({"name", "description", "inputSchema", "strict"})
NO_CALLS = "Do not call any tool in this turn: answer in text only."
ONE_CALL = "Call at most one tool in this turn."


def decode_tools(config: JSONObject, reading: Reading, own: JSONObject) -> tuple[AnyTool, ...]:
    """The tools; a cachePoint marks the one before it. Other members go to `own`."""
    if more := rest(config, _CONFIG):
        own["toolConfig"] = more
    tools: list[Any] = []
    for number, tool in enumerate(list_at(config, "tools", WHERE)):
        where = f"{WHERE}.tools[{number}]"
        found = as_object(tool, where)
        if "cachePoint" in found and tools:
            mark_cached(tools, found, where)
        elif found.get("toolSpec") is not None:
            tools.append(_decode_spec(an_object(found, "toolSpec", where), f"{where}.toolSpec", reading))
        else:
            tools.append(OpaqueTool(issuer="bedrock", value=found))
    return tuple(tool for tool in tools if isinstance(tool, Tool | OpaqueTool))


def _decode_spec(spec: JSONObject, where: str, reading: Reading) -> Tool:
    name = a_text(spec, "name", where)
    strict = spec.get("strict")
    own = rest(spec, _SPEC)
    return Tool(
        name=reading.renamed.get(name, name),
        description=text_at(spec, "description", where),
        parameters=an_object(an_object(spec, "inputSchema", where), "json", f"{where}.inputSchema"),
        strict=strict if isinstance(strict, bool | None) else expected(strict, "true or false", f"{where}.strict"),
        provider_fields=keep(own) if own else NOTHING,
    )


def decode_choice(config: JSONObject, reading: Reading, own: JSONObject) -> ToolChoice | None:
    """auto, any or one tool; a future kind of choice goes to `own`."""
    choice = object_at(config, "toolChoice", WHERE)
    if choice is None:
        return None
    if "auto" in choice:
        return ToolChoice(mode="auto")
    if "any" in choice:
        return ToolChoice(mode="required")
    if "tool" in choice:
        name = a_text(an_object(choice, "tool", f"{WHERE}.toolChoice"), "name", f"{WHERE}.toolChoice.tool")
        return ToolChoice(mode="required", names=(reading.renamed.get(name, name),))
    own["toolConfig"] = {**own.get("toolConfig", {}), "toolChoice": choice}
    return None


def encode_tools(request: Request, writing: Writing, orders: list[str]) -> JSONObject | None:
    """The toolConfig, if there is one. What only words can say is added to `orders`."""
    forbidden = request.tool_choice is not None and request.tool_choice.mode == "none"
    if not request.tools and request.tool_choice is None and not _calls(request):
        return None
    if forbidden and not _calls(request):
        return _without_tools(request, writing.losses)
    tools = _encode_all(request, writing)
    if not tools:
        return _for_history(request, writing, orders)
    if request.parallel_tool_calls is False:
        orders.append(ONE_CALL)  # Converse has no switch; models call in parallel unless told otherwise
    return {"tools": tools, **_choice(request, writing, orders)}


def _calls(request: Request) -> list[ToolCall | ToolResult]:
    parts = (turn.parts for turn in request.messages)
    return [part for said in parts for part in said if type(part) is not Text and isinstance(part, _CALLING)]


_CALLING = (ToolCall, ToolResult)
"""Made once: every turn of a history is looked at."""


def _without_tools(request: Request, losses: Losses) -> None:
    """Converse cannot say "none", but a model that is shown no tools calls none."""
    losses.emulate("tool_choice")
    if request.tools:
        losses.emulate("tools")


def _for_history(request: Request, writing: Writing, orders: list[str]) -> JSONObject | None:
    """History with calls demands a toolConfig: the called tools are declared again, not to be called."""
    if request.tool_choice is not None:
        writing.losses.emulate("tool_choice")
    calls = _calls(request)
    if not calls:
        return None
    writing.losses.emulate("tools", "meaning" if request.tools else "tuning")
    orders.append(NO_CALLS)
    names = {call.name or "tool": None for call in calls}
    specs = [{"name": wire_name(name, writing.renamed), "inputSchema": {"json": NO_ARGUMENTS}} for name in names]
    return {"tools": [{"toolSpec": spec} for spec in specs]}


def _encode_all(request: Request, writing: Writing) -> list[JSONObject]:
    """The tools that may be called: a choice among several is made by showing no other."""
    choice = request.tool_choice
    names = choice.names if choice is not None else ()
    shown = set(names) if len(names) > 1 or (names and choice and choice.mode == "auto") else None
    tools: list[JSONObject] = []
    for number, tool in enumerate(request.tools):
        if shown is not None and isinstance(tool, Tool) and tool.name not in shown:
            writing.losses.emulate(f"tools[{number}]")
        else:
            tools += _encode_tool(tool, f"tools[{number}]", writing)
    return tools


def _encode_tool(tool: AnyTool, path: str, writing: Writing) -> list[JSONObject]:
    if isinstance(tool, Tool):
        block: JSON = {"toolSpec": _spec(tool, path, writing)}
    elif tool.issuer == "bedrock":
        block = tool.value
    else:
        writing.losses.drop(path, "meaning")
        return []
    return [block] if tool.cache is None else [block, *cache_point(tool.cache, path, writing)]


def _spec(tool: Tool, path: str, writing: Writing) -> JSONObject:
    spec: JSONObject = {"name": wire_name(tool.name, writing.renamed)}
    if tool.description:
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": _parameters(tool, path, writing.losses)}
    if tool.strict:
        spec["strict"] = True
    return {**spec, **own_fields(tool.provider_fields)} if tool.provider_fields else spec


def _parameters(tool: Tool, path: str, losses: Losses) -> JSONObject:
    """Models demand that the schema of a tool's input says `type: object`."""
    if tool.parameters is None:
        return NO_ARGUMENTS
    if "type" in tool.parameters:
        return tool.parameters
    losses.approximate(f"{path}.parameters")
    return {"type": "object", **tool.parameters}


def _choice(request: Request, writing: Writing, orders: list[str]) -> JSONObject:
    choice = request.tool_choice
    if choice is None:
        return {}
    if choice.mode == "none":
        writing.losses.emulate("tool_choice")
        orders.append(NO_CALLS)
        return {}
    if choice.mode == "required" and len(choice.names) == 1:
        return {"toolChoice": {"tool": {"name": wire_name(choice.names[0], writing.renamed)}}}
    if choice.names:
        writing.losses.emulate("tool_choice.names")
    return {"toolChoice": {"auto": {}} if choice.mode == "auto" else {"any": {}}}
