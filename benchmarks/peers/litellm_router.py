"""LiteLLM's Router as its documentation sets it up: two deployments and a fallback, all else as it comes."""

from __future__ import annotations

from typing import Any

from serving import options, serve, stay_here

stay_here()

import litellm  # noqa: E402 - the import, too, stays on this host
from litellm import Router  # noqa: E402

GIVEN = options()
MESSAGES = [{"role": "user", "content": "What is the weather in Cluj?"}]
litellm.suppress_debug_info = True


def _deployment(name: str, model: str, base: str) -> dict[str, Any]:
    limits = {"timeout": GIVEN["timeout_s"], "stream_timeout": GIVEN["timeout_s"]}
    return {"model_name": name, "litellm_params": {"model": model, "api_base": base, "api_key": "any", **limits}}


def _router() -> Any:
    first = _deployment("first", f"openai/{GIVEN['models'][0]}", GIVEN["urls"][0])
    second = _deployment("second", f"anthropic/{GIVEN['models'][1]}", GIVEN["urls"][1])
    return Router(model_list=[first, second], fallbacks=[{"first": ["second"]}])


def plain(router: Any) -> str:
    answer: Any = router.completion(model="first", messages=MESSAGES)
    return answer.choices[0].message.content or ""


def streamed(router: Any) -> str:
    chunks: Any = router.completion(model="first", messages=MESSAGES, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


serve(_router, plain, streamed)
