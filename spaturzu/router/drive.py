"""The only places that perform: `drive` for sync callers, `adrive` for async ones. All decisions are the walk's."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import nullcontext
from inspect import isawaitable
from typing import Any, Protocol, TypeVar, cast

from spaturzu_translators.failures import Failure
from spaturzu_translators.messages import Provider

from .answers import MALFORMED_ANSWER, REFUSED
from .call import Call
from .chain import Target
from .errands import ERRAND, Left, in_thread
from .failures import failure_of
from .handshakes import let_go_of_handshake
from .hop import Hop
from .judge import Reply, judge
from .media import Media
from .relay import Relay
from .targets import Sdk
from .walk import (
    Broken,
    Effect,
    Fetch,
    Fetched,
    Hedge,
    Join,
    NativeAnswer,
    Outcome,
    Pulled,
    Result,
    SendPrimary,
    SendTarget,
    Sent,
    TargetAnswer,
    answered,
    at_once,
    interrupted,
    walk,
)
from .watch import Watch, is_asyncio

END: Any = object()
Found = TypeVar("Found")
UNWATCHED = nullcontext()


class Primary(Protocol):
    """The door's own sending, sync."""

    def send(self, timeout_s: float | None) -> Reply:
        """Send the caller's request once. Raises the transport's exceptions."""
        ...

    def late(self, seconds: float) -> Exception:
        """The transport's own exception for no answer within so many seconds."""
        ...

    def fetch(self, effect: Fetch) -> Mapping[str, Media]:
        """Get media, those that can be had."""
        ...


class AsyncPrimary(Protocol):
    """The same, async."""

    async def send(self, timeout_s: float | None) -> Reply:
        """Send the caller's request once. Raises the transport's exceptions."""
        ...

    def late(self, seconds: float) -> Exception:
        """The transport's own exception for no answer within so many seconds."""
        ...

    async def fetch(self, effect: Fetch) -> Mapping[str, Media]:
        """Get media, those that can be had."""
        ...


def drive(call: Call, primary: Primary) -> Result:
    """Walk the chain, performing with blocking calls."""
    effect = at_once(call)
    if effect is None:
        return performed(call, walk(call), primary)
    try:
        outcome = _send_primary(call, primary, effect)
    except BaseException:
        interrupted(call, effect.hop)
        raise
    if isinstance(outcome, NativeAnswer) and call.race is None and call.chain.takes_answers_for_granted:
        return answered(call, effect.hop, outcome)
    return performed(call, walk(call, Sent(effect.hop, outcome)), primary)


async def adrive(call: Call, primary: AsyncPrimary) -> Result:
    """Walk the chain, performing on the event loop; sync clients run in threads, with the caller's context."""
    effect = at_once(call)
    if effect is None:
        return await aperformed(call, walk(call), primary)
    try:
        outcome = await _asend_primary(call, primary, effect)
    except BaseException:
        interrupted(call, effect.hop)
        raise
    if isinstance(outcome, NativeAnswer) and call.race is None and call.chain.takes_answers_for_granted:
        return answered(call, effect.hop, outcome)
    return await aperformed(call, walk(call, Sent(effect.hop, outcome)), primary)


def performed(call: Call, steps: Generator[Effect, Outcome, Found], primary: Primary | None = None) -> Found:
    """What `steps` come to. Without a `primary` they ask nothing of it. Raises Left on an errand that nobody awaits."""
    errand, outcome = ERRAND.get(), None
    try:
        while True:
            effect = steps.send(outcome)
            if errand is not None:
                errand.check()
            outcome = _perform(call, primary, effect)
            if errand is not None and errand.has_left:
                let_go(outcome)
                raise Left
    except StopIteration as stop:
        return stop.value
    except BaseException:
        steps.close()
        raise


