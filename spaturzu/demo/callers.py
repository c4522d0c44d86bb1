"""The five drop-ins as a user would call them, OpenAI by both its APIs: plain, streamed, with a tool, sync and async.

Each function returns `Said`: what the caller's native objects say, and the class that they are of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from spaturzu.sandbox import Sandbox
from spaturzu.sandbox.clients import KEY, MODELS
from spaturzu_translators.messages import Provider, Wire

PROMPT = "What is the weather in Cluj?"
MOST_TOKENS = 256
"""Of each answer, so that a plain call knows how long it may take."""
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclass(kw_only=True)
class Said:
    """An answer, read off native objects. `calls` are (name, arguments as an object or JSON text).

    `kind` is the class of what the SDK returned; `event_kind` that of a stream's first event.
    """

    kind: str
    event_kind: str = ""
    text: str = ""
    model: str = ""
    finish: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    calls: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    native: Any = None


def _close(client: Any) -> None:
    client.close()


async def _aclose(client: Any) -> None:
    await client.close()


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One provider's drop-in, by one of its APIs. `options` are the keys of `spaturzu={...}`."""

    provider: Provider
    second: Wire | None = None
    """The API's wire where it is not the provider's first one."""
    make: Callable[[Sandbox, dict[str, Any] | None, bool], Any]
    create: Callable[[Any, bool, bool, bool], Any]
    """(client, stream, tools, as_async) -> what the SDK returns; awaitable where `as_async`."""
    events: Callable[[Any], Any]
    """The iterable in what a streamed call returns."""
    read: Callable[[Any], Said]
    add: Callable[[Said, Any], None]
    """Take one stream event into what was said so far."""
    close: Callable[[Any], Any] = _close
    """Let go of a sync client's connections."""
    aclose: Callable[[Any], Awaitable[None]] = _aclose
    """The same for an async one."""

    @property
    def wire(self) -> Wire:
        """What it speaks."""
        return self.second or self.provider

    def plain(self, client: Any, *, tools: bool = False) -> Said:
        """A plain call."""
        return self.read(self.create(client, False, tools, False))

    async def aplain(self, client: Any, *, tools: bool = False) -> Said:
        """The same, async."""
        return self.read(await self.create(client, False, tools, True))

    def stream(self, client: Any, *, tools: bool = False) -> Said:
        """A streamed call, read to its end."""
        answer = self.create(client, True, tools, False)
        said = Said(kind=_class_of(answer), native=answer)
        for event in self.events(answer):
            said.event_kind = said.event_kind or _class_of(event)
            self.add(said, event)
        return said

    async def astream(self, client: Any, *, tools: bool = False) -> Said:
        """The same, async."""
        answer = await self.create(client, True, tools, True)
        said = Said(kind=_class_of(answer), native=answer)
        async for event in self.events(answer):
            said.event_kind = said.event_kind or _class_of(event)
            self.add(said, event)
        return said


def _class_of(value: Any) -> str:
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"


def _openai(sandbox: Sandbox, options: dict[str, Any] | None, as_async: bool) -> Any:
    module = import_module("spaturzu.openai")
    cls = module.AsyncOpenAI if as_async else module.OpenAI
    return cls(base_url=sandbox.url("openai"), api_key=KEY, spaturzu=options)


def _openai_create(client: Any, stream: bool, tools: bool, as_async: bool) -> Any:
    function = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}
    more: dict[str, Any] = {"max_completion_tokens": MOST_TOKENS, **({"tools": [function]} if tools else {})}
    if stream:
        more |= {"stream": True, "stream_options": {"include_usage": True}}
    messages = [{"role": "user", "content": PROMPT}]
    return client.chat.completions.create(model=MODELS["openai"], messages=messages, **more)


