"""The five real SDKs as one: ask for an answer, plain or streamed, sync or async, and reduce it to what was heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from spaturzu.sandbox import Sandbox, clients
from spaturzu.sandbox.clients import MODELS
from spaturzu_translators.messages import Provider

USER = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


@dataclass
class Heard:
    """What a caller got: the deltas of the text, the tool calls as the SDK shows them, the end and the tokens."""

    texts: list[str] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    finish: str | None = None
    tokens: tuple[int, int] | None = None
    model: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.texts)


@dataclass(frozen=True)
class Speaker:
    """One SDK. Each function makes a client without retries, unless `options` say otherwise, and asks once."""

    provider: Provider
    plain: Callable[..., Heard]
    stream: Callable[[Sandbox, Heard], None]
    aplain: Callable[[Sandbox], Awaitable[Heard]]
    astream: Callable[[Sandbox, Heard], Awaitable[None]]

    def __str__(self) -> str:
        return self.provider


def _openai_heard(answer: Any) -> Heard:
    choice = answer.choices[0]
    calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
    tokens = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    return Heard([choice.message.content or ""], calls, choice.finish_reason, tokens, answer.model)


def _openai_chunk(heard: Heard, chunk: Any) -> None:
    heard.model = chunk.model
    if chunk.usage:
        heard.tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    for choice in chunk.choices:
        heard.texts += [choice.delta.content] if choice.delta.content else []
        heard.finish = choice.finish_reason or heard.finish
        for call in choice.delta.tool_calls or ():
            if call.id:
                heard.calls.append((call.function.name, ""))
            name, arguments = heard.calls[call.index]
            heard.calls[call.index] = (name, arguments + call.function.arguments)


def openai_plain(sandbox: Sandbox, **options: Any) -> Heard:
    client = clients.openai(sandbox, **{"max_retries": 0, **options})
    return _openai_heard(client.chat.completions.create(model=MODELS["openai"], messages=USER))


_OPENAI_STREAM = {
    "model": MODELS["openai"],
    "messages": USER,
    "stream": True,
    "stream_options": {"include_usage": True},
}


def openai_stream(sandbox: Sandbox, heard: Heard) -> None:
    for chunk in clients.openai(sandbox, max_retries=0).chat.completions.create(**_OPENAI_STREAM):
        _openai_chunk(heard, chunk)


async def openai_aplain(sandbox: Sandbox) -> Heard:
    client = clients.async_openai(sandbox, max_retries=0)
    return _openai_heard(await client.chat.completions.create(model=MODELS["openai"], messages=USER))


async def openai_astream(sandbox: Sandbox, heard: Heard) -> None:
    client = clients.async_openai(sandbox, max_retries=0)
    async for chunk in await client.chat.completions.create(**_OPENAI_STREAM):
        _openai_chunk(heard, chunk)


_ANTHROPIC = {"model": MODELS["anthropic"], "max_tokens": 99, "messages": USER}


def _anthropic_heard(answer: Any) -> Heard:
    texts = [block.text for block in answer.content if block.type == "text"]
    calls = [(block.name, block.input) for block in answer.content if block.type == "tool_use"]
    tokens = (answer.usage.input_tokens, answer.usage.output_tokens)
    return Heard(texts, calls, answer.stop_reason, tokens, answer.model)


def _anthropic_event(heard: Heard, event: Any) -> None:
    match event.type:
        case "message_start":
            heard.model = event.message.model
        case "content_block_start" if event.content_block.type == "tool_use":
            heard.calls.append((event.content_block.name, ""))
        case "content_block_delta" if event.delta.type == "text_delta":
            heard.texts.append(event.delta.text)
        case "content_block_delta" if event.delta.type == "input_json_delta":
            name, arguments = heard.calls[-1]
            heard.calls[-1] = (name, arguments + event.delta.partial_json)
        case "message_delta":
            heard.finish = event.delta.stop_reason
            heard.tokens = (event.usage.input_tokens, event.usage.output_tokens)


def anthropic_plain(sandbox: Sandbox, **options: Any) -> Heard:
    return _anthropic_heard(clients.anthropic(sandbox, **{"max_retries": 0, **options}).messages.create(**_ANTHROPIC))


def anthropic_stream(sandbox: Sandbox, heard: Heard) -> None:
    for event in clients.anthropic(sandbox, max_retries=0).messages.create(**_ANTHROPIC, stream=True):
        _anthropic_event(heard, event)


async def anthropic_aplain(sandbox: Sandbox) -> Heard:
    return _anthropic_heard(await clients.async_anthropic(sandbox, max_retries=0).messages.create(**_ANTHROPIC))


async def anthropic_astream(sandbox: Sandbox, heard: Heard) -> None:
    async for event in await clients.async_anthropic(sandbox, max_retries=0).messages.create(**_ANTHROPIC, stream=True):
        _anthropic_event(heard, event)


_BEDROCK = {"modelId": MODELS["bedrock"], "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def _bedrock(sandbox: Sandbox, **options: Any) -> Any:
    from botocore.config import Config

    once = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=5)
    return clients.bedrock(sandbox, **{"config": once, **options})


def bedrock_plain(sandbox: Sandbox, **options: Any) -> Heard:
    answer = _bedrock(sandbox, **options).converse(**_BEDROCK)
    content = answer["output"]["message"]["content"]
    calls = [(block["toolUse"]["name"], block["toolUse"]["input"]) for block in content if "toolUse" in block]
    tokens = (answer["usage"]["inputTokens"], answer["usage"]["outputTokens"])
    texts = [block["text"] for block in content if "text" in block]
    return Heard(texts, calls, answer["stopReason"], tokens, MODELS["bedrock"])


def bedrock_stream(sandbox: Sandbox, heard: Heard) -> None:
    heard.model = MODELS["bedrock"]
    for event in _bedrock(sandbox).converse_stream(**_BEDROCK)["stream"]:
        _bedrock_event(heard, event)


def _bedrock_event(heard: Heard, event: Any) -> None:
    match event:
        case {"contentBlockStart": {"start": {"toolUse": {"name": name}}}}:
            heard.calls.append((name, ""))
        case {"contentBlockDelta": {"delta": {"text": text}}}:
            heard.texts.append(text)
        case {"contentBlockDelta": {"delta": {"toolUse": {"input": fragment}}}}:
            name, arguments = heard.calls[-1]
            heard.calls[-1] = (name, arguments + fragment)
        case {"messageStop": {"stopReason": reason}}:
            heard.finish = reason
        case {"metadata": {"usage": usage}}:
            heard.tokens = (usage["inputTokens"], usage["outputTokens"])


async def bedrock_aplain(sandbox: Sandbox) -> Heard:
    return await asyncio.to_thread(bedrock_plain, sandbox)


async def bedrock_astream(sandbox: Sandbox, heard: Heard) -> None:
    await asyncio.to_thread(bedrock_stream, sandbox, heard)


_GEMINI = {"model": MODELS["gemini"], "contents": "Hi"}


def _gemini_chunk(heard: Heard, chunk: Any) -> Heard:
    parts = [part for candidate in chunk.candidates or () for part in candidate.content.parts]
    heard.texts += [part.text for part in parts if part.text and not part.thought]
    heard.calls += [(part.function_call.name, part.function_call.args) for part in parts if part.function_call]
    reasons = [candidate.finish_reason for candidate in chunk.candidates or () if candidate.finish_reason]
    heard.finish = reasons[0].value if reasons else heard.finish
    usage = chunk.usage_metadata
    heard.tokens = (usage.prompt_token_count, usage.candidates_token_count)
    heard.model = chunk.model_version
    return heard


def gemini_plain(sandbox: Sandbox, **options: Any) -> Heard:
    client = clients.gemini(sandbox, **options)
    return _gemini_chunk(Heard(), client.models.generate_content(**_GEMINI))


def gemini_stream(sandbox: Sandbox, heard: Heard) -> None:
    client = clients.gemini(sandbox)
    for chunk in client.models.generate_content_stream(**_GEMINI):
        _gemini_chunk(heard, chunk)


async def gemini_aplain(sandbox: Sandbox) -> Heard:
    client = clients.gemini(sandbox)
    return _gemini_chunk(Heard(), await client.aio.models.generate_content(**_GEMINI))


async def gemini_astream(sandbox: Sandbox, heard: Heard) -> None:
    client = clients.gemini(sandbox)
    async for chunk in await client.aio.models.generate_content_stream(**_GEMINI):
        _gemini_chunk(heard, chunk)


_MISTRAL = {"model": MODELS["mistral"], "messages": USER}


def _mistral_heard(answer: Any) -> Heard:
    choice = answer.choices[0]
    calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
    tokens = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    return Heard([choice.message.content], calls, choice.finish_reason, tokens, answer.model)


def _mistral_event(heard: Heard, event: Any) -> None:
    (choice,) = event.data.choices
    heard.texts += [choice.delta.content] if choice.delta.content else []
    heard.calls += [(call.function.name, call.function.arguments) for call in choice.delta.tool_calls or ()]
    heard.finish = choice.finish_reason or heard.finish
    heard.model = event.data.model
    if event.data.usage:
        heard.tokens = (event.data.usage.prompt_tokens, event.data.usage.completion_tokens)


def mistral_plain(sandbox: Sandbox, **options: Any) -> Heard:
    return _mistral_heard(clients.mistral(sandbox, **options).chat.complete(**_MISTRAL))


def mistral_stream(sandbox: Sandbox, heard: Heard) -> None:
    client = clients.mistral(sandbox)
    for event in client.chat.stream(**_MISTRAL):
        _mistral_event(heard, event)


async def mistral_aplain(sandbox: Sandbox) -> Heard:
    return _mistral_heard(await clients.mistral(sandbox).chat.complete_async(**_MISTRAL))


async def mistral_astream(sandbox: Sandbox, heard: Heard) -> None:
    client = clients.mistral(sandbox)
    async for event in await client.chat.stream_async(**_MISTRAL):
        _mistral_event(heard, event)


SPEAKERS = (
    Speaker("openai", openai_plain, openai_stream, openai_aplain, openai_astream),
    Speaker("anthropic", anthropic_plain, anthropic_stream, anthropic_aplain, anthropic_astream),
    Speaker("bedrock", bedrock_plain, bedrock_stream, bedrock_aplain, bedrock_astream),
    Speaker("gemini", gemini_plain, gemini_stream, gemini_aplain, gemini_astream),
    Speaker("mistral", mistral_plain, mistral_stream, mistral_aplain, mistral_astream),
)
