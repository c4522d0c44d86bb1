"""What providers say of their models, when they are asked: whether there is such a model, and when it ends.

AWS's service that answers calls does not know it. Another one does, `bedrock`, which is asked with the region, the
credentials and the address of the client that the chain has. Source: botocore 1.44, GetFoundationModel [S], 2026-12-01.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib import import_module
from inspect import isawaitable
from typing import Any

from spaturzu_translators.failures import Failure
from spaturzu_translators.messages import Provider

from .chain import Target
from .failures import failure_of
from .targets.common import resolve

_GEOGRAPHY = re.compile(r"^(?:us-gov|us|eu|apac|apn|jp|au|ca|global)\.")
"""What the name of a model's cross-region inference profile begins with; the model itself has none of it."""
_RUNTIME = re.compile(r"//bedrock-runtime\b")
_RETRIEVE: dict[Provider, tuple[str, str]] = {
    "openai": ("models.retrieve", "model"),
    "anthropic": ("models.retrieve", "model_id"),
    "gemini": ("models.get", "model"),
    "mistral": ("models.retrieve", "model_id"),
}
"""How each SDK asks for one model (2026-11-25)."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a provider says of one model: whether it has it, and when that ends. None: it does not say."""

    exists: bool | None = None
    ends: date | None = None
    is_legacy: bool = False
    """Is it one that is still served, and by its provider's word on its way out?"""
    untold: str | None = None
    """Why it says nothing: the code of its error, or the class of what was raised on our side."""


def ask(target: Target) -> Said:
    """Sends one request that costs nothing. Mistral tells when a model ends (`deprecation` of its models, SDK 3.7 [S],
    2026-11-30), and Bedrock's other service does.
    """
    try:
        return _ask_bedrock(target) if target.provider == "bedrock" else _ask_directly(target)
    except Exception as exc:  # noqa: BLE001 - only a clear "there is none" counts; of all else it is told what it was
        failure = failure_of(exc, target.provider)
        if failure is not None and failure.kind == "not_found" and not _may_be_elsewhere(target, failure):
            return Said(exists=False)
        return Said(untold=(failure and failure.code) or type(exc).__name__)


def _ask_directly(target: Target) -> Said:
    method, name = _RETRIEVE[target.provider]
    retrieve = resolve(target.client, method)
    if retrieve is None:
        return Said()
    answer = retrieve(**{name: target.model})
    if isawaitable(answer):
        answer = asyncio.run(_awaited(answer))
    return Said(exists=True, ends=_day(getattr(answer, "deprecation", None)))


def _ask_bedrock(target: Target) -> Said:
    asked = _control_plane(target.client).get_foundation_model(modelIdentifier=_GEOGRAPHY.sub("", target.model))
    told = asked["modelDetails"].get("modelLifecycle", {})
    return Said(exists=True, ends=_day(told.get("endOfLifeTime")), is_legacy=told.get("status") == "LEGACY")


def _may_be_elsewhere(target: Target, failure: Failure) -> bool:
    """Bedrock's other service knows the models of its own region only, and an address may have no such service."""
    return target.provider == "bedrock" and (
        _GEOGRAPHY.match(target.model) is not None or failure.code != _NO_SUCH_MODEL
    )


_NO_SUCH_MODEL = "ResourceNotFoundException"


def _day(moment: Any) -> date | None:
    return moment.date() if isinstance(moment, datetime) else None


async def _awaited(answer: Any) -> Any:
    return await answer


def ask_all(targets: Sequence[Target]) -> list[Said]:
    """What the providers say of each target's model. Sends a request for each that has one."""
    return [ask(target) if target.model else Said() for target in targets]


def _control_plane(client: Any) -> Any:
    boto3: Any = import_module("boto3")
    credentials = client._request_signer._credentials
    keys = credentials.get_frozen_credentials() if credentials is not None else None
    return boto3.client(
        "bedrock",
        region_name=client.meta.region_name,
        endpoint_url=_RUNTIME.sub("//bedrock", client.meta.endpoint_url),
        aws_access_key_id=keys and keys.access_key,
        aws_secret_access_key=keys and keys.secret_key,
        aws_session_token=keys and keys.token,
        config=client.meta.config,
    )
