"""Records to put into a ledger."""

from __future__ import annotations

from typing import Any

from spaturzu.attribution import uuid7
from spaturzu.ledger.record import Record
from spaturzu_translators.responses import Usage


def record(**fields: Any) -> Record:
    """A served call of one hop; `fields` say what else it is. `input`, `output`: tokens."""
    tokens = Usage(input_tokens=fields.pop("input", 100), output_tokens=fields.pop("output", 20))
    plain: dict[str, Any] = {
        "id": uuid7(),
        "hop": 0,
        "provider": "openai",
        "request_model": "gpt-6-astra",
        "outcome": "served",
        "status": 200,
        "started_at": 1_795_000_000.0,
        "latency_ms": 800,
        "usage": tokens,
        "usage_source": "provider",
        "cost_nanodollars": 1_000_000,
        "price_source": "genai-prices",
    }
    merged = {**plain, **fields}
    return Record(**{"call_id": merged["id"], **merged})


def failed(**fields: Any) -> Record:
    """A hop that failed, and cost nothing."""
    lost = {"usage": None, "usage_source": None, "cost_nanodollars": None, "price_source": None}
    return record(**{"outcome": "failed", "status": 503, "kind": "overloaded", **lost, **fields})


FULL: dict[str, Any] = {
    "response_model": "gpt-6-astra-2026-10-01",
    "response_id": "chatcmpl-1",
    "code": None,
    "attempts": 2,
    "first_token_ms": 210,
    "streamed": True,
    "stitched": True,
    "run_id": "0e1f",
    "parent_request_id": "0a0a",
    "agent_name": "writer",
    "agent_path": ("planner", "writer"),
    "tags": {"team": "søk", 'quo"te': "x"},
    "customer_id": "acme",
    "session_id": "s-1",
    "service_tier": "flex",
    "losses": ("seed", "tools[0].strict"),
    "usage": Usage(
        input_tokens=100,
        output_tokens=20,
        cache_read_tokens=50,
        cache_creation_tokens=30,
        cache_creation_5m_tokens=10,
        cache_creation_1h_tokens=20,
        reasoning_tokens=5,
        input_audio_tokens=1,
        output_audio_tokens=2,
    ),
}
"""Fields of a record that has all of them."""
