"""Rates in the environment."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from ebrcs.env import Environment


@pytest.mark.parametrize("rate", ["1/s", "10/min", "5/hour", "200/day", "3/m"])
def test_a_rate_is_read(rate: str) -> None:
    assert Environment({"RATE": rate}).rate("RATE", "1/s") == rate


@pytest.mark.parametrize("rate", ["10", "0/min", "-1/min", "10/week", "10 / min", "many/min", "1.5/s"])
def test_a_rate_that_cannot_be_meant_is_refused_with_what_is_allowed(rate: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="a number above 0, a slash and s, min, hour or day"):
        Environment({"RATE": rate}).rate("RATE", "1/s")
