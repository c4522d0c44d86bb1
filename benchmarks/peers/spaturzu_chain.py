"""Ours: the drop-in with one fallback, all else as it comes."""

from __future__ import annotations

from itertools import count
from typing import Any

from serving import options, serve, stay_here

stay_here()

from anthropic import Anthropic  # noqa: E402 - the import, too, stays on this host

from spaturzu.openai import OpenAI  # noqa: E402

GIVEN = options()
MESSAGES: Any = [{"role": "user", "content": "What is the weather in Cluj?"}]


KEYS = (f"any-{number}" for number in count())
"""What fails is remembered by its key, in the whole process: each client has another one."""


def _client() -> OpenAI:
    second = Anthropic(base_url=GIVEN["urls"][1], api_key=next(KEYS), timeout=GIVEN["timeout_s"])
    fallback = [{"provider": "anthropic", "client": second, "model": GIVEN["models"][1]}]
    limits = {"timeout": GIVEN["timeout_s"]}
    return OpenAI(base_url=GIVEN["urls"][0], api_key=next(KEYS), **limits, spaturzu={"fallback": fallback})


def plain(client: OpenAI) -> str:
    answer = client.chat.completions.create(model=GIVEN["models"][0], messages=MESSAGES)
    return answer.choices[0].message.content or ""


def streamed(client: OpenAI) -> str:
    chunks = client.chat.completions.create(model=GIVEN["models"][0], messages=MESSAGES, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


serve(_client, plain, streamed)
