"""docs/loss-matrix.md says what the codecs do."""

from __future__ import annotations

from pathlib import Path

from spaturzu_translators.loss_matrix import fate, features, page
from spaturzu_translators.messages import WIRES

PAGE = Path(__file__).parents[2] / "docs" / "loss-matrix.md"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m spaturzu_translators.loss_matrix > docs/loss-matrix.md"


def test_every_direction_has_features_that_carry_and_features_that_do_not() -> None:
    for primary in WIRES:
        rows = [request for _, request in features(primary)]
        assert len(rows) > 25
        for target in WIRES:
            if target != primary:
                fates = {fate(request, target) for request in rows}
                assert {"carried", "skips the target"} < fates
