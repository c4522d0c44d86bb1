"""Where records go is checked when an instance is made, not in a call."""

from __future__ import annotations

import pytest

import spaturzu
from spaturzu.errors import ConfigError


@pytest.mark.parametrize("key", ["k\r\nx-other: 1", "key\n", "k ey", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_repeated(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would end the header, and what follows in it would be headers of its own."""
    monkeypatch.setenv("SPATURZU_API_KEY", key)
    for made in (lambda: spaturzu.Spaturzu(api_key=key), spaturzu.Spaturzu):
        with pytest.raises(ConfigError, match="the key") as refused:
            made()
        assert key not in str(refused.value)


@pytest.mark.parametrize("url", ["https://gateway/a b", "https://gateway/a\r\nb", "https://gate way"])
def test_a_url_with_a_blank_or_a_line_end_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        spaturzu.Spaturzu(base_url=url, api_key="k")
