"""How the commands say money, tokens and times, and read them."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from spaturzu.ledger.costs import Cost
    from spaturzu.ledger.record import Record

NOBODY = "(none)"
"""The group of those that have no agent, run, tag, ..."""


def dollars(nanodollars: int) -> Decimal:
    """The exact amount."""
    return Decimal(nanodollars).scaleb(-9)


def money(nanodollars: int) -> str:
    """US dollars: cents from one dollar on, below that six places, or nine where six would say nothing."""
    amount = dollars(nanodollars)
    places = 2 if abs(amount) >= 1 else 6 if abs(amount) >= Decimal("0.000001") or not amount else 9
    return f"${amount:,.{places}f}"


def cost(given: Cost) -> str:
    """Never 0 for what is not known: `unknown`, or `$1.20 + 3 unpriced`; `-` where nothing was charged."""
    if given.nanodollars is None:
        return "unknown" if given.unpriced else "-"
    return money(given.nanodollars) + (f" + {given.unpriced} unpriced" if given.unpriced else "")


def counted(count: int, noun: str) -> str:
    """`1 hop`, `1,200 hops`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def asked(record: Record) -> str:
    """`openai/gpt-6-astra`; a call that passed through may name no model."""
    named = record.request_model or ("passed through" if record.operation == "unmetered" else NOBODY)
    return f"{record.provider}/{named}" if record.request_model else f"{record.provider} {named}"


def assumptions(record: Record) -> str:
    """What its price leaves out or stands in for, in the price list's words."""
    _, _, said = (record.price_source or "").partition("; ")
    return said


def tokens(record: Record) -> str:
    """`1,200 in, 30 out`; `~` before counts that are estimates; nothing where there are none."""
    if record.usage is None:
        return ""
    about = "" if record.usage_source in ("provider", None) else "~"
    said = [(record.usage.input_tokens, "in"), (record.usage.output_tokens, "out")]
    return ", ".join(f"{about}{count:,} {name}" for count, name in said if count is not None)


def outcome(record: Record) -> str:
    """`served`, or why not: `failed: overloaded 503`."""
    if record.outcome in ("served", "abandoned"):
        return record.outcome + (" (resumed)" if record.stitched else "")
    why = " ".join(str(word) for word in (record.kind, record.status) if word is not None)
    return f"{record.outcome}: {why}" if why else record.outcome


def seconds(milliseconds: float) -> str:
    """`812 ms`, `3.2 s`, `4 min 10 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds // 60_000:.0f} min {milliseconds % 60_000 / 1000:.0f} s"


def moment(unix_s: float) -> str:
    """UTC, to the second."""
    return f"{datetime.datetime.fromtimestamp(unix_s, datetime.UTC):%Y-%m-%d %H:%M:%S}Z"


_UNITS_S = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


class Moment(click.ParamType):  # pyright: ignore[reportMissingTypeArgument] - generic from click 8.4 on only
    """An option's time: `90m`, `24h`, `7d`, `2w` ago, or a date or time of ISO 8601, UTC where it names no zone."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Unix seconds."""
        if not isinstance(value, str):
            return value
        if ago := re.fullmatch(r"(\d+)([mhdw])", value):
            now = datetime.datetime.now(datetime.UTC).timestamp()
            return now - int(ago[1]) * _UNITS_S[ago[2]]
        try:
            read = datetime.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is no time; write 90m, 24h, 7d, 2026-11-25 or 2026-11-25T08:00Z", param, ctx)
        return (read if read.tzinfo else read.replace(tzinfo=datetime.UTC)).timestamp()