def _openai_read(answer: Any) -> Said:
    choice = answer.choices[0]
    return Said(
        kind=_class_of(answer),
        text=choice.message.content or "",
        model=answer.model,
        finish=choice.finish_reason,
        input_tokens=answer.usage.prompt_tokens,
        output_tokens=answer.usage.completion_tokens,
        calls=[(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()],
        native=answer,
    )


def _openai_add(said: Said, chunk: Any) -> None:
    said.model = chunk.model
    if chunk.usage:
        said.input_tokens, said.output_tokens = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
    for choice in chunk.choices:
        said.text += choice.delta.content or ""
        said.finish = choice.finish_reason or said.finish
        for call in choice.delta.tool_calls or ():
            if call.function.name:
                said.calls.append((call.function.name, ""))
            index: int = call.index
            name, arguments = said.calls[index]
            said.calls[index] = (name, arguments + (call.function.arguments or ""))


def _responses_create(client: Any, stream: bool, tools: bool, as_async: bool) -> Any:
    function = {"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA, "strict": False}
    more: dict[str, Any] = {"tools": [function]} if tools else {}
    more["max_output_tokens"] = MOST_TOKENS
    return client.responses.create(model=MODELS["openai"], input=PROMPT, stream=stream, **more)


def _responses_read(answer: Any) -> Said:
    said = Said(kind=_class_of(answer), text=answer.output_text, native=answer)
    _responses_end(said, answer)
    return said


def _responses_end(said: Said, response: Any) -> None:
    """What a whole response says of itself, also at the end of a stream."""
    said.model, said.finish = response.model, response.status
    if response.usage:
        said.input_tokens, said.output_tokens = response.usage.input_tokens, response.usage.output_tokens
    said.calls = [(item.name, item.arguments) for item in response.output if item.type == "function_call"]


def _responses_add(said: Said, event: Any) -> None:
    match event.type:
        case "response.created":
            said.model = event.response.model
        case "response.output_text.delta":
            said.text += event.delta
        case "response.completed" | "response.incomplete" | "response.failed":
            _responses_end(said, event.response)
        case _:
            pass


def _anthropic(sandbox: Sandbox, options: dict[str, Any] | None, as_async: bool) -> Any:
    module = import_module("spaturzu.anthropic")
    cls = module.AsyncAnthropic if as_async else module.Anthropic
    return cls(base_url=sandbox.url("anthropic"), api_key=KEY, spaturzu=options)


def _anthropic_create(client: Any, stream: bool, tools: bool, as_async: bool) -> Any:
    more: dict[str, Any] = {"tools": [{"name": "weather", "description": "d", "input_schema": SCHEMA}]} if tools else {}
    messages = [{"role": "user", "content": PROMPT}]
    more |= {"max_tokens": MOST_TOKENS, "stream": stream}
    return client.messages.create(model=MODELS["anthropic"], messages=messages, **more)


def _anthropic_read(answer: Any) -> Said:
    return Said(
        kind=_class_of(answer),
        text="".join(block.text for block in answer.content if block.type == "text"),
        model=answer.model,
        finish=answer.stop_reason,
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
        calls=[(block.name, block.input) for block in answer.content if block.type == "tool_use"],
        native=answer,
    )


def _anthropic_add(said: Said, event: Any) -> None:
    match event.type:
        case "message_start":
            said.model = event.message.model
            said.input_tokens = event.message.usage.input_tokens
        case "content_block_start" if event.content_block.type == "tool_use":
            said.calls.append((event.content_block.name, ""))
        case "content_block_delta" if event.delta.type == "text_delta":
            said.text += event.delta.text
        case "content_block_delta" if event.delta.type == "input_json_delta":
            name, arguments = said.calls[-1]
            said.calls[-1] = (name, arguments + event.delta.partial_json)
        case "message_delta":
            said.finish = event.delta.stop_reason
            said.output_tokens = event.usage.output_tokens
            said.input_tokens = event.usage.input_tokens or said.input_tokens
        case _:
            pass


def _bedrock(sandbox: Sandbox, options: dict[str, Any] | None, as_async: bool) -> Any:
    module = import_module("spaturzu.bedrock")
    cls = module.AsyncBedrockRuntime if as_async else module.BedrockRuntime
    return cls(
        region_name="us-east-1",
        endpoint_url=sandbox.url("bedrock"),
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
        spaturzu=options,
    )


def _bedrock_create(client: Any, stream: bool, tools: bool, as_async: bool) -> Any:
    spec = {"toolSpec": {"name": "weather", "description": "d", "inputSchema": {"json": SCHEMA}}}
    more: dict[str, Any] = {"toolConfig": {"tools": [spec]}} if tools else {}
    messages = [{"role": "user", "content": [{"text": PROMPT}]}]
    operation = client.converse_stream if stream else client.converse
    more["inferenceConfig"] = {"maxTokens": MOST_TOKENS}
    return operation(modelId=MODELS["bedrock"], messages=messages, **more)


def _bedrock_read(answer: Any) -> Said:
    content = answer["output"]["message"]["content"]
    return Said(
        kind="botocore.dict",
        text="".join(block.get("text", "") for block in content),
        finish=answer["stopReason"],
        input_tokens=answer["usage"]["inputTokens"],
        output_tokens=answer["usage"]["outputTokens"],
        calls=[(block["toolUse"]["name"], block["toolUse"]["input"]) for block in content if "toolUse" in block],
        native=answer,
    )


def _bedrock_events(answer: Any) -> Any:
    return answer["stream"]


def _bedrock_add(said: Said, event: Any) -> None:
    ((kind, payload),) = event.items()
    match kind:
        case "contentBlockStart" if "toolUse" in payload["start"]:
            said.calls.append((payload["start"]["toolUse"]["name"], ""))
        case "contentBlockDelta" if "text" in payload["delta"]:
            said.text += payload["delta"]["text"]
        case "contentBlockDelta" if "toolUse" in payload["delta"]:
            name, arguments = said.calls[-1]
            said.calls[-1] = (name, arguments + payload["delta"]["toolUse"]["input"])
        case "messageStop":
            said.finish = payload["stopReason"]
        case "metadata":
            said.input_tokens = payload["usage"]["inputTokens"]
            said.output_tokens = payload["usage"]["outputTokens"]
        case _:
            pass


async def _bedrock_aclose(client: Any) -> None:
    client.close()


def _gemini(sandbox: Sandbox, options: dict[str, Any] | None, as_async: bool) -> Any:
    http = {"base_url": sandbox.url("gemini")}
    return import_module("spaturzu.google").Client(api_key=KEY, http_options=http, spaturzu=options)


def _gemini_create(client: Any, stream: bool, tools: bool, as_async: bool) -> Any:
    function = {"name": "weather", "description": "d", "parameters_json_schema": SCHEMA}
    config: dict[str, Any] = {"tools": [{"function_declarations": [function]}]} if tools else {}
    config["max_output_tokens"] = MOST_TOKENS
    models = client.aio.models if as_async else client.models
    method = models.generate_content_stream if stream else models.generate_content
    return method(model=MODELS["gemini"], contents=PROMPT, config=config)


def _gemini_read(answer: Any) -> Said:
    said = Said(kind=_class_of(answer), native=answer)
    _gemini_add(said, answer)
    return said


def _gemini_events(answer: Any) -> Any:
    return answer


def _gemini_add(said: Said, chunk: Any) -> None:
    said.model = chunk.model_version or said.model
    if chunk.usage_metadata:
        usage = chunk.usage_metadata
        said.input_tokens = usage.prompt_token_count or said.input_tokens
        said.output_tokens = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    for candidate in chunk.candidates or ():
        said.finish = candidate.finish_reason.value if candidate.finish_reason else said.finish
        for part in (candidate.content and candidate.content.parts) or ():
            if part.function_call:
                said.calls.append((part.function_call.name, part.function_call.args))
            elif not part.thought:
                said.text += part.text or ""


async def _gemini_aclose(client: Any) -> None:
    await client.aio.aclose()
    client.close()


def _mistral(sandbox: Sandbox, options: dict[str, Any] | None, as_async: bool) -> Any:
    return import_module("spaturzu.mistral").Mistral(api_key=KEY, server_url=sandbox.url("mistral"), spaturzu=options)


def _mistral_create(client: Any, stream: bool, tools: bool, as_async: bool) -> Any:
    function = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}
    more: dict[str, Any] = {"tools": [function]} if tools else {}
    name = ("stream" if stream else "complete") + ("_async" if as_async else "")
    messages = [{"role": "user", "content": PROMPT}]
    return getattr(client.chat, name)(model=MODELS["mistral"], max_tokens=MOST_TOKENS, messages=messages, **more)


def _mistral_read(answer: Any) -> Said:
    choice = answer.choices[0]
    return Said(
        kind=_class_of(answer),
        text=_mistral_text(choice.message.content),
        model=answer.model,
        finish=choice.finish_reason,
        input_tokens=answer.usage.prompt_tokens,
        output_tokens=answer.usage.completion_tokens,
        calls=[(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()],
        native=answer,
    )


def _mistral_text(content: Any) -> str:
    """A string, or chunks where the model thinks: those of its text."""
    if isinstance(content, str):
        return content
    return "".join(chunk.text for chunk in content or () if chunk.type == "text")


def _mistral_add(said: Said, event: Any) -> None:
    chunk = event.data
    said.model = chunk.model
    if chunk.usage:
        said.input_tokens, said.output_tokens = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
    for choice in chunk.choices:
        said.text += _mistral_text(choice.delta.content)
        said.finish = choice.finish_reason or said.finish
        said.calls += [(call.function.name, call.function.arguments) for call in choice.delta.tool_calls or ()]


def _mistral_close(client: Any) -> None:
    client.__exit__(None, None, None)


async def _mistral_aclose(client: Any) -> None:
    await client.__aexit__(None, None, None)
    client.__exit__(None, None, None)


def _whole(answer: Any) -> Iterator[Any] | AsyncIterator[Any]:
    return answer


CALLERS: dict[Wire, Caller] = {
    "openai": Caller(
        provider="openai", make=_openai, create=_openai_create, events=_whole, read=_openai_read, add=_openai_add
    ),
    "openai_responses": Caller(
        provider="openai",
        second="openai_responses",
        make=_openai,
        create=_responses_create,
        events=_whole,
        read=_responses_read,
        add=_responses_add,
    ),
    "anthropic": Caller(
        provider="anthropic",
        make=_anthropic,
        create=_anthropic_create,
        events=_whole,
        read=_anthropic_read,
        add=_anthropic_add,
    ),
    "bedrock": Caller(
        provider="bedrock",
        make=_bedrock,
        create=_bedrock_create,
        events=_bedrock_events,
        read=_bedrock_read,
        add=_bedrock_add,
        aclose=_bedrock_aclose,
    ),
    "gemini": Caller(
        provider="gemini",
        make=_gemini,
        create=_gemini_create,
        events=_gemini_events,
        read=_gemini_read,
        add=_gemini_add,
        aclose=_gemini_aclose,
    ),
    "mistral": Caller(
        provider="mistral",
        make=_mistral,
        create=_mistral_create,
        events=_whole,
        read=_mistral_read,
        add=_mistral_add,
        close=_mistral_close,
        aclose=_mistral_aclose,
    ),
}