async def aperformed(
    call: Call, steps: Generator[Effect, Outcome, Found], primary: AsyncPrimary | None = None
) -> Found:
    """The same, on the event loop."""
    outcome: Outcome = None
    try:
        while True:
            outcome = await _aperform(call, primary, steps.send(outcome))
    except StopIteration as stop:
        return stop.value
    except BaseException:
        steps.close()
        raise


def _perform(call: Call, primary: Primary | None, effect: Effect) -> Outcome:
    match effect:
        case SendPrimary():
            assert primary is not None  # noqa: S101 - only a walk asks it
            return _send_primary(call, primary, effect)
        case SendTarget():
            return _send_target(call, primary, effect)
        case Fetch():
            return Fetched({} if primary is None else primary.fetch(effect))
        case Hedge():
            from .racers import run

            return run(effect.race, primary)
        case Join():
            from .racers import join

            return join(effect.race)
        case _:
            errand = ERRAND.get()
            return time.sleep(effect.seconds) if errand is None else errand.sleep(effect.seconds)


async def _aperform(call: Call, primary: AsyncPrimary | None, effect: Effect) -> Outcome:
    match effect:
        case SendPrimary():
            assert primary is not None  # noqa: S101 - only a walk asks it
            return await _asend_primary(call, primary, effect)
        case SendTarget():
            return await _asend_target(call, primary, effect)
        case Fetch():
            return Fetched({} if primary is None else await primary.fetch(effect))
        case Hedge():
            from .racers import arun

            return await arun(effect.race, primary)
        case Join():
            from .racers import ajoin

            return await ajoin(effect.race)
        case _:
            from anyio import sleep

            return await sleep(effect.seconds)


def _send_primary(call: Call, primary: Primary, effect: SendPrimary) -> NativeAnswer | Broken:
    """A plain answer that is whole counts, however late; one that a limit cut short is none, whatever it looks like."""
    watch = effect.watch
    if watch is None:
        return _sent(call, primary, effect)
    watch.primary = primary
    with watch:
        outcome = _sent(call, primary, effect)
    if watch.fired is None or (isinstance(outcome, NativeAnswer) and outcome.stream is None):
        return outcome
    let_go(outcome)
    return _late(watch, primary.late(watch.seconds))


def _sent(call: Call, primary: Primary, effect: SendPrimary) -> NativeAnswer | Broken:
    reply = None
    try:
        reply = primary.send(effect.timeout_s)
        if reply.source is None:
            return judge(call, effect.hop, reply)
        source, close = _watched(call, effect.hop, None, reply.source, reply.close, primary.late)
        pulled = _pull(effect.hop, effect.relay(), source, close)
    except Exception as exc:  # noqa: BLE001 - reduced to a Failure, or raised on
        watch = effect.watch
        if watch is not None and watch.fired is not None:
            return _late(watch)
        return _native_failure(exc, call.provider)
    except BaseException:
        if reply is not None:
            reply.close()
        raise
    return _native_stream(pulled, reply)


async def _asend_primary(call: Call, primary: AsyncPrimary, effect: SendPrimary) -> NativeAnswer | Broken:
    watch = effect.watch
    if watch is None or not is_asyncio():
        return await _asent(call, primary, effect)
    watch.primary = primary
    work = _asent(call, primary, effect)
    with watch.on_loop(work):
        return await work
    return _late(watch, primary.late(watch.seconds))


async def _asent(call: Call, primary: AsyncPrimary, effect: SendPrimary) -> NativeAnswer | Broken:
    try:
        reply = await primary.send(effect.timeout_s)
        if reply.source is None:
            return judge(call, effect.hop, reply)
        source, close = _awatched(call, effect.hop, None, reply.source, reply.close, primary.late)
        pulled = await _apull(effect.hop, effect.relay(), source, close)
    except Exception as exc:  # noqa: BLE001 - reduced to a Failure, or raised on
        return _native_failure(exc, call.provider)
    except BaseException as cancelled:
        await let_go_of_handshake(cancelled)
        raise
    return _native_stream(pulled, reply)


