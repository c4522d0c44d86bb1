"""By what the ledger's hops are told apart, and which of them count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spaturzu.errors import LedgerError

from .schema import COLUMNS, record_of
from .store import Store

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """A dimension: an SQL expression over `hops`. `overlaps`: one hop may be in several of its groups."""

    name: str
    key: str
    parameters: tuple[str, ...] = ()
    overlaps: bool = False


_COLUMNS = {
    "agent": "agent_name",
    "run": "run_id",
    "model": "request_model",
    "provider": "provider",
    "customer": "customer_id",
    "session": "session_id",
}
DAY = By(name="day", key=f"CAST(started_at / {DAY_S} AS INTEGER)")
TAG = By(name="tag", key="tagged.key || '=' || tagged.value", overlaps=True)
_DIMENSIONS = {**{name: By(name=name, key=column) for name, column in _COLUMNS.items()}, "day": DAY, "tag": TAG}


def by(text: str) -> By:
    """`agent`, `run`, `model`, `day`, ..., or `tag:KEY` for the values of one tag. Raises LedgerError."""
    name, _, tag = text.partition(":")
    if name == "tag" and tag:
        return By(name=text, key="(SELECT value FROM json_each(hops.tags) WHERE key = ?)", parameters=(tag,))
    if text not in _DIMENSIONS:
        raise LedgerError(f"spaturzu: spending is not kept by '{text}'; choose {', '.join(_DIMENSIONS)} or tag:KEY")
    return _DIMENSIONS[text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which hops count: those that started in [`since`, `until`), Unix seconds, with these values. None: has none."""

    since: float | None = None
    until: float | None = None
    equal: tuple[tuple[By, str | None], ...] = ()

    def sql(self) -> tuple[str, list[Any]]:
        """The condition, and its parameters."""
        conditions, parameters = ["1"], list[Any]()
        for operator, limit in ((">=", self.since), ("<", self.until)):
            if limit is not None:
                conditions.append(f"started_at {operator} ?")
                parameters.append(limit)
        for dimension, value in self.equal:
            conditions.append(f"{dimension.key} IS ?")
            parameters += [*dimension.parameters, value]
        return " AND ".join(conditions), parameters


EVERYTHING = Where()


def equal(text: str) -> tuple[By, str | None]:
    """`agent=triage`, `tag:team=search`; `agent=` for those without one. Raises LedgerError."""
    name, sign, value = text.partition("=")
    if not sign:
        raise LedgerError(
            f"spaturzu: '{text}' is no condition; write NAME=VALUE, as in agent=triage or tag:team=search"
        )
    dimension = by(name)
    if dimension in (DAY, TAG):
        raise LedgerError(f"spaturzu: '{text}' is no condition; {_INSTEAD[dimension.name]}")
    return dimension, value or None


_INSTEAD = {"day": "say from when to when with --since and --until", "tag": "name the tag, as in tag:team=search"}

NAMES = ", ".join(COLUMNS)


def hops_after(store: Store, seq: int, where: Where = EVERYTHING) -> list[tuple[int, Any]]:
    """Hops that were written after number `seq`, in their order, each with its number."""
    condition, parameters = where.sql()
    rows = store.select(
        f"SELECT seq, {NAMES} FROM hops WHERE seq > ? AND {condition} ORDER BY seq",  # noqa: S608 - parts from above
        [seq, *parameters],
    )
    return [(row[0], record_of(row[1:])) for row in rows]


def number_before(store: Store, count: int, where: Where = EVERYTHING) -> int:
    """The number after which the last `count` hops were written."""
    condition, parameters = where.sql()
    rows = store.select(
        f"SELECT seq FROM hops WHERE {condition} ORDER BY seq DESC LIMIT 1 OFFSET ?",  # noqa: S608 - parts from above
        [*parameters, count],
    )
    return rows[0][0] if rows else 0


def last_number(store: Store) -> int:
    """The number of the hop that was written last; 0 in an empty ledger."""
    return store.select("SELECT ifnull(max(seq), 0) FROM hops")[0][0]
