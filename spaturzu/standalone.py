"""`spaturzu.Router`: OpenAI-shaped calls to a chain that has no primary SDK object; clients come from the environment.

    router = Router(["openai/gpt-6-astra", "anthropic/claude-haiku-5-5"])
    answer = router.chat.completions.create(messages=[{"role": "user", "content": "Hello"}])

The answers are the OpenAI SDK's own objects, whoever served: a client of that SDK leaves by a door whose chain is the
targets alone. Needs `spaturzu[openai]` and the SDKs of the targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, overload

from .attribution import Tags
from .dropin import ChainView, make_door
from .errors import ConfigError
from .openai import AsyncOpenAI, OpenAI
from .tracked.http import family_of, untracked

if TYPE_CHECKING:
    from openai import AsyncStream, Stream
    from openai.types.chat import ChatCompletion, ChatCompletionChunk, ParsedChatCompletion

    from .router.chain import Target
    from .router.explain import Planned
    from .tracked.door import Door

TargetOrName: TypeAlias = str | Mapping[str, Any]
"""`"provider/model"`, or a target as in `spaturzu={"fallback": [...]}`."""

Chosen: TypeAlias = tuple[Any, str]
"""A client whose chain begins with the model, and that model's name."""

PLACEHOLDER = "held-by-the-targets"


class _Base:
    """What both routers are: a client of the OpenAI SDK that leaves by the chain's door."""

    _client: Any

    def __init__(self, chain: str | Iterable[TargetOrName], **options: Any) -> None:
        given = {"chain": chain} if isinstance(chain, str) else {"fallback": list(chain)}
        client = self._sdk()
        self._client = _leaving_by(client, _door(client, {**options, **given}))

    def _sdk(self) -> Any:
        raise NotImplementedError

    @property
    def targets(self) -> tuple[str, ...]:
        """The chain, in order, as names."""
        return tuple(map(_name, self._client._door.chain().targets))

    @property
    def spaturzu(self) -> ChainView:
        """The chain, to look at."""
        door: Door = self._client._door
        return RouterView(door, self._client._clone)

    def with_agent(
        self, name: str, tags: Tags | None = None, *, customer: str | None = None, session_id: str | None = None
    ) -> Self:
        """This router, for one agent's calls."""
        clone = object.__new__(type(self))
        clone._client = self._client.with_agent(name, tags, customer=customer, session_id=session_id)
        return clone

    def _for(self, model: str | None) -> Chosen:
        """The client whose chain begins with `model`, and the name that it sends."""
        targets = self._client._door.chain().targets
        names = list(map(_name, targets))
        if model is None or model == names[0]:
            return self._client, names[0]
        if model not in names:
            raise ConfigError(
                f"spaturzu: model {model!r} is not in this router's chain; leave it out, or one of {names}"
            )
        at = names.index(model)
        first = (targets[at], *targets[:at], *targets[at + 1 :])
        return self._client._clone(_with_targets(self._client._door, first)), model


class RouterView(ChainView):
    """`explain` without a `model`: the chain has them."""

    def explain(self, **kwargs: Any) -> tuple[Planned, ...]:
        """For each target: would this call be sent there, as what, and what is lost. Sends nothing."""
        return super().explain(**{"model": "any", **kwargs})

    async def aexplain(self, **kwargs: Any) -> tuple[Planned, ...]:
        """The same for an async router."""
        return await super().aexplain(**{"model": "any", **kwargs})


class Router(_Base):
    """A chain of targets with OpenAI's `chat.completions`, and `responses`, in front.

    `chain`: names like `"anthropic/claude-haiku-5-5"`, targets as in `spaturzu={"fallback": [...]}`, or a chain's name.
    `options`: the other keys of `spaturzu={...}`. Raises ConfigError on options that cannot work.
    """

    def _sdk(self) -> OpenAI:
        return OpenAI(api_key=PLACEHOLDER, base_url="http://router.invalid/v1", http_client=_refusing(OpenAI))

    @cached_property
    def chat(self) -> Chat:
        """`chat.completions`."""
        return Chat(Completions(self._for))

    @cached_property
    def responses(self) -> Responses:
        """`responses`."""
        return Responses(self._for)

    def close(self) -> None:
        """Let go of this router's own HTTP client; the targets' clients are their owners'."""
        self._client.close()


class AsyncRouter(_Base):
    """`Router` for asyncio."""

    def _sdk(self) -> AsyncOpenAI:
        return AsyncOpenAI(api_key=PLACEHOLDER, base_url="http://router.invalid/v1", http_client=_refusing(AsyncOpenAI))

    @cached_property
    def chat(self) -> AsyncChat:
        """`chat.completions`."""
        return AsyncChat(AsyncCompletions(self._for))

    @cached_property
    def responses(self) -> AsyncResponses:
        """`responses`."""
        return AsyncResponses(self._for)

    async def close(self) -> None:
        """Let go of this router's own HTTP client; the targets' clients are their owners'."""
        await self._client.close()


