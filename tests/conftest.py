"""Shared by all tests: hypothesis profiles, and breakers that remember nothing of the test before."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from spaturzu.router.breakers import PROCESS

settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="session", autouse=True)
def _ledger_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """No test writes into the developer's own ledger, nor do processes that tests start."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SPATURZU_DB", str(tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"))
        for name in ("SPATURZU_API_KEY", "SPATURZU_BASE_URL"):
            environment.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def closed_breakers() -> None:
    """Breakers belong to the process, and tests share endpoints."""
    PROCESS.forget()
