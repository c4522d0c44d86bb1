"""`client.converse` and `client.converse_stream`, of boto3 or aiobotocore."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from spaturzu_translators.bedrock.blobs import from_sdk, to_sdk
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.requests import WireRequest

from . import Sdk
from .common import async_by, header_names_lowered


def prepare(client: Any, wire: WireRequest, timeout_s: float | None, as_async: bool) -> Callable[[], Any]:
    """The bound operation. boto3 has no timeout for one call: `timeout_s` is not used."""
    operation = client.converse_stream if wire.stream else client.converse
    return partial(operation, modelId=wire.model, **to_sdk(wire.body))


def error(exc: BaseException) -> ErrorReply | None:
    """ClientError; a stream's EventStreamError has no ResponseMetadata: it came on a 200."""
    said: Any = getattr(exc, "response", None)
    if not isinstance(said, dict) or "Error" not in said:
        return None
    answer = cast("dict[str, Any]", said)
    wrong, metadata = answer["Error"], answer.get("ResponseMetadata", {})
    code = str(wrong.get("Code", ""))
    return ErrorReply(
        status=metadata.get("HTTPStatusCode", 200),
        headers={**header_names_lowered(metadata.get("HTTPHeaders")), "x-amzn-errortype": code},
        body={"__type": code, "message": wrong.get("Message", ""), **_beside(answer)},
    )


def _beside(said: dict[str, Any]) -> dict[str, Any]:
    """Modelled fields such as originalStatusCode."""
    return {name: value for name, value in said.items() if name not in ("Error", "ResponseMetadata")}


def own_endpoint(client: Any) -> Any:
    """A shallow copy of a botocore client whose endpoint may be changed; it shares the original's connection pool.

    Made by hand: `copy.copy` of a botocore client recurses in its `__getattr__`.
    """
    clone: Any = object.__new__(client.__class__)
    clone.__dict__.update(client.__dict__)
    clone._endpoint = copy.copy(client._endpoint)
    clone._endpoint._event_emitter = copy.copy(client._endpoint._event_emitter)
    return clone


def end_retries(client: Any) -> None:
    """botocore retries in a `needs-retry` handler of the endpoint's event emitter (botocore 1.43 and 1.44 [S])."""
    client._endpoint._event_emitter.unregister("needs-retry.bedrock-runtime", unique_id="retry-config-bedrock-runtime")


def single(client: Any) -> Any:
    """A copy that does not retry; a client that is not botocore's as it is."""
    if getattr(client, "_endpoint", None) is None:
        return client
    once = own_endpoint(client)
    end_retries(once)
    return once


def configured_retries(client: Any) -> int:
    """What botocore would have done: `total_max_attempts` less one, or the older `max_attempts`."""
    config = getattr(getattr(client, "meta", None), "config", None)
    retries: dict[str, Any] = getattr(config, "retries", None) or {}
    attempts = retries.get("total_max_attempts") or retries.get("max_attempts", 2) + 1
    return attempts - 1


def stream(answer: Any) -> Any:
    """The event stream inside the answer."""
    return answer["stream"]


def request_id(answer: Any) -> str:
    """What names an answer: Converse's body has no id (providers.md section 3.6, 2026-11-22)."""
    return str(answer.get("ResponseMetadata", {}).get("RequestId") or "")


SDK = Sdk(
    method="converse",
    prepare=prepare,
    body=from_sdk,
    frame=from_sdk,
    stream=stream,
    error=error,
    single=single,
    max_retries=configured_retries,
    is_async=async_by("converse"),
    serves_async=async_by("converse"),
    answer_id=request_id,
    takes_timeout=False,
)
