"""Tables for spreadsheets: nothing in them is taken for a formula, and numbers stay numbers."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pytest_django.fixtures import Settings

from ebrcs.admin_site.csv_export import csv_lines

FORMULA_STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]


def read(*rows: list[object]) -> list[list[str]]:
    text = "".join(csv_lines(["a"], rows))
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))[1:]


@pytest.mark.parametrize("start", FORMULA_STARTS, ids=ascii)
def test_text_that_may_be_a_formula_is_led_by_an_apostrophe(start: str) -> None:
    assert read([f"{start}1+1"]) == [[f"'{start}1+1"]]


def test_other_cells_are_written_as_they_are(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Seoul"
    row: list[object] = ["1 = 1", Decimal("-2.50"), -3, None, datetime(2026, 11, 21, 9, tzinfo=UTC)]

    assert read(row) == [["1 = 1", "-2.50", "-3", "", "2026-11-21T18:00:00+09:00"]]
