"""docs/loss-matrix.md says what the codecs do."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from spaturzu_translators.loss_matrix import Fate, fate, features, page
from spaturzu_translators.messages import WIRES

PAGE = Path(__file__).parents[2] / "docs" / "loss-matrix.md"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m spaturzu_translators.loss_matrix > docs/loss-matrix.md"


def test_every_direction_has_features_that_carry_and_features_that_do_not() -> None:
    seen: set[str] = set()
    for primary in WIRES:
        rows = [request for _, request in features(primary)]
        assert len(rows) > 20
        for target in WIRES:
            if target != primary:
                fates = {fate(request, target) for request in rows}
                assert {"carried", "skips the target"} < fates
                seen |= fates
    assert seen == set(get_args(Fate))


def test_a_schema_beyond_the_targets_dialect_is_emulated_by_a_forced_tool() -> None:
    asked = dict(features("openai"))["JSON schema with patternProperties"]
    assert (fate(asked, "anthropic"), fate(asked, "mistral")) == ("emulated", "carried")
