"""The options of `spaturzu={...}`, validated at construction: what cannot work fails there, not in the outage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from spaturzu_translators.failures import FailureKind
from spaturzu_translators.messages import Provider

from .chains import expanded
from .environment import ALIASES, client_for, split_name
from .errors import ConfigError
from .router.breakers import PROCESS, Breakers, breakers_of
from .router.chain import Api, Chain, Target
from .router.choosing import Choosing, Strategy
from .router.classify import KINDS, Classifier, Classify
from .router.hedging import MAX_SHARE, Hedging
from .router.limits import Limits
from .router.media import FetchLimits
from .router.retry import RetryPolicy
from .router.targets import sdk
from .router.targets.common import resolve

if TYPE_CHECKING:
    from .pricing import Overrides

DEFAULT = FetchLimits()


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True)


class TargetOptions(_Options):
    """A fallback target: whose raw client, which model there; the rest overrides the call's. `timeout` in seconds.

    `api`: by which of OpenAI's two it is reached; without it the call decides.
    """

    provider: Literal["openai", "anthropic", "bedrock", "gemini", "mistral", "google"]
    client: Any
    model: str = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    timeout: float | None = Field(default=None, gt=0)
    api: Api | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    weight: float = Field(default=1.0, ge=0)


class RetryOptions(_Options):
    """Same-hop retries: how many attempts at one hop, and the longest Retry-After (s) that is waited out there."""

    attempts: int | None = Field(default=None, ge=1)
    max_wait_s: float = Field(default=2.5, ge=0)


class FetchOptions(_Options):
    """Limits of `fetch_media`: bytes for one item, prefixes of media types, addresses of this host and network too."""

    max_bytes: int = Field(default=DEFAULT.max_bytes, ge=1)
    types: tuple[str, ...] = DEFAULT.types
    private: bool = False


def _fetch_options(given: Any) -> Any:
    """True stands for the default limits."""
    return {} if given is True else None if given is False else given


class HedgeOptions(_Options):
    """Send a slow call to a second place as well. `after` so many seconds without an answer (a stream: content), or
    after as long as 95 of 100 answers take. `max_share`: what that may cost of what all calls cost; None: anything.
    """

    after: Literal["p95"] | Annotated[float, Field(gt=0)] = "p95"
    max_share: float | None = Field(default=MAX_SHARE, gt=0)


class BreakerOptions(_Options):
    """`shared`: the file through which the processes of this host tell each other whose breaker is open."""

    shared: str | Path


Seconds = Annotated[float, Field(gt=0)]
"""`inf` is no limit."""


class Options(_Options):
    """All of `spaturzu={...}`. `deadline` and the timeouts are seconds; None: the default. `fallback_on`: which kinds
    of failure go to the next target, or, in a mapping, do not. `classify` gets a `Seen` and gives a kind or None.
    `fetch_media=True`: with FetchOptions' limits.

    `sticky`: one failure is enough to keep calls away from a place, until a probe of it succeeds.
    `weight` is the primary's, for `strategy="weighted"`. `affinity`: for how many seconds a conversation stays
    where it was served last; True for 300.
    """

    fallback: list[TargetOptions] | None = None
    retry: RetryOptions = RetryOptions()
    deadline: Seconds | None = None
    connect_timeout: Seconds = Limits().connect_s
    first_token_timeout: Seconds | None = None
    answer_timeout: Seconds | None = None
    idle_timeout: Seconds | None = None
    hop_timeout: Seconds | None = None
    breaker: BreakerOptions | None = None
    sticky: bool = False
    hedge: HedgeOptions | None = None
    fallback_on: Any = None
    classify: Any = None
    on_loss: Literal["skip", "allow"] = "skip"
    strategy: Strategy = "ordered"
    weight: float = Field(default=1.0, ge=0)
    affinity: bool | float = Field(default=False, ge=0)
    on_stream_break: Literal["resume", "raise"] = "resume"
    stream_usage: bool | None = None
    fetch_media: Annotated[FetchOptions | None, BeforeValidator(_fetch_options)] = None
    customer: str | None = Field(default=None, min_length=1)
    session_id: str | None = Field(default=None, min_length=1)


def read_chain(
    options: Mapping[str, Any] | None,
    *,
    sync_caller: bool,
    has_primary: bool = True,
    prices: Overrides | None = None,
) -> Chain:
    """The chain that the options describe; `prices`: the user's own. Raises ConfigError, a sentence per mistake."""
    given = expanded(_mapping(options or {}))
    _refuse_budget(given)
    try:
        read = Options.model_validate(_with_clients(given, as_async=not sync_caller))
    except ValidationError as error:
        raise ConfigError(_sentences(error)) from None
    if read.fallback is not None and not read.fallback:
        raise ConfigError("spaturzu: 'fallback' is an empty list; name at least one target, or leave the key out")
    targets = tuple(_target(number, target, sync_caller) for number, target in enumerate(read.fallback or ()))
    return Chain(
        has_primary=has_primary,
        targets=targets,
        retry=RetryPolicy(attempts=read.retry.attempts, max_wait_s=read.retry.max_wait_s),
        limits=_limits(read),
        breakers=_breakers(read.breaker),
        fallback_on=_fallback_on(read.fallback_on),
        classifier=_classifier(read.classify),
        on_loss=read.on_loss,
        choosing=Choosing(
            strategy=read.strategy, weight=read.weight, affinity_s=_affinity_s(read.affinity), prices=prices
        ),
        sticky=read.sticky,
        hedging=None if read.hedge is None else _hedging(read.hedge, targets, has_primary, prices),
        on_stream_break=read.on_stream_break,
        stream_usage=read.stream_usage,
        fetch_media=read.fetch_media and FetchLimits(**read.fetch_media.model_dump()),
    )


