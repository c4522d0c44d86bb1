"""Converse and ConverseStream requests. `modelId` and the choice of operation stand in the URL, not in the body.

Source: providers.md section 3.2 and the botocore 1.44.5 service model, 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, get_args

from ..accounts import joined, split
from ..codec import as_object
from ..json_text import dumps, parsed_object
from ..loss import Encoded, Joins, Losses, foreign_fields
from ..messages import (
    JSON,
    NOTHING,
    JSONObject,
    Message,
    Role,
    Text,
    is_object,
    merge_turns,
    only_text,
    plain_block_turn,
)
from ..prefill import closed, spoken, trimmed
from ..requests import Effort, ReasoningOptions, Request, ResponseFormat, WireRequest, is_plain
from .content import (
    MORE,
    TTLS,
    Reading,
    Writing,
    cache_point,
    decode_blocks,
    encode_part,
    guarded_text,
    is_budget,
    mark_cached,
    plain_tool_turn,
    unthought,
)
from .model_facts import ModelFacts, facts_of
from .tools import decode_choice, decode_tools, encode_tools
from .wire import (
    NO_FIELDS,
    OWN,
    a_text,
    an_object,
    expected,
    integer_at,
    keep,
    list_at,
    number_at,
    object_at,
    own_fields,
    rest,
    text_at,
)

WHO = "bedrock request"
PATHS = "additionalModelResponseFieldPaths"
STOP_PATH = ["/stop_sequence"]
_KNOWN = frozenset(
    {"messages", "system", "inferenceConfig", "toolConfig", "outputConfig", "serviceTier", "requestMetadata", MORE}
)
_COMMON = frozenset({"messages", "system", "inferenceConfig", "toolConfig"})
_MESSAGE = frozenset({"role", "content"})
_INFERENCE = frozenset({"maxTokens", "temperature", "topP", "stopSequences"})
_SPEAKERS: dict[JSON, Role] = {"user": "user", "assistant": "assistant"}
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_EFFORTS: frozenset[str] = frozenset(get_args(Effort)) - {"none", "minimal"}
_TIERS = frozenset({"priority", "default", "flex", "reserved"})
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}", re.ASCII)
_MAX_METADATA = 16
_FILLER = "(The conversation so far.)"
_ABOUT_DOCUMENT = "Read the attached document."
_JSON_ONLY = "Answer with one JSON object and nothing else: no prose, no code fence."
_JSON_SCHEMA = "Answer with one JSON object and nothing else. It must satisfy this JSON Schema: "
_BUDGET_EFFORTS: tuple[tuple[int, Effort], ...] = ((2048, "low"), (8192, "medium"), (24576, "high"))
_MIN_BUDGET = 1024


def decode_request(wire: WireRequest) -> Request:
    """A Converse body as a canonical request. Raises BadWire where it is none."""
    body = as_object(wire.body, WHO)
    own: JSONObject = {**rest(body, _KNOWN)}
    if ":prompt/" in wire.model:
        own["modelId"] = wire.model  # what is asked stands there, and not in the body (providers.md 11.3)
    reading = Reading(renamed=wire.renamed_tools, signer=facts_of(wire.model).signer)
    system, messages = _decode_messages(body, reading)
    said = _decode_inference(body, own)
    if own.get(PATHS) == STOP_PATH and _tells_stop(facts_of(wire.model), said.get("stop_sequences", ())):
        del own[PATHS]
    if config := object_at(body, "toolConfig", WHO):
        said["tools"], said["tool_choice"] = decode_tools(config, reading, own), decode_choice(config, reading, own)
    if not body.keys() <= _COMMON:
        said |= _decode_options(body, facts_of(wire.model), own)
    return Request(
        model=wire.model,
        stream=wire.stream,
        system=tuple(system),
        messages=merge_turns(messages),
        provider_fields=keep(own) if own else NOTHING,
        **said,
    )


def _decode_options(body: JSONObject, facts: ModelFacts, own: JSONObject) -> JSONObject:
    """What few bodies say."""
    more = _More(object_at(body, MORE, WHO) or {}, facts, own)
    format_, effort = _decode_output(body, own)
    metadata, user = split(_decode_metadata(body))
    return {
        "response_format": format_,
        "top_k": more.top_k,
        "reasoning": more.reasoning(effort),
        "metadata": metadata,
        "user": user,
        "service_tier": _decode_tier(body),
    }


def _decode_messages(body: JSONObject, reading: Reading) -> tuple[list[Text], list[Message]]:
    """System blocks, with leading system turns of plain text after them; then the other turns."""
    system = _decode_system(list_at(body, "system", WHO))
    messages = [
        plain_block_turn(message, "content", _SPEAKERS)
        or plain_tool_turn(message, reading)
        or _decode_message(message, number, reading)
        for number, message in enumerate(list_at(body, "messages", WHO))
    ]
    while messages and (leading := _system_texts(messages[0])) is not None:
        system += leading
        del messages[0]
    return system, messages


def _decode_message(message: JSON, number: int, reading: Reading) -> Message:
    where = f"{WHO}: messages[{number}]"
    found = as_object(message, where)
    role = _ROLES.get(a_text(found, "role", where))
    if role is None:
        return expected(found["role"], "user, assistant or system", f"{where}.role")
    own = rest(found, _MESSAGE)
    parts = decode_blocks(list_at(found, "content", where), f"{where}.content", reading)
    return Message(role, tuple(parts), keep(own) if own else NOTHING)


def _system_texts(message: Message) -> list[Text] | None:
    if message.role != "system" or message.provider_fields:
        return None
    texts = [part for part in message.parts if isinstance(part, Text)]
    return texts if len(texts) == len(message.parts) else None


def _decode_system(blocks: list[JSON]) -> list[Text]:
    texts: list[Text] = []
    for number, block in enumerate(blocks):
        where = f"{WHO}: system[{number}]"
        found = as_object(block, where)
        if "cachePoint" in found:
            mark_cached(texts, found, where)
        elif found.get("text") is not None:
            texts.append(Text(text=a_text(found, "text", where)))
        else:
            texts.append(_own_system(found, where))
    return texts


def _own_system(found: JSONObject, where: str) -> Text:
    guard = object_at(found, "guardContent", where)
    text = None if guard is None else guarded_text(guard, f"{where}.guardContent")
    return text or Text(text="", provider_fields=keep({"block": found}))


def _decode_inference(body: JSONObject, own: JSONObject) -> dict[str, Any]:
    found = body.get("inferenceConfig")
    if not found:
        return {}
    config, where = an_object(body, "inferenceConfig", WHO), f"{WHO}: inferenceConfig"
    if more := rest(config, _INFERENCE):
        own["inferenceConfig"] = more
    stops = list_at(config, "stopSequences", where)
    return {
        "max_tokens": integer_at(config, "maxTokens", where),
        "temperature": number_at(config, "temperature", where),
        "top_p": number_at(config, "topP", where),
        "stop_sequences": tuple([_stop(stop, f"{where}.stopSequences") for stop in stops]),
    }


def _stop(value: JSON, where: str) -> str:
    return value if isinstance(value, str) else expected(value, "a string", where)


def _decode_metadata(body: JSONObject) -> dict[str, str] | None:
    metadata = object_at(body, "requestMetadata", WHO)
    if metadata is None:
        return None
    return {name: a_text(metadata, name, f"{WHO}: requestMetadata") for name in metadata}


def _decode_tier(body: JSONObject) -> str | None:
    tier = object_at(body, "serviceTier", WHO)
    return None if tier is None else text_at(tier, "type", f"{WHO}: serviceTier")


def _decode_output(body: JSONObject, own: JSONObject) -> tuple[ResponseFormat | None, Effort | None]:
    config = object_at(body, "outputConfig", WHO)
    if not config:
        return None, None
    kept = dict(config)
    format_ = _decode_format(config.get("textFormat"))
    if format_ is not None:
        del kept["textFormat"]
    effort: Any = kept.pop("effort") if str(config.get("effort")) in _EFFORTS else None
    if kept:
        own["outputConfig"] = kept
    return format_, effort


def _decode_format(text_format: JSON) -> ResponseFormat | None:
    """`{type: json_schema, structure: {jsonSchema: {schema: JSON text, name, description}}}`, or None."""
    match text_format:
        case {"type": "json_schema", "structure": {"jsonSchema": {"schema": str(schema), **more}}}:
            parsed = parsed_object(schema)
            name, description = more.pop("name", None), more.pop("description", None)
            if parsed is None or more or not isinstance(name, str | None) or not isinstance(description, str | None):
                return None
            return ResponseFormat(type="json_schema", schema=parsed, name=name, description=description, strict=True)
        case _:
            return None


class _More:
    """`additionalModelRequestFields`: what has a canonical name; every other one is kept under a name of its own."""

    def __init__(self, fields: JSONObject, facts: ModelFacts, own: JSONObject) -> None:
        self.top_k: int | None = None
        self.budget: int | None = None
        self.effort: Effort | None = None
        for name, value in fields.items():
            if value is not None and not self._take(name, value, facts):
                own[f"{MORE}.{name}"] = value

    def _take(self, name: str, value: JSON, facts: ModelFacts) -> bool:
        match name, value:
            case "top_k", int() if not facts.nova:
                self.top_k = value
            case "inferenceConfig", {"topK": int(top_k)} if facts.nova and len(value) == 1:
                self.top_k = top_k
            case "thinking" | "reasoning_config", {"type": "enabled", "budget_tokens": int(budget)} if len(value) == 2:
                self.budget = budget
            case "thinking" | "reasoning_config", {"type": "disabled"} if len(value) == 1:
                self.effort = "none"
            case _:
                return False
        return True

    def reasoning(self, effort: Effort | None) -> ReasoningOptions | None:
        effort = effort or self.effort
        return ReasoningOptions(effort=effort, budget_tokens=self.budget) if effort or self.budget is not None else None


def encode_request(request: Request) -> Encoded[WireRequest]:
    """The Converse body of a canonical request, and what it could not say."""
    losses = Losses()
    losses.extend(foreign_fields(request, OWN))
    facts = facts_of(request.model)
    request = spoken(request, losses)
    asked, request = request, (trimmed if facts.prefills else closed)(request, losses)
    writing = Writing(losses, facts)
    own = own_fields(request.provider_fields)
    orders: list[str] = []
    body: JSONObject = {"messages": _encode_messages(request.messages, writing)}
    _mark_last(asked, body["messages"], writing)
    plain = is_plain(request)
    if unthought(body["messages"], facts):
        facts = replace(facts, budgets=False)
    more = NO_FIELDS if plain else _additional(request, own, facts, losses)
    if tools := encode_tools(request, writing, orders):
        body["toolConfig"] = tools
    if config := _inference(request, facts, losses, budgeted=not plain and is_budget(more.get("thinking"))):
        body["inferenceConfig"] = config
    if not plain:
        body |= _options(request, facts, losses, orders)
    if more:
        body[MORE] = more
    if system := _system(request.system, orders, writing):
        body["system"] = system
    if "inferenceConfig" in body and _tells_stop(facts, body["inferenceConfig"].get("stopSequences", ())):
        body[PATHS] = STOP_PATH
    if own:
        body = _beside(body, own)
    wire = WireRequest(body, request.model, request.stream, writing.renamed)
    return Encoded(wire, losses.found())


def _options(request: Request, facts: ModelFacts, losses: Losses, orders: list[str]) -> JSONObject:
    """What few requests ask for."""
    _report_unsayable(request, losses)
    said: JSONObject = {
        "outputConfig": _output(request, facts, losses, orders),
        "serviceTier": _tier(request, losses),
        "requestMetadata": joined(request, losses, _is_metadata, _MAX_METADATA),
    }
    return {name: value for name, value in said.items() if value}


def _tells_stop(facts: ModelFacts, stops: Sequence[str]) -> bool:
    """Is the answer to say which stop sequence ended it? Claude says so where it is asked (providers.md 3.2, 11.2)."""
    return facts.claude and bool(stops)


def _beside(said: JSONObject, own: JSONObject) -> JSONObject:
    """What is said, over what the provider's own fields say beside it."""
    both = {name: {**own[name], **value} for name, value in said.items() if name in own and is_object(value)}
    rest = {name: value for name, value in own.items() if _is_member(name, said)}
    return {**said, **both, **rest}


