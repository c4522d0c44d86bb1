"""What AWS says of one of Bedrock's models: whether it is a legacy one, and when it ends.

The service that answers calls does not know it. Another one does, `bedrock`, which is asked with the region, the
credentials and the address of the client that the chain has. Source: botocore 1.44, GetFoundationModel [S], 2026-12-01.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

_GEOGRAPHY = re.compile(r"^(?:us-gov|us|eu|apac|apn|jp|au|ca|global)\.")
"""What the name of a model's cross-region inference profile begins with; the model itself has none of it."""
_RUNTIME = re.compile(r"//bedrock-runtime\b")


def foundation_model(client: Any, model: str) -> dict[str, Any]:
    """`modelDetails` of a model, or of the one that a cross-region profile leads to. Raises botocore's errors."""
    answer = _beside(client).get_foundation_model(modelIdentifier=_GEOGRAPHY.sub("", model))
    return answer["modelDetails"]


def is_profile(model: str) -> bool:
    """Is it a profile, whose model may be unknown in the client's own region?"""
    return _GEOGRAPHY.match(model) is not None


def _beside(client: Any) -> Any:
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
