"""The ledger's tables, and how a record stands in a row.

`hops` is the ledger: one row for each hop. `spool` holds records that wait for a gateway: the same columns, to whom
they go, and until when somebody is sending them. Money is whole nanodollars, times are Unix seconds (UTC).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, TypeAlias, cast

from spaturzu_translators.responses import Usage

from .record import Record

Table: TypeAlias = Literal["hops", "spool"]

PLAIN = (
    *("id", "call_id", "hop", "provider", "operation", "request_model", "response_model", "response_id", "outcome"),
    *("status", "kind", "code", "attempts", "started_at", "latency_ms", "first_token_ms", "streamed", "stitched"),
    *("run_id", "parent_request_id", "agent_name", "customer_id", "session_id", "usage_source", "service_tier"),
    *("cost_nanodollars", "price_source"),
)
"""Fields of a Record that are a column each."""
TOKENS = (
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_5m_tokens"),
    *("cache_creation_1h_tokens", "reasoning_tokens", "input_audio_tokens", "output_audio_tokens"),
)
"""Fields of its Usage that are."""
LISTS = ("agent_path", "tags", "losses", "hosted")
"""Fields that are JSON in their column; NULL stands for an empty one."""
COLUMNS = (*PLAIN, *TOKENS, *LISTS)

_HOP_COLUMNS = """
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    call_id TEXT NOT NULL,
    hop INTEGER NOT NULL,
    provider TEXT NOT NULL,
    operation TEXT NOT NULL,
    request_model TEXT NOT NULL,
    response_model TEXT,
    response_id TEXT,
    outcome TEXT NOT NULL,
    status INTEGER,
    kind TEXT,
    code TEXT,
    attempts INTEGER NOT NULL,
    started_at REAL NOT NULL,
    latency_ms INTEGER NOT NULL,
    first_token_ms INTEGER,
    streamed INTEGER NOT NULL,
    stitched INTEGER NOT NULL,
    run_id TEXT,
    parent_request_id TEXT,
    agent_name TEXT,
    customer_id TEXT,
    session_id TEXT,
    usage_source TEXT,
    service_tier TEXT,
    cost_nanodollars INTEGER,
    price_source TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_creation_tokens INTEGER,
    cache_creation_5m_tokens INTEGER,
    cache_creation_1h_tokens INTEGER,
    reasoning_tokens INTEGER,
    input_audio_tokens INTEGER,
    output_audio_tokens INTEGER,
    agent_path TEXT,
    tags TEXT,
    losses TEXT
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"CREATE TABLE hops ({_HOP_COLUMNS})",
        "CREATE INDEX hops_started_at ON hops (started_at)",
        "CREATE INDEX hops_call_id ON hops (call_id)",
        "CREATE INDEX hops_run_id ON hops (run_id, started_at) WHERE run_id IS NOT NULL",
        f"CREATE TABLE spool ({_HOP_COLUMNS}, destination TEXT NOT NULL, leased_until REAL NOT NULL DEFAULT 0)",
        "CREATE INDEX spool_destination ON spool (destination, seq)",
    ),
    ("ALTER TABLE hops ADD COLUMN hosted TEXT", "ALTER TABLE spool ADD COLUMN hosted TEXT"),
)
"""What brings a file from version N (`PRAGMA user_version`) to N + 1. Those that have been released never change."""

_plain = attrgetter(*PLAIN)
_tokens = attrgetter(*TOKENS)
_NO_TOKENS = (None,) * len(TOKENS)
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_of(record: Record) -> tuple[Any, ...]:
    """Its values in the order of COLUMNS. What a provider reported beyond the canonical usage is not kept."""
    return (
        *_plain(record),
        *(_NO_TOKENS if record.usage is None else _tokens(record.usage)),
        _path_to_json(record.agent_path),
        _to_json(dict(record.tags)) if record.tags else None,
        _path_to_json(record.losses),
        _to_json(dict(record.hosted)) if record.hosted else None,
    )


@lru_cache(1024)
def _path_to_json(path: tuple[str, ...]) -> str | None:
    """Cached: a process has few agents, and writes them often."""
    return _to_json(path) if path else None


def record_of(row: Sequence[Any]) -> Record:
    """The record that `row_of` made a row of. A usage without a single number reads as None."""
    fields = dict(zip(PLAIN, row, strict=False))
    fields["streamed"], fields["stitched"] = bool(fields["streamed"]), bool(fields["stitched"])
    tokens = row[len(PLAIN) : len(PLAIN) + len(TOKENS)]
    if any(count is not None for count in tokens):
        fields["usage"] = Usage(**dict(zip(TOKENS, tokens, strict=True)))
    agent_path, tags, losses, hosted = (json.loads(value) if value else () for value in row[len(PLAIN) + len(TOKENS) :])
    return Record(
        **fields,
        agent_path=tuple(agent_path),
        tags=cast("Mapping[str, str]", tags or {}),
        losses=tuple(losses),
        hosted=cast("Mapping[str, int]", hosted or {}),
    )