def _is_member(name: str, said: JSONObject) -> bool:
    """Does the provider's own field `name` stand in the body as it is, and does nothing stand there yet?"""
    return (name == PATHS or name not in said) and name != "modelId" and not name.startswith(MORE)


def _encode_messages(messages: Iterable[Message], writing: Writing) -> list[JSONObject]:
    """Turns that alternate and start with the user's; a turn that joins its neighbour is reported."""
    wire: list[JSONObject] = []
    joins, opened = Joins(writing.losses), False
    before: Role | None = None
    apart: JSONObject = NO_FIELDS
    for number, message in enumerate(messages):
        role, own = message.role, NO_FIELDS
        if not message.provider_fields and (text := only_text(message.parts)) and not text.isspace():
            content: list[JSONObject] = [{"text": text}]
        else:
            content, own = _encode_turn(message, number, writing)
            if not content:
                continue
        beside, apart = apart, own if role == "system" else NO_FIELDS
        if role == before and apart == beside:
            wire[-1]["content"] += content
        else:
            if role == "assistant" and not opened:
                wire.append({"role": "user", "content": [{"text": _FILLER}]})
                writing.losses.emulate(f"messages[{number}]")
            wire.append({"role": role, "content": content, **own} if own else {"role": role, "content": content})
        before, opened = role, opened or role != "system"
        joins.turn(number, role, apart)
    return wire


