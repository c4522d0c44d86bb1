"""For whom a call is made, on wires that have no place for it but their metadata: `user_id` among them.

So Anthropic's `metadata.user_id` reaches Bedrock's `requestMetadata`, Gemini's `labels` and Mistral's `metadata`, and
comes back from there. Source: providers.md 11.2 and 11.3, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .loss import Losses
from .requests import Request

USER_ID = "user_id"


def split(metadata: Mapping[str, str] | None) -> tuple[Mapping[str, str] | None, str | None]:
    """The metadata without the user, and the user."""
    if not metadata or USER_ID not in metadata:
        return metadata, None
    return {name: value for name, value in metadata.items() if name != USER_ID} or None, metadata[USER_ID]


def joined(
    request: Request, losses: Losses, fits: Callable[[str, str], bool], most: int | None = None
) -> dict[str, str]:
    """The metadata with the user, as far as each `fits` the wire and there are not more than `most`."""
    kept: dict[str, str] = {}
    metadata = request.metadata or {}
    wanted = metadata if request.user is None else {**metadata, USER_ID: request.user}
    for name, value in wanted.items():
        fitting = fits(name, value) and (most is None or len(kept) < most)
        if fitting:
            kept[name] = value
        if name != USER_ID or request.user is None:
            _report(f"metadata.{name}", losses, fitting=fitting, is_user=name == USER_ID)
        elif not fitting:
            losses.drop("user")
    if request.user is not None and USER_ID in metadata:
        losses.drop(f"metadata.{USER_ID}")
    return kept


def _report(path: str, losses: Losses, *, fitting: bool, is_user: bool) -> None:
    """What stands under `user_id` is read back as the user, and as metadata no more."""
    if is_user or not fitting:
        losses.drop(path)
    if is_user and fitting:
        losses.approximate("user")
