"""The story: a real OpenAI client whose provider is down, and what its caller gets nevertheless."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import openai
from rich.console import Console
from rich.text import Text

from spaturzu.openai import OpenAI
from spaturzu.router.breakers import PROCESS
from spaturzu.router.hop import CallRecord, Hop
from spaturzu.sandbox import Cut, Failing, Reply, Sandbox, Status, clients
from spaturzu.sandbox.clients import KEY, MODELS
from spaturzu.tracked.door import last_call

ASK: dict[str, Any] = {
    "model": MODELS["openai"],
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
}
ANSWER = "Air scatters the blue part of sunlight the most, so blue reaches us from everywhere."
STYLES = {"served": "green", "failed": "red", "skipped": "yellow"}


def tell(console: Console, sandbox: Sandbox) -> None:
    """Three calls on a bad day: answered, streamed, and one that nobody can answer."""
    anthropic = clients.anthropic(sandbox)
    for scene in (_plain, _streamed, _exhausted):
        sandbox.reset()
        PROCESS.forget()  # each scene is a day of its own
        target = {"provider": "anthropic", "client": anthropic, "model": MODELS["anthropic"]}
        with OpenAI(base_url=sandbox.url("openai"), api_key=KEY, spaturzu={"fallback": [target]}) as client:
            scene(console, sandbox, client)
        console.print()
    anthropic.close()


def _plain(console: Console, sandbox: Sandbox, client: Any) -> None:
    sandbox.openai.reply(Status(503, times=None))
    sandbox.anthropic.reply(Reply(ANSWER))
    _title(console, "OpenAI is down: it answers 503 to everything. The fallback is Anthropic.")
    _request(console, "")
    raw = client.chat.completions.with_raw_response.create(**ASK)
    answer = raw.parse()
    _hops(console, last_call())
    _line(console, "the caller got", _class(answer), "bold")
    _line(console, "its text", answer.choices[0].message.content)
    _line(console, "its model", answer.model)
    for name in ("x-spaturzu-provider", "x-spaturzu-model", "x-spaturzu-hops"):
        _line(console, name, raw.headers[name])


def _streamed(console: Console, sandbox: Sandbox, client: Any) -> None:
    sandbox.openai.reply(Cut(after_events=1, times=None))
    sandbox.anthropic.reply(Reply(ANSWER, chunk_delay_s=0.05))
    _title(console, "OpenAI accepts a stream, and breaks it before the first token.")
    _request(console, ", stream=True")
    stream = client.chat.completions.create(**ASK, stream=True)
    _hops(console, last_call())
    _line(console, "the caller got", _class(stream), "bold")
    _label(console, "its text")
    for chunk in stream:
        for choice in chunk.choices:
            console.print(choice.delta.content or "", end="", highlight=False, soft_wrap=True)
    console.print()
    record = last_call()
    if record and record.served_by:
        _line(console, "in the end", str(record.served_by))


def _exhausted(console: Console, sandbox: Sandbox, client: Any) -> None:
    sandbox.openai.reply(Failing("rate_limit", times=None))
    sandbox.anthropic.reply(Failing("overloaded", times=None))
    _title(console, "Nobody can answer: OpenAI limits the rate, Anthropic is overloaded.")
    _request(console, "")
    started = perf_counter()
    try:
        client.chat.completions.create(**ASK)
    except openai.RateLimitError as error:
        _hops(console, last_call())
        _line(console, "the caller got", f"{_class(error)}, after {_ms(perf_counter() - started)}", "bold red")
        _line(console, "its status", f"{error.status_code}, from OpenAI's own response")
        _line(console, "its note", "\n".join(error.__notes__))
    else:
        raise AssertionError("a chain without a healthy target has answered")


def _title(console: Console, text: str) -> None:
    console.print(text, style="bold cyan", soft_wrap=True)


def _request(console: Console, more: str) -> None:
    question = ASK["messages"][0]["content"]
    call = f'create(model="{ASK["model"]}", messages=[... "{question}"]{more})'
    _line(console, "the request", f"client.chat.completions.{call}")


def _hops(console: Console, record: CallRecord | None) -> None:
    for hop in record.hops if record else ():
        _line(console, f"hop {hop.index + 1}", _said(hop), STYLES.get(hop.status, ""))


def _said(hop: Hop) -> str:
    """As the demo's readers need it: who, what came of it, how long it took."""
    came = hop.status if hop.status != "failed" else f"{hop.http_status or hop.code} ({hop.kind})"
    came = "answers" if hop.status == "pending" else came
    tries = "" if hop.attempts == 1 else f", asked {hop.attempts} times"
    return f"{hop.provider}/{hop.model}: {came}, {_ms(hop.duration_s)}{tries}"


def _line(console: Console, label: str, text: str, style: str = "") -> None:
    _label(console, label)
    first, *more = text.splitlines()
    console.print(Text(first, style), soft_wrap=True)
    for line in more:
        console.print(Text(f"{'':22}{line}", style), soft_wrap=True)


def _label(console: Console, label: str) -> None:
    console.print(Text(f"  {label:<20}", "dim"), end="", soft_wrap=True)


def _class(value: object) -> str:
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
