"""Chains without I/O: fake clients that are plain functions, a scripted primary, and a clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import inf
from types import SimpleNamespace
from typing import Any

from spaturzu.router.breakers import Breakers
from spaturzu.router.call import Call
from spaturzu.router.chain import Chain, Target
from spaturzu.router.hop import CallRecord
from spaturzu.router.judge import Reply
from spaturzu.router.limits import Limits
from spaturzu_translators.codec import codec
from spaturzu_translators.events import unfold
from spaturzu_translators.messages import JSONObject, Message, Provider, Text
from spaturzu_translators.requests import Request
from spaturzu_translators.responses import Candidate, Response, Usage

ASKED = Request(model="asked", messages=(Message(role="user", parts=(Text(text="Hi"),)),), max_tokens=50)
USAGE = Usage(input_tokens=3, output_tokens=2)


def saying(text: str = "Hello", model: str = "served") -> Response:
    """An answer of one text."""
    return Response(
        id="id-1",
        model=model,
        created=1_800_000_000,
        candidates=(Candidate(parts=(Text(text=text),), finish_reason="stop"),),
        usage=USAGE,
    )


def body_of(provider: Provider, response: Response | None = None) -> JSONObject:
    """A plain answer on `provider`'s wire."""
    return codec(provider).encode_response(response or saying(), ASKED).value


def frames_of(provider: Provider, response: Response | None = None) -> list[JSONObject]:
    """The same as a stream."""
    encoder = codec(provider).stream_encoder(replace(ASKED, stream=True))
    frames = [frame for event in unfold(response or saying()) for frame in encoder.feed(event)]
    return [*frames, *encoder.close()]


def bytes_of(provider: Provider, response: Response | None = None) -> bytes:
    """The stream as it goes over the network."""
    known = codec(provider)
    return b"".join(map(known.frame, frames_of(provider, response))) + known.end


@dataclass(eq=False)
class Fake:
    """A raw SDK client that is a function: it records what it is asked, and answers or raises what comes next.

    The last of `answers` is given again and again; without any, it says Hello. `before` runs between the two.
    """

    provider: Provider
    answers: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    closed: int = 0
    before: Callable[[], object] = lambda: None

    def __call__(self, **kwargs: Any) -> Any:
        self.asked.append(kwargs)
        self.before()
        answer = self.answers.pop(0) if len(self.answers) > 1 else (self.answers or [None])[0]
        if isinstance(answer, BaseException):
            raise answer
        return body_of(self.provider) if answer is None else answer

    def streamed(self, **kwargs: Any) -> Any:
        """The streaming method, where it is another one."""
        answer = self(**kwargs)
        frames = frames_of(self.provider) if isinstance(answer, dict) else answer
        return {"stream": FakeStream(self, frames)} if self.provider == "bedrock" else FakeStream(self, frames)

    def either(self, **kwargs: Any) -> Any:
        """The one method of OpenAI and Anthropic."""
        return self.streamed(**kwargs) if kwargs.get("stream") else self(**kwargs)

    @property
    def client(self) -> Any:
        """What a chain takes."""
        shapes: dict[Provider, dict[str, Any]] = {
            "openai": {"chat": SimpleNamespace(completions=SimpleNamespace(create=self.either))},
            "anthropic": {"messages": SimpleNamespace(create=self.either)},
            "bedrock": {"converse": self, "converse_stream": self.streamed},
            "gemini": {"models": SimpleNamespace(generate_content=self, generate_content_stream=self.streamed)},
            "mistral": {"chat": SimpleNamespace(complete=self, stream=self.streamed)},
        }
        return SimpleNamespace(**shapes[self.provider])

    def target(self, **overrides: Any) -> Target:
        """It as a target."""
        return Target(**{"provider": self.provider, "client": self.client, "model": "other", **overrides})


class FakeStream:
    """An SDK's stream: iterated once, closed by whoever is done with it. An exception among the frames is raised."""

    def __init__(self, fake: Fake, frames: list[Any]) -> None:
        self._fake, self._frames = fake, frames

    def __iter__(self) -> Iterator[Any]:
        for frame in self._frames:
            if isinstance(frame, BaseException):
                raise frame
            yield frame

    def close(self) -> None:
        self._fake.closed += 1


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Primary:
    """The door's own sending: a status, a whole `Reply`, or an exception; the last again and again."""

    answers: list[Any] = field(default_factory=lambda: [503])
    timeouts: list[float | None] = field(default_factory=list)
    during: Callable[[], None] = lambda: None

    def send(self, timeout_s: float | None) -> Reply:
        self.timeouts.append(timeout_s)
        self.during()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Reply) else failing(answer)

    def late(self, seconds: float) -> Exception:
        return TimeoutError(f"{seconds:g} s")

    @property
    def sent(self) -> int:
        return len(self.timeouts)


def failing(status: int, body: Any = None, **headers: str) -> Reply:
    """An error answer; its `native` is told apart by identity."""
    content = json.dumps({"error": {"message": "sk-secret"}} if body is None else body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(native=object(), status=status, headers=names, content=content)


def answering(body: JSONObject) -> Reply:
    """A plain answer."""
    return Reply(native=object(), status=200, headers={}, content=json.dumps(body).encode())


def make_call(
    *targets: Target,
    primary: Provider = "openai",
    asked: Request = ASKED,
    clock: Clock | None = None,
    breakers: Breakers | None = None,
    max_retries: int = 0,
    deadline_s: float = inf,
    **chain: Any,
) -> Call:
    """A call of `asked` in the primary's shape; `chain` are options of Chain."""
    clock = clock or Clock()
    chain = {"limits": Limits(deadline_s=deadline_s), **chain}
    wire = codec(primary).encode_request(asked).value
    return Call(
        record=CallRecord(provider=primary),
        chain=Chain(targets=targets, clock=clock, breakers=breakers or Breakers(clock, lambda: 0.5), **chain),
        read=lambda: wire,
        key=lambda: "the primary",
        max_retries=lambda: max_retries,
        as_async=False,
    )