def _late(watch: Watch, native: Exception | None = None) -> Broken:
    """A limit ended the attempt."""
    return Broken(Failure(kind="timeout", code=watch.fired), native)


def _native_failure(exc: Exception, provider: Provider) -> Broken:
    """The transport's failure. An exception that is no failure of a provider is the caller's: it is raised on."""
    failure = failure_of(exc, provider)
    if failure is None:
        raise exc
    return Broken(failure, exc)


def _native_stream(pulled: Pulled | Broken, reply: Reply) -> NativeAnswer | Broken:
    if isinstance(pulled, Broken):
        refused = stream_of(pulled.refusal)
        return Broken(pulled.failure, reply.native, refused and NativeAnswer(reply.native, refused))
    return NativeAnswer(reply.native, pulled)


def _send_target(call: Call, primary: Primary | None, effect: SendTarget) -> Outcome:
    watch = effect.watch
    if watch is not None:
        watch.primary = primary
    try:
        with watch or UNWATCHED:
            outcome = _sent_to_target(call, effect)
    except Exception as exc:  # noqa: BLE001 - the walk goes on, and the record names the class
        return _late(watch) if watch is not None and watch.fired is not None else _target_failure(exc, effect)
    if watch is not None and watch.fired is not None and isinstance(outcome, Pulled):
        outcome.close()
        return _late(watch)
    return outcome


def _sent_to_target(call: Call, effect: SendTarget) -> Outcome:
    answer, sdk = effect.invoke(), effect.target.sdk
    try:
        if effect.relay is None:
            return TargetAnswer(sdk.body(answer), sdk.answer_id(answer))
        effect.relay.answer_id = sdk.answer_id(answer)
        stream = sdk.stream(answer)
        frames = map(sdk.frame, iter(stream))
        source, close = _watched(call, effect.hop, effect.target, frames, closing(stream))
    except BaseException:
        _dispose(answer)
        raise
    return _pull(effect.hop, effect.relay, source, close)


def _watched(
    call: Call,
    hop: Hop,
    target: Target | None,
    source: Iterator[Any],
    close: Callable[[], Any],
    late: Callable[[float], Exception] | None = None,
) -> tuple[Iterator[Any], Callable[[], Any]]:
    """A stream's source within the limits that hold for its whole length, and how to let go of both."""
    watch = call.stream_watch(hop, target)
    return (source, close) if watch is None else (watch.reading(source, late), watch.closing(close))


def _awatched(
    call: Call,
    hop: Hop,
    target: Target | None,
    source: AsyncIterator[Any],
    close: Callable[[], Any],
    late: Callable[[float], Exception] | None = None,
) -> tuple[AsyncIterator[Any], Callable[[], Any]]:
    """The same for an async source."""
    watch = call.stream_watch(hop, target) if is_asyncio() else None
    return (source, close) if watch is None else (watch.areading(source, late), watch.closing(close))


async def _asend_target(call: Call, primary: AsyncPrimary | None, effect: SendTarget) -> Outcome:
    watch = effect.watch
    if watch is None or not is_asyncio():
        return await _asent_to_target(call, effect)
    watch.primary = primary
    work = _asent_to_target(call, effect)
    with watch.on_loop(work):
        return await work
    return _late(watch)


async def _asent_to_target(call: Call, effect: SendTarget) -> Outcome:
    sdk = effect.target.sdk
    try:
        answer = await ainvoked(sdk, effect.target.client, effect.invoke)
        if effect.relay is None:
            return TargetAnswer(sdk.body(answer), sdk.answer_id(answer))
        effect.relay.answer_id = sdk.answer_id(answer)
        stream = sdk.stream(answer)
        frames = aframes(stream, sdk.frame)
        source, close = _awatched(call, effect.hop, effect.target, frames, closing(stream))
        return await _apull(effect.hop, effect.relay, source, close)
    except Exception as exc:  # noqa: BLE001 - the walk goes on, and the record names the class
        return _target_failure(exc, effect)
    except BaseException as cancelled:
        await let_go_of_handshake(cancelled)
        raise