def _mark_last(request: Request, messages: list[JSONObject], writing: Writing) -> None:
    """Anthropic's `cache_control` beside the turns marks the last block of them."""
    control = request.provider_fields.get("anthropic", NO_FIELDS).get("cache_control")
    cache = TTLS.get(control.get("ttl")) if is_object(control) and control.get("type") == "ephemeral" else None
    if cache is None or not messages or not writing.facts.cache:
        return
    path, content = f"messages[{len(request.messages) - 1}]", messages[-1]["content"]
    if "cachePoint" not in content[-1]:
        content += cache_point(cache, path, writing)
        writing.losses.emulate(path)
    writing.losses.emulate("provider_fields.anthropic.cache_control")


def _encode_turn(message: Message, number: int, writing: Writing) -> tuple[list[JSONObject], JSONObject]:
    """Its blocks and its own fields. A turn without blocks is left out."""
    content, own = _encode_parts(message, f"messages[{number}]", writing), own_fields(message.provider_fields)
    if own and not content:
        writing.losses.drop(f"messages[{number}]")
    return content, own


def _encode_parts(message: Message, path: str, writing: Writing) -> list[JSONObject]:
    content: list[JSONObject] = []
    document = (0, 0)
    for index, part in enumerate(message.parts):
        before = len(content)
        content += encode_part(part, f"{path}.parts[{index}]", writing)
        if message.role == "assistant" and content and "document" in content[-1]:
            content.pop()  # only the user may show documents
            writing.losses.drop(f"{path}.parts[{index}]", "meaning")
        if len(content) > before and _shows_document(content, before):
            document = (index, len(content))
    if document[1] and not any(block.keys() & {"text", "citationsContent"} for block in content):
        index, end = document
        content.insert(end, {"text": _ABOUT_DOCUMENT})
        writing.losses.emulate(f"{path}.parts[{index}]")
    return content


