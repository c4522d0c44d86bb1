"""A stream's text delta, read and written as one would by hand: no check, no state, nothing but text."""

from __future__ import annotations

from collections.abc import Callable

from spaturzu_translators.messages import JSONObject, Provider

READ: dict[Provider, Callable[[JSONObject], str]] = {
    "openai": lambda frame: frame["choices"][0]["delta"]["content"],
    "mistral": lambda frame: frame["choices"][0]["delta"]["content"],
    "anthropic": lambda frame: frame["delta"]["text"],
    "bedrock": lambda frame: frame["contentBlockDelta"]["delta"]["text"],
    "gemini": lambda frame: frame["candidates"][0]["content"]["parts"][0]["text"],
}

Writer = Callable[[str], JSONObject]


def _openai(first: JSONObject) -> Writer:
    id_, created, model = first["id"], first["created"], first["model"]
    return lambda text: {
        "id": id_,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}],
    }


def _mistral(first: JSONObject) -> Writer:
    id_, created, model = first["id"], first["created"], first["model"]
    return lambda text: {
        "id": id_,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    }


def _anthropic(first: JSONObject) -> Writer:
    return lambda text: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def _bedrock(first: JSONObject) -> Writer:
    return lambda text: {"contentBlockDelta": {"delta": {"text": text}, "contentBlockIndex": 0}}


def _gemini(first: JSONObject) -> Writer:
    whole = {name: value for name, value in first.items() if name != "candidates"}
    return lambda text: {
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}],
        **whole,
    }


WRITE: dict[Provider, Callable[[JSONObject], Writer]] = {
    "openai": _openai,
    "mistral": _mistral,
    "anthropic": _anthropic,
    "bedrock": _bedrock,
    "gemini": _gemini,
}
"""From a frame of the same stream, which says its id and model, to a writer of text deltas."""