def _hedging(given: HedgeOptions, targets: Sequence[Target], has_primary: bool, prices: Overrides | None) -> Hedging:
    """What a race needs, and prices, are loaded here and not by a call. A share of what nobody knows is no cap."""
    if len(targets) + has_primary < 2:
        raise ConfigError("spaturzu: 'hedge' sends a call to a second place; name one in 'fallback'")
    if given.max_share is not None:
        _require_prices(targets, prices)
    import_module("spaturzu.router.racers")
    after_s = None if given.after == "p95" else given.after
    return Hedging(after_s=after_s, max_share=given.max_share, prices=prices)


def _require_prices(targets: Sequence[Target], prices: Overrides | None) -> None:
    from .pricing import price
    from .router.choosing import ONE_EACH

    for target in targets:
        if price(target.provider, target.model, ONE_EACH, overrides=prices) is None:
            raise ConfigError(
                f"spaturzu: 'hedge.max_share': nobody knows the price of {target.name}, so no share can be kept; "
                "say it with Spaturzu(prices=...), or lift the cap with 'max_share': None"
            )


def _affinity_s(given: bool | float) -> float | None:
    """True: as long as the providers keep a prompt cache, which is 5 minutes at all of them (2026-11-22)."""
    if given is True:
        return 300.0
    return float(given) or None


def _limits(given: Options) -> Limits:
    return Limits(
        connect_s=given.connect_timeout,
        first_token_s=given.first_token_timeout,
        answer_s=given.answer_timeout,
        idle_s=given.idle_timeout,
        hop_s=given.hop_timeout or inf,
        deadline_s=given.deadline or inf,
    )


def _breakers(given: BreakerOptions | None) -> Breakers:
    """Those of this process, or those that share a file."""
    if given is None:
        return PROCESS
    try:
        return breakers_of(given.shared)
    except OSError as error:
        raise ConfigError(
            f"spaturzu: 'breaker.shared' is {str(given.shared)!r}, which cannot be opened ({error}); "
            "name a file in a directory that this process may write to"
        ) from error


_NEVER = "cancelled"


def _fallback_on(given: Any) -> dict[FailureKind, bool]:
    """A mapping of kinds to yes or no, or the kinds alone."""
    if given is None:
        return {}
    if isinstance(given, str) or not isinstance(given, Collection):
        raise ConfigError(f"spaturzu: 'fallback_on' is {given!r}; write {{'content_policy': True}}, or a list of kinds")
    kinds = cast("Collection[Any]", given)
    said = dict(cast("Mapping[Any, Any]", kinds)) if isinstance(kinds, Mapping) else dict.fromkeys(kinds, True)
    for kind, falls in said.items():
        if kind not in KINDS:
            raise ConfigError(f"spaturzu: unknown kind {kind!r} in 'fallback_on'; known: {', '.join(KINDS)}")
        if not isinstance(falls, bool):
            raise ConfigError(f"spaturzu: 'fallback_on.{kind}' is {falls!r}; write True or False")
        if kind == _NEVER and falls:
            raise ConfigError("spaturzu: 'fallback_on.cancelled': a cancelled call goes nowhere; leave the key out")
    return said


def _classifier(given: Any) -> Classifier | None:
    if given is None:
        return None
    if not callable(given):
        raise ConfigError(
            f"spaturzu: 'classify' is {given!r}; give a function of one `Seen` that returns a kind or None"
        )
    return Classifier(cast("Classify", given))