def _shows_document(content: list[JSONObject], before: int) -> bool:
    if "document" in content[before]:
        return True
    return len(content) > before + 1 and any("document" in block for block in content[before + 1 :])


def _system(texts: tuple[Text, ...], orders: list[str], writing: Writing) -> list[JSONObject]:
    """The system's blocks, then our own orders: what Converse has no member for is asked of the model in words."""
    if not orders and (said := only_text(texts)) and not said.isspace():
        return [{"text": said}]
    blocks: list[JSONObject] = []
    for number, text in enumerate(texts):
        blocks += _system_blocks(text, f"system[{number}]", writing)
    if orders:
        path = f"system[{len(texts) - 1}]" if texts else "system"
        writing.losses.emulate(path)
        blocks.append({"text": " ".join(orders)})
    return blocks


def _system_blocks(text: Text, path: str, writing: Writing) -> list[JSONObject]:
    own = own_fields(text.provider_fields)
    if "block" in own:
        return [own["block"]]
    if own or text.cache:
        return encode_part(text, path, writing)
    if text.text and not text.text.isspace():
        return [{"text": text.text}]
    if text.text:
        writing.losses.drop(path)
    return []


def _inference(request: Request, facts: ModelFacts, losses: Losses, *, budgeted: bool) -> JSONObject:
    config: JSONObject = {}
    if request.max_tokens is not None:
        if request.max_tokens > 0:
            config["maxTokens"] = request.max_tokens
        else:
            losses.drop("max_tokens")
    if request.temperature is not None:
        _sampling("temperature", request.temperature, facts, losses, config, budgeted)
    if request.top_p is not None:
        _sampling("top_p", request.top_p, facts, losses, config, budgeted)
    if request.stop_sequences:
        stops = _stops(request.stop_sequences, facts, losses)
        if stops:
            config["stopSequences"] = stops
    return config


