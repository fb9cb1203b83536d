"""Every bound of a setting, to the number: the last that is allowed and the first that is not."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.core.exceptions import ImproperlyConfigured

from ebrcs.env import Environment


def settings_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """Read the settings once more, in another environment."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(project_settings.BASE_DIR / "ebrcs" / "settings.py"))


BOUNDS = [
    ("EBRCS_ALERT_ESCALATES_AFTER_S", (5, 3_600), (4, 3_601), "5 to 3600"),
    ("EBRCS_SESSION_IDLE_MINUTES", (1, 10_080), (0, 10_081), "1 to 10080"),
    (
        "EBRCS_IMAGE_MAX_BYTES",
        (2**10, 2**30),
        (2**10 - 1, 2**30 + 1),
        "1024 to 1073741824",
    ),
    (
        "EBRCS_IMAGE_MAX_PIXELS",
        (10_000, 500_000_000),
        (9_999, 500_000_001),
        "10000 to 500000000",
    ),
    ("EBRCS_FRAME_MAX_PER_SECOND", (1, 1_000), (0, 1_001), "1 to 1000"),
    ("EBRCS_DATABASE_POOL", (20, 1_000), (19, 1_001), "20 to 1000"),
    ("EBRCS_VISUAL_WEIGHT", (0.0, 1.0), (-0.001, 1.001), "0.0 to 1.0"),
    ("EBRCS_FALSE_ACCEPT_RATE", (0.0001, 0.5), (0.00009, 0.501), "0.0001 to 0.5"),
    ("EBRCS_PROXIES", (0, 10), (-1, 11), "0 to 10"),
]


@pytest.mark.parametrize(("variable", "allowed", "refused", "said"), BOUNDS)
def test_both_ends_are_allowed_and_nothing_beyond_them(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    allowed: tuple[float, float],
    refused: tuple[float, float],
    said: str,
) -> None:
    for value in allowed:
        found = settings_with(monkeypatch, **{variable: str(value)})
        proxies = found["REST_FRAMEWORK"]["NUM_PROXIES"]
        assert (proxies if variable == "EBRCS_PROXIES" else found[variable.removeprefix("EBRCS_")]) == value
    for value in refused:
        with pytest.raises(ImproperlyConfigured) as error:
            settings_with(monkeypatch, **{variable: str(value)})
        assert str(error.value) == f"{variable}={value}: allowed are {said}"


@pytest.mark.parametrize("value", ["EU", "EURO", "E1R", "€UR"])
def test_a_currency_has_three_letters(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert settings_with(monkeypatch, EBRCS_CURRENCY="krw")["CURRENCY"] == "KRW"
    with pytest.raises(ImproperlyConfigured, match=r"^EBRCS_CURRENCY: three letters such as EUR are needed$"):
        settings_with(monkeypatch, EBRCS_CURRENCY=value)


@pytest.mark.parametrize("level", ["debug", "INFO", "Warning", "ERROR", "critical"])
def test_a_log_level_is_read_in_any_case(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    found = settings_with(monkeypatch, EBRCS_LOG_LEVEL=level)
    assert found["LOGGING"]["root"]["level"] == level.upper()


def test_a_log_level_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ImproperlyConfigured, match=r"^EBRCS_LOG_LEVEL: allowed are DEBUG, INFO, WARNING, ERROR, CRITICAL$"
    ):
        settings_with(monkeypatch, EBRCS_LOG_LEVEL="TRACE")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_format_of_the_log_is_one_of_two(monkeypatch: pytest.MonkeyPatch, log_format: str) -> None:
    found = settings_with(monkeypatch, EBRCS_LOG_FORMAT=log_format)
    assert found["LOGGING"]["handlers"]["console"]["formatter"] == log_format


def test_a_rate_allows_less_than_a_billion() -> None:
    assert Environment({"X": "999999999/day"}).rate("X", "") == "999999999/day"
    with pytest.raises(ImproperlyConfigured, match=r"^X: a number above 0, a slash"):
        Environment({"X": "1000000000/day"}).rate("X", "")


def test_a_decimal_bound_is_included_at_both_ends() -> None:
    for value in ("0.25", "0.75"):
        assert Environment({"X": value}).number("X", 0.5, minimum=0.25, maximum=0.75) == float(value)


def test_the_name_of_the_store_fits_its_column(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_with(monkeypatch, EBRCS_STORE_NAME="x" * 100)["STORE_NAME"] == "x" * 100
    with pytest.raises(ImproperlyConfigured, match="EBRCS_STORE_NAME: up to 100 characters are allowed"):
        settings_with(monkeypatch, EBRCS_STORE_NAME="x" * 101)


def test_a_pin_is_tried_five_times_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = settings_with(monkeypatch)["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"]
    assert rates["pin"] == "5/min"
    rates = settings_with(monkeypatch, EBRCS_RATE_PIN="3/hour")["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"]
    assert rates["pin"] == "3/hour"