def _mapping(options: Any) -> Mapping[str, Any]:
    if isinstance(options, Mapping):
        return cast("Mapping[str, Any]", options)
    raise ConfigError(
        f"spaturzu: the options are a {type(options).__name__}, not a mapping; "
        "give them by name, as in spaturzu={'fallback': [...]}"
    )


def _with_clients(given: dict[str, Any], *, as_async: bool) -> dict[str, Any]:
    """`"provider/model"`, alone or as a target's `target`, stands for a client built from the environment."""
    if not isinstance(given.get("fallback"), list | tuple):
        return given
    targets = enumerate(given["fallback"])
    return {**given, "fallback": [_with_client(f"fallback[{number}]", target, as_async) for number, target in targets]}


def _with_client(where: str, target: Any, as_async: bool) -> Any:
    named: Any = {"target": target} if isinstance(target, str) else target
    if not isinstance(named, dict) or "target" not in named:
        return target
    rest = dict(cast("dict[str, Any]", named))
    provider, model = split_name(where, str(rest.pop("target")))
    return {"provider": provider, "model": model, "client": client_for(provider, as_async=as_async), **rest}


def _refuse_budget(given: Mapping[str, Any]) -> None:
    if "budget" in given:
        raise ConfigError(
            "spaturzu: 'budget' cannot be enforced by this version, and a cap that is not enforced would be worse than "
            "none; leave the key out"
        )


def _target(number: int, given: TargetOptions, sync_caller: bool) -> Target:
    where, provider = f"spaturzu: fallback[{number}]", ALIASES.get(given.provider, cast("Provider", given.provider))
    if given.api is not None and provider != "openai":
        raise ConfigError(f"{where}.api: only OpenAI has two; leave it out for '{given.provider}'")
    described = sdk("openai_responses" if given.api == "responses" else provider)
    if resolve(given.client, described.method) is None and not _is_aio(given.client, provider):
        raise ConfigError(
            f"{where}.client is a {type(given.client).__name__} without `{described.method}`; "
            f"for provider '{given.provider}' give the raw client of its SDK"
        )
    if sync_caller and described.is_async(given.client):
        raise ConfigError(
            f"{where}.client is async ({type(given.client).__name__}) but the client that falls back to it is sync; "
            "give the SDK's sync client, or use the async drop-in"
        )
    if given.timeout is not None and not described.takes_timeout:
        raise ConfigError(
            f"{where}.timeout: {given.provider}'s SDK has no timeout for one call; "
            "set it on the client, as in Config(read_timeout=...)"
        )
    return Target(
        provider=provider,
        client=given.client,
        model=given.model,
        max_tokens=given.max_tokens,
        timeout_s=given.timeout,
        api=given.api,
        params=given.params,
        weight=given.weight,
    )


def _is_aio(client: Any, provider: Provider) -> bool:
    """`genai.Client(...).aio` has the async method under the same name."""
    return provider == "gemini" and resolve(client, "models.generate_content") is not None


def _sentences(error: ValidationError) -> str:
    return "; ".join(_sentence(item) for item in error.errors(include_url=False))


def _sentence(item: Mapping[str, Any]) -> str:
    fields, extra = _fields(item["loc"]), item["type"] == "extra_forbidden"
    where = _path(
        item["loc"] if extra else [item["loc"][0], *(step for step in item["loc"][1:] if _names(step, fields))]
    )
    match item["type"]:
        case "extra_forbidden":
            return f"spaturzu: unknown key {where}; known here: {', '.join(fields)}"
        case "missing":
            return f"spaturzu: {where} is missing; add it"
        case _:
            said, _, _ = item["msg"].partition(" or instance of ")  # a class of ours, which nobody is to make
            return f"spaturzu: {where} is {item['input']!r}: {said[0].lower()}{said[1:]}"


def _names(step: int | str, fields: Collection[str]) -> bool:
    """False for pydantic's name of a type, where a value may have one of several."""
    return isinstance(step, int) or step in fields


def _path(loc: Sequence[int | str]) -> str:
    path = ""
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return f"'{path}'"


def _fields(loc: Sequence[int | str]) -> list[str]:
    """Of the options that the last step belongs to."""
    models: dict[str, type[BaseModel]] = {
        "fallback": TargetOptions,
        "retry": RetryOptions,
        "breaker": BreakerOptions,
        "hedge": HedgeOptions,
        "fetch_media": FetchOptions,
    }
    model = models.get(str(loc[0]), Options) if len(loc) > 1 else Options
    return list(model.model_fields)
