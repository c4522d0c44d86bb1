"""LangChain's `with_fallbacks` as its documentation sets it up: two chat models, all else as it comes."""

from __future__ import annotations

from typing import Any

from serving import options, serve, stay_here

stay_here()

from langchain_anthropic import ChatAnthropic  # noqa: E402 - the import, too, stays on this host
from langchain_openai import ChatOpenAI  # noqa: E402

GIVEN = options()
PROMPT = "What is the weather in Cluj?"


def _chain() -> Any:
    first = ChatOpenAI(model=GIVEN["models"][0], base_url=GIVEN["urls"][0], api_key="any", timeout=GIVEN["timeout_s"])
    second = ChatAnthropic(
        model_name=GIVEN["models"][1], base_url=GIVEN["urls"][1], api_key="any", timeout=GIVEN["timeout_s"]
    )
    return first.with_fallbacks([second])


def plain(chain: Any) -> str:
    return str(chain.invoke(PROMPT).content)


def streamed(chain: Any) -> str:
    return "".join(str(chunk.content) for chunk in chain.stream(PROMPT))


serve(_chain, plain, streamed)