class Chat:
    """`router.chat`."""

    def __init__(self, completions: Completions) -> None:
        self.completions = completions


class AsyncChat:
    """`router.chat`, async."""

    def __init__(self, completions: AsyncCompletions) -> None:
        self.completions = completions


class Completions:
    """The SDK's `chat.completions`, whose `model` is the chain's unless one of its names is given."""

    def __init__(self, chosen: Callable[[str | None], Chosen]) -> None:
        self._chosen = chosen

    @overload
    def create(
        self, *, stream: Literal[True], model: str | None = None, **kwargs: Any
    ) -> Stream[ChatCompletionChunk]: ...
    @overload
    def create(
        self, *, stream: Literal[False] | None = None, model: str | None = None, **kwargs: Any
    ) -> ChatCompletion: ...
    def create(self, *, model: str | None = None, **kwargs: Any) -> Any:
        """As OpenAI's; raises OpenAI's errors."""
        client, name = self._chosen(model)
        return client.chat.completions.create(model=name, **kwargs)

    def parse(self, *, model: str | None = None, **kwargs: Any) -> ParsedChatCompletion[Any]:
        """As OpenAI's: `response_format` may be a Pydantic model."""
        client, name = self._chosen(model)
        return client.chat.completions.parse(model=name, **kwargs)

    def stream(self, *, model: str | None = None, **kwargs: Any) -> Any:
        """As OpenAI's: a context manager over events."""
        client, name = self._chosen(model)
        return client.chat.completions.stream(model=name, **kwargs)


class AsyncCompletions:
    """The same, async."""

    def __init__(self, chosen: Callable[[str | None], Chosen]) -> None:
        self._chosen = chosen

    @overload
    async def create(
        self, *, stream: Literal[True], model: str | None = None, **kwargs: Any
    ) -> AsyncStream[ChatCompletionChunk]: ...
    @overload
    async def create(
        self, *, stream: Literal[False] | None = None, model: str | None = None, **kwargs: Any
    ) -> ChatCompletion: ...
    async def create(self, *, model: str | None = None, **kwargs: Any) -> Any:
        """As OpenAI's; raises OpenAI's errors."""
        client, name = self._chosen(model)
        return await client.chat.completions.create(model=name, **kwargs)

    async def parse(self, *, model: str | None = None, **kwargs: Any) -> ParsedChatCompletion[Any]:
        """As OpenAI's: `response_format` may be a Pydantic model."""
        client, name = self._chosen(model)
        return await client.chat.completions.parse(model=name, **kwargs)

    def stream(self, *, model: str | None = None, **kwargs: Any) -> Any:
        """As OpenAI's: an async context manager over events."""
        client, name = self._chosen(model)
        return client.chat.completions.stream(model=name, **kwargs)


class Responses:
    """The SDK's `responses.create`."""

    def __init__(self, chosen: Callable[[str | None], Chosen]) -> None:
        self._chosen = chosen

    def create(self, *, model: str | None = None, **kwargs: Any) -> Any:
        """As OpenAI's; raises OpenAI's errors."""
        client, name = self._chosen(model)
        return client.responses.create(model=name, **kwargs)


class AsyncResponses:
    """The same, async."""

    def __init__(self, chosen: Callable[[str | None], Chosen]) -> None:
        self._chosen = chosen

    async def create(self, *, model: str | None = None, **kwargs: Any) -> Any:
        """As OpenAI's; raises OpenAI's errors."""
        client, name = self._chosen(model)
        return await client.responses.create(model=name, **kwargs)


def _name(target: Target) -> str:
    return f"{target.provider}/{target.model}"


def _door(client: Any, options: dict[str, Any]) -> Door:
    sync_caller = isinstance(client, OpenAI)
    return make_door("openai", client._native(), options, sync_caller=sync_caller, has_primary=False)


def _leaving_by(client: Any, door: Door) -> Any:
    client._leave_by(door)
    return client


def _with_targets(door: Door, targets: Sequence[Target]) -> Door:
    chain = replace(door.chain(), targets=tuple(targets))
    return door.but(chain=lambda: chain)


def _refusing(client_class: type[Any]) -> Any:
    """An HTTP client of the SDK's family that sends nothing: what is no chat call has nowhere to go."""
    made: Any = untracked(client_class(api_key=PLACEHOLDER)._client)
    family: Any = family_of(made)

    class Nowhere(family.BaseTransport, family.AsyncBaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            raise ConfigError(f"spaturzu: a router has chat.completions and responses; {request.url.path} is neither")

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    return (family.Client if client_class is OpenAI else family.AsyncClient)(transport=Nowhere())