async def ainvoked(sdk: Sdk, client: Any, invoke: Callable[[], Any]) -> Any:
    """An async client's call is awaited; a sync client's runs in a thread (anyio copies the context)."""
    if not sdk.serves_async(client):
        return await in_thread(invoke, _dispose)
    answer = invoke()
    return await answer if isawaitable(answer) else answer


def stream_of(outcome: Any) -> Pulled | None:
    """The stream that an outcome or a result holds open."""
    stream = outcome.stream if isinstance(outcome, NativeAnswer) else outcome
    return stream if isinstance(stream, Pulled) else None


def let_go(outcome: Any) -> None:
    """Of an outcome that nobody takes: a stream is closed, a plain answer is whole."""
    if (stream := stream_of(outcome)) is not None:
        stream.close()


async def alet_go(outcome: Any) -> None:
    """The same for an async one."""
    if (stream := stream_of(outcome)) is not None:
        await aclosed(stream.close)


def _dispose(answer: Any) -> None:
    """Let go of an answer's connection, if it holds one."""
    closing(cast("dict[str, Any]", answer).get("stream") if isinstance(answer, dict) else answer)()


async def aframes(stream: Any, frame: Callable[[Any], Any]) -> AsyncIterator[Any]:
    """The frames of an async stream, or of a sync one read in a thread."""
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            yield frame(item)
        return
    items = iter(stream)
    while (item := await in_thread(lambda: next(items, END))) is not END:
        yield frame(item)


def _target_failure(exc: Exception, effect: SendTarget) -> Broken:
    """Whatever a fallback raises, the walk goes on: the caller asked the primary, and its error is the one to show."""
    failure = failure_of(exc, effect.target.provider)
    return Broken(failure or Failure(kind="bad_request", code=type(exc).__name__))


def closing(stream: Any) -> Callable[[], Any]:
    """How to let go of an SDK's stream: each has `close`, async ones `aclose` or an async `close`."""
    return getattr(stream, "aclose", None) or getattr(stream, "close", None) or (lambda: None)


def _pull(hop: Hop, relay: Relay[Any], source: Iterator[Any], close: Callable[[], Any]) -> Pulled | Broken:
    """Read until the hop is committed, has failed, or is over."""
    try:
        head = b""
        for item in source:
            head = relay.feed(item)
            if relay.failure or relay.committed:
                break
        else:
            head = relay.end()
    except BaseException:
        close()
        raise
    if relay.failure is not None:
        close()
        return _unbegun(hop, relay, relay.failure, iter(()))
    return Pulled(hop, relay, head, source, close)


async def _apull(hop: Hop, relay: Relay[Any], source: AsyncIterator[Any], close: Callable[[], Any]) -> Pulled | Broken:
    """The same for an async source."""
    try:
        head = b""
        async for item in source:
            head = relay.feed(item)
            if relay.failure or relay.committed:
                break
        else:
            head = relay.end()
    except BaseException:
        await aclosed(close)
        raise
    if relay.failure is not None:
        await aclosed(close)
        return _unbegun(hop, relay, relay.failure, _nothing())
    return Pulled(hop, relay, head, source, close)


async def _nothing() -> AsyncIterator[Any]:
    return
    yield  # which makes it a generator


def _unbegun(hop: Hop, relay: Relay[Any], failure: Failure, nothing: Any) -> Broken:
    """A stream that failed before its first content. One that has an end is paid for all the same, and kept."""
    if failure.kind == "content_policy" or failure is MALFORMED_ANSWER:
        hop.usage, hop.answer, hop.hosted = relay.usage, relay.partial, relay.hosted
    refused = Pulled(hop, relay, b"", nothing, lambda: None) if failure is REFUSED else None
    return Broken(failure, None, refused)


async def aclosed(close: Callable[[], Any]) -> None:
    """Close, awaiting where the SDK's close is async."""
    closed = close()
    if isawaitable(closed):
        await closed
