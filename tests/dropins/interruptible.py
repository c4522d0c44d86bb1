"""A program of its own that calls and is interrupted by a real Ctrl-C: `python -m tests.dropins.interruptible`.

A line of JSON on its input is one call: `url` and `fallback_url` (OpenAI's and Anthropic's place), `as_async`,
`options`, `what`. It says "calling", "hears" at a stream's first text, and when it was interrupted, what became of the
hops. It goes on with the next
line, so that a connection which is gone was let go of by the call, and not by the end of the program.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from typing import Any, Literal, TypeAlias

What: TypeAlias = Literal["plain", "stream", "with"]
ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def _client(given: dict[str, Any]) -> Any:
    from anthropic import Anthropic, AsyncAnthropic

    from spaturzu.openai import AsyncOpenAI, OpenAI

    as_async = given["as_async"]
    target = (AsyncAnthropic if as_async else Anthropic)(base_url=given["fallback_url"], api_key="k", max_retries=0)
    fallback = [{"provider": "anthropic", "client": target, "model": "claude-haiku-5-5"}]
    options = {"fallback": fallback, **given["options"]}
    return (AsyncOpenAI if as_async else OpenAI)(base_url=given["url"], api_key="k", spaturzu=options)


def call(client: Any, what: What) -> None:
    """Until it is interrupted."""
    answer = client.chat.completions.create(**ASK, stream=what != "plain")
    if what == "with":
        with answer:
            hear(next(chunk for chunk in answer if chunk.choices[0].delta.content))
            time.sleep(30)
    for chunk in answer if what == "stream" else ():
        hear(chunk)


def hear(chunk: Any) -> None:
    """Say so if there is text in it."""
    if chunk.choices and chunk.choices[0].delta.content:
        _say({"hears": True})


async def acall(client: Any, what: What) -> None:
    """The same; asyncio cancels the main task at Ctrl-C."""
    answer = await client.chat.completions.create(**ASK, stream=what != "plain")
    if what == "with":
        async with answer:
            async for chunk in answer:
                if chunk.choices[0].delta.content:
                    hear(chunk)
                    break
            await asyncio.sleep(30)
    if what == "stream":
        async for chunk in answer:
            hear(chunk)


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """One call for each line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    import spaturzu

    kept, runner = list[Any](), asyncio.Runner()
    for line in sys.stdin:
        given = json.loads(line)
        client = _client(given)
        kept.append(client)  # held, so that nothing is closed by being collected
        seen = list[Any]()

        async def seeing(given: dict[str, Any] = given, client: Any = client, seen: list[Any] = seen) -> None:
            try:
                await acall(client, given["what"])
            finally:
                seen.append(spaturzu.last_call())

        said: dict[str, Any] = {"ended": "by itself"}
        _say({"calling": True})
        try:
            if given["as_async"]:
                runner.run(seeing())
            else:
                call(client, given["what"])
        except KeyboardInterrupt:
            said = {"ended": "interrupted", "at": time.monotonic()}
        record: Any = seen[0] if seen else spaturzu.last_call()
        said["hops"] = [[hop.provider, hop.status, hop.kind] for hop in record.hops] if record else []
        said["blamed"] = [place.target for place in client.spaturzu.health() if place.state != "closed"]
        _say(said)


if __name__ == "__main__":
    main()