def _sampling(name: str, value: float, facts: ModelFacts, losses: Losses, config: JSONObject, budgeted: bool) -> None:
    """Temperature and topP lie between 0 and 1; new Claudes refuse them, or one beside the other."""
    second = facts.one_sampler and "temperature" in config
    thinking = budgeted and facts.claude and not _allowed_when_thinking(name, value)
    if not facts.sampling or second or thinking:
        losses.drop(name)
        return
    config["topP" if name == "top_p" else name] = min(max(value, 0), 1)
    if not 0 <= value <= 1:
        losses.approximate(name)


def _allowed_when_thinking(name: str, value: float) -> bool:
    return value == 1 if name == "temperature" else 0.95 <= value <= 1


def _stops(stops: tuple[str, ...], facts: ModelFacts, losses: Losses) -> list[str]:
    """Bedrock refuses an empty stop sequence, Claude one of white space only."""
    kept: list[str] = []
    for number, stop in enumerate(stops):
        if stop and not (facts.claude and stop.isspace()):
            kept.append(stop)
        else:
            losses.drop(f"stop_sequences[{number}]")
    return kept


def _output(request: Request, facts: ModelFacts, losses: Losses, orders: list[str]) -> JSONObject:
    config: JSONObject = {}
    if request.response_format is not None:
        text_format = _text_format(request.response_format, facts, losses, orders)
        if text_format:
            config["textFormat"] = text_format
    effort = request.reasoning and _wire_effort(request.reasoning, facts)
    if effort:
        config["effort"] = effort
    return config


def _text_format(wanted: ResponseFormat, facts: ModelFacts, losses: Losses, orders: list[str]) -> JSONObject | None:
    """A schema is carried as JSON text and always binds; any JSON is asked for in words."""
    if wanted.type == "json_object" or wanted.schema is None:
        losses.emulate("response_format")
        orders.append(_JSON_ONLY)
        return None
    if not facts.json_schema:
        losses.emulate("response_format", "meaning")
        orders.append(_JSON_SCHEMA + dumps(wanted.schema))
        return None
    described: JSONObject = {"schema": dumps(wanted.schema)}
    for name, value in (("name", wanted.name), ("description", wanted.description)):
        if value is not None:
            described[name] = value
    return {"type": "json_schema", "structure": {"jsonSchema": described}}


def _wire_effort(reasoning: ReasoningOptions, facts: ModelFacts) -> Effort | None:
    """`outputConfig.effort`, where the model takes one; a budget that it does not take becomes one."""
    effort = reasoning.effort
    if effort is None and reasoning.budget_tokens is not None and not (facts.thinking and facts.budgets):
        effort = _effort_of(reasoning.budget_tokens)
    if effort == "none" or not facts.effort:
        return None
    return "low" if effort == "minimal" else effort


