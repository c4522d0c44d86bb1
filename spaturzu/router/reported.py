"""What a plain answer says of its own usage, left on its hop. It is read, and priced, off the caller's path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from spaturzu_translators.codec import BadWire, as_object, codec
from spaturzu_translators.messages import JSON, NOTHING, JSONObject, Provider, Wire
from spaturzu_translators.responses import Response, Usage

from .hop import Hop
from .hosted import NONE, Hosted, hosted, hosted_in

if TYPE_CHECKING:
    from .relay import Relay


@dataclass(slots=True)  # not frozen: every call makes one
class Reported:
    """An answer's usage object as it stands on its wire; the whole body where it has none."""

    wire: Wire
    usage: JSON
    body: JSONObject | None = None
    ran: Hosted = NONE
    """What the provider ran for it itself."""

    def __call__(self) -> Usage | None:
        """In canonical words; None where there is none, or none that can be read."""
        if not self.usage:
            return None
        try:
            return codec(self.wire).decode_usage(as_object(self.usage, f"{self.wire} response: usage"))
        except BadWire:
            return None

    def hosted(self) -> Hosted:
        """What the provider ran for it itself."""
        return self.ran

    def answer(self) -> Response | None:
        """What was answered, if its usage is missing."""
        if self.body is None:
            return None
        try:
            return codec(self.wire).decode_response(self.body, "")
        except BadWire:
            return None


@dataclass(slots=True)
class Decoded:
    """The same of an answer that was decoded anyway, to be translated."""

    response: Response

    def __call__(self) -> Usage | None:
        """As it was decoded."""
        return self.response.usage

    def answer(self) -> Response:
        """What was answered."""
        return self.response

    def hosted(self) -> Hosted:
        """What the provider ran for it itself."""
        return hosted_in(self.response)


def report(hop: Hop, wire: Wire, body: JSONObject, *, whole: bool = False) -> None:
    """Leave on `hop` what `body` says; nothing is decoded yet. `whole`: all of it, for whoever asks for more."""
    usage, named = body.get(codec(wire).usage_key), body.get("id") or body.get("responseId")
    said = Reported(wire, usage, body if whole or not usage else None, hosted(wire, body))
    hop.usage, hop.answer, hop.hosted = said, said.answer, said.hosted
    hop.response_id = named if isinstance(named, str) else None
    hop.service_tier = _tier(body)


def report_decoded(hop: Hop, provider: Provider, response: Response) -> None:
    """The same of a canonical answer."""
    said = Decoded(response)
    hop.usage, hop.answer, hop.hosted = said, said.answer, said.hosted
    hop.response_id = response.id or None
    hop.service_tier = _tier(response.provider_fields.get(provider, NOTHING))


def report_stream(hop: Hop, relay: Relay[Any]) -> None:
    """The same of a stream that is over, whose first event has the names."""
    started = relay.started
    if started is not None:
        hop.response_id = started.id or None
        hop.service_tier = _tier(
            {name: value for own in started.provider_fields.values() for name, value in own.items()}
        )


def _tier(said: Mapping[str, JSON]) -> str | None:
    """OpenAI and Mistral name it beside the usage, Bedrock in an object; Anthropic and Gemini in the usage itself."""
    tier = said.get("service_tier") or said.get("serviceTier")
    if isinstance(tier, dict):
        tier = cast("JSONObject", tier).get("type")
    return tier if isinstance(tier, str) else None
