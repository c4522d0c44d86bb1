"""One hop as it is recorded: metadata only, never a prompt nor an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from spaturzu_translators.failures import FailureKind
from spaturzu_translators.messages import Provider
from spaturzu_translators.responses import Usage
from spaturzu_translators.values import value

UsageSource: TypeAlias = Literal["provider", "tiktoken", "heuristic"]
Outcome: TypeAlias = Literal["served", "failed", "skipped", "abandoned"]
Operation: TypeAlias = Literal["chat", "embeddings", "unmetered"]
"""`unmetered`: a call that was passed through without being understood; it is counted, not priced."""


@value
class Record:
    """One hop of a call.

    `id` and `call_id` are UUIDv7 (of the start of hop and call); `hop` counts from 0. `started_at` is Unix seconds.
    `status` is the HTTP status (200 for an answer), None for a hop that was skipped. `usage` None: not known.
    `hosted` counts what the provider ran itself and bills beside the tokens, by `pricing.units.HostedTool`.
    `cost_nanodollars` None: the price is not known; never 0 for that. `losses` are paths.
    """

    id: str
    call_id: str
    hop: int
    provider: Provider
    operation: Operation = "chat"
    request_model: str
    response_model: str | None = None
    response_id: str | None = None
    outcome: Outcome
    status: int | None
    kind: FailureKind | None = None
    code: str | None = None
    attempts: int = 1
    started_at: float
    latency_ms: int
    first_token_ms: int | None = None
    streamed: bool = False
    stitched: bool = False
    run_id: str | None = None
    parent_request_id: str | None = None
    agent_name: str | None = None
    agent_path: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    customer_id: str | None = None
    session_id: str | None = None
    usage: Usage | None = None
    usage_source: UsageSource | None = None
    hosted: Mapping[str, int] = field(default_factory=dict[str, int])
    service_tier: str | None = None
    cost_nanodollars: int | None = None
    price_source: str | None = None
    losses: tuple[str, ...] = ()