def _effort_of(budget: int) -> Effort:
    for limit, effort in _BUDGET_EFFORTS:
        if budget <= limit:
            return effort
    return "max"


def _additional(request: Request, own: JSONObject, facts: ModelFacts, losses: Losses) -> JSONObject:
    """Own fields, top_k and thinking: what Converse has no member for and models read themselves."""
    more = {name[len(MORE) + 1 :]: value for name, value in own.items() if name.startswith(MORE)} if own else {}
    thinking = None
    if request.reasoning is not None:
        thinking = _thinking(request, request.reasoning, facts, losses)
    if thinking is not None:
        more["thinking"] = thinking
    if request.top_k is not None:
        _top_k(request.top_k, facts, losses, more)
    return more


def _top_k(top_k: int, facts: ModelFacts, losses: Losses, more: JSONObject) -> None:
    if not facts.sampling or (facts.claude and is_budget(more.get("thinking"))):
        losses.drop("top_k")
    elif facts.nova:
        more["inferenceConfig"] = {"topK": top_k}
    else:
        more["top_k"] = top_k


def _thinking(request: Request, wanted: ReasoningOptions, facts: ModelFacts, losses: Losses) -> JSONObject | None:
    """The thinking field, if any; what neither it nor `outputConfig.effort` says is reported."""
    thinking: JSONObject | None = None
    if wanted.effort == "none" and facts.thinking:
        thinking = {"type": "disabled"}
    elif wanted.budget_tokens is not None and facts.thinking and facts.budgets:
        budget = _budget(request, wanted.budget_tokens, facts)
        thinking = None if budget is None else {"type": "enabled", "budget_tokens": budget}
    _report_reasoning(wanted, thinking, _wire_effort(wanted, facts), losses)
    return thinking


def _budget(request: Request, budget: int, facts: ModelFacts) -> int | None:
    """Claude thinks with at least 1024 tokens and fewer than maxTokens, and never when a tool is forced."""
    if not facts.claude:
        return budget
    if request.tools and request.tool_choice is not None and request.tool_choice.mode == "required":
        return None
    if request.max_tokens is not None:
        budget = min(budget, request.max_tokens - 1)
    return budget if budget >= _MIN_BUDGET else None


def _report_reasoning(
    wanted: ReasoningOptions, thinking: JSONObject | None, effort: Effort | None, losses: Losses
) -> None:
    if thinking is None and effort is None:
        losses.drop("reasoning")
        return
    if wanted.include_text:
        losses.drop("reasoning.include_text")
    if wanted.effort is not None and effort != wanted.effort and not (wanted.effort == "none" and thinking):
        (losses.drop if effort is None else losses.approximate)("reasoning.effort")
    if wanted.effort is None and effort is not None:
        losses.approximate("reasoning.effort")
    if wanted.budget_tokens is not None and wanted.budget_tokens != (thinking or {}).get("budget_tokens"):
        (losses.approximate if "budget_tokens" in (thinking or {}) else losses.drop)("reasoning.budget_tokens")


def _tier(request: Request, losses: Losses) -> JSONObject | None:
    if request.service_tier is None:
        return None
    if request.service_tier in _TIERS:
        return {"type": request.service_tier}
    losses.drop("service_tier")
    return None


def _is_metadata(name: str, value: str) -> bool:
    """Are both of the service model's characters?"""
    return bool(name and _METADATA.fullmatch(name) and _METADATA.fullmatch(value))


def _report_unsayable(request: Request, losses: Losses) -> None:
    """Converse has no member for these."""
    for name in ("seed", "frequency_penalty", "presence_penalty"):
        if getattr(request, name) is not None:
            losses.drop(name)
    if request.parallel_tool_calls is False and request.tools:
        losses.emulate("parallel_tool_calls")  # in words, or by showing no tools
    if request.sound is not None:
        losses.drop("sound", "meaning")
    if request.candidate_count is not None:
        losses.drop("candidate_count", "meaning" if request.candidate_count > 1 else "tuning")
    if request.logprobs:
        losses.drop("logprobs", "meaning")
    if request.top_logprobs is not None:
        losses.drop("top_logprobs", "meaning" if request.top_logprobs else "tuning")
