"""`spaturzu translate`: one request through two codecs, printed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from spaturzu_translators import structured
from spaturzu_translators.codec import BadWire, as_object, codec
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSON, Wire
from spaturzu_translators.requests import WireRequest


class Unreadable(Exception):
    """The request file is not a request. The message says why."""


@dataclass(frozen=True, slots=True)
class Translation:
    """The target's wire request, and what it leaves out."""

    wire: WireRequest
    losses: tuple[Loss, ...]

    @property
    def skips(self) -> bool:
        """Would a chain skip this target?"""
        return any(loss.matters == "meaning" for loss in self.losses)


def translated(source: Wire, target: Wire, file: Path, model: str | None) -> Translation:
    """The file's request for `target`. Raises Unreadable."""
    try:
        body = as_object(_parsed(file), str(file))
        asked = WireRequest(body=body, model=str(body.get("model", "")), stream=body.get("stream") is True)
        request = codec(source).decode_request(asked)
    except (ValueError, BadWire) as error:
        raise Unreadable(str(error)) from error
    asked = replace(request, model=model or _model(source, target, request.model))
    encoded, _ = structured.encode_request(asked, codec(target).encode_request)
    return Translation(encoded.value, encoded.losses)


def _parsed(file: Path) -> JSON:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{file} is not JSON: {error}") from error


def _model(source: Wire, target: Wire, asked: str) -> str:
    """The request's own where the target's provider has it, else a current one of the target's."""
    from spaturzu_translators.loss_matrix import MODELS

    return asked if asked and codec(source).provider == codec(target).provider else MODELS[target]


def show(translation: Translation, *, as_json: bool) -> None:
    """The body on standard output, the losses on standard error; with `as_json` both as one object."""
    body = translation.wire.body
    if as_json:
        losses = [asdict(loss) for loss in translation.losses]
        click.echo(json.dumps({"model": translation.wire.model, "body": body, "losses": losses}, ensure_ascii=False))
        return
    click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    click.echo(f"for {translation.wire.model}", err=True)
    for loss in translation.losses:
        consequence = "the target is skipped" if loss.matters == "meaning" else "only tuning"
        click.echo(f"{loss.kind}: {loss.path} ({consequence})", err=True)
